"""What somebody outside, and somebody at a telephone of the house, may try at the real exchange."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.telephone.directory import Directory, Line, Phone, Rights, Route, Service, Trunk
from gateway.telephone.files.limits import MOST_OF_A_PHONE
from tests.conftest import WAIT_S, wait_for
from tests.telephone.running import RunningExchange
from tests.telephone.stranger import ANSWER_TIMEOUT_S, Stranger, status

STATION, OFFICE = "0015650a1b2c", "0015650a1b2d"
# Where the line to the world is, and where a stranger is.
WORLD, NOWHERE = f"127.{os.getpid() % 250 + 2}.66.{os.getpid() // 250 % 250 + 2}", "127.0.0.2"
OURS = "62345678"
FLOOD = 1500
MOST_GROWTH_KB = 80_000
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 20000 RTP/AVP 8\r\n"
)
BODY = f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
# Parts of the dial plan that nobody dials, and what might break out of a line of it.
ODD = (
    *("s", "h", "t", "T", "i", "o", "a", "room", "has", "leg", "ended", "62345678,1", "*8", "+86"),
    *("8003%40lines", "%24%7BEXTEN%7D", "_X.", "8003%26PJSIP%2F0015650a1b2d", "Local%2F8003"),
)


@pytest.fixture(scope="module")
def world() -> Iterator[socket.socket]:
    """The far end of the line to the world."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind((WORLD, 5060))
        far.setblocking(False)
        yield far


@pytest.fixture(scope="module")
def directory(world: socket.socket) -> Directory:
    return Directory(
        rights=(Rights("internal"), Rights("local", ("city",))),
        phones=(
            Phone(STATION, "station-secret", "internal", "8003", "三病区护士站"),
            Phone(OFFICE, "office-secret", "local", "8101"),
        ),
        lines=(Line("8003", (STATION,)), Line("8101", (OFFICE,))),
        services=(Service("120", "emergency", ("8003",)), Service("621", "broadcast")),
        trunks=(Trunk("world", WORLD, inbound=((OURS, "8003"),)),),
        routes=(Route("city", "world", ("9NXXXXXXX",), strip=1),),
    )


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    running.start()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def nothing_goes_out(exchange: RunningExchange, world: socket.socket) -> Iterator[None]:
    """Whatever is tried: no call reaches the world, and none is left in the exchange."""
    yield
    wait_for(lambda: exchange.ari("channels") == (200, []), "silence")
    while True:
        try:
            came = world.recv(65_536).decode()
        except BlockingIOError:
            break
        assert not came.startswith("INVITE")


def at(exchange: RunningExchange, address: str, answer_s: float = ANSWER_TIMEOUT_S) -> Stranger:
    return Stranger(exchange.settings.ports.sip, address, answer_s=answer_s)


@pytest.mark.parametrize("name", ["anybody", STATION, "8003", "120"])
def test_a_stranger_reaches_no_number_under_any_name(exchange: RunningExchange, name: str) -> None:
    with at(exchange, NOWHERE) as stranger:
        for number in ("120", "621", "8003", "8101", "962221111", OURS, "**8003", *ODD[:3]):
            assert status(stranger.ask("INVITE", name, BODY, dialled=number)) == 401


def test_a_stranger_who_calls_himself_like_the_line_is_not_the_line(
    exchange: RunningExchange,
) -> None:
    with at(exchange, NOWHERE) as stranger:
        for name in ("trunk-world", "world", "inbound-world"):
            assert status(stranger.ask("INVITE", name, BODY, dialled=OURS)) == 401


@pytest.mark.parametrize("number", ["8003", "8101", "120", "621", "962221111", "**8003", *ODD])
def test_from_outside_no_other_number_is_reached(exchange: RunningExchange, number: str) -> None:
    with at(exchange, WORLD) as outside:
        # "*8" picks up what rings in one's own groups, and the line has none.
        refused = (403,) if number == "*8" else (404, 484)
        assert status(outside.ask("INVITE", "13900000000", BODY, dialled=number)) in refused


def test_from_outside_nobody_is_a_telephone_of_ours(exchange: RunningExchange) -> None:
    """Its name is asked for its password."""
    with at(exchange, WORLD) as outside:
        for number in ("962221111", "8101", OURS):
            assert status(outside.ask("INVITE", STATION, BODY, dialled=number)) == 401


@pytest.mark.parametrize(
    ("user", "shown"), [("8101", "anonymous"), ("120", "anonymous"), ("13900000000", "13900000000")]
)
def test_from_outside_nobody_looks_like_one_of_the_house(
    exchange: RunningExchange, user: str, shown: str
) -> None:
    with at(exchange, "127.0.0.1") as phone, at(exchange, WORLD) as outside:
        assert phone.log_in(STATION, "station-secret") == 200
        call = outside.send("INVITE", user, BODY, dialled=OURS, display="三病区护士站")
        invite = phone.called()
        phone.refuse(invite)
        assert status(outside.answer(call)) == 486
    (sender,) = re.findall(r"^From: (.*)$", invite, re.MULTILINE)
    assert f"sip:{shown}@" in sender
    for line in re.findall(r"^(?:From|P-Asserted-Identity|Contact): .*$", invite, re.MULTILINE):
        assert "8101" not in line
        assert "护士站" not in line


