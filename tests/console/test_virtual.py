"""The virtual ward's page talks to the panels, and says so when they are away."""

import io
import json
import wave
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FileClock
from central.console.app import create_app
from central.virtual_ward import panels
from tests.conftest import WAIT_S, free_port
from tests.console.conftest import build, log_in, token_of

SPOKEN = {"id": 7, "text": "已通知护士", "lang": "zh", "beds": ["1"], "class": "call", "volume": 60,
          "started_ms": 1, "ended_ms": None, "interrupted": False}  # fmt: skip


def silence() -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 80)
    return sound.getvalue()


class Panel(BaseHTTPRequestHandler):
    """The panel's side of the talk, with what it was asked to do."""

    asked: list[tuple[str, Any]]

    def do_GET(self) -> None:
        if self.path == "/spoken/7.wav":
            self.answer(silence(), "audio/wav")
        elif self.path == "/spoken":
            self.answer(json.dumps({"spoken": [SPOKEN], "speaker": "whole"}).encode())
        else:
            self.answer(json.dumps({"beds": {}, "noise": 0.0, "drop": 0.0}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body))
        if body.get("bed") == "99":
            self.answer(b'{"error": "there is no bed 99"}', status=400)
        else:
            self.answer(json.dumps({"beds": {}, "noise": 0.0, "drop": 0.0}).encode())

    def answer(self, body: bytes, kind: str = "application/json", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def panel() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    handler = type("ThisPanel", (Panel,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def demo(
    config: dict[str, Any],
    panel: tuple[str, list[tuple[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flask]:
    # A panel that is away refuses at once; one that answers late on a slow machine is there.
    monkeypatch.setattr(panels, "TIMEOUT_S", WAIT_S)
    clock_file = tmp_path / "clock.json"
    clock = FileClock(clock_file)
    clock.set_rate(1.0)
    away = f"http://127.0.0.1:{free_port()}"
    virtual = {
        "3": {"controls": panel[0], "speech": [{"node": "3-box", "url": panel[0]}]},
        "5": {"controls": away, "speech": [{"node": "5-box", "url": away}]},
    }
    made = create_app(config | {"clock": clock, "virtual": virtual})
    with made.extensions["wardline"].store.transaction() as tx:
        build(tx)
    yield made
    made.extensions["wardline"].close()


@pytest.fixture
def nurse(demo: Flask) -> FlaskClient:
    client = demo.test_client()
    log_in(client, "zhao")
    return client


@pytest.fixture
def post(nurse: FlaskClient) -> Callable[[str, Any], Any]:
    token = token_of(nurse, "/virtual/3")

    def send(path: str, body: Any) -> Any:
        return nurse.post(path, json=body, headers={"X-CSRFToken": token})

    return send


def test_the_page_has_a_unit_for_each_bed(nurse: FlaskClient) -> None:
    page = nurse.get("/virtual/3").text
    assert page.count('class="unit"') == 4
    assert nurse.get("/virtual").location == "/virtual/3"
    assert 'href="/virtual"' in page


def test_outside_the_demo_there_is_no_virtual_ward(app: Flask) -> None:
    client = app.test_client()
    log_in(client, "zhao")
    assert client.get("/virtual").status_code == 404
    assert client.get("/virtual/3").status_code == 404


def test_state_and_speech_come_from_the_panels(nurse: FlaskClient) -> None:
    told = nurse.get("/virtual/3/state").get_json()
    assert told["state"]["beds"] == {}
    assert told["speech"] == [
        {"node": "3-box", "spoken": [SPOKEN], "speaker": "whole", "power": None}
    ]
    assert told["now_ms"] > 0


def test_what_was_said_can_be_played(nurse: FlaskClient) -> None:
    answer = nurse.get("/virtual/3/spoken/3-box/7.wav")
    assert answer.mimetype == "audio/wav"
    assert answer.data == silence()
    assert nurse.get("/virtual/3/spoken/other/7.wav").status_code == 404


def test_panels_that_are_away_leave_the_page_standing(
    nurse: FlaskClient, post: Callable[[str, Any], Any]
) -> None:
    told = nurse.get("/virtual/5/state").get_json()
    assert told["state"] is None
    assert told["speech"] == [{"node": "5-box", "spoken": None, "speaker": None, "power": None}]
    answer = post("/virtual/5/operate", {"bed": "1", "control": "press"})
    assert answer.status_code == 502
    assert "do not answer" in answer.get_json()["error"]


def test_operating_reaches_the_panel(
    post: Callable[[str, Any], Any], panel: tuple[str, list[tuple[str, Any]]]
) -> None:
    assert post("/virtual/3/operate", {"bed": "2", "control": "cord"}).status_code == 200
    assert post("/virtual/3/bus", {"noise": 0.1, "drop": 0.05}).status_code == 200
    box = {"node": "3-box"}
    assert post("/virtual/3/box", box | {"speaker": "dead"}).status_code == 200
    assert post("/virtual/3/box", box | {"mains": False, "weak": False}).status_code == 200
    assert panel[1] == [
        ("/operate", {"bed": "2", "control": "cord"}),
        ("/bus", {"noise": 0.1, "drop": 0.05}),
        ("/speaker", {"state": "dead"}),
        ("/power", {"mains": False, "weak": False}),
    ]
    refused = post("/virtual/3/operate", {"bed": "99", "control": "press"})
    assert refused.status_code == 400
    assert refused.get_json()["error"] == "there is no bed 99"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/virtual/3/operate", {"bed": "1", "control": "explode"}),
        ("/virtual/3/operate", {"bed": 1, "control": "press"}),
        ("/virtual/3/box", {"node": "3-box", "speaker": "sad"}),
        ("/virtual/3/box", {"node": "9-box", "speaker": "dead"}),
        ("/virtual/3/box", {"node": [], "speaker": "dead"}),
        ("/virtual/3/box", {"node": "3-box", "mains": "no"}),
        ("/virtual/3/bus", {"noise": 2}),
        ("/virtual/3/bus", {"noise": "loud"}),
        ("/virtual/clock", {"rate": 7}),
    ],
)
def test_nonsense_is_refused_before_the_panel(
    post: Callable[[str, Any], Any],
    panel: tuple[str, list[tuple[str, Any]]],
    path: str,
    body: Any,
) -> None:
    assert post(path, body).status_code == 400
    assert panel[1] == []


def test_hospital_time_is_sped_up_for_every_process(
    post: Callable[[str, Any], Any], tmp_path: Path
) -> None:
    assert post("/virtual/clock", {"rate": 600}).get_json() == {"rate": 600}
    assert json.loads((tmp_path / "clock.json").read_text())["rate"] == 600
