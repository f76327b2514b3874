"""The pages of drips: what a nurse types is kept, refused in her language, and acted on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.infusions import model, service
from central.store import Store
from central.wards import model as wards
from tests import visitor

MINUTE_MS = 60_000
GOOD = {"place": "3/5", "volume_ml": "500", "factor": "20", "gtt_per_min": "50"}
# 2026-11-24 14:05 in Shanghai.
NOW_MS = 1_795_500_300_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS)


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with visitor.console(tmp_path, clock) as made:
        with visitor.store_of(made).transaction() as tx:
            for ward in ("3", "5"):
                wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
                wards.add_node(tx, f"{ward}-box", ward, "bedside")
                for bed in ("3", "5"):
                    wards.add_bed(tx, ward, bed, f"{ward}-box")
        visitor.hire(made, "wang", "nurse", "3")
        visitor.hire(made, "eng", "engineer")
        yield made


@pytest.fixture
def opened(app: Flask) -> Store:
    return visitor.store_of(app)


def log_in(app: Flask, name: str = "wang", lang: str = "en") -> FlaskClient:
    client = visitor.log_in(app, name)
    client.get(f"/infusions?lang={lang}")
    return client


def post(client: FlaskClient, path: str, **given: str) -> Any:
    return client.post(path, data=given | {"csrf_token": visitor.token_of(client, "/infusions")})


def api(client: FlaskClient, given: object, csrf: bool = True) -> Any:
    headers = {"X-CSRFToken": visitor.token_of(client, "/infusions")} if csrf else {}
    return client.post("/api/infusions", json=given, headers=headers)


def test_a_drip_is_started_with_the_form(app: Flask, opened: Store) -> None:
    client = log_in(app)
    answer = post(client, "/infusions/new", **GOOD, label="A")
    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "Drip at bed 5" in page
    assert "17:25, in 3 h 20 min" in page
    assert "“first look” at 16:45" in page
    (row,) = model.running(opened.read())
    assert (row["started_by"], row["label"]) == ("wang", "A")


@pytest.mark.parametrize(
    ("lang", "field", "value", "words"),
    [
        ("en", "gtt_per_min", "0", "The rate must be between 1 and 300 drops per minute"),
        ("zh", "gtt_per_min", "0", "滴速应在每分钟 1 到 300 滴之间"),
        ("en", "factor", "12", "12 drops per mL is no known tube"),
        ("zh", "factor", "12", "没有每毫升 12 滴的输液器"),
        ("en", "volume_ml", "0", "The volume must be between 1 and 5000 mL"),
        ("zh", "volume_ml", "0", "容量应在 1 到 5000 毫升之间"),
        ("en", "started", "15:00", "The start lies in the future"),
        ("zh", "started", "15:00", "开始时间在将来"),
        ("en", "started", "13:00", "more than 5 minutes back"),
        ("en", "started", "soon", "is not a time of day"),
        ("en", "place", "", "Please choose a ward."),
        ("zh", "place", "3/77", "3病区没有77床"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_is_kept(
    app: Flask, opened: Store, lang: str, field: str, value: str, words: str
) -> None:
    client = log_in(app, lang=lang)
    answer = post(client, "/infusions/new", **(GOOD | {"label": "kept <b>", field: value}))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="kept &lt;b&gt;"' in answer.text
    assert model.running(opened.read()) == []


def test_a_late_entry_is_accepted_once_confirmed(app: Flask, opened: Store) -> None:
    client = log_in(app)
    late = GOOD | {"started": "13:05"}
    assert "Yes, it was started then" in post(client, "/infusions/new", **late).text
    answer = post(client, "/infusions/new", **late, start_confirmed="1")
    assert answer.status_code == 302
    (row,) = model.running(opened.read())
    assert row["started_ms"] == NOW_MS - 60 * MINUTE_MS
    assert row["remaining_ml"] == 350


def test_just_before_midnight_is_yesterday(app: Flask, opened: Store, clock: FakeClock) -> None:
    clock.value_ms = NOW_MS + (9 * 60 + 57) * MINUTE_MS  # 00:02
    client = log_in(app)
    assert post(client, "/infusions/new", **GOOD, started="23:59").status_code == 302
    (row,) = model.running(opened.read())
    assert row["started_ms"] == clock.value_ms - 3 * MINUTE_MS


def test_the_preview_tells_end_and_prompts(app: Flask) -> None:
    client = log_in(app)
    found = client.get("/infusions/preview?volume_ml=500&factor=20&gtt_per_min=50").json
    assert found["ends"] == "Runs for 3 h 20 min and ends at 17:25."
    assert [each["at"] for each in found["prompts"]] == ["16:45", "17:05", "17:25"]
    found = client.get("/infusions/preview?volume_ml=500&factor=20&gtt_per_min=0").json
    assert found["field"] == "gtt_per_min"
    found = client.get(
        "/infusions/preview?volume_ml=500&factor=20&gtt_per_min=50&started=x"
    ).json  # fmt: skip
    assert found["field"] == "started_ms"


def test_the_levels_move(app: Flask, clock: FakeClock) -> None:
    client = log_in(app)
    post(client, "/infusions/new", **GOOD)
    assert client.get("/infusions/levels?ward=3").json["1"]["remaining_ml"] == 500
    clock.advance(100 * MINUTE_MS)
    live = client.get("/infusions/levels?id=1").json["1"]
    assert live["remaining_ml"] == 250
    assert live["warn"] == ""
    clock.advance(95 * MINUTE_MS)
    live = client.get("/infusions/levels?ward=3").json["1"]
    assert (live["ends"], live["warn"]) == ("17:25, in 5 min", "soon")
    clock.advance(10 * MINUTE_MS)
    live = client.get("/infusions/levels?ward=3").json["1"]
    assert (live["ends"], live["warn"]) == ("17:25, 5 min ago", "over")


def test_everything_a_nurse_does_with_a_drip(app: Flask, opened: Store, clock: FakeClock) -> None:
    client = log_in(app)
    post(client, "/infusions/new", **GOOD)
    clock.advance(20 * MINUTE_MS)
    assert post(client, "/infusions/1/rate", gtt_per_min="40").status_code == 302
    wrong = post(client, "/infusions/1/rate", gtt_per_min="0")
    assert wrong.status_code == 422
    assert "to halt the drip, pause it" in wrong.text
    post(client, "/infusions/1/pause")
    assert "paused" in client.get("/infusions/1").text
    post(client, "/infusions/1/resume")
    wrong = post(client, "/infusions/1/level", remaining_ml="600")
    assert "between 0 and the bottle&#39;s 500 mL" in wrong.text
    assert 'value="600"' in wrong.text
    wrong = post(client, "/infusions/1/level", counted="999")
    assert "between 1 and 300" in wrong.text
    post(client, "/infusions/1/level", remaining_ml="300", counted="60")
    (row,) = model.running(opened.read())
    assert (row["remaining_ml"], row["gtt_per_min"]) == (300, 60)
    page = client.get("/infusions/1").text
    assert "300 mL left, 60 drops per minute" in page
    assert "<polyline" in page
    assert 'name="volume_ml"' in client.get("/infusions/1/next").text
    wrong = post(client, "/infusions/1/next", **(GOOD | {"volume_ml": "0"}))
    assert wrong.status_code == 422
    answer = post(client, "/infusions/1/next", **(GOOD | {"place": "5/3"}), last_bottle="1")
    assert answer.location == "/infusions/2"
    (row,) = model.running(opened.read())
    assert (row["ward"], row["bed"], row["bottle_no"]) == ("3", "5", 2)
    post(client, "/infusions/2/finish")
    assert model.running(opened.read()) == []
    post(client, "/infusions/2/pause")
    assert opened.read().value("SELECT state FROM infusions WHERE id = 2") == "done"
    assert "This drip is over" in client.get("/infusions/2").text
    assert client.get("/infusions/1/next").status_code == 302
    assert "Ended (2)" in client.get("/infusions").text


def test_a_dressing_change(app: Flask, opened: Store) -> None:
    client = log_in(app)
    wrong = post(client, "/infusions/dressing", place="3/5", in_min="0", every_min="1440")
    assert wrong.status_code == 422
    assert 'value="1440"' in wrong.text
    answer = post(client, "/infusions/dressing", place="3/5", in_min="60", every_min="1440")
    assert "Dressing change, bed 5" in client.get(answer.location).text
    (row,) = model.running(opened.read())
    assert row["ends_ms"] == NOW_MS + 60 * MINUTE_MS


def test_a_nurse_sees_and_changes_only_her_ward(app: Flask, opened: Store) -> None:
    with opened.transaction() as tx:
        service.start(
            tx, ward="5", bed="3", volume_ml=500, factor=20, gtt_per_min=50, by="other"
        )  # fmt: skip
    client = log_in(app)
    assert "No drip is running." in client.get("/infusions").text
    assert client.get("/infusions?ward=5").status_code == 403
    assert client.get("/infusions/1").status_code == 403
    assert post(client, "/infusions/1/stop").status_code == 403
    assert post(client, "/infusions/new", **(GOOD | {"place": "5/3"})).status_code == 403
    assert client.get("/infusions/99").status_code == 404
    assert len(model.running(opened.read())) == 1


def test_engineers_and_strangers_start_no_drips(app: Flask) -> None:
    assert log_in(app, "eng").get("/infusions/new").status_code == 403
    stranger = app.test_client().get("/infusions", headers={"Accept": "text/html"})
    assert stranger.location == "/login?next=/infusions"


def test_the_interface_starts_a_drip(app: Flask, opened: Store) -> None:
    client = log_in(app)
    given = {"ward": "3", "bed": "5", "volume_ml": 500, "factor": 20, "gtt_per_min": 50}
    answer = api(client, given | {"last_bottle": True})
    assert answer.status_code == 201
    assert answer.json["id"] == 1
    assert answer.json["ends_ms"] == NOW_MS + 200 * MINUTE_MS
    (row,) = model.running(opened.read())
    assert row["last_bottle"] == 1


def test_the_interface_names_every_wrong_field_in_the_users_language(app: Flask) -> None:
    client = log_in(app, lang="zh")
    wrong = {"ward": "3", "bed": "5", "volume_ml": 0, "factor": 13, "gtt_per_min": 0}
    answer = api(client, wrong | {"started_ms": NOW_MS + 60_000})
    assert answer.status_code == 422
    errors = answer.json["errors"]
    assert set(errors) == {"volume_ml", "factor", "gtt_per_min", "started_ms"}
    assert errors["gtt_per_min"].startswith("滴速应在")
    assert api(client, ["no", "object"]).status_code == 422
    assert set(api(client, {}).json["errors"]) == {"ward", "volume_ml", "factor", "gtt_per_min"}


def test_the_interface_wants_the_token_and_a_log_in(app: Flask) -> None:
    assert api(log_in(app), {}, csrf=False).status_code == 400
    stranger = app.test_client()
    answer = stranger.post(
        "/api/infusions", json={}, headers={"X-CSRFToken": visitor.token_of(stranger)}
    )
    assert answer.status_code == 401


def test_nothing_on_the_pages_is_inline(app: Flask) -> None:
    client = log_in(app)
    post(client, "/infusions/new", **GOOD)
    for path in ("/infusions", "/infusions/new", "/infusions/1", "/infusions/dressing"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|<style|\son\w+=", page), path