@pytest.mark.parametrize("number", ODD)
def test_a_telephone_reaches_no_part_of_the_dial_plan_that_is_no_number(
    exchange: RunningExchange, number: str
) -> None:
    with at(exchange, "127.0.0.1") as phone:
        wanted = (403,) if number == "*8" else (404, 484)
        assert phone.log_in(OFFICE, "office-secret", "INVITE", dialled=number, body=BODY) in wanted


@pytest.mark.parametrize(
    ("method", "more", "wanted"),
    [
        ("MESSAGE", "", (501, 405)),
        ("SUBSCRIBE", "Event: presence\r\n", (489,)),
        ("SUBSCRIBE", "Event: dialog\r\n", (489,)),
        ("PUBLISH", "Event: presence\r\n", (489,)),
        ("REFER", "Refer-To: <sip:962221111@127.0.0.1>\r\n", (405, 481, 501)),
        ("NOTIFY", "Event: check-sync\r\n", (481, 489, 501)),
        ("INFO", "", (481, 501)),
        ("UPDATE", "", (481, 501)),
    ],
)
def test_methods_that_nobody_needs_do_nothing_even_with_a_password(
    exchange: RunningExchange, method: str, more: str, wanted: tuple[int, ...]
) -> None:
    with at(exchange, "127.0.0.1") as phone:
        assert phone.log_in(OFFICE, "office-secret", method, dialled="8003", more=more) in wanted


@pytest.mark.parametrize("target", ["962221111", "8101"])
def test_from_outside_nobody_lets_us_call_on(exchange: RunningExchange, target: str) -> None:
    """REFER within a call that the station has answered."""
    with at(exchange, "127.0.0.1") as phone, at(exchange, WORLD) as outside:
        assert phone.log_in(STATION, "station-secret") == 200
        call = outside.send("INVITE", "13900000000", BODY, dialled=OURS)
        phone.accept(phone.called(), 8)
        accepted = outside.answer(call)
        assert status(accepted) == 200
        outside.within(accepted, "ACK", 1)
        outside.within(accepted, "REFER", 2, f"Refer-To: <sip:{target}@127.0.0.1>\r\n")
        assert outside.answered_within(2, "REFER") in (403, 405, 501, 603)
        outside.within(accepted, "BYE", 3)
        assert outside.answered_within(3, "BYE") == 200


@pytest.mark.parametrize("target", ["962221111", "8101", "62221111"])
def test_a_phone_without_rights_sends_no_caller_outside(
    exchange: RunningExchange, target: str
) -> None:
    """It says that it has moved: to a number it may not dial, or one in the house."""
    with at(exchange, "127.0.0.1") as phone, at(exchange, WORLD) as outside:
        assert phone.log_in(STATION, "station-secret") == 200
        call = outside.send("INVITE", "13900000000", BODY, dialled=OURS)
        moved = f"Contact: <sip:{target}@127.0.0.1>\r\n"
        phone.refuse(phone.called(), "302 Moved Temporarily", moved)
        assert status(outside.answer(call)) >= 400


def test_one_telephone_cannot_take_up_the_whole_exchange(exchange: RunningExchange) -> None:
    with ExitStack() as stack:
        station = stack.enter_context(at(exchange, "127.0.0.1", WAIT_S))
        assert station.log_in(STATION, "station-secret") == 200
        calls, invites = [], {}
        for _ in range(MOST_OF_A_PHONE):
            call = stack.enter_context(at(exchange, "127.0.0.1", WAIT_S))
            call.log_in_and_ring(OFFICE, "office-secret", "120", BODY)
            calls.append(call)
            while len(invites) < len(calls):  # it may come twice on a slow machine
                invite = station.called()
                invites[_call_id(invite)] = invite
                station.ring(invite)
        one_more = stack.enter_context(at(exchange, "127.0.0.1", WAIT_S))
        dialled = one_more.log_in(OFFICE, "office-secret", "INVITE", dialled="8003", body=BODY)
        assert dialled in (486, 503)
        for call in calls:
            call.cancel()
        for invite in invites.values():
            station.refuse(invite, "487 Request Terminated")


def _call_id(message: str) -> str:
    return re.findall(r"^Call-ID: (\S+)", message, re.MULTILINE)[0]


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER"])
def test_a_flood_leaves_no_calls_takes_no_memory_and_lets_telephones_in(
    exchange: RunningExchange, method: str
) -> None:
    before = _memory_kb(exchange)
    with at(exchange, NOWHERE) as flood, at(exchange, "127.0.0.1") as phone:
        for _ in range(FLOOD):
            flood.send(method, "flood", BODY if method == "INVITE" else "", dialled="8003")
        # A packet may be lost in the flood, and a telephone says again what nobody answered.
        assert 200 in (phone.log_in(OFFICE, "office-secret") for _ in range(5))
    assert exchange.ari("channels") == (200, [])
    assert _memory_kb(exchange) - before < MOST_GROWTH_KB


def _memory_kb(exchange: RunningExchange) -> int:
    text = Path(f"/proc/{exchange.pid}/status").read_text()
    (size,) = re.findall(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
    return int(size)
