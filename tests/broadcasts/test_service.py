"""Who may broadcast, who is left in peace, and what is written down."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.audit import model as audit
from central.bridge import intake
from central.broadcasts import model, service
from central.broadcasts.service import Plan
from central.capabilities import rules
from central.clock import FakeClock
from central.directory import removing
from central.directory import service as directory
from central.errors import FieldError
from central.store import Store, Tx
from central.wards import model as wards

HEAD, STATION, OFFICE = "001565000001", "001565000002", "001565000003"
ALL_DAY = {"from_min": 0, "to_min": 1439, "volume": 20}


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    store = Store(tmp_path / "wardline.db", FakeClock())
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-box", "3", "bedside")
        person = directory.add_person(tx, "周院长")
        directory.add_extension(tx, "8001", "院长", person=person)
        directory.add_extension(tx, "8003", "三病区护士站", ward="3")
        directory.add_extension(tx, "8004", "办公室")
        for device, number in ((HEAD, "8001"), (STATION, "8003"), (OFFICE, "8004")):
            directory.add_phone(tx, device, number)
        service.allow(tx, "extension", "8001", True, by="admin")
        yield tx
    store.close()


def begun(tx: Tx, urgent: bool = False, number: str = "8001", device: str = HEAD) -> Plan:
    plan = service.begin(tx, "channel-1", number, device, urgent)
    assert isinstance(plan, Plan)
    return plan


def outcomes(tx: Tx, plan: Plan) -> dict[str, str | None]:
    return {row["device"]: row["outcome"] for row in model.phones(tx, plan.broadcast)}


def last_audit(tx: Tx) -> tuple[str, str, str, dict[str, object]]:
    row = tx.one("SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    assert row is not None
    detail = json.loads(row["detail"])
    return row["who"], row["what"], detail.get("result", ""), detail


def test_the_telephones_show_which_of_the_two_it_is(tx: Tx) -> None:
    directory.add_service(tx, "621", "broadcast")
    directory.add_service(tx, "622", "broadcast_urgent")
    assert begun(tx).number == "621"
    assert begun(tx, urgent=True).number == "622"


def test_everybody_but_the_caller_is_reached_and_it_is_written_down(tx: Tx) -> None:
    plan = begun(tx)
    assert plan.endpoints == (f"PJSIP/{STATION}", f"PJSIP/{OFFICE}")
    assert (plan.wards, plan.group, plan.stream) == (("3",), None, f"broadcast-{plan.broadcast}")
    who, what, _, detail = last_audit(tx)
    assert (who, what, detail["person"]) == ("8001", "broadcast.begin", "周院长")
    assert isinstance(tx.clock, FakeClock)
    tx.clock.advance(12_000)
    service.end(tx, plan.broadcast, model.ENDED,
                {f"PJSIP/{STATION}": "heard", f"PJSIP/{OFFICE}": "busy"})  # fmt: skip
    assert outcomes(tx, plan) == {STATION: "heard", OFFICE: "busy"}
    _, what, why, detail = last_audit(tx)
    assert (what, why, detail["seconds"]) == ("broadcast.end", "ended", 12)
    assert (detail["phones_heard"], detail["phones_missed"]) == (1, 1)
    (row,) = model.newest(tx)
    assert (row["state"], row["phones"], row["phones_heard"]) == ("ended", 2, 1)
    assert audit.first_broken(tx) is None


@pytest.mark.parametrize(
    ("number", "device"), [("8004", OFFICE), (None, None), ("8001", None), ("8999", HEAD)]
)
def test_who_has_no_right_is_refused_and_written_down(
    tx: Tx, number: str | None, device: str | None
) -> None:
    assert service.begin(tx, "channel-1", number, device, False) == model.REFUSED
    who, what, why, _ = last_audit(tx)
    assert (who, what, why) == (number or "outside", "broadcast.refused", model.REFUSED)
    (row,) = model.newest(tx)
    assert (row["state"], row["ended_ms"]) == (model.REFUSED, row["began_ms"])


def test_a_class_may_and_urgent_ones_are_a_right_of_their_own(tx: Tx) -> None:
    service.allow(tx, "class", "internal", False, by="admin")
    plan = begun(tx, number="8004", device=OFFICE)
    service.end(tx, plan.broadcast, model.ENDED, {})
    assert service.begin(tx, "channel-1", "8004", OFFICE, True) == model.REFUSED
    service.forbid(tx, "class", "internal", by="admin")
    assert service.begin(tx, "channel-1", "8004", OFFICE, False) == model.REFUSED
    assert last_audit(tx)[1] == "broadcast.refused"


def test_one_speaks_at_a_time_and_an_urgent_one_goes_first(tx: Tx) -> None:
    service.allow(tx, "extension", "8004", True, by="admin")
    first = begun(tx)
    assert service.begin(tx, "channel-2", "8004", OFFICE, False) == model.OCCUPIED
    second = service.begin(tx, "channel-2", "8004", OFFICE, True)
    assert isinstance(second, Plan)
    assert second.replaces == ("channel-1",)
    service.end(tx, first.broadcast, model.ENDED, {f"PJSIP/{STATION}": "heard"})
    row = model.one(tx, first.broadcast)
    assert row is not None
    assert row["state"] == model.REPLACED
    assert outcomes(tx, first)[STATION] == "heard"
    assert service.begin(tx, "channel-3", "8001", HEAD, True) == model.OCCUPIED


@pytest.mark.parametrize(("urgent", "left_in_peace"), [(False, True), (True, False)])
def test_a_quiet_wards_telephone_is_left_in_peace_but_in_an_emergency(
    tx: Tx, urgent: bool, left_in_peace: bool
) -> None:
    assert not service.is_quiet(tx, "3")
    settings = json.dumps({"day_volume": 70, "bands": [ALL_DAY]})
    tx.execute("UPDATE wards SET settings = ?", (settings,))
    plan = begun(tx, urgent)
    assert (f"PJSIP/{STATION}" not in plan.endpoints) is left_in_peace
    assert outcomes(tx, plan)[STATION] == (model.QUIET if left_in_peace else None)
    assert f"PJSIP/{OFFICE}" in plan.endpoints


def test_many_telephones_are_reached_by_multicast_when_there_is_a_group(tx: Tx) -> None:
    service.set_group(tx, "239.255.6.21:5004", None, 2, by="admin")
    plan = begun(tx)
    assert plan.endpoints == ()
    assert plan.group is not None
    assert plan.group.address == "239.255.6.21:5004"
    assert set(outcomes(tx, plan).values()) == {model.MULTICAST}
    service.end(tx, plan.broadcast, model.ENDED, {})
    service.set_group(tx, "239.255.6.21:5004", None, 3, by="admin")
    assert begun(tx).group is None


def test_boxes_answer_by_the_name_of_the_stream(tx: Tx) -> None:
    plan = begun(tx)
    ack = {"id": plan.stream, "result": "done", "reason": "12400 ms heard, 200 ms lost"}
    intake.take_ack(tx, rules(), "3-box", ack)
    (box,) = model.boxes(tx, plan.broadcast)
    assert (box["result"], box["heard_ms"], box["lost_ms"]) == ("done", 12_400, 200)
    intake.take_ack(tx, rules(), "3-box", ack | {"result": "declined", "reason": "quiet"})
    (box,) = model.boxes(tx, plan.broadcast)
    assert (box["result"], box["reason"], box["heard_ms"]) == ("declined", "quiet", None)
    for strange in ("broadcast-x", "broadcast-", "other-7", "broadcast-" + "9" * 30):
        intake.take_ack(tx, rules(), "3-box", ack | {"id": strange})
    assert len(model.boxes(tx, plan.broadcast)) == 1


def test_after_a_restart_nothing_runs_any_more(tx: Tx) -> None:
    plan = begun(tx)
    service.recover(tx)
    row = model.one(tx, plan.broadcast)
    assert row is not None
    assert row["state"] == model.CUT
    assert service.begin(tx, "channel-1", "8001", HEAD, False) == model.CUT
    assert isinstance(service.begin(tx, "channel-2", "8001", HEAD, False), Plan)


@pytest.mark.parametrize(
    ("group", "network", "from_phones", "field"),
    [
        ("10.1.2.3:5004", None, 200, "group"),
        ("239.255.6.21", None, 200, "group"),
        ("239.255.6.21:80", None, 200, "group"),
        ("239.255.6.21:99999", None, 200, "group"),
        ("239.255.6.999:5004", None, 200, "group"),
        ("239.255.6.21:5004)", None, 200, "group"),
        (None, "everywhere", 200, "network"),
        (None, None, 0, "from_phones"),
    ],
)
def test_a_wrong_multicast_setting_is_refused(
    tx: Tx, group: str | None, network: str | None, from_phones: int, field: str
) -> None:
    with pytest.raises(FieldError) as refused:
        service.set_group(tx, group, network, from_phones, by="admin")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("holder", "name", "field"),
    [("extension", "8999", "name"), ("class", "kings", "name"), ("phone", HEAD, "holder")],
)
def test_a_right_of_nobody_is_refused(tx: Tx, holder: str, name: str, field: str) -> None:
    with pytest.raises(FieldError) as refused:
        service.allow(tx, holder, name, False, by="admin")
    assert refused.value.field == field


def test_a_number_that_is_given_to_somebody_else_has_no_right_by_its_past(tx: Tx) -> None:
    tx.execute("DELETE FROM phones WHERE device = ?", (HEAD,))
    removing.remove_extension(tx, "8001", by="admin")
    directory.add_extension(tx, "8001", "Somebody else")
    directory.add_phone(tx, HEAD, "8001")
    assert service.begin(tx, "channel-1", "8001", HEAD, False) == model.REFUSED
