"""What the exchange suffers from stands in the console as a fault until it is over."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from central.faults import exchange as told
from central.faults import model as faults
from central.faults.shown import OTHER
from central.store import Store
from central.telephone import watching
from central.telephone.watching import Speaking, Watching, settle
from central.words import catalogue
from gateway.speech.library import SpeechLibrary, SpeechUnavailableError
from gateway.telephone.ari.account import Account
from gateway.telephone.ari.client import Ari
from gateway.telephone.counted import Counted
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import APP
from gateway.telephone.prompts import Prompts
from tests.conftest import free_port
from tests.telephone.running import PASSWORD, RunningExchange
from tests.telephone.test_caps import day
from tests.telephone.world import WAIT_S


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), Directory())
    running.start()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AWAY_S", 0.0)


class Console:
    """What an engineer sees of an exchange at `url`."""

    def __init__(self, store: Store, url: str, folder: Path, password: str = PASSWORD) -> None:
        self._store = store
        self.ari = Ari(Account(url, APP, password, APP), lambda lane: None)
        self.watching = Watching(store, self.ari, folder, look_s=0.02)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each.run()) for each in (self.ari, self.watching)]
        try:
            yield
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def codes(self) -> set[tuple[str, str]]:
        rows = faults.open_faults(self._store.read())
        return {(row["device"], row["code"]) for row in rows}

    async def until(self, wanted: set[tuple[str, str]]) -> None:
        await self.true(lambda: self.codes() == wanted)

    async def true(self, asked: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not asked():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_an_exchange_that_is_away_is_a_fault_until_it_is_back(
    store: Store, exchange: RunningExchange
) -> None:
    console = Console(store, exchange.settings.ari_url, exchange.folder)
    async with console.watched():
        await asyncio.wait_for(console.ari.ready.wait(), WAIT_S)
        await console.until(set())
        exchange.kill()
        await console.until({("exchange", "exchange-away")})
        exchange.start()
        await console.until(set())


async def test_a_wrong_password_is_named_in_log_and_console(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    console = Console(store, exchange.settings.ari_url, exchange.folder, "guessed")
    async with console.watched():
        await console.until({("exchange", "exchange-wrong-password")})
    lines = [each.message for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(lines) == 1
    assert "refuses the account wardline: check its password" in lines[0]


async def test_an_older_asterisk_is_told_what_it_must_be(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def info(request: web.Request) -> web.Response:
        return web.json_response({"system": {"version": "18.26.1"}})

    app, port = web.Application(), free_port()
    app.router.add_get("/ari/asterisk/info", info)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    console = Console(store, f"http://127.0.0.1:{port}/ari", tmp_path)
    async with console.watched():
        await console.until({("exchange", "exchange-unsuitable")})
    await runner.cleanup()
    lines = [each.message for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(lines) == 1
    assert "Asterisk 18.26.1 is too old: it must be 20.14, 21.9, 22.4 or newer" in lines[0]


async def test_an_exchange_that_is_not_there_is_told_once_and_not_at_each_attempt(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    console = Console(store, f"http://127.0.0.1:{port}/ari", tmp_path)
    async with console.watched():
        await console.until({("exchange", "exchange-away")})
    lines = [each.message for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(lines) == 1
    assert f"http://127.0.0.1:{port}/ari" in lines[0]


async def test_what_cannot_be_spoken_is_a_fault_until_something_can(
    store: Store, exchange: RunningExchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dumb = SpeechLibrary(tmp_path / "speech", [])
    console = Console(store, exchange.settings.ari_url, tmp_path)
    speaking = Speaking(Prompts(dumb, tmp_path), console.watching)
    async with console.watched():
        await asyncio.wait_for(console.ari.ready.wait(), WAIT_S)
        with pytest.raises(SpeechUnavailableError):
            await speaking.media("zh", "五床呼叫")
        await console.until({("exchange", "speech-unavailable")})
        assert "no voice for the language zh; install the voice espeak-ng" in caplog.text
        assert "五床" not in caplog.text

        class Voice:
            async def media(self, lang: str, text: str) -> str:
                return "sound:x"

        assert await Speaking(Voice(), console.watching).media("zh", "五床呼叫") == "sound:x"
        await console.until(set())


async def test_guessers_and_spent_limits_are_faults_of_their_own(
    store: Store, exchange: RunningExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(store, exchange.settings.ari_url, tmp_path)
    counts = {"from-local": Counted(day(), refused={"calls": 2, "at_once": 9})}
    monkeypatch.setattr(watching, "counted", lambda folder: counts)
    async with console.watched():
        console.watching.guessing(("192.0.2.9",), ("192.0.2.10",))
        await console.until(
            {
                ("192.0.2.9", "locked-out"),
                ("192.0.2.10", "wrong-passwords"),
                ("from-local", "calls-spent"),
            }
        )
        counts["from-local"] = Counted(day(ago=1), refused={"calls": 2})
        console.watching.guessing((), ())
        await console.until(set())


def test_a_fault_left_by_an_earlier_run_is_cleared(store: Store) -> None:
    with store.transaction() as tx:
        settle(tx, {("exchange", "exchange-away"): "x", ("192.0.2.9", "locked-out"): ""})
        settle(tx, {("192.0.2.9", "locked-out"): ""})
        assert [row["code"] for row in faults.open_faults(tx)] == ["locked-out"]


def test_every_fault_has_its_words_in_chinese() -> None:
    chinese = catalogue("zh")
    for what, remedy in told.FAULTS.values():
        assert what in chinese
        assert remedy in chinese
        assert what != OTHER[0]


def test_a_line_or_a_class_is_named_as_in_the_directory() -> None:
    assert told.named("from-local") == "local"
    assert told.named("trunk-world") == "world"
    assert told.named("192.0.2.9") == "192.0.2.9"
