"""The console under gunicorn with a real broker: live, and honest when it is not."""

import http.client
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.calls import service as calls
from central.clock import SystemClock
from central.console import service as people
from central.store import Store
from gateway.mqtt import topics
from gateway.mqtt.checked import encode
from tests.conftest import answers, free_port, wait_for
from tests.console.conftest import PASSWORD, build

ROOT = Path(__file__).parents[2]
WAIT_S = 20


class Site:
    """A running console, its database and its broker."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.port = free_port()
        self.broker_port = broker_port
        self.store = Store(folder / "wardline.db", SystemClock())
        with self.store.transaction() as tx:
            build(tx)
            self.token = people.make_screen(tx, "3", "counter", "admin")
        config = {
            "database": str(folder / "wardline.db"),
            "broker": {"host": "127.0.0.1", "port": broker_port},
            "mllp": {},
            "speech": {},
            "timezone": "Asia/Shanghai",
            "web": {
                "host": "127.0.0.1",
                "port": self.port,
                "secret_file": str(folder / "secret"),
                "threads": 32,
            },
        }
        path = folder / "central.json"
        path.write_text(json.dumps(config))
        self._env = os.environ | {"WARDLINE_CONFIG": str(path)}
        self.process = self.start()
        # The bridge's part of the talk: nudges and beacons.
        self.bridge = mqtt.Client(CallbackAPIVersion.VERSION2, "bridge", protocol=mqtt.MQTTv5)
        self.nudges: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.bridge.on_message = lambda _c, _d, m: self.nudges.put((m.topic, json.loads(m.payload)))
        self.bridge.connect("127.0.0.1", broker_port)
        self.bridge.subscribe(topics.every(topics.CHANGED))
        self.bridge.loop_start()

    def start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "-c", "central/console/gunicorn.conf.py",
                "central.console.app:create_app()",
            ],
            cwd=ROOT,
            env=self._env,
        )  # fmt: skip
        wait_for(lambda: answers(self.port), "the console to listen")
        return process

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(WAIT_S)

    def beacon(self, trouble: str | None = None) -> None:
        now_ms = SystemClock().now_ms()
        body = {"now_ms": now_ms, "real_ms": now_ms, "offset_min": 480, "session": "1"}
        self.bridge.publish(
            topics.topic("3", topics.ALL, topics.CLOCK),
            encode(topics.CLOCK, body | {"trouble": trouble}),
        )

    def nudge(self, ward: str = "3") -> None:
        body = encode(topics.CHANGED, {"what": ["board"], "ward": ward})
        self.bridge.publish(topics.topic(ward, topics.CENTRAL, topics.CHANGED), body, qos=1)

    def close(self) -> None:
        self.bridge.disconnect()
        self.bridge.loop_stop()
        if self.process.poll() is None:
            self.stop()
        self.store.close()


@pytest.fixture
def site(tmp_path: Path, broker: int) -> Iterator[Site]:
    made = Site(tmp_path, broker)
    yield made
    made.close()


class Watcher:
    """One logged-in user's browser, as far as HTTP goes."""

    def __init__(self, site: Site) -> None:
        self.port = site.port
        self.cookie = ""
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._stream: http.client.HTTPConnection | None = None
        self._reader: threading.Thread | None = None

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, {"Cookie": self.cookie} | headers)
            answer = connection.getresponse()
            if answer.headers.get("Set-Cookie"):
                self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def token(self, path: str) -> str:
        page: str = self.ask("GET", path)[1]
        return page.split('name="csrf-token" content="')[1].split('"')[0]

    def log_in(self, name: str) -> "Watcher":
        form = {"name": name, "password": PASSWORD, "csrf_token": self.token("/login")}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert self.ask("POST", "/login", urlencode(form), **kind)[0] == 302
        return self

    def watch(self, ward: str = "3") -> "Watcher":
        self._stream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        self._stream.request("GET", f"/board/stream?ward={ward}", headers={"Cookie": self.cookie})
        answer = self._stream.getresponse()
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        self._reader = threading.Thread(target=self._read, args=(answer,))
        self._reader.start()
        return self

    def _read(self, answer: http.client.HTTPResponse) -> None:
        kind = ""
        try:
            for raw in answer:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    self.events.put((kind, json.loads(line[6:])))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.events.put(("end", None))

    def next(self, wanted: str, about: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next event of a kind that fits; fails when none comes."""
        while True:
            kind, data = self.events.get(timeout=WAIT_S)
            if kind == wanted and about(data):
                return data
            assert kind != "end", f"the stream ended before {wanted}"

    def close(self) -> None:
        if self._stream is not None and self._stream.sock is not None:
            import socket

            try:
                self._stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self._reader is not None:
            self._reader.join()
        if self._stream is not None:
            self._stream.close()


@pytest.fixture
def watcher(site: Site) -> Iterator[Watcher]:
    made = Watcher(site).log_in("li").watch()
    yield made
    made.close()


def test_a_stream_begins_with_the_whole_board_and_a_beat(watcher: Watcher) -> None:
    kind, first = watcher.events.get(timeout=WAIT_S)
    assert kind == "board"
    assert first["calls"] == []
    kind, beat = watcher.events.get(timeout=WAIT_S)
    assert kind == "beat"
    assert beat["now_ms"] > 1_700_000_000_000
    assert watcher.next("beat")["steady_ms"] > beat["steady_ms"], "another beat comes"


def test_a_call_stored_by_the_bridge_is_on_the_board_after_its_nudge(
    site: Site, watcher: Watcher
) -> None:
    watcher.next("board")
    site.beacon()
    watcher.next("beat", lambda beat: beat["bridge"])
    with site.store.transaction() as tx:
        call = calls.open_call(tx, "3", "2", "nurse")
    site.nudge()
    shown = watcher.next("board")
    assert [(row["id"], row["bed"], row["state"]) for row in shown["calls"]] == [(call, "2", "open")]


def test_accepting_in_the_browser_shows_on_every_board_and_nudges_the_bridge(
    site: Site, watcher: Watcher
) -> None:
    with site.store.transaction() as tx:
        call = calls.open_call(tx, "3", "2", "nurse")
    other = Watcher(site).log_in("wang").watch()
    try:
        other.next("board", lambda board: board["calls"])
        headers = {"X-CSRFToken": watcher.token("/board/3"), "Content-Type": "application/json"}
        assert watcher.ask("POST", f"/calls/{call}/accept", "{}", **headers)[0] == 200
        for each in (watcher, other):
            each.next("board", lambda b: b["calls"] and b["calls"][0]["state"] == "accepted")
    finally:
        other.close()
    found: set[str] = set()
    while not {"board", "commands"} <= found:
        topic, body = site.nudges.get(timeout=WAIT_S)
        assert topic == "wardline/1/3/central/changed"
        found |= set(body["what"])


def test_the_board_hears_of_the_bridge_and_of_its_trouble(site: Site, watcher: Watcher) -> None:
    assert watcher.next("beat")["bridge"] is False
    site.beacon()
    watcher.next("beat", lambda beat: beat["bridge"] and beat["trouble"] is None)
    site.beacon("disk full")
    watcher.next("beat", lambda beat: beat["trouble"] == "disk full")
    watcher.next("beat", lambda beat: not beat["bridge"])


def test_without_nudges_the_board_is_read_all_the_same(site: Site, watcher: Watcher) -> None:
    watcher.next("board")
    watcher.next("beat", lambda beat: not beat["bridge"])
    with site.store.transaction() as tx:
        calls.open_call(tx, "3", "4", "emergency")
    assert watcher.next("board", lambda board: board["calls"])["calls"][0]["bed"] == "4"


def test_another_wards_calls_wake_nobody_here(site: Site, watcher: Watcher) -> None:
    site.beacon()
    watcher.next("beat", lambda beat: beat["bridge"])
    with site.store.transaction() as tx:
        calls.open_call(tx, "5", "1", "nurse")
        calls.open_call(tx, "3", "1", "nurse")
    site.nudge("5")
    site.nudge("3")
    assert [row["ward"] for row in watcher.next("board", lambda b: b["calls"])["calls"]] == ["3"]


def test_the_stream_of_a_revoked_screen_ends(site: Site) -> None:
    screen = Watcher(site)
    assert screen.ask("GET", f"/board/kiosk?token={site.token}")[0] == 302
    screen.watch()
    try:
        screen.next("board")
        with site.store.transaction() as tx:
            people.revoke_screen(tx, 1, "admin")
        screen.next("over")
    finally:
        screen.close()


def test_the_console_stops_at_once_though_boards_are_open(site: Site, watcher: Watcher) -> None:
    watcher.next("board")
    assert site.stop() == 0
    while watcher.events.get(timeout=WAIT_S)[0] != "end":
        pass


def test_a_stream_asks_for_a_log_in(site: Site) -> None:
    stranger = Watcher(site)
    status, _ = stranger.ask("GET", "/board/stream?ward=3", Accept="text/event-stream")
    assert status == 401
