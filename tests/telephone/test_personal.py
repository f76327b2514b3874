"""What belongs to an extension: speed dials, and where its person is found. A real exchange."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.telephone.directory import Directory, Line, Phone, Rights, Route, Trunk
from gateway.telephone.personal import DAY_MIN, FindMe, Hours, SpeedDial, Target
from tests.conftest import free_port
from tests.telephone import sipp
from tests.telephone.conftest import OFFICE, STATION
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import World

LOBBY = "0015650a1b30"
WORLD = Route("world", "world", ("9NXXXXXXX",), strip=1)


@pytest.fixture(scope="module")
def port() -> int:
    """Where the world is."""
    return free_port()


def hours() -> tuple[Hours, Hours]:
    """Those of now, which a long run of tests has not left behind yet, and those of no test; by
    the hospital's clock, which need not be this machine's."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    minute = now.hour * 60 + now.minute
    # Neither today nor, should it be midnight meanwhile, tomorrow.
    never = Hours(days=((now.weekday() + 3) % 7,))
    return Hours((minute - 60) % DAY_MIN, (minute + 60) % DAY_MIN), never


@pytest.fixture(scope="module")
def directory(port: int) -> Directory:
    now, never = hours()
    return Directory(
        rights=(Rights("internal"), Rights("local", ("world",))),
        phones=(
            Phone(STATION, "station-secret", "internal", "8003"),
            Phone(OFFICE, "office-secret", "local", "8101"),
            Phone(LOBBY, "lobby-secret", "internal", "8102"),
        ),
        lines=(
            Line("8003", (STATION,)),
            Line("8101", (OFFICE,), ring_s=1),
            Line("8102", (LOBBY,)),
            *(Line(number, ()) for number in ("8201", "8202", "8203", "8204", "8205")),
        ),
        trunks=(Trunk("world", f"127.0.0.1:{port}"),),
        routes=(WORLD,),
        speed=(
            SpeedDial("*001", "8003"),
            SpeedDial("*002", "962221111"),
            SpeedDial("*001", "8102", owner="8101"),
            SpeedDial("*004", "8102", owner="8101"),
        ),
        find=(
            FindMe("8101", (Target("8102", never), Target("8003", now))),
            # Virtual: it has no phone of its own.
            FindMe("8201", (Target("8003"), Target("8102"), Target("8102", never)), together=True),
            FindMe("8202", (Target("8201"),)),
            FindMe("8203", (Target("962221111", outside=True),), rights="local"),
            FindMe("8204", (Target("962221111", outside=True),), rights="internal"),
            FindMe("8205", (Target("8003", never),), together=True),
        ),
    )


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    running.start()
    yield running
    running.close()


class Phones:
    """The telephones of the directory, as they are plugged in."""

    def __init__(self, folder: Path, exchange: RunningExchange) -> None:
        sip = exchange.settings.ports.sip
        self.station = Baresip(folder / "station", STATION, "station-secret", sip)
        self.office = Baresip(folder / "office", OFFICE, "office-secret", sip)
        self.lobby = Baresip(folder / "lobby", LOBBY, "lobby-secret", sip)


@pytest.fixture
def phones(tmp_path: Path, exchange: RunningExchange) -> Phones:
    return Phones(tmp_path, exchange)


async def test_the_same_code_dials_the_houses_number_and_at_one_phone_its_own(
    phones: Phones,
) -> None:
    async with phones.station as station, phones.office as office, phones.lobby as lobby:
        for each in (station, office, lobby):
            await each.registered()
        await lobby.dial("*001")
        assert (await station.event("CALL_INCOMING"))["peeruri"].startswith("sip:8102@")
        await station.do("accept")
        await asyncio.gather(lobby.hears(), station.hears())
        await lobby.do("hangup")
        await office.dial("*001")
        assert (await lobby.event("CALL_INCOMING"))["peeruri"].startswith("sip:8101@")
        await office.do("hangup")
        await lobby.event("CALL_CLOSED")


async def test_a_code_for_a_number_outside_is_dialled_by_who_may_dial_that_number(
    phones: Phones, exchange: RunningExchange, tmp_path: Path, port: int
) -> None:
    outside = sipp.Phone(tmp_path, exchange.settings.ports.sip, "outside", "", port=port)
    world = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
    async with phones.office as office:
        await office.registered()
        await office.dial("*002")
        await office.event("CALL_ESTABLISHED")
        await office.do("hangup")
        assert await world == ""


