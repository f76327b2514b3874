"""The console under gunicorn with a real broker: live, and honest when it is not."""

import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest

from central.calls import service as calls
from central.console import service as people
from tests.conftest import WAIT_S
from tests.console.conftest import PASSWORD
from tests.console.site import Site

pytestmark = pytest.mark.long


class Watcher:
    """One logged-in user's browser, as far as HTTP goes."""

    def __init__(self, site: Site) -> None:
        self.port = site.port
        self.cookies: SimpleCookie = SimpleCookie()
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._stream: http.client.HTTPConnection | None = None
        self._reader: threading.Thread | None = None

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, {"Cookie": self.cookie} | headers)
            answer = connection.getresponse()
            for given in answer.headers.get_all("Set-Cookie", []):
                self.cookies.load(given)
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={each.value}" for name, each in self.cookies.items())

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
        until_s = time.monotonic() + WAIT_S
        while True:
            # Beats come all the time, so that each wait alone would never end.
            kind, data = self.events.get(timeout=max(0, until_s - time.monotonic()))
            if kind == wanted and about(data):
                return data
            assert kind != "end", f"the stream ended before {wanted}"

    def close(self) -> None:
        if self._stream is not None and self._stream.sock is not None:
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
    site.live()
    watcher.next("beat", lambda beat: beat["bridge"])
    with site.store.transaction() as tx:
        call = calls.open_call(tx, "3", "2", "nurse")
    site.nudge()
    shown = watcher.next("board")
    assert [(row["id"], row["bed"], row["state"]) for row in shown["calls"]] == [
        (call, "2", "open")
    ]


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
    site.live()
    watcher.next("beat", lambda beat: beat["bridge"] and beat["trouble"] is None)
    site.live("disk full")
    watcher.next("beat", lambda beat: beat["trouble"] == "disk full")
    site.silent()
    watcher.next("beat", lambda beat: not beat["bridge"])


def test_without_nudges_the_board_is_read_all_the_same(site: Site, watcher: Watcher) -> None:
    watcher.next("board")
    watcher.next("beat", lambda beat: not beat["bridge"])
    with site.store.transaction() as tx:
        calls.open_call(tx, "3", "4", "emergency")
    assert watcher.next("board", lambda board: board["calls"])["calls"][0]["bed"] == "4"


def test_another_wards_calls_wake_nobody_here(site: Site, watcher: Watcher) -> None:
    site.live()
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
