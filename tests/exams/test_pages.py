"""The pages of examinations: the technician's, the screen before a room, and the engineer's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.console import service as people
from central.exams import model, reasons, rooms, service
from central.hospital import taking, ways
from central.hospital.told import HeldError
from central.store import Store
from gateway.his.message import Parsed
from tests.exams.conftest import MORNING, US, ZONE, Department, event
from tests.visitor import console, hire, log_in, token_of


@pytest.fixture
def app(department: Department, store: Store, clock: FakeClock) -> Iterator[Flask]:
    with console(store.path.parent, clock) as made:
        for name, role in (("chen", "technician"), ("zhang", "engineer"), ("admin", "admin")):
            hire(made, name, role)
        yield made


def queue(client: FlaskClient, path: str = "/exams/us/stream") -> Any:
    """The first queue that a stream sends."""
    with client.get(path) as answer:
        for chunk in answer.response:
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            if "event: queue" in text:
                return json.loads(text.split("data: ")[1])
    return None


def press(client: FlaskClient, path: str) -> Any:
    head = {"X-CSRFToken": token_of(client, "/exams"), "Accept": "application/json"}
    return client.post(path, headers=head)


def test_a_technician_begins_with_the_rooms_and_presses_through_a_morning(
    app: Flask, department: Department
) -> None:
    department.take(event(at_min=0), event("b2", at_min=10, patient="P2"))
    department.lies("P2", "3", "2")
    chen = log_in(app, "chen")
    assert chen.get("/").location == "/exams"
    assert "Ultrasound 1" in chen.get("/exams").text
    assert "Ultrasound 1" in chen.get("/exams/us").text
    seen = queue(chen)
    assert [(row["number"], row["state"], row["bed"]) for row in seen["seats"]] == [
        (1, "booked", None), (2, "booked", ["Ward 3", "2"]),
    ]  # fmt: skip
    assert seen["offset_min"] == 480
    assert press(chen, "/exams/us/next").json == {"called": 1}
    assert press(chen, "/exams/1/start").json == {"state": "running", "number": 1}
    refused = press(chen, "/exams/2/start")
    assert refused.status_code == 409
    assert "Number 1 is still being examined" in refused.json["error"]
    wrong = press(chen, "/exams/1/check_in")
    assert (wrong.status_code, wrong.json["error"]) == (409, "This number is inside already.")
    assert press(chen, "/exams/1/finish").json["state"] == "done"
    assert [row["number"] for row in queue(chen)["over"]] == [1]
    assert press(chen, "/exams/99/start").status_code == 404
    assert press(chen, "/exams/2/burn").status_code == 404
    reads = department.store.read().all("SELECT who, ref FROM audit WHERE what = 'patient.read'")
    assert [tuple(row) for row in reads] == [("chen", "exam_room/us")]


def test_a_number_is_given_to_a_bed_or_a_patient_and_what_is_wrong_is_said(
    app: Flask, department: Department
) -> None:
    department.lies("P7", "3", "4")
    chen = log_in(app, "chen")

    def book(**typed: str) -> Any:
        form = {"csrf_token": token_of(chen, "/exams")} | typed
        return chen.post("/exams/us/book", data=form, follow_redirects=True)

    assert "Number 1 is given" in book(patient="3-4").text
    assert "Number 2 is given" in book(patient="P8", at="14:05", text="复查").text
    assert (department.numbered(1)["patient"], department.numbered(1)["state"]) == (
        "P7", "checked_in",
    )  # fmt: skip
    assert department.numbered(2)["starts_ms"] == int(
        MORNING.replace(hour=14, minute=5).timestamp() * 1000
    )
    assert "Nobody lies in bed 3-1" in book(patient="3-1").text
    wrong = book(patient="P9", at="quarter past")
    assert wrong.status_code == 400
    assert "Enter a time as 14:05" in wrong.text
    assert 'value="P9"' in wrong.text, "what was typed is kept"


def test_the_screen_shows_numbers_and_no_names_and_can_do_nothing_else(
    app: Flask, department: Department
) -> None:
    for n in range(1, 4):
        department.take(event(f"b{n}", at_min=n, patient=f"P{n}"))
    department.deed(1, "start")
    department.deed(2, "call")
    zhang = log_in(app, "zhang")
    form = {"csrf_token": token_of(zhang, "/exam-rooms/us"), "label": "corridor"}
    page = zhang.post("/exam-rooms/us/screen", data=form).text
    address = page.split("data-address>")[1].split("<")[0]
    screen = app.test_client()
    assert screen.get(address).location == "/exams/us/screen"
    assert screen.get("/").location == "/exams/us/screen"
    assert "张三" not in screen.get("/exams/us/screen").text
    assert queue(screen, "/exams/us/screen/stream") == {
        "running": [1], "called": [2], "next": [3], "more": 0, "offset_min": 480,
    }  # fmt: skip
    department.do(rooms.put, rooms.Room("ct", "CT室", "CT"), "e")
    for path in ("/exams/us", "/exams/us/stream", "/exams/ct/screen", "/exams", "/board/3", "/me"):
        assert screen.get(path).status_code == 403, path
    zhang.post("/exam-rooms/us/screen/1/revoke", data=form)
    assert screen.get("/exams/us/screen").status_code == 302, "dark: led to the log-in"
    assert "Ultrasound 1" in log_in(app, "admin").get("/screens").text


def test_a_screen_belongs_to_a_ward_or_a_room(app: Flask, store: Store) -> None:
    with store.transaction() as tx:
        people.make_screen(tx, "3", "counter", "admin")
        people.make_screen(tx, None, "corridor", "admin", room="us")
        kept = tx.all("SELECT ward, room FROM device_tokens ORDER BY id")
    assert [tuple(row) for row in kept] == [("3", None), (None, "us")]


def test_the_engineer_sets_a_room_up_and_hears_what_is_wrong(app: Flask, store: Store) -> None:
    zhang = log_in(app, "zhang")
    form = {
        "csrf_token": token_of(zhang, "/exam-rooms"), "code": "ct", "name_zh": "CT室",
        "name_en": "CT", "usual_min": "12", "walk_min": "6", "back_places": "2",
        "urge_after_s": "90", "margin_min": "5", "walk-3": "4", "walk-5": "",
    }  # fmt: skip
    assert "The room is there now" in zhang.post(
        "/exam-rooms", data=form, follow_redirects=True
    ).text  # fmt: skip
    assert model.walks(store.read(), "ct") == {"3": 4}
    again = zhang.post("/exam-rooms", data=form)
    assert "There is already a room ct" in again.text
    wrong = zhang.post("/exam-rooms/ct", data=form | {"usual_min": "soon"})
    assert wrong.status_code == 400
    assert "Enter a whole number" in wrong.text
    assert 'value="soon"' in wrong.text
    assert zhang.post("/exam-rooms/ct", data=form | {"usual_min": "20"}).status_code == 302
    row = model.room(store.read(), "ct")
    assert row is not None
    assert row["usual_min"] == 20
    assert zhang.post("/exam-rooms/ct/remove", data=form).status_code == 302
    assert model.room(store.read(), "ct") is None


def test_a_message_that_waits_for_its_room_is_applied_when_that_is_mapped(
    app: Flask, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the door of the messages: stored, held, mapped on the page, applied."""
    told = event(at_min=30, room="US^R2^^总院")
    parsed = Parsed("utf-8", "", None, (told,), None)
    monkeypatch.setitem(ways.READERS, "test", lambda tx, row: parsed)
    department.do(taking.take_message, "RIS", b"{}", parsed, ZONE, way="test")
    row = department.store.read().one("SELECT * FROM his_messages")
    assert row is not None
    assert row["state"] == "waiting"
    assert json.loads(row["reason"])[0][0] == reasons.UNMAPPED_ROOM
    zhang = log_in(app, "zhang")
    page = zhang.get("/exam-rooms").text
    assert 'data-unmapped="US^R2^^总院"' in page
    form = {
        "csrf_token": token_of(zhang, "/exam-rooms"), "sender": row["sender"],
        "code": "US^R2^^总院", "room": "us",
    }  # fmt: skip
    answer = zhang.post("/exam-rooms/map", data=form, follow_redirects=True).text
    assert "1 messages that waited are applied" in answer
    (place,) = department.places()
    assert (place.room, place.number, place.wait_min) == (US.code, 1, 30)
    zhang.post("/exam-rooms/unmap", data=form)
    with pytest.raises(HeldError):
        department.take(event("b9", at_min=0, room="US^R2^^总院"))
    assert service.places(department.store.read(), "nobody", 0) == []