@pytest.mark.parametrize("code", ["*002", "*003", "*004", "*0011", "*001,1)"])
def test_who_may_not_is_told_that_there_is_no_such_code(
    exchange: RunningExchange, tmp_path: Path, code: str
) -> None:
    phone = sipp.Phone(tmp_path, exchange.settings.ports.sip, LOBBY, "lobby-secret")
    assert phone.run("invite", dialled=code) == ""


async def test_who_is_not_at_his_phone_is_found_in_turn(phones: Phones) -> None:
    async with phones.station as station, phones.office as office, phones.lobby as lobby:
        for each in (station, office, lobby):
            await each.registered()
        await lobby.dial("8101")
        await office.event("CALL_INCOMING")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await asyncio.gather(lobby.hears(), station.hears())
        await station.do("hangup")
        await lobby.event("CALL_CLOSED")


async def test_an_extension_without_a_phone_rings_where_its_person_may_be_found(
    phones: Phones,
) -> None:
    """8202 passes on to 8201, which has no phone either and rings two together."""
    async with phones.station as station, phones.office as office, phones.lobby as lobby:
        for each in (station, office, lobby):
            await each.registered()
        await office.dial("8202")
        await station.event("CALL_INCOMING")
        await lobby.event("CALL_INCOMING")
        await lobby.do("accept")
        await station.event("CALL_CLOSED")
        await asyncio.gather(lobby.hears(), office.hears())
        await office.do("hangup")
        await lobby.event("CALL_CLOSED")


async def test_somebody_is_found_outside_by_the_rights_of_his_own_class(
    phones: Phones, exchange: RunningExchange, tmp_path: Path, port: int
) -> None:
    """The caller may not dial outside; whom he calls may. One who may not is not found there."""
    outside = sipp.Phone(tmp_path, exchange.settings.ports.sip, "outside", "", port=port)
    world = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
    async with phones.lobby as lobby, World(exchange.settings.ari_url) as application:
        await lobby.registered()
        await lobby.dial("8204")
        await lobby.event("CALL_CLOSED")
        await lobby.dial("8203")
        await lobby.event("CALL_ESTABLISHED")
        await lobby.do("hangup")
        assert await world == ""
        await application.ready()
        await application.silent()


async def test_who_is_nowhere_at_this_hour_is_told_to_be_unreachable(phones: Phones) -> None:
    async with phones.lobby as lobby:
        await lobby.registered()
        await lobby.dial("8205")
        await lobby.event("CALL_CLOSED")


LOOP = """
[reach]
exten => 8301,1,Set(__PASSED_ON=$[0${PASSED_ON} + 1])
 same => n,GotoIf($[${PASSED_ON} >= 4]?nobody)
 same => n,Dial(Local/8302@reach&Local/8301@reach,20)
 same => n(nobody),Hangup(20)
exten => 8302,1,Set(__PASSED_ON=$[0${PASSED_ON} + 1])
 same => n,GotoIf($[${PASSED_ON} >= 4]?nobody)
 same => n,Dial(Local/8301@reach,20)
 same => n(nobody),Hangup(20)
[lines]
exten => 8301,1,Dial(Local/8301@reach,20)
 same => n,Hangup(20)
"""


async def test_even_a_loop_ends_on_the_exchange(phones: Phones, exchange: RunningExchange) -> None:
    """No directory has one, so it stands in the hospital's own part of the configuration, in the
    words of ours."""
    ours = (exchange.folder / "etc" / "extensions.conf").read_text()
    guard = [line for line in LOOP.splitlines() if "PASSED_ON" in line]
    assert all(line.partition(",")[2] in ours for line in guard)
    (exchange.folder / "etc" / "extensions_local.conf").write_text(LOOP)
    assert exchange.ari("asterisk/modules/pbx_config.so", "PUT")[0] == 204
    async with phones.lobby as lobby, World(exchange.settings.ari_url) as application:
        await lobby.registered()
        await lobby.dial("8301")
        await lobby.event("CALL_CLOSED")
        await application.ready()
        await application.silent()
