"""The engineer's pages, as an engineer uses them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.hospital import model
from central.hospital.web import readable
from tests import visitor
from tests.admissions.conftest import PEER, SENDER, Hospital, adt


@pytest.fixture
def app(unmapped: Hospital, clock: FakeClock, tmp_path: Path) -> Iterator[Any]:
    made = visitor.console(
        tmp_path,
        clock,
        database=str(unmapped.store.path),
        flask={"WTF_CSRF_ENABLED": False},
    )
    with made as app:
        visitor.hire(app, "wang", "engineer")
        visitor.hire(app, "li", "nurse", "3")
        yield app


@pytest.fixture
def engineer(app: Any) -> FlaskClient:
    return visitor.log_in(app, "wang")


PAGES = ("/his", "/his/locations", "/his/messages/1")


def test_the_pages_are_the_engineers(app: Any, unmapped: Hospital) -> None:
    unmapped.accepted(adt())
    nurse = visitor.log_in(app, "li")
    for path in PAGES:
        assert app.test_client().get(path).status_code == 302
        assert nurse.get(path).status_code == 403
    for path in ("/his/locations", "/his/messages/1/replay", "/his/messages/1/set-aside"):
        assert nurse.post(path).status_code == 403


def test_empty_pages_say_what_will_appear(engineer: FlaskClient) -> None:
    assert "Nothing came yet" in engineer.get("/his").text
    assert "No location is known yet" in engineer.get("/his/locations").text
    assert "No message of this state." in engineer.get("/his?state=waiting").text
    assert engineer.get("/his/messages/1").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_speak_chinese_too(engineer: FlaskClient, unmapped: Hospital, path: str) -> None:
    unmapped.accepted(adt())
    page = engineer.get(path + "?lang=zh").text
    assert "医院信息系统" in page
    assert "Location" not in page


def test_from_a_waiting_message_to_the_patient_in_the_bed(
    engineer: FlaskClient, unmapped: Hospital
) -> None:
    unmapped.accepted(adt())
    assert "3E^^07^总院 is not mapped" in engineer.get("/his").text
    page = engineer.get("/his/messages/1").text
    assert "is not mapped to one of our beds" in page
    assert "PID|1||P1||张^三" in page
    answer = engineer.post(
        "/his/locations",
        data={"sender": SENDER, "code": "3E^^07^总院", "place": "3/7", "message": "1"},
        follow_redirects=True,
    )
    assert "Messages applied by it: 1." in answer.text
    assert "applied" in answer.text
    assert unmapped.beds() == {"7": "P1"}


def test_looking_at_a_message_is_in_the_audit(engineer: FlaskClient, unmapped: Hospital) -> None:
    unmapped.accepted(adt())
    engineer.get("/his/messages/1")
    row = unmapped.store.read().one("SELECT * FROM audit WHERE what = 'patient.read'")
    assert row is not None
    assert (row["who"], row["ref"]) == ("wang", "his/1")


def test_the_text_of_a_message_is_shown_and_never_run(
    engineer: FlaskClient, unmapped: Hospital
) -> None:
    unmapped.accepted(adt(name="<script>alert(1)</script>", control_id="<b>C</b>"))
    unmapped.send(b"MSH|^~\\&|\x01|\xff\x01<script>")
    for path in ("/his", "/his/messages/1", "/his/messages/2"):
        page = engineer.get(path).text
        assert "<script>alert" not in page
        assert "<b>C" not in page
    assert "\\xff␁&lt;script&gt;" in engineer.get("/his/messages/2").text


def test_a_sender_without_a_name_goes_by_its_address(unmapped: Hospital) -> None:
    unmapped.send(b"MSH|^~\\&|\x01\xff")
    assert unmapped.last()["sender"] == PEER


def test_trying_again_and_setting_aside(engineer: FlaskClient, unmapped: Hospital) -> None:
    unmapped.accepted(adt())
    answer = engineer.post("/his/messages/1/replay", follow_redirects=True)
    assert "could still not be applied" in answer.text
    answer = engineer.post("/his/messages/1/set-aside", follow_redirects=True)
    assert "set aside" in answer.text
    assert unmapped.last()["state"] == model.SET_ASIDE
    assert engineer.post("/his/messages/9/replay").status_code == 404
    assert engineer.post("/his/messages/9/set-aside").status_code == 404


def test_applying_against_what_is_known(engineer: FlaskClient, unmapped: Hospital) -> None:
    engineer.post("/his/locations", data={"sender": SENDER, "code": "3E^^07^总院", "place": "3/7"})
    unmapped.accepted(adt())
    unmapped.accepted(adt(patient="P2"))
    assert "is taken by another patient" in engineer.get("/his/messages/2").text
    answer = engineer.post("/his/messages/2/replay", data={"force": "1"}, follow_redirects=True)
    assert "The message is applied." in answer.text
    assert "is now without a bed" in answer.text
    assert unmapped.beds() == {"7": "P2"}
    answer = engineer.post("/his/messages/2/replay")
    assert answer.status_code == 400
    assert "applied already" in answer.text
    assert engineer.post("/his/messages/2/set-aside").status_code == 400


def test_the_table_of_locations(engineer: FlaskClient, unmapped: Hospital) -> None:
    unmapped.accepted(adt())
    assert "Messages wait for these" in engineer.get("/his/locations").text
    wrong = engineer.post("/his/locations", data={"sender": SENDER, "code": "typed", "place": ""})
    assert wrong.status_code == 400
    assert "Choose the bed, or say that it is not ours." in wrong.text
    assert 'value="typed"' in wrong.text
    engineer.post("/his/locations", data={"sender": SENDER, "code": "ICU", "place": "none"})
    engineer.post("/his/locations", data={"sender": SENDER, "code": "3E^^07^总院", "place": "3/7"})
    page = engineer.get("/his/locations").text
    assert "Messages wait for these" not in page
    assert "Ward 3, bed 7" in page
    answer = engineer.post(
        "/his/locations/forget", data={"sender": SENDER, "code": "ICU"}, follow_redirects=True
    )
    assert "The location is forgotten." in answer.text
    assert 'data-code="ICU"' not in answer.text


def test_the_encoding_of_a_sender(engineer: FlaskClient, unmapped: Hospital) -> None:
    unmapped.accepted(adt())
    assert f'data-peer="{PEER}"' in engineer.get("/his/locations").text
    engineer.post("/his/encodings", data={"peer": PEER, "encoding": "gb18030"})
    assert model.encoding_of(unmapped.store.read(), PEER) == "gb18030"
    assert engineer.post("/his/encodings", data={"peer": PEER, "encoding": "x"}).status_code == 400
    engineer.post("/his/encodings", data={"peer": PEER, "encoding": ""})
    assert model.encoding_of(unmapped.store.read(), PEER) is None


def test_the_list_goes_on(
    engineer: FlaskClient, unmapped: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.hospital.web.PAGE", 2)
    for number in range(3):
        unmapped.accepted(adt(patient=f"P{number}"))
    page = engineer.get("/his?state=waiting").text
    assert 'data-message="3"' in page
    assert 'data-message="1"' not in page
    assert 'data-message="1"' in engineer.get("/his?state=waiting&before=2").text


def test_readable_text() -> None:
    assert readable("MSH|甲\rPID|乙\r".encode("gb18030"), "gb18030") == "MSH|甲\nPID|乙"
    assert readable(b"a\x0b\xff", "utf-8") == "a␋\\xff"
    assert readable(None, "utf-8") is None
