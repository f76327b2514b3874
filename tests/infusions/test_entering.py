"""What a nurse enters: refused with the field's name, in the user's language."""

import sqlite3
from typing import Any

import pytest

from central.errors import FieldError
from central.infusions import checks, service
from central.words import seen
from tests.infusions.conftest import Ward

MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("changes", "field", "english", "chinese"),
    [
        ({"gtt_per_min": 0}, "gtt_per_min", "between 1 and 300", "暂停"),
        ({"gtt_per_min": 301}, "gtt_per_min", "between 1 and 300", "300"),
        ({"factor": 13}, "factor", "no known tube", "输液器"),
        ({"volume_ml": 0}, "volume_ml", "between 1 and 5000", "毫升"),
        ({"volume_ml": -5}, "volume_ml", "between 1 and 5000", "毫升"),
        ({"volume_ml": "half"}, "volume_ml", "“half” is not a whole number", "整数"),
        ({"volume_ml": "²"}, "volume_ml", "not a whole number", "整数"),
        ({"volume_ml": 1.5}, "volume_ml", "not a whole number", "整数"),
        ({"volume_ml": None}, "volume_ml", "enter a number", "请填写"),
        ({"volume_ml": True}, "volume_ml", "not a whole number", "整数"),
        ({"ward": "77"}, "ward", "choose a ward", "病区"),
        ({"bed": "77"}, "bed", "no bed 77", "没有77床"),
        ({"bed": ""}, "bed", "choose a bed", "床位"),
        ({"of_bottles": 0}, "of_bottles", "between 1 and 20", "瓶数"),
        ({"of_bottles": 3, "last_bottle": True}, "of_bottles", "cannot be followed", "最后一瓶"),
    ],
)
def test_refused_naming_the_field(
    ward: Ward, changes: dict[str, Any], field: str, english: str, chinese: str
) -> None:
    with pytest.raises(FieldError) as refused:
        ward.start(**changes)
    error = refused.value
    assert error.field == field
    assert english in seen("en", error.message, **error.values)
    assert chinese in seen("zh", error.message, **error.values)
    assert ward.store.read().value("SELECT count(*) FROM infusions") == 0
    assert ward.schedules() == []


def test_a_start_in_the_future_is_refused(ward: Ward) -> None:
    with pytest.raises(FieldError, match="future") as refused:
        ward.start(started_ms=ward.clock.now_ms() + 1)
    assert refused.value.field == "started_ms"
    assert "将来" in seen("zh", refused.value.message)


def test_a_start_long_past_is_asked_about(ward: Ward) -> None:
    now_ms = ward.clock.now_ms()
    ward.start(started_ms=now_ms - 5 * MINUTE_MS)
    with pytest.raises(FieldError, match="more than 5 minutes back"):
        ward.start(started_ms=now_ms - 5 * MINUTE_MS - 1)
    late = ward.start(started_ms=now_ms - 30 * MINUTE_MS, start_confirmed=True)
    assert ward.schedules(late)[-1]["prompts"][0]["in_ms"] == 130 * MINUTE_MS


def test_all_wrong_fields_are_named_at_once(ward: Ward) -> None:
    bottle, wrong = checks.bottle(ward.store.read(), {"ward": "3", "bed": "5", "factor": "1"})
    assert bottle is None
    assert [error.field for error in wrong] == ["volume_ml", "factor", "gtt_per_min"]


def test_the_form_and_the_interface_may_send_text(ward: Ward) -> None:
    row = ward.row(ward.start(volume_ml=" 250 ", factor="20", gtt_per_min="50"))
    assert (row["volume_ml"], row["factor"]) == (250, 20)


def test_the_last_of_three_is_the_last_bottle(ward: Ward) -> None:
    given = {"ward": "3", "bed": "5", "volume_ml": 100, "factor": 20, "gtt_per_min": 40}
    bottle, _wrong = checks.bottle(ward.store.read(), given | {"of_bottles": 3}, bottle_no=3)
    assert bottle is not None
    assert bottle.last_bottle


def test_changes_are_checked_too(ward: Ward) -> None:
    infusion = ward.start()
    with pytest.raises(FieldError, match="gtt_per_min"):
        ward.do(service.set_rate, infusion, 0, "nurse3")
    with pytest.raises(FieldError, match="between 0 and the bottle's 500 mL"):
        ward.do(service.rebaseline, infusion, "nurse3", remaining_ml=501)
    with pytest.raises(FieldError, match="remaining_ml"):
        ward.do(service.rebaseline, infusion, "nurse3")
    with pytest.raises(FieldError, match="in_min"):
        ward.do(service.remind_dressing, ward="3", bed="5", in_min=0, by="nurse3")
    assert ward.history(infusion) == ["started"]


def test_what_is_over_or_unknown_cannot_be_changed(ward: Ward) -> None:
    infusion = ward.start()
    ward.do(service.stop, infusion, "nurse3")
    with pytest.raises(service.InfusionOverError):
        ward.do(service.pause, infusion, "nurse3")
    with pytest.raises(service.UnknownInfusionError):
        ward.do(service.pause, 999, "nurse3")
    dressing = ward.do(service.remind_dressing, ward="3", bed="5", in_min=60, by="nurse3")
    with pytest.raises(service.UnknownInfusionError):
        ward.do(service.set_rate, dressing, 40, "nurse3")


@pytest.mark.parametrize("table", ["infusion_segments", "infusion_events"])
@pytest.mark.parametrize("wish", ["DELETE FROM {}", "UPDATE {} SET infusion = 2"])
def test_rates_and_history_are_append_only(ward: Ward, table: str, wish: str) -> None:
    ward.start()
    with (
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ward.store.transaction() as tx,
    ):
        tx.execute(wish.format(table))
