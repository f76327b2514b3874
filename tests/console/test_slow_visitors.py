"""What one visitor on the network can do to a running console by sending slowly."""

import socket
import urllib.request
from typing import Any

from tests.conftest import WAIT_S

ATTACKER = "127.0.0.2"
HALF_A_REQUEST = b"GET /login HTTP/1.1\r\nHost: wardline\r\nX-"
HALF_A_FORM = b"POST /login HTTP/1.1\r\nHost: wardline\r\nContent-Length: 1000\r\n\r\nname="


def _connections(site: Any, many: int, sent: bytes) -> list[socket.socket]:
    made = []
    for _ in range(many):
        each = socket.create_connection(("127.0.0.1", site.port), WAIT_S, (ATTACKER, 0))
        each.sendall(sent)
        made.append(each)
    return made


def _status(site: Any) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/login", timeout=WAIT_S) as answer:
        return int(answer.status)


def test_half_sent_requests_of_one_address_leave_room_for_everybody(site: Any) -> None:
    held = _connections(site, 60, HALF_A_REQUEST)
    try:
        assert _status(site) == 200
    finally:
        for each in held:
            each.close()


def test_a_request_that_does_not_arrive_is_ended(site: Any) -> None:
    for sent in (HALF_A_REQUEST, HALF_A_FORM):
        (held,) = _connections(site, 1, sent)
        with held:
            said = b""
            try:
                while piece := held.recv(4096):
                    said += piece
            except ConnectionResetError:
                pass
            assert b" 200 " not in said


def test_a_board_that_is_watched_outlives_the_time_of_a_request(site: Any) -> None:
    site.live()
    request = urllib.request.Request(f"http://127.0.0.1:{site.port}/board/kiosk?token={site.token}")
    jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    jar.open(request, timeout=WAIT_S).close()
    with jar.open(f"http://127.0.0.1:{site.port}/board/stream?ward=3", timeout=WAIT_S) as stream:
        beats = 0
        while beats < 3:  # two seconds apart, so longer than a request may take to arrive
            beats += stream.readline() == b"event: beat\n"
