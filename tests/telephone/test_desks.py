"""A person logs in at a phone that is not his, by keys, on the real exchange."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from central.capabilities import Rules
from central.clock import FakeClock
from central.directory import model as directory
from central.directory import outside, service
from central.personal import desks, model, pins, speed
from central.store import Store
from central.telephone import settings
from central.telephone.running import Telephone
from gateway.speech.library import SpeechLibrary
from tests.bench.waiting import until
from tests.conftest import free_port
from tests.flows.caller import Line
from tests.speech.conftest import FakeEngine
from tests.telephone import sipp
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

STATION, LOBBY, HALL = "001565000003", "001565000004", "001565000005"
PIN, DESK = "246802", "800"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the world is."""
    return free_port()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Store]:
    opened = Store(tmp_path_factory.mktemp("store") / "wardline.db", FakeClock())
    with opened.transaction() as tx:
        outside.add_trunk(tx, "world", f"127.0.0.1:{port}")
        outside.add_route(tx, "city", "world", ["9NXXXXXXX"], strip=1)
        outside.add_class(tx, "local", "Local")
        outside.allow(tx, "local", ["city"])
        for number in ("8003", "8102", "8103", "8201"):
            service.add_extension(tx, number, f"Person {number}")
        service.add_phone(tx, STATION, "8003")
        service.add_phone(tx, LOBBY, "8102", lang="en")
        service.add_phone(tx, HALL, "8103")
        service.add_service(tx, DESK, "desk")
        desks.put(tx, "8201", rights="local", pin=PIN)
        speed.put(tx, "*001", "8003", owner="8201")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    folder = tmp_path_factory.mktemp("exchange")
    running = RunningExchange(folder, directory.directory(store.read()))
    running.start()
    yield running
    running.close()


class Slow(FakeEngine):
    """Longer than what one presses keys into, however short the words."""

    async def render(self, lang: str, text: str, target: Path) -> None:
        await super().render(lang, text * 4, target)


class Hospital:
    """The application at work, the phones that are plugged in, and what is said."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        exchange: RunningExchange,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        self.engine = Slow()
        self._folder = folder
        self._store = store
        self._exchange = exchange
        self._log = caplog

    def fingers(self, device: str) -> Line:
        """At the keys of a telephone: one that stood still for a moment would double a key."""
        row = directory.phone(self._store.read(), device)
        assert row is not None
        return Line(self._exchange.settings.ports.sip, device, row["password"])

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        library = SpeechLibrary(self._folder / "speech", [self.engine])
        at = settings.Settings(self._exchange.settings, self._exchange.folder)
        telephone = Telephone(at, self._store, Rules(), library)
        loop = asyncio.get_running_loop()
        self._store.on_commit = lambda changes: loop.call_soon_threadsafe(
            telephone.look, {what for _, what in changes}
        )
        async with self.told():
            running = asyncio.create_task(telephone.run(_published))
        try:
            yield
        finally:
            self._store.on_commit = lambda changes: None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """What is changed within has come to the exchange afterwards."""
        self._log.set_level("INFO", "wardline.telephone")
        self._log.clear()
        yield
        async with asyncio.timeout(WAIT_S):
            await until(lambda: "the exchange has read" in self._log.text, 0.02)

    @contextlib.asynccontextmanager
    async def phones(self, *devices: str) -> AsyncIterator[list[Baresip]]:
        async with contextlib.AsyncExitStack() as stack:
            found = []
            for device in devices:
                row = directory.phone(self._store.read(), device)
                assert row is not None
                sip = self._exchange.settings.ports.sip
                phone = Baresip(self._folder / device, device, row["password"], sip)
                found.append(await stack.enter_async_context(phone))
            for each in found:
                await each.registered()
            yield found

    async def says(self, words: str) -> None:
        async with asyncio.timeout(WAIT_S):
            await until(lambda: any(words in each for each in self.engine.rendered), 0.02)

    async def tried(self, number: str, times: int) -> None:
        """Returns once so many wrong PINs are counted for an extension."""
        asked = "SELECT count FROM login_failures WHERE subject = ?"
        async with asyncio.timeout(WAIT_S):
            await until(lambda: self._store.read().value(asked, (f"pin:{number}",)) == times, 0.02)


async def _published(*_: object) -> None:
    raise AssertionError("nothing is published here")


@pytest.fixture
def hospital(
    tmp_path: Path,
    store: Store,
    exchange: RunningExchange,
    caplog: pytest.LogCaptureFixture,
) -> Hospital:
    return Hospital(tmp_path, store, exchange, caplog)


async def test_a_person_has_his_number_his_rights_and_his_codes_wherever_he_logs_in(
    hospital: Hospital, exchange: RunningExchange, tmp_path: Path, port: int, store: Store
) -> None:
    async with hospital.at_work(), hospital.phones(STATION, LOBBY) as (station, lobby):
        async with hospital.told(), hospital.fingers(LOBBY) as line:
            call = await line.dial(DESK)
            await call.hears(100)
            await call.press(f"8201#{PIN}#")
            await hospital.says("rings for extension")
            await call.hung_up()
        # It rings for him,
        await station.dial("8201")
        await lobby.event("CALL_INCOMING")
        await lobby.do("hangup")
        await station.event("CALL_CLOSED")
        # has his codes and shows his number,
        await lobby.dial("*001")
        assert (await station.event("CALL_INCOMING"))["peeruri"].startswith("sip:8201@")
        await lobby.do("hangup")
        await station.event("CALL_CLOSED")
        # and dials what he may.
        outside = sipp.Phone(tmp_path, exchange.settings.ports.sip, "outside", "", port=port)
        world = asyncio.create_task(asyncio.to_thread(outside.run, "outside"))
        await lobby.dial("962221111")
        await lobby.event("CALL_ESTABLISHED")
        await lobby.do("hangup")
        assert await world == ""
        # The same number again, and it is its own.
        async with hospital.told():
            await lobby.dial(DESK)
            await hospital.says("has left this telephone")
        await lobby.event("CALL_CLOSED")
        await lobby.dial("8003")
        assert (await station.event("CALL_INCOMING"))["peeruri"].startswith("sip:8102@")
        await lobby.do("hangup")
    assert model.seats(store.read()) == []


async def test_three_wrong_pins_end_the_call_and_then_even_the_right_one_waits(
    hospital: Hospital, store: Store
) -> None:
    async with (
        hospital.at_work(),
        hospital.fingers(HALL) as hall,
        hospital.fingers(STATION) as station,
    ):
        call = await hall.dial(DESK)
        for tried in range(1, pins.TRIES + 1):
            await call.hears(100, len(call.heard))
            await call.press("8201#1#")
            await hospital.tried("8201", tried)
        await hospital.says("请稍后再试")
        await call.hung_up()
        call = await station.dial(DESK)
        await call.hears(100)
        await call.press(f"8201#{PIN}#")
        await hospital.says("密码错误次数过多")
        await call.hung_up()
    assert model.seats(store.read()) == []
