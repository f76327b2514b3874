"""The pages: as a nurse uses them."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from central.announcements import model
from central.clock import FakeClock
from central.console import service as people
from central.store import Store
from central.wards import model as wards
from gateway.speech import sound
from tests import visitor

NOW = {"text": "探视时间结束", "class": "announcement", "when": "now"}


@pytest.fixture
def app(hospital: Store, clock: FakeClock, tmp_path: Path) -> Iterator[Any]:
    made = visitor.console(
        tmp_path,
        clock,
        database=str(hospital.path),
        speech={"url": "http://x", "cache": str(tmp_path / "speech")},
        flask={"WTF_CSRF_ENABLED": False},
    )
    with made as app:
        visitor.hire(app, "li", "nurse", "3")
        visitor.hire(app, "chen", "duty_manager")
        yield app


@pytest.fixture
def nurse(app: Any) -> FlaskClient:
    return visitor.log_in(app, "li")


@pytest.fixture
def head(app: Any) -> FlaskClient:
    return visitor.log_in(app, "chen")


def local(clock: FakeClock, ahead_ms: int) -> dict[str, str]:
    moment = datetime.fromtimestamp((clock.now_ms() + ahead_ms) / 1000, ZoneInfo("Asia/Shanghai"))
    return {"date": moment.date().isoformat(), "time": moment.strftime("%H:%M")}


def test_a_nurse_says_something_now_and_sees_who_spoke(nurse: FlaskClient, hospital: Store) -> None:
    answer = nurse.post("/announcements/new", data=NOW | {"wards": ["3"]}, follow_redirects=True)
    assert answer.status_code == 200
    assert "Ward 3: 0 of 2 boxes, 2 not answered yet" in answer.text
    assert len(hospital.read().all("SELECT * FROM commands")) == 2
    page = nurse.get("/announcements").text
    assert "探视时间结束" in page
    assert "0 of 2 boxes" in page


def test_the_pages_are_for_people_who_may(app: Any, nurse: FlaskClient) -> None:
    stranger = app.test_client()
    for path in ("/announcements", "/announcements/new", "/announcements.csv"):
        assert stranger.get(path).status_code in (302, 401)
        assert nurse.get(path).status_code == 200
    assert stranger.post("/announcements/new", data=NOW | {"wards": ["3"]}).status_code in (
        302,
        401,
    )


def test_a_nurse_speaks_only_to_her_ward(
    nurse: FlaskClient, head: FlaskClient, hospital: Store
) -> None:
    refused = nurse.post("/announcements/new", data=NOW | {"wards": ["3", "5"]})
    assert refused.status_code == 400
    assert "only to your own ward" in refused.text
    assert hospital.read().all("SELECT * FROM commands") == []
    assert "ward-5" not in nurse.get("/announcements/new").text
    head.post("/announcements/new", data=NOW | {"wards": ["5"]})
    (past,) = model.past(hospital.read())
    assert nurse.get(f"/announcements/{past['announcement']}").status_code == 403
    assert "探视时间结束" not in nurse.get("/announcements").text
    assert nurse.get("/announcements/volume/5").status_code == 403


def test_a_nurse_may_help_the_ward_that_names_hers_as_neighbour(
    nurse: FlaskClient, hospital: Store
) -> None:
    with hospital.transaction() as tx:
        wards.set_neighbour(tx, "5", "3")
    answer = nurse.post("/announcements/new", data=NOW | {"wards": ["5"]})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": " "}, "Write what is to be said."),
        ({"text": "x" * 501}, "At most 500 characters can be said at once; this has 501."),
        ({"wards": []}, "Choose at least one ward."),
        ({"wards": ["99"]}, "There is no ward 99."),
        ({"class": "call"}, "Choose either announcement or emergency."),
        ({"when": ""}, "Say when: now, once or daily."),
        ({"when": "once", "date": "2020-01-01", "time": "08:00"}, "This time is past."),
        ({"when": "once", "date": "tomorrow", "time": "08:00"}, "Give the day as 2026-11-24."),
        ({"when": "once", "date": "2026-11-24", "time": "25:00"}, "Give the time of day as 14:05."),
        ({"when": "once", "date": "9999-01-01", "time": "08:00"}, "more than a year ahead"),
        ({"when": "daily", "time": "08:00"}, "Choose at least one day of the week."),
    ],
)
def test_a_wrong_field_keeps_what_was_typed(
    head: FlaskClient, hospital: Store, change: dict[str, Any], words: str
) -> None:
    answer = head.post("/announcements/new", data=NOW | {"wards": ["3"]} | change)
    assert answer.status_code == 400
    assert words in answer.text
    typed = {"wards": ["3"]} | NOW | change
    assert typed["text"] in answer.text
    if typed["wards"] == ["3"]:
        assert 'id="ward-3" value="3" checked' in answer.text
    assert hospital.read().all("SELECT * FROM announcements") == []


def test_the_words_are_in_the_users_language(head: FlaskClient) -> None:
    answer = head.post("/announcements/new?lang=zh", data=NOW | {"text": ""})
    assert "请至少选择一个病区。" in answer.text


def test_a_timed_one_is_planned_changed_and_cancelled(
    head: FlaskClient, hospital: Store, clock: FakeClock
) -> None:
    data = NOW | {"wards": ["3"], "when": "once"}
    head.post("/announcements/new", data=data | local(clock, 3_600_000))
    (row,) = model.coming(hospital.read())
    assert clock.now_ms() < row["at_ms"] <= clock.now_ms() + 3_600_000
    shown = head.get(f"/announcements/{row['id']}/edit").text
    assert "探视时间结束" in shown
    assert f'value="{local(clock, 3_600_000)["time"]}"' in shown
    changed = data | {"wards": ["3", "5"], "when": "daily", "time": "08:00", "days": ["0", "6"]}
    assert head.post(f"/announcements/{row['id']}/edit", data=changed).status_code == 302
    (row,) = model.coming(hospital.read())
    assert (model.wards_of(row), row["minute"], model.days_of(row)) == (["3", "5"], 480, [0, 6])
    assert "Mon Sun" in head.get("/announcements").text
    head.post(f"/announcements/{row['id']}/cancel")
    assert model.coming(hospital.read()) == []
    again = head.post(f"/announcements/{row['id']}/cancel", follow_redirects=True)
    assert "can no longer be changed" in again.text


def test_another_wards_announcement_is_not_a_nurses_to_cancel(
    nurse: FlaskClient, head: FlaskClient, hospital: Store, clock: FakeClock
) -> None:
    data = NOW | {"wards": ["3", "5"], "when": "once"} | local(clock, 3_600_000)
    head.post("/announcements/new", data=data)
    (row,) = model.coming(hospital.read())
    assert nurse.get(f"/announcements/{row['id']}").status_code == 200
    assert nurse.post(f"/announcements/{row['id']}/cancel").status_code == 403
    assert nurse.post(f"/announcements/{row['id']}/edit", data=data).status_code == 403
    assert len(model.coming(hospital.read())) == 1


def test_a_screen_on_the_wall_does_not_speak(app: Any, hospital: Store) -> None:
    with hospital.transaction() as tx:
        token = people.make_screen(tx, "3", "corridor", "chen")
    screen = app.test_client()
    assert screen.get(f"/board/kiosk?token={token}").status_code == 302
    answer = screen.post("/announcements/new", data=NOW | {"wards": ["3"]})
    assert answer.status_code == 403
    assert hospital.read().all("SELECT * FROM announcements") == []


def test_nothing_is_at_an_unknown_number(head: FlaskClient) -> None:
    for path in ("/announcements/999", "/announcements/999/edit", "/announcements/volume/99"):
        assert head.get(path).status_code == 404


def test_the_past_as_a_table(head: FlaskClient) -> None:
    head.post("/announcements/new", data=NOW | {"wards": ["3"], "text": '=cmd("x"), 探视'})
    answer = head.get("/announcements.csv")
    assert answer.mimetype == "text/csv"
    assert answer.text.startswith("\ufeff")
    _heading, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert row[1:6] == ["3", "Announcement", '\'=cmd("x"), 探视', "chen", "said"]


def test_the_words_can_be_heard_first(head: FlaskClient, hospital: Store, tmp_path: Path) -> None:
    answer = head.post("/announcements/preview", data=NOW)
    assert answer.mimetype == "audio/wav"
    heard = tmp_path / "heard.wav"
    heard.write_bytes(answer.data)
    assert sound.audible(heard).duration_ms > 500
    assert hospital.read().all("SELECT * FROM commands") == []
    assert head.post("/announcements/preview", data={"text": ""}).status_code == 400


def test_the_volume_is_set_by_time_of_day(nurse: FlaskClient, hospital: Store) -> None:
    data = {"day_volume": "75", "emergency_floor": "60"}
    data |= {"from_1": "22:00", "to_1": "06:00", "volume_1": "30"}
    answer = nurse.post("/announcements/volume/3", data=data, follow_redirects=True)
    assert answer.status_code == 200
    assert 'value="22:00"' in answer.text
    assert wards.settings(hospital.read(), "3") == {
        "day_volume": 75,
        "bands": [{"from_min": 1320, "to_min": 360, "volume": 30}],
        "emergency_floor": 60,
    }
    assert "22:00–06:00: 30" in nurse.get("/announcements/volume").text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"emergency_floor": "49"}, "Give a number from 50 to 100."),
        ({"day_volume": "loud"}, "Give a whole number."),
        ({"day_volume": "101"}, "Give a number from 0 to 100."),
        ({"from_0": "22:00"}, "Give the time of day as 14:05."),
        ({"from_0": "22:00", "to_0": "22:00", "volume_0": "1"}, "the same time"),
    ],
)
def test_a_wrong_volume_is_refused(
    nurse: FlaskClient, hospital: Store, change: dict[str, str], words: str
) -> None:
    data = {"day_volume": "75", "emergency_floor": "60"} | change
    answer = nurse.post("/announcements/volume/3", data=data)
    assert answer.status_code == 400
    assert words in answer.text
    assert wards.settings(hospital.read(), "3") == {}
