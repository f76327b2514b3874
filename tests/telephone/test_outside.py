"""Lines to the world: who may use them, how long, how many at once, and what comes in by them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.telephone.directory import Directory, Line, Phone, Rights, Route, Service, Trunk
from tests.conftest import free_port
from tests.telephone import sipp
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange

STATION, OFFICE, LOBBY = "0015650a1b2c", "0015650a1b2d", "0015650a1b2e"
HEAD = "0015650a1b2f"
# The world behind our own 9: numbers of the city, for a second; mobile phones; other cities; and
# 168, which costs money.
CITY = Route("city", "world", ("9NXXXXXXX",), strip=1, limit_s=1)
MOBILE = Route("mobile", "world", ("913NXXXXXXXX",), strip=1)
FAR = Route("far", "world", ("90ZXXXXXXXXX",), strip=1)
PREMIUM = Route("premium", "world", ("9168XXXXX",), strip=1)


@pytest.fixture(scope="module")
def port() -> int:
    """Where the world is."""
    return free_port()


@pytest.fixture(scope="module")
def directory(port: int) -> Directory:
    inbound = (("62345678", "8003"),)
    return Directory(
        rights=(
            Rights("internal"),
            Rights("local", ("city", "mobile")),
            Rights("far", ("city", "mobile", "far")),
        ),
        phones=(
            Phone(STATION, "station-secret", "internal", "8003"),
            Phone(OFFICE, "office-secret", "local", "8101"),
            Phone(LOBBY, "lobby-secret", "internal", "8102"),
            Phone(HEAD, "head-secret", "far", "8103"),
        ),
        lines=(
            Line("8003", (STATION,)),
            Line("8101", (OFFICE,)),
            Line("8102", (LOBBY,)),
            Line("8103", (HEAD,)),
        ),
        services=(Service("120", "emergency", ("8003",)),),
        trunks=(Trunk("world", f"127.0.0.1:{port}", most_calls=1, inbound=inbound),),
        routes=(CITY, MOBILE, FAR, PREMIUM),
    )


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    running.start()
    yield running
    running.close()


@pytest.fixture
def outside(tmp_path: Path, exchange: RunningExchange, port: int) -> sipp.Phone:
    return sipp.Phone(tmp_path, exchange.settings.ports.sip, "outside", "", port=port)


def office(folder: Path, exchange: RunningExchange) -> Baresip:
    return Baresip(folder / "office", OFFICE, "office-secret", exchange.settings.ports.sip)


async def test_a_call_to_the_city_goes_out_without_our_nine_and_ends_at_its_limit(
    exchange: RunningExchange, outside: sipp.Phone, tmp_path: Path
) -> None:
    world = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
    async with office(tmp_path, exchange) as phone:
        await phone.registered()
        await phone.dial("962221111")
        await phone.event("CALL_ESTABLISHED")
        await phone.event("CALL_CLOSED")  # by the exchange: neither end hangs up
    assert await world == ""


async def test_another_city_is_reached_from_the_class_that_may(
    exchange: RunningExchange, outside: sipp.Phone, tmp_path: Path
) -> None:
    world = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
    async with Baresip(
        tmp_path / "head", HEAD, "head-secret", exchange.settings.ports.sip
    ) as phone:
        await phone.registered()
        await phone.dial("902162345678")
        await phone.event("CALL_ESTABLISHED")
        await phone.do("hangup")
        await phone.event("CALL_CLOSED")
    assert await world == ""


async def test_who_calls_from_outside_does_not_pass_himself_on(
    exchange: RunningExchange, tmp_path: Path, port: int
) -> None:
    """Keys that pass a call on are a phone's of the house; a stranger's go to whom he called."""
    sip = exchange.settings.ports.sip
    async with (
        Baresip(tmp_path / "world", "13900000000", "", sip, port=port) as world,
        Baresip(tmp_path / "station", STATION, "station-secret", sip) as station,
        Baresip(tmp_path / "lobby", LOBBY, "lobby-secret", sip) as lobby,
    ):
        await station.registered()
        await lobby.registered()
        await world.dial("62345678")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await world.event("CALL_ESTABLISHED")
        await world.do("sndcode", "*28102")
        for key in "*28102":
            assert (await station.event("CALL_DTMF_START"))["param"] == key
        await station.do("hangup")
        await world.event("CALL_CLOSED")
        assert not lobby.happened("CALL_INCOMING")


async def test_a_line_that_is_taken_is_not_taken_twice(
    exchange: RunningExchange, outside: sipp.Phone, tmp_path: Path
) -> None:
    world = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
    async with office(tmp_path, exchange) as phone:
        await phone.registered()
        await phone.dial("913900000001")
        await phone.event("CALL_ESTABLISHED")
        second = sipp.Phone(
            tmp_path, exchange.settings.ports.sip, OFFICE, "office-secret", port=free_port()
        )
        assert await asyncio.to_thread(second.run, "congested", dialled="913900000002") == ""
        await phone.do("hangup")
        await phone.event("CALL_CLOSED")
    assert await world == ""


@pytest.mark.parametrize(
    ("device", "password", "number"),
    [
        (LOBBY, "lobby-secret", "962221111"),  # may not call outside at all
        (OFFICE, "office-secret", "916812345"),  # may, but not what costs money
        (OFFICE, "office-secret", "9622211111"),  # one digit too many
        (OFFICE, "office-secret", "9622211a1"),
        (OFFICE, "office-secret", "world"),
        (OFFICE, "office-secret", "902162345678"),  # another city
        (HEAD, "head-secret", "916812345"),
        # What would be a command, were it put into one.
        (HEAD, "head-secret", "962221111,30,L(1)"),
        (HEAD, "head-secret", "962221111%2C30"),
        (HEAD, "head-secret", "962221111&PJSIP%2F916812345"),
        (HEAD, "head-secret", "9622%24%7BEXTEN%7D"),
        (HEAD, "head-secret", "9%24%5B168%5D12345"),
        (HEAD, "head-secret", "_9XXXXXXXX"),
        (HEAD, "head-secret", "9NXXXXXXX"),
    ],
)
def test_who_may_not_is_told_that_there_is_no_such_number(
    exchange: RunningExchange, tmp_path: Path, device: str, password: str, number: str
) -> None:
    phone = sipp.Phone(tmp_path, exchange.settings.ports.sip, device, password)
    assert phone.run("invite", dialled=number) == ""


@pytest.mark.parametrize("number", ["8003", "8101", "120", "962221111", "916812345", "62345679"])
def test_from_outside_nothing_is_reached_that_is_not_named(
    outside: sipp.Phone, number: str
) -> None:
    assert outside.run("from_outside", dialled=number) == ""


async def test_our_number_rings_the_station(
    exchange: RunningExchange, outside: sipp.Phone, tmp_path: Path
) -> None:
    async with Baresip(
        tmp_path / "station", STATION, "station-secret", exchange.settings.ports.sip
    ) as station:
        await station.registered()
        calling = asyncio.create_task(asyncio.to_thread(outside.run, "rings", dialled="62345678"))
        assert (await station.event("CALL_INCOMING"))["peeruri"].startswith("sip:13900000000@")
        await station.do("hangup")
        assert await calling == ""


def test_the_way_to_what_costs_money_is_there_and_nobody_has_it(exchange: RunningExchange) -> None:
    plan = (exchange.folder / "etc" / "extensions.conf").read_text()
    assert "[route-premium]" in plan
    assert "include => route-premium" not in plan
