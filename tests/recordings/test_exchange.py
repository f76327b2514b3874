"""Calls between telephones that nobody here wrote, recorded by a real exchange."""

import asyncio
import math
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from central.call_records.reading import Reader
from central.clock import FakeClock, SystemClock
from central.directory import standing
from central.recordings import conversation, model, service
from central.recordings.keeping import Keeper, files
from central.store import Row, Store, Tx
from central.telephone.desk import Arrival, Desk
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.files import recording
from gateway.telephone.files.features import RECORD
from gateway.telephone.prompts import Prompts
from tests.call_records.conftest import NIGHT, OFFICE, STATION, build
from tests.telephone.hearing import hum
from tests.telephone.hospital import Phones, at_work, opened
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World

KEPT_DAYS = 30
# Of each telephone, in Hz: a period of whole samples, and none an odd multiple of another.
VOICES = {OFFICE: 500, STATION: 800, NIGHT: 1000}
LOUD, QUIET = 300.0, 60.0


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock(SystemClock().now_ms())


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, clock: FakeClock) -> Iterator[Store]:
    def built(tx: Tx) -> None:
        build(tx)
        service.add_rule(tx, extension="8003", keep_days=KEPT_DAYS)
        service.switch_key(tx, True)

    with opened(tmp_path_factory.mktemp("hospital"), built, clock) as store:
        yield store


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, hospital: Store
) -> Iterator[RunningExchange]:
    def prepare(folder: Path) -> None:
        prompts = Prompts(SpeechLibrary(folder / "speech", [Espeak()]), folder / "sounds")
        for name in (recording.ANNOUNCED, recording.BEGUN):
            asyncio.run(prompts.put(name, "zh", standing.words("zh", name)))

    with at_work(tmp_path_factory.mktemp("exchange"), hospital, prepare) as running:
        yield running


class Voices(Phones):
    """The telephones of the hospital, each with its own voice."""

    def plugged_in(self, device: str, **more: Any) -> Baresip:
        phone = super().plugged_in(device, **more)
        hum(phone, VOICES[device], 40.0)
        return phone


@pytest.fixture
def phones(tmp_path: Path, hospital: Store, exchange: RunningExchange) -> Voices:
    return Voices(tmp_path, hospital, exchange)


async def recordings(hospital: Store, exchange: RunningExchange, clock: FakeClock) -> list[Row]:
    """What is found once the call is recorded."""
    reader, keeper = Reader(hospital, exchange.folder), Keeper(hospital, exchange.folder)
    async with asyncio.timeout(WAIT_S):
        while True:
            clock.value_ms = SystemClock().now_ms()
            await reader.look()
            if found := await keeper.look():
                rows = [model.one(hospital.read(), each) for each in found]
                return [row for row in rows if row is not None]
            await asyncio.sleep(0.05)


