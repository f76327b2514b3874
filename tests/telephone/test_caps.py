"""How often and how long may be called outside, counted by the real exchange on its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from central.store import Store
from central.telephone.desk import Arrival, Desk
from central.telephone.phone import ARRIVALS
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.counted import DATABASE, Counted, counted
from gateway.telephone.directory import Directory, Line, Phone, Rights, Route, Trunk
from gateway.telephone.files.outward import REFUSED, counting
from gateway.telephone.prompts import Prompts
from gateway.telephone.text import UnsafeTextError
from tests.conftest import free_port
from tests.telephone import sipp
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World, until

OFFICE, LOBBY = "0015650a1b2c", "0015650a1b2d"
GUEST, SPENT = "0015650a1b2e", "0015650a1b2f"
CHINA_H = 8
# By trunk: one call a day, one minute a day, one call at once, and no cap for the police.
ONE_A_DAY, POLICE = "913900000001", "913900000110"
ONE_MINUTE = "913900001001"
ONE_AT_ONCE = "913900002001"
FREE = "913900003001"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the world is."""
    return free_port()


@pytest.fixture(scope="module")
def directory(port: int) -> Directory:
    host = f"127.0.0.1:{port}"
    every = ("day", "police", "minute", "once", "free")
    return Directory(
        rights=(
            Rights("local", every),
            Rights("guest", ("free",), day_calls=1),
            Rights("spent", ("free",), day_calls=1),
        ),
        phones=(
            Phone(OFFICE, "office-secret", "local", "8101"),
            Phone(LOBBY, "lobby-secret", "local", "8102"),
            Phone(GUEST, "guest-secret", "guest", "8103"),
            Phone(SPENT, "spent-secret", "spent", "8104"),
        ),
        lines=(
            Line("8101", (OFFICE,)),
            Line("8102", (LOBBY,)),
            Line("8103", (GUEST,)),
            Line("8104", (SPENT,)),
        ),
        trunks=(
            Trunk("day", host, day_calls=1),
            Trunk("minute", host, day_minutes=1),
            Trunk("once", host, most_calls=1),
            Trunk("free", host),
        ),
        routes=(
            Route("police", "day", (POLICE,), strip=1, always=True),
            Route("day", "day", ("91390000000X",), strip=1),
            Route("minute", "minute", ("913900001XXX",), strip=1),
            Route("once", "once", ("913900002XXX",), strip=1),
            Route("free", "free", ("913900003XXX",), strip=1),
        ),
    )


def day(ago: int = 0) -> str:
    there = datetime.now(UTC) + timedelta(hours=CHINA_H) - timedelta(days=ago)
    return there.strftime("%Y-%m-%d")


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    """It was used before: yesterday's call is over, and of today's minute a second is left."""
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    before = {
        "trunk-day/day": day(ago=1),
        "trunk-day/placed": 1,
        "trunk-minute/day": day(),
        "trunk-minute/placed": 7,
        "trunk-minute/seconds": 59,
        "from-spent/day": day(),
        "from-spent/placed": 1,
    }
    with closing(sqlite3.connect(running.folder / DATABASE)) as database, database:
        database.execute("CREATE TABLE astdb (key VARCHAR(256) PRIMARY KEY, value VARCHAR(256))")
        rows = [(f"/outward/{key}", str(value)) for key, value in before.items()]
        database.executemany("INSERT INTO astdb VALUES (?, ?)", rows)
    running.start()
    yield running
    running.close()


