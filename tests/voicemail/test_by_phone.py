"""A message is left, lights the lamp, is heard with the PIN and puts the lamp out: real phones."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from central.capabilities import Rules
from central.directory import facilities, standing
from central.directory import model as directory
from central.directory import service as directories
from central.store import Row, Store, Tx
from central.telephone.running import Telephone
from central.telephone.settings import Settings
from central.voicemail import model
from central.words import LOCALES, spoken
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.speech.recorded import name_of
from gateway.speech.server import TELEPHONE_HZ
from gateway.telephone import standing as names
from gateway.telephone.files.mailboxes import GREETING, HOUSE, LEAST_S
from tests.bench.waiting import until
from tests.telephone import hospital
from tests.telephone.hospital import Phones, opened
from tests.telephone.phone import Baresip, tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

# The last one is never plugged in.
STATION, OFFICE, ABSENT = "001565000003", "001565000004", "001565000005"
LISTEN = "*97"


def build(tx: Tx) -> None:
    directories.add_extension(tx, "8003", "Station")
    directories.add_extension(tx, "8101", "Office")
    directories.add_phone(tx, STATION, "8003")
    directories.add_phone(tx, OFFICE, "8101")
    directories.add_service(tx, LISTEN, "voicemail")
    directories.add_extension(tx, "8102", "Lobby")
    directories.add_phone(tx, ABSENT, "8102")
    # Rings at the office, too, and not for long.
    directories.add_extension(tx, "8103", "Doctor")
    directories.ring(tx, "8103", [OFFICE])
    tx.execute("UPDATE extensions SET ring_s = 1 WHERE number = '8103'")
    for number in ("8101", "8102", "8103"):
        facilities.set_mailbox(tx, number, "4711")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("store"), build) as store:
        yield store


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    with hospital.at_work(tmp_path_factory.mktemp("exchange"), store) as running:
        yield running


def short_words(folder: Path) -> SpeechLibrary:
    """What is said to everybody is a short tone here."""
    recorded = folder / "recorded"
    recorded.mkdir(exist_ok=True)
    for lang in LOCALES:
        texts = [standing.words(lang, name) for name in names.WORDS]
        plain = ("pin", "wrong_pin", "keys", "end", "deleted", "no_mailbox")
        texts += [spoken(lang, f"voicemail.{each}") for each in plain]
        texts.append(spoken(lang, "voicemail.some", n=1, old=0))
        texts.append(spoken(lang, "voicemail.from", caller="8003", ms=0))
        for text in texts:
            tone(recorded / name_of(lang, text), 0.5)
    return SpeechLibrary(folder / "speech", [Espeak()], recorded)


@contextlib.asynccontextmanager
async def at_work(store: Store, exchange: RunningExchange) -> AsyncIterator[None]:
    library = short_words(exchange.folder)
    settings = Settings(exchange.settings, exchange.folder)
    telephone = Telephone(settings, store, Rules(), library)

    async def publish(*_: object) -> None:
        raise AssertionError("nothing is published here")

    running = asyncio.create_task(telephone.run(publish))
    greeting = exchange.folder / "sounds" / "zh" / f"{GREETING}.wav"
    try:
        async with asyncio.timeout(WAIT_S):
            await telephone.ari.ready.wait()
            await until(greeting.exists, 0.02)
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def plugged_in(
    folder: Path, store: Store, exchange: RunningExchange, device: str
) -> AsyncIterator[Baresip]:
    phones = Phones(folder, store, exchange)
    modules = ("mwi",) if device == OFFICE else ()
    async with phones.plugged_in(device, hum_s=60.0, modules=modules) as phone:
        await phone.registered()
        yield phone


async def asked(phone: Baresip) -> None:
    """Returns once it is asked for its PIN: what is keyed in before may be lost."""
    await phone.event("CALL_ESTABLISHED")
    await phone.hears(100)


async def lamp(phone: Baresip, lit: str) -> None:
    """Returns once it was told so."""
    while f"Messages-Waiting: {lit}" not in (await phone.event("MWI_NOTIFY"))["param"]:
        pass


async def spoken_to(exchange: RunningExchange, number: str) -> None:
    """Returns once what is being said to a mailbox is long enough for a message."""
    box = exchange.folder / "spool" / "voicemail" / HOUSE / number / "tmp"
    least = (LEAST_S + 0.5) * TELEPHONE_HZ * 2
    async with asyncio.timeout(WAIT_S):
        await until(lambda: any(each.stat().st_size > least for each in box.glob("*.wav")), 0.05)


async def stored(store: Store, number: str = "8101") -> Row:
    async with asyncio.timeout(WAIT_S):
        await until(lambda: bool(model.of(store.read(), number)), 0.02)
    return model.of(store.read(), number)[0]


async def test_a_message_is_left_lights_the_lamp_and_is_heard(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    async with (
        at_work(store, exchange),
        plugged_in(tmp_path, store, exchange, STATION) as station,
        plugged_in(tmp_path, store, exchange, OFFICE) as office,
    ):
        await lamp(office, "no")
        await station.dial("8101")
        await office.event("CALL_INCOMING")
        await office.do("hangup")  # busy
        await station.event("CALL_ESTABLISHED")
        await station.hears(300)
        await spoken_to(exchange, "8101")
        await station.do("hangup")
        await lamp(office, "yes")
        message = await stored(store)
        assert (message["number"], message["caller"], message["heard_ms"]) == ("8101", "8003", None)
        assert message["duration_s"] >= 2
        await office.dial(LISTEN)
        await asked(office)
        await office.do("sndcode", "4711#")
        await lamp(office, "no")
        row = model.one(store.read(), message["id"])
        assert row is not None
        assert row["heard_ms"] is not None
        await office.do("sndcode", "3")
        await office.event("CALL_CLOSED")
    loudness, length_ms = office.heard()
    assert loudness > 500
    assert length_ms > message["duration_s"] * 1000


async def test_a_call_that_nobody_answers_becomes_a_message(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    async with (
        at_work(store, exchange),
        plugged_in(tmp_path, store, exchange, STATION) as station,
        plugged_in(tmp_path, store, exchange, OFFICE) as office,
    ):
        await station.dial("8103")
        await office.event("CALL_INCOMING")
        await office.event("CALL_CLOSED")
        assert not office.happened("CALL_ESTABLISHED")
        await station.event("CALL_ESTABLISHED")
        await spoken_to(exchange, "8103")
        await station.do("hangup")
        message = await stored(store, "8103")
    assert (message["number"], message["caller"], message["heard_ms"]) == ("8103", "8003", None)


async def test_whoever_calls_a_phone_that_is_not_there_is_asked_for_a_message(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    async with (
        at_work(store, exchange),
        plugged_in(tmp_path, store, exchange, STATION) as station,
    ):
        await station.dial("8102")
        await station.event("CALL_ESTABLISHED")
        await station.hears(300)


async def test_a_phone_without_a_mailbox_and_a_wrong_pin_open_nothing(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    async with (
        at_work(store, exchange),
        plugged_in(tmp_path, store, exchange, STATION) as station,
        plugged_in(tmp_path, store, exchange, OFFICE) as office,
    ):
        await station.dial(LISTEN)
        await station.event("CALL_CLOSED")
        await office.dial(LISTEN)
        await asked(office)
        await office.do("sndcode", "1#2#3#")
        await office.event("CALL_CLOSED")
    box = directory.mailbox(store.read(), "8101")
    assert box is not None
    assert box["wrong"] == 3
