"""The exchange at work for the store: what a rule asks for rings, and who calls is answered."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import pytest

from central.capabilities import Rules
from central.config import ConfigError
from central.directory import model as directory
from central.directory import service as directories
from central.faults import model as faults
from central.store import Row, Store, Tx
from central.telephone import desk, model, service, settings
from central.telephone.desk import Arrival, Desk
from central.telephone.ringing import codings, note_codings
from central.telephone.running import Telephone
from central.telephone.service import Ringing, Rung
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.exchange import Tls
from gateway.telephone.telling import Outcome
from tests.bench.waiting import until
from tests.telephone import hospital
from tests.telephone.hospital import opened
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.stranger import Stranger
from tests.telephone.world import WAIT_S

STATION, OFFICE = "001565000003", "001565000004"
WHOLE = {
    "folder": "/x",
    "address": "127.0.0.1",
    "password": "secret",
    "ports": {"sip": 5060, "ari": 8088, "rtp": 20_000, "rtp_count": 200},
}
WORDS = {"zh": "三病区五床呼叫。", "en": "Ward three, bed five calls."}


def build(tx: Tx) -> None:
    directories.add_extension(tx, "8003", "Station")
    directories.add_extension(tx, "8101", "Office")
    directories.add_extension(tx, "8102", "Nobody")
    directories.add_phone(tx, STATION, "8003")
    directories.add_phone(tx, OFFICE, "8101", lang="en")
    directories.add_service(tx, "620", "greeting")
    directories.add_service(tx, "629", "unanswered")


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


@dataclass
class Matter:
    """What is rung about: the words, while there are any, and what came of it."""

    words: dict[str, str] = field(default_factory=lambda: dict(WORDS))
    said: list[str] = field(default_factory=list)
    done: "asyncio.Queue[tuple[str, Rung]]" = field(default_factory=asyncio.Queue)
    fails: bool = False
    words_fail: bool = False
    store: Store | None = None

    def ringing(self, store: Store) -> Ringing:
        self.store = store
        loop = asyncio.get_running_loop()

        def say(tx: Tx, ref: str, lang: str) -> str | None:
            if self.words_fail:
                raise LookupError(ref)
            self.said.append(lang)
            return self.words.get(lang)

        def done(tx: Tx, ref: str, rung: Rung) -> None:
            loop.call_soon_threadsafe(self.done.put_nowait, (ref, rung))
            if self.fails:
                raise LookupError(ref)

        return Ringing(say, done)

    async def outcome(self, ref: str) -> Rung:
        async with asyncio.timeout(WAIT_S):
            about, rung = await self.done.get()
            assert about == ref
            # It is told before it is stored; until then another application would ring it again.
            await until(self._is_stored(ref), 0.01)
        return rung

    def _is_stored(self, ref: str) -> Callable[[], bool]:
        store = self.store
        assert store is not None
        return lambda: all(each["ref"] != ref for each in model.unfinished(store.read()))


async def _published(*_: object) -> None:
    raise AssertionError("nothing is published here")


@contextlib.asynccontextmanager
async def at_work(
    store: Store, exchange: RunningExchange, matter: Matter
) -> AsyncIterator[Telephone]:
    rules = Rules(ringings={"test": matter.ringing(store)})
    library = SpeechLibrary(exchange.folder / "speech", [Espeak()])
    telephone = Telephone(
        settings.Settings(exchange.settings, exchange.folder), store, rules, library
    )
    loop = asyncio.get_running_loop()
    store.on_commit = lambda changes: loop.call_soon_threadsafe(
        telephone.look, {what for _, what in changes}
    )
    running = asyncio.create_task(telephone.run(_published))
    try:
        async with asyncio.timeout(WAIT_S):
            await telephone.ari.ready.wait()
        yield telephone
    finally:
        store.on_commit = lambda changes: None
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def phones(tmp_path: Path, store: Store, exchange: RunningExchange) -> "Phones":
    return Phones(tmp_path, store, exchange)


class Phones:
    def __init__(self, folder: Path, store: Store, exchange: RunningExchange) -> None:
        self._folder = folder
        self._store = store
        self._sip = exchange.settings.ports.sip

    @contextlib.asynccontextmanager
    async def plugged_in(self, device: str) -> AsyncIterator[Baresip]:
        row = directory.phone(self._store.read(), device)
        assert row is not None
        async with Baresip(self._folder / device, device, row["password"], self._sip) as phone:
            await phone.registered()
            yield phone


def ring(store: Store, ref: str, *groups: list[str]) -> None:
    with store.transaction() as tx:
        service.ring(tx, "test", ref, groups, caller='"Bed 5" <120>')


async def test_what_a_rule_asks_for_rings_is_heard_in_its_language_and_taken(
    store: Store, exchange: RunningExchange, phones: Phones
) -> None:
    matter = Matter()
    async with at_work(store, exchange, matter), phones.plugged_in(OFFICE) as office:
        ring(store, "1", ["8101"])
        assert (await office.event("CALL_INCOMING"))["peerdisplayname"] == "Bed 5"
        await office.do("accept")
        await office.hears(300)
        await office.do("sndcode", "1")
        rung = await matter.outcome("1")
        await office.event("CALL_CLOSED")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: not model.unfinished(store.read()), 0.01)
    assert (rung.taken_by, rung.outcomes) == ("8101", {"8101": Outcome.TAKEN})
    assert matter.said == ["en"]
    assert office.heard()[0] > 500


async def test_a_station_that_passes_it_on_lets_the_next_ring_and_who_is_not_there_is_named(
    store: Store, exchange: RunningExchange, phones: Phones
) -> None:
    matter = Matter()
    async with (
        at_work(store, exchange, matter),
        phones.plugged_in(STATION) as station,
        phones.plugged_in(OFFICE) as office,
    ):
        ring(store, "2", ["8003", "8102"], ["8101"])
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await station.hears(100)
        await station.do("sndcode", "3")
        await station.event("CALL_CLOSED")
        await office.event("CALL_INCOMING")
        await office.do("hangup")
        rung = await matter.outcome("2")
    assert rung.taken_by is None
    assert rung.passed_on
    assert rung.outcomes == {
        "8003": Outcome.PASSED_ON,
        "8102": Outcome.UNREACHABLE,
        "8101": Outcome.BUSY,
    }
    assert matter.said == ["zh"]


async def test_what_is_stopped_falls_silent_and_nobody_is_told(
    store: Store, exchange: RunningExchange, phones: Phones
) -> None:
    matter = Matter()
    async with at_work(store, exchange, matter), phones.plugged_in(STATION) as station:
        ring(store, "3", ["8003"])
        await station.event("CALL_INCOMING")
        with store.transaction() as tx:
            service.stop(tx, "test", "3")
        await station.event("CALL_CLOSED")
        ring(store, "4", ["8102"])
        await matter.outcome("4")
    assert matter.said == []


async def test_who_answers_when_all_is_over_hears_nothing_and_no_other_rings(
    store: Store, exchange: RunningExchange, phones: Phones
) -> None:
    matter = Matter(words={})
    async with at_work(store, exchange, matter), phones.plugged_in(STATION) as station:
        ring(store, "5", ["8003"], ["8101"])
        await station.event("CALL_INCOMING")
        await station.do("accept")
        rung = await matter.outcome("5")
    assert rung.outcomes == {"8003": Outcome.UNWANTED}


async def test_what_rang_when_the_application_ended_rings_again_when_it_is_back(
    store: Store, exchange: RunningExchange, phones: Phones
) -> None:
    async with phones.plugged_in(STATION) as station:
        async with at_work(store, exchange, Matter()):
            ring(store, "6", ["8003"])
            await station.event("CALL_INCOMING")
        await station.event("CALL_CLOSED")
        assert len(model.unfinished(store.read())) == 1
        matter = Matter()
        async with at_work(store, exchange, matter):
            await station.event("CALL_INCOMING")
            await station.do("accept")
            await station.hears(100)
            await station.do("sndcode", "1")
            assert (await matter.outcome("6")).taken_by == "8003"


async def test_rules_that_fail_let_it_ring_no_more(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    matter = Matter(fails=True)
    async with at_work(store, exchange, matter):
        ring(store, "8", ["8102"])
        await matter.outcome("8")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: not model.unfinished(store.read()), 0.01)
    assert "could not be acted on" in caplog.text
    assert matter.done.empty()


async def test_words_that_cannot_be_found_fail_it(
    store: Store, exchange: RunningExchange, phones: Phones, caplog: pytest.LogCaptureFixture
) -> None:
    matter = Matter(words_fail=True)
    async with at_work(store, exchange, matter), phones.plugged_in(STATION) as station:
        ring(store, "9", ["8003"])
        await station.event("CALL_INCOMING")
        await station.do("accept")
        rung = await matter.outcome("9")
        await station.event("CALL_CLOSED")
    assert rung.outcomes == {"8003": Outcome.FAILED}
    assert "ringing" in caplog.text


async def test_an_exchange_that_is_away_fails_at_once_and_keeps_nobody_waiting(
    store: Store, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.telephone.ringing.READY_S", 0.1)
    matter = Matter()
    async with at_work(store, exchange, matter) as telephone:
        exchange.kill()
        try:
            async with asyncio.timeout(WAIT_S):
                while telephone.ari.ready.is_set():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            ring(store, "7", ["8003"], ["8101"])
            rung = await matter.outcome("7")
        finally:
            exchange.start()
        assert rung.outcomes == {"8003": Outcome.FAILED, "8101": Outcome.FAILED}
        async with asyncio.timeout(WAIT_S):
            await telephone.ari.ready.wait()


async def test_a_phone_that_speaks_another_coding_is_passed_over_and_told_of(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    def answers(payload: int) -> None:
        with Stranger(exchange.settings.ports.sip, "127.0.0.1") as phone:
            row = directory.phone(store.read(), STATION)
            assert row is not None
            assert phone.log_in(STATION, row["password"]) == 200
            ringing.set()
            phone.accept(phone.called(), payload)
            while not phone.message().startswith("BYE"):
                pass

    matter, ringing = Matter(), threading.Event()
    async with at_work(store, exchange, matter):
        answering = asyncio.create_task(asyncio.to_thread(answers, 18))
        await asyncio.to_thread(ringing.wait, WAIT_S)
        with store.transaction() as tx:
            service.ring(tx, "test", "coding", [["8003"]])
        rung = await matter.outcome("coding")
        assert rung.outcomes == {"8003": Outcome.INCOMPATIBLE}
        await answering
    (fault,) = faults.open_faults(store.read())
    assert (fault["node"], fault["device"], fault["code"]) == ("exchange", STATION, "voice-coding")
    assert "set it to G.711 (alaw or ulaw) or G.722" in caplog.text
    with store.transaction() as tx:
        outcomes = {f"PJSIP/{STATION}": Outcome.TAKEN}
        note_codings(tx, codings(tx, outcomes))
        assert faults.open_faults(tx) == []
        assert codings(tx, outcomes) == {}


async def test_a_caller_is_known_spoken_to_and_let_go(
    store: Store, exchange: RunningExchange, phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Arrival] = []

    async def greet(desk: Desk, arrival: Arrival) -> None:
        seen.append(arrival)
        await desk.actions.answer(arrival.channel)
        assert await desk.say(arrival.lane, arrival.lang, "Good morning.")

    monkeypatch.setattr("central.telephone.running.handlers", lambda modules: {"greeting": greet})
    async with at_work(store, exchange, Matter()), phones.plugged_in(OFFICE) as office:
        await office.dial("620")
        await office.event("CALL_CLOSED")
        (arrival,) = seen
        assert (arrival.purpose, arrival.device, arrival.number, arrival.lang) == (
            "greeting", OFFICE, "8101", "en",
        )  # fmt: skip
        assert office.heard()[0] > 500
        # A number that nobody here answers keeps no caller waiting.
        await office.dial("629")
        await office.event("CALL_CLOSED")


async def test_a_mistake_in_a_work_beside_the_ringing_ends_nothing_else(
    store: Store, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    async def mistaken(prompts: object) -> None:
        begun.append("again" if begun else "first")
        raise ZeroDivisionError

    monkeypatch.setattr("central.telephone.running.AGAIN_S", 0.01)
    monkeypatch.setattr("central.directory.standing.speak", mistaken)
    matter = Matter()
    async with at_work(store, exchange, matter):
        async with asyncio.timeout(WAIT_S):
            await until(lambda: len(begun) > 1, 0.01)
        ring(store, "mistake", ["8102"])
        await matter.outcome("mistake")


async def test_a_directory_that_contradicts_itself_keeps_no_bridge_from_starting(
    store: Store, exchange: RunningExchange
) -> None:
    with store.transaction() as tx:
        tx.insert("extensions", number="81a1", label="Odd", ring_s=60)
    matter = Matter()
    try:
        async with at_work(store, exchange, matter):
            ring(store, "odd", ["8102"])
            await matter.outcome("odd")
    finally:
        with store.transaction() as tx:
            tx.execute("DELETE FROM extensions WHERE number = '81a1'")


async def test_what_shall_ring_rings_once_it_can_be_read(
    store: Store, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished, tried = model.unfinished, list[Tx]()

    def unreadable(tx: Tx) -> list[Row]:
        tried.append(tx)
        if len(tried) == 1:
            raise sqlite3.OperationalError("disk I/O error")
        return unfinished(tx)

    matter = Matter()
    ring(store, "unreadable", ["8102"])
    with monkeypatch.context() as patched:
        patched.setattr("central.telephone.model.unfinished", unreadable)
        async with at_work(store, exchange, matter):
            await matter.outcome("unreadable")


def test_two_capabilities_for_one_purpose_are_a_mistake() -> None:
    module = ModuleType("phone")
    module.ARRIVALS = {"greeting": None}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="greeting"):
        desk.handlers([module, module])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"exchange": 5}, "exchange must be a group"),
        ({"exchange": {"folder": ""}}, "exchange.folder"),
        ({"exchange": WHOLE | {"tls": {"key": "/x"}}}, "exchange.tls needs certificate and key"),
        ({"exchange": WHOLE | {"tls": "yes"}}, "exchange.tls needs certificate and key"),
        ({"exchange": WHOLE | {"tls": {"key": "/x", "certificate": "/y"}}}, "exchange.tls.port"),
        ({"exchange": {"folder": "/x", "address": "127.0.0.1", "password": 3}}, "password"),
    ],
)
def test_settings_that_cannot_be_used_name_the_field(
    change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        settings.from_config(change)


def test_settings_come_back_as_they_were_written(exchange: RunningExchange, tmp_path: Path) -> None:
    assert settings.from_config({}) is None
    written = {settings.KEY: settings.as_config(exchange.settings, tmp_path)}
    assert settings.from_config(written) == settings.Settings(exchange.settings, tmp_path)
    tls = Tls(5061, tmp_path / "certificate.pem", tmp_path / "key.pem")
    encrypting = replace(exchange.settings, tls=tls)
    configured = {settings.KEY: settings.as_config(encrypting, tmp_path)}
    assert settings.from_config(configured) == settings.Settings(encrypting, tmp_path)
    del written[settings.KEY]["ports"]["sip"]
    with pytest.raises(ConfigError, match=r"exchange\.ports\.sip"):
        settings.from_config(written)