class House:
    """The phones, and somebody outside who answers."""

    def __init__(self, folder: Path, exchange: RunningExchange, port: int) -> None:
        self._folder = folder
        self._exchange = exchange
        self._sip = exchange.settings.ports.sip
        self._port = port

    def phone(self, device: str, password: str) -> Baresip:
        return Baresip(self._folder / device, device, password, self._sip)

    @asynccontextmanager
    async def world(self) -> AsyncIterator[None]:
        """Answers one call within this, which must have ended by its end."""
        (self._folder / "world").mkdir(exist_ok=True)
        outside = sipp.Phone(self._folder / "world", self._sip, "outside", "", port=self._port)
        answering = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
        yield
        assert await answering == ""

    async def refused(self, device: str, password: str, number: str) -> None:
        caller = sipp.Phone(self._folder, self._sip, device, password, port=free_port())
        assert await asyncio.to_thread(caller.run, "congested", dialled=number) == ""

    async def counts(self, who: str, enough: Callable[[Counted], bool]) -> Counted:
        """What it counted, once that is `enough`: it writes it down a moment later."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = counted(self._exchange.folder)[who]
                if enough(found):
                    return found
                await asyncio.sleep(0.05)


@pytest.fixture
def house(tmp_path: Path, exchange: RunningExchange, port: int) -> House:
    return House(tmp_path, exchange, port)


async def test_one_call_a_day_is_one_but_the_police_is_called_still(house: House) -> None:
    async with house.phone(OFFICE, "office-secret") as office:
        await office.registered()
        for number in (ONE_A_DAY, POLICE):
            async with house.world():
                await office.dial(number)
                await office.event("CALL_ESTABLISHED")
                await office.do("hangup")
            await house.refused(OFFICE, "office-secret", ONE_A_DAY)
    found = await house.counts("trunk-day", lambda it: it.refused["calls"] == 2)
    assert (found.day, found.placed) == (day(), 1)


async def test_the_last_second_of_the_day_s_minute_ends_the_call_and_is_the_last(
    house: House,
) -> None:
    async with house.phone(OFFICE, "office-secret") as office:
        await office.registered()
        async with house.world():
            await office.dial(ONE_MINUTE)
            await office.event("CALL_ESTABLISHED")
            await office.event("CALL_CLOSED")  # by the exchange: neither end hangs up
    await house.counts("trunk-minute", lambda it: it.seconds >= 60)
    await house.refused(OFFICE, "office-secret", ONE_MINUTE)


async def test_a_class_has_its_own_cap_whatever_the_trunk_has_left(house: House) -> None:
    async with house.phone(GUEST, "guest-secret") as guest:
        await guest.registered()
        async with house.world():
            await guest.dial(FREE)
            await guest.event("CALL_ESTABLISHED")
            await guest.do("hangup")
    await house.refused(GUEST, "guest-secret", FREE)
    async with house.phone(OFFICE, "office-secret") as office, house.world():
        await office.registered()
        await office.dial(FREE)
        await office.event("CALL_ESTABLISHED")
        await office.do("hangup")


async def test_a_call_that_was_passed_on_takes_its_line_still_and_the_refused_take_none(
    house: House,
) -> None:
    async with (
        house.phone(OFFICE, "office-secret") as office,
        house.phone(LOBBY, "lobby-secret") as lobby,
    ):
        await office.registered()
        await lobby.registered()
        async with house.world():
            await office.dial(ONE_AT_ONCE)
            await office.event("CALL_ESTABLISHED")
            await house.refused(OFFICE, "office-secret", ONE_AT_ONCE)
            await office.transfer("8102")
            await lobby.event("CALL_INCOMING")
            await lobby.do("accept")
            await office.event("CALL_CLOSED")
            await house.refused(OFFICE, "office-secret", ONE_AT_ONCE)
            await lobby.do("hangup")
        async with house.world():
            await office.dial(ONE_AT_ONCE)
            await office.event("CALL_ESTABLISHED")
            await office.do("hangup")


async def test_the_application_is_told_who_is_refused_and_why_and_tells_him(
    house: House, exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    async with (
        World(exchange.settings.ari_url) as world,
        house.phone(SPENT, "spent-secret") as spent,
    ):
        await world.ready()
        await spent.registered()
        await spent.dial(FREE)
        async with asyncio.timeout(WAIT_S):
            lane = await world.arrived.get()
        start = await until(lane, "StasisStart")
        assert start.body["args"] == ["outward_refused", "from-spent", "calls"]
        library = SpeechLibrary(tmp_path / "speech", [Espeak()])
        prompts = Prompts(library, exchange.folder / "sounds")

        async def publish() -> None:
            raise AssertionError("no box has to know")

        desk = Desk(store, world.actions, prompts, publish)
        await ARRIVALS[REFUSED](desk, Arrival(lane, REFUSED, SPENT, "8104", "en"))
        await world.end(lane)
        await spent.event("CALL_CLOSED")
        await library.close()
    loud, long_ms = spent.heard()
    assert loud > 500
    assert long_ms > 3000


@pytest.mark.parametrize("zone", ["", "Asia/Shanghai,x", "a b", "${X}", "/etc", "../x"])
def test_a_time_zone_is_a_plain_one(zone: str) -> None:
    with pytest.raises(UnsafeTextError, match="time zone"):
        counting(zone)
