"""What one visitor on the network can do to a running console by sending slowly."""

import http.client
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.conftest import WAIT_S
from tests.console.site import Site
from tests.console.test_stream import Watcher

ATTACKER = "127.0.0.2"
HALF_A_REQUEST = b"GET /login HTTP/1.1\r\nHost: wardline\r\nX-"
HALF_A_FORM = b"POST /login HTTP/1.1\r\nHost: wardline\r\nContent-Length: 1000\r\n\r\nname="
HALF_IN_CHUNKS = (
    b"POST /login HTTP/1.1\r\nHost: wardline\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n"
)


@pytest.fixture
def site(tmp_path: Path, broker: int) -> Iterator[Site]:
    """One that waits for a request no longer than these tests like to."""
    made = Site(tmp_path, broker, request_timeout_s=2)
    yield made
    made.close()


def _connections(site: Site, many: int, sent: bytes) -> list[socket.socket]:
    made = []
    for _ in range(many):
        each = socket.create_connection(("127.0.0.1", site.port), WAIT_S, (ATTACKER, 0))
        each.sendall(sent)
        made.append(each)
    return made


def _status(site: Site) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/login", timeout=WAIT_S) as answer:
        return int(answer.status)


def test_half_sent_requests_of_one_address_leave_room_for_everybody(site: Site) -> None:
    held = _connections(site, 60, HALF_A_REQUEST)
    try:
        assert _status(site) == 200
    finally:
        for each in held:
            each.close()


def _until_ended(held: socket.socket) -> bytes:
    """What was said to it before."""
    said = b""
    try:
        while piece := held.recv(4096):
            said += piece
    except ConnectionResetError:
        pass
    return said


@pytest.mark.parametrize("sent", [HALF_A_REQUEST, HALF_A_FORM, HALF_IN_CHUNKS])
def test_a_request_that_does_not_arrive_is_ended(site: Site, sent: bytes) -> None:
    (held,) = _connections(site, 1, sent)
    with held:
        assert b" 200 " not in _until_ended(held)


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_form_that_has_arrived_is_answered_however_long_that_takes(
    site: Site, in_chunks: bool
) -> None:
    visitor = Watcher(site)
    form = {"name": "li", "password": "wrong", "csrf_token": visitor.token("/login")}
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": visitor.cookie}
    kind |= {"Accept-Language": "en"}
    body = urlencode(form).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=WAIT_S)) as asked:
        with site.store.transaction():  # a log-in that fails is written down, and must wait
            sent = iter([body]) if in_chunks else body
            asked.request("POST", "/login", sent, kind, encode_chunked=in_chunks)
            # One that began later is ended, so the time of the first is over, too.
            (later,) = _connections(site, 1, HALF_A_REQUEST)
            with later:
                _until_ended(later)
        with asked.getresponse() as answer:
            assert answer.status == 401
            assert "The name or the password is wrong" in answer.read().decode()


def test_a_board_that_is_watched_outlives_the_time_of_a_request(site: Site) -> None:
    site.live()
    request = urllib.request.Request(f"http://127.0.0.1:{site.port}/board/kiosk?token={site.token}")
    jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    jar.open(request, timeout=WAIT_S).close()
    with jar.open(f"http://127.0.0.1:{site.port}/board/stream?ward=3", timeout=WAIT_S) as stream:
        beats = 0
        while beats < 3:  # two seconds apart, so longer than a request may take to arrive
            beats += stream.readline() == b"event: beat\n"