def voices(path: Path, from_ms: int = 0, to_ms: int = 3_600_000) -> dict[str, float]:
    """How loud each telephone's voice is in a part of a recording."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        samples = array("h", file.readframes(file.getnframes()))[from_ms * 8 : to_ms * 8]
    found = {}
    for device, hz in VOICES.items():
        step = 2 * math.pi * hz / 8000
        real = sum(each * math.cos(step * at) for at, each in enumerate(samples))
        imaginary = sum(each * math.sin(step * at) for at, each in enumerate(samples))
        found[device] = math.hypot(real, imaginary) / max(1, len(samples))
    return found


async def test_a_call_of_the_station_is_announced_and_recorded_with_both_voices_and_deleted_in_time(
    hospital: Store, exchange: RunningExchange, phones: Voices, clock: FakeClock
) -> None:
    async with phones.plugged_in(OFFICE) as office, phones.plugged_in(STATION) as station:
        await office.registered()
        await station.registered()
        await office.dial("8003")
        # It is said to the caller before it rings.
        await office.hears(1000)
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await office.event("CALL_ESTABLISHED")
        await asyncio.gather(office.hears(5000), station.hears(2000))
        await office.do("hangup")
        await station.event("CALL_CLOSED")
    (found,) = await recordings(hospital, exchange, clock)
    path = exchange.folder / found["folder"] / found["file"]
    heard = voices(path)
    assert heard[OFFICE] > LOUD
    assert heard[STATION] > LOUD
    assert heard[NIGHT] < QUIET
    assert found["length_ms"] >= 1500
    (call,) = hospital.read().all("SELECT * FROM call_records ORDER BY id DESC LIMIT 1")
    assert [row["id"] for row in model.of_call(hospital.read(), call["id"])] == [found["id"]]
    keeper = Keeper(hospital, exchange.folder)
    clock.advance((KEPT_DAYS - 1) * model.DAY_MS)
    assert await keeper.tidy() == []
    assert path.exists()
    clock.advance(model.DAY_MS + 60_000)
    assert await keeper.tidy() == [found["id"]]
    assert not path.exists()
    told = hospital.read().one("SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    assert told is not None
    assert (told["who"], told["what"]) == ("system", "recording.delete")
    assert told["ref"] == f"recording/{found['id']}"
    assert await keeper.tidy() == []


async def test_what_cannot_be_announced_is_not_recorded_and_the_call_goes_on(
    hospital: Store, exchange: RunningExchange, phones: Voices
) -> None:
    said = exchange.folder / "sounds" / "zh" / f"{recording.ANNOUNCED}.wav"
    kept = said.rename(said.with_suffix(".away"))
    before = list(files(exchange.folder))
    try:
        async with phones.plugged_in(OFFICE) as office, phones.plugged_in(STATION) as station:
            await office.registered()
            await station.registered()
            await office.dial("8003")
            await station.event("CALL_INCOMING")
            await station.do("accept")
            await office.event("CALL_ESTABLISHED")
            await asyncio.gather(office.hears(300), station.hears(300))
            await office.do("hangup")
            await station.event("CALL_CLOSED")
    finally:
        kept.rename(said)
    reader = Reader(hospital, exchange.folder)
    async with asyncio.timeout(WAIT_S):
        while not await reader.look():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert list(files(exchange.folder)) == before


async def test_a_key_records_from_then_on_what_no_rule_does(
    hospital: Store, exchange: RunningExchange, phones: Voices, clock: FakeClock
) -> None:
    async with phones.plugged_in(OFFICE) as office, phones.plugged_in(NIGHT) as night:
        await office.registered()
        await night.registered()
        await office.dial("8104")
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await night.event("CALL_ESTABLISHED")
        await asyncio.gather(office.hears(500), night.hears(500))
        for key in RECORD:
            await night.do("sndcode", key)
        monitor = exchange.folder / recording.BY_EXCHANGE
        async with asyncio.timeout(WAIT_S):
            while not any(  # noqa: ASYNC110
                each.stat().st_size > 80_000 for each in monitor.glob("key-*.wav")
            ):
                await asyncio.sleep(0.02)
        await office.do("hangup")
        await night.event("CALL_CLOSED")
    (found,) = await recordings(hospital, exchange, clock)
    assert found["rule"] == model.BY_KEY
    heard = voices(exchange.folder / found["folder"] / found["file"])
    assert heard[OFFICE] > LOUD
    assert heard[NIGHT] > LOUD
    assert heard[STATION] < QUIET


async def nobody(*_: object) -> None:
    """No box is told of anything."""


async def test_wardlines_own_conversation_is_recorded_but_for_the_pin(
    hospital: Store, exchange: RunningExchange, phones: Voices, clock: FakeClock, tmp_path: Path
) -> None:
    with hospital.transaction() as tx:
        rule = service.add_rule(tx, direction="service", keep_days=5)
    prompts = Prompts(SpeechLibrary(tmp_path / "speech", [Espeak()]), exchange.folder / "sounds")
    async with World(exchange.settings.ari_url) as world, phones.plugged_in(OFFICE) as office:
        await world.ready()
        await office.registered()
        desk = Desk(hospital, world.actions, prompts, nobody)
        await office.dial("120")
        async with asyncio.timeout(WAIT_S):
            lane = await world.arrived.get()
        await world.actions.keep(lane.subject.id, 60)
        await world.actions.answer(lane.subject.id)
        await office.event("CALL_ESTABLISHED")
        arrival = Arrival(lane, "emergency", OFFICE, "8101")
        path = exchange.folder / recording.BY_APPLICATION / f"app-{lane.subject.id}.wav"
        async with conversation.recorded(desk, arrival) as recorded:
            spoken = await grown(path, 1000)
            async with recorded.paused():
                silent = await more(path)
                quiet = await grown(path, silent + 2000)
            aloud = await more(path)
            await grown(path, aloud + 1000)
        await world.end(lane)
        await office.event("CALL_CLOSED")
        with hospital.transaction() as tx:
            service.remove_rule(tx, rule)
        async with conversation.recorded(desk, arrival) as recorded, recorded.paused():
            pass  # a flow goes on, recorded or not
    (found,) = await recordings(hospital, exchange, clock)
    assert (found["rule"], found["file"]) == (model.BY_APPLICATION, path.name)
    assert voices(path, 0, spoken - 300)[OFFICE] > LOUD
    assert voices(path, silent, quiet - 300)[OFFICE] < QUIET
    assert voices(path, aloud, aloud + 1000)[OFFICE] > LOUD


async def grown(path: Path, ms: int) -> int:
    """Waits until a recording is so long, and tells how long it is then."""
    async with asyncio.timeout(WAIT_S):
        while (length_ms := length(path)) < ms:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return length_ms


async def more(path: Path) -> int:
    """How long it is once it has grown. The exchange writes two seconds of sound at once: what it
    heard before it was asked for something is in it then."""
    return await grown(path, length(path) + 1)


def length(path: Path) -> int:
    return path.stat().st_size // 16 if path.exists() else 0
