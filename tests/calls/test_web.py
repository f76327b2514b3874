"""The pages of calls in a browserless console: roles, refusals, CSV, words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.calls import model
from central.clock import FakeClock
from central.wards import model as wards
from gateway.mqtt import kinds
from tests import visitor
from tests.calls.ward import Ward, build


class Console:
    """A console over the same database as a ward whose buttons can be operated."""

    def __init__(self, app: Flask, clock: FakeClock) -> None:
        self.app = app
        self.wardline = app.extensions["wardline"]
        build(self.wardline.store)
        self.ward = Ward(self.wardline.store, clock)

    def log_in(self, name: str, role: str, ward: str | None = None) -> FlaskClient:
        visitor.hire(self.app, name, role, ward)
        return visitor.log_in(self.app, name)


@pytest.fixture
def console(tmp_path: Path, clock: FakeClock) -> Iterator[Console]:
    with visitor.console(tmp_path, clock, flask={"WTF_CSRF_ENABLED": False}) as app:
        made = Console(app, clock)
        yield made
        assert made.ward.failures() == []


JSON = {"Accept": "application/json"}


def test_the_board_accepts_and_is_answered_in_json(console: Console) -> None:
    console.ward.operate(kinds.PRESS)
    nurse = console.log_in("anna", "nurse", "3")
    answer = nurse.post("/calls/1/accept", headers=JSON)
    assert answer.get_json()["ok"]
    assert answer.get_json()["call"]["accepted_by"] == "anna"
    assert (
        nurse.post("/calls/1/on-the-way", headers=JSON).get_json()["call"]["phase"] == "on_the_way"
    )
    console.ward.operate(kinds.PRESENCE)
    answer = nurse.post("/calls/1/accept", headers=JSON)
    assert answer.status_code == 409
    assert answer.get_json() == {
        "error": "Somebody has been at the bed already: call 1 is over.",
        "error_id": "call-ended",
    }


def test_a_remote_end_is_refused_with_the_reason_and_written_down(console: Console) -> None:
    console.ward.operate(kinds.CORD)
    nurse = console.log_in("anna", "nurse", "3")
    answer = nurse.post("/calls/1/end", headers=JSON)
    assert answer.status_code == 409
    assert "Go to the bed and press presence" in answer.get_json()["error"]
    assert console.ward.call()["state"] == model.OPEN
    assert console.ward.story()[-1] == "end_refused"


def test_a_nurse_of_another_ward_may_act_only_on_what_was_sent_there(console: Console) -> None:
    with console.wardline.store.transaction() as tx:
        wards.add_ward(tx, "7", "七病区", "Ward 7")
    console.ward.operate(kinds.PRESS)
    nurse = console.log_in("bella", "nurse", "7")
    assert nurse.post("/calls/1/accept", headers=JSON).status_code == 403
    assert nurse.get("/calls/1").status_code == 403
    own = console.log_in("anna", "nurse", "3")
    assert own.post("/calls/1/hand-over", data={"ward": "7"}).status_code == 302
    assert nurse.post("/calls/1/accept", headers=JSON).status_code == 200
    assert nurse.post("/calls/99/accept", headers=JSON).status_code == 404


def test_the_call_page_tells_the_whole_story(console: Console, clock: FakeClock) -> None:
    console.ward.operate(kinds.PRESS)
    console.ward.pass_s(65)
    nurse = console.log_in("anna", "nurse", "3")
    page = nurse.get("/calls/1").get_data(as_text=True)
    for words in ("Ward 3", "Nurse call", "neighbouring ward", "reached 1"):
        assert words in page
    assert "A call ends when somebody presses presence at the bed." in page
    assert nurse.post("/calls/1/accept").status_code == 302
    chinese = nurse.get("/calls/1?lang=zh").get_data(as_text=True)
    assert "护士呼叫" in chinese
    assert "经过" in chinese


def test_the_list_filters_and_exports(console: Console) -> None:
    nurse = console.log_in("anna", "nurse", "3")
    assert "No calls here yet" in nurse.get("/calls").get_data(as_text=True)
    console.ward.operate(kinds.PRESS, "1")
    console.ward.operate(kinds.HOLD, "2")
    page = nurse.get("/calls?bed=2").get_data(as_text=True)
    assert "/calls/2" in page
    assert 'href="/calls/1"' not in page
    file = nurse.get("/calls?format=csv")
    assert file.mimetype == "text/csv"
    lines = file.get_data(as_text=True).splitlines()
    assert lines[0].startswith("\ufeffCall,Ward,Bed,Type")
    assert [line.split(",")[3] for line in lines[1:]] == ["Staff emergency", "Nurse call"]
    wrong = nurse.get("/calls?from=tomorrow")
    assert wrong.status_code == 400
    assert "2026-11-24" in wrong.get_data(as_text=True)
