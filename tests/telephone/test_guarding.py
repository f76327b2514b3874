"""Whoever guesses passwords at the real exchange is refused by it, and nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.telephone import guarding
from gateway.telephone.directory import Directory, Phone, Rights
from gateway.telephone.files.locked import FILE
from gateway.telephone.guard import FIRST_S, TRIES, Guard
from gateway.telephone.guarding import Guarding
from tests.telephone.running import RunningExchange
from tests.telephone.stranger import Stranger
from tests.telephone.world import WAIT_S, World

DEVICE, PASSWORD = "0015650a1b2c", "right-secret"


@pytest.fixture(scope="module")
def directory() -> Directory:
    rights = (Rights("internal"),)
    return Directory(rights=rights, phones=(Phone(DEVICE, PASSWORD, "internal", "8003"),))


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    running.start()
    yield running
    running.close()


class Watch:
    """The guard at work; its time goes on when a test says so, and never back."""

    def __init__(self, exchange: RunningExchange) -> None:
        self._exchange = exchange
        self.sip = exchange.settings.ports.sip
        self.now_s = 1000.0
        self.guard = Guard()
        self.told: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with World(self._exchange.settings.ari_url) as world:
            await world.ready()
            self.told.clear()
            self.guard = Guard()
            guard = Guarding(
                self._exchange.folder, world.actions, self.guard,
                lambda locked, spared: self.told.append((locked, spared)),
                look_s=0.02, apply_s=0, now_s=lambda: self.now_s,
            )  # fmt: skip
            working = asyncio.create_task(guard.run())
            try:
                yield
            finally:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def spared(self, address: str) -> bool:
        return bool(self.told) and address in self.told[-1][1]

    def refused(self) -> list[str]:
        text = (self._exchange.folder / "etc" / FILE).read_text()
        return [line.split(" = ")[1] for line in text.splitlines() if line.startswith("deny")]

    async def status(self, address: str, password: str, *, tcp: bool = False) -> int:
        return (await self.statuses(address, password, 1, tcp=tcp))[0]

    async def statuses(
        self, address: str, password: str, times: int, *, tcp: bool = False
    ) -> list[int]:
        def log_in() -> list[int]:
            with Stranger(self.sip, address, tcp=tcp) as stranger:
                return [stranger.log_in(DEVICE, password) for _ in range(times)]

        return await asyncio.to_thread(log_in)


@pytest.fixture(scope="module")
def watch(exchange: RunningExchange) -> Watch:
    return Watch(exchange)


async def test_who_is_unlocked_is_let_in_at_once(watch: Watch) -> None:
    async with watch.at_work():
        assert await watch.statuses("127.0.0.7", "guess", TRIES) == [401] * TRIES
        await watch.until(lambda: watch.refused() == ["127.0.0.7"])
        (found,) = watch.guard.lockouts(watch.now_s)
        assert (found.address, found.account, found.times) == ("127.0.0.7", DEVICE, 1)
        watch.guard.forgive("127.0.0.7")
        await watch.until(lambda: watch.refused() == [])
        await watch.until(lambda: watch.told[-1] == ((), ()))
        assert await watch.status("127.0.0.7", PASSWORD) == 200


async def test_who_guesses_is_refused_for_a_while_and_others_are_not(watch: Watch) -> None:
    async with watch.at_work():
        assert await watch.statuses("127.0.0.2", "guess", TRIES) == [401] * TRIES
        await watch.until(lambda: watch.refused() == ["127.0.0.2"])
        await watch.until(lambda: watch.told[-1:] == [(("127.0.0.2",), ())])
        assert await watch.status("127.0.0.2", PASSWORD) == 403
        assert await watch.status("127.0.0.3", PASSWORD) == 200
        watch.now_s += FIRST_S + 1
        await watch.until(lambda: watch.refused() == [])
        await watch.until(lambda: watch.told[-1] == ((), ()))
        assert await watch.status("127.0.0.2", PASSWORD) == 200


async def test_he_stays_locked_out_when_exchange_and_guard_begin_anew(
    watch: Watch, exchange: RunningExchange
) -> None:
    async with watch.at_work():
        await watch.statuses("127.0.0.4", "guess", TRIES)
        await watch.until(lambda: watch.refused() == ["127.0.0.4"])
    exchange.stop()
    exchange.start()
    assert await watch.status("127.0.0.4", PASSWORD) == 403
    async with watch.at_work():
        await watch.until(lambda: bool(watch.told) and watch.told[-1][0] == ("127.0.0.4",))
        assert await watch.status("127.0.0.4", PASSWORD) == 403
        watch.now_s += FIRST_S + 1
        await watch.until(lambda: watch.refused() == [])


async def test_a_telephone_that_behaves_is_not_cut_off_for_its_neighbour(watch: Watch) -> None:
    async with watch.at_work():
        assert await watch.status("127.0.0.5", PASSWORD) == 200
        await watch.statuses("127.0.0.5", "guess", TRIES)
        await watch.until(lambda: watch.spared("127.0.0.5"))
        assert watch.refused() == []
        assert await watch.status("127.0.0.5", PASSWORD) == 200


async def test_guessing_over_tcp_is_told_from_what_may_be_forged(watch: Watch) -> None:
    async with watch.at_work():
        assert await watch.status("127.0.0.6", PASSWORD) == 200
        await watch.until(lambda: "127.0.0.6" in watch.guard.good)
        watch.now_s += 3600
        await watch.statuses("127.0.0.6", "guess", TRIES, tcp=True)
        await watch.until(lambda: watch.refused() == ["127.0.0.6"])
        watch.now_s += 3600
        await watch.until(lambda: watch.refused() == [])


async def test_an_answer_to_a_question_that_was_never_asked_counts_as_forged(watch: Watch) -> None:
    """Asterisk logs it like any other: so anybody can let any address seem to guess."""

    def forge() -> None:
        with Stranger(watch.sip, "127.0.0.7") as stranger:
            for _ in range(TRIES):
                stranger.ask("REGISTER", DEVICE, stranger.authorization(DEVICE, "x", "1/made-up"))

    async with watch.at_work():
        assert await watch.status("127.0.0.7", PASSWORD) == 200
        await asyncio.to_thread(forge)
        await watch.until(lambda: watch.spared("127.0.0.7"))
        assert await watch.status("127.0.0.7", PASSWORD) == 200


async def test_no_name_lets_another_address_be_refused(watch: Watch) -> None:
    name = "x%22,RemoteAddress=%22IPV4%2FUDP%2F192.0.2.9%2F1"

    def lie() -> None:
        with Stranger(watch.sip, "127.0.0.8") as stranger:
            for _ in range(TRIES):
                stranger.log_in(name, "x")

    async with watch.at_work():
        await asyncio.to_thread(lie)
        await watch.until(lambda: watch.refused() == ["127.0.0.8"])
        watch.now_s += FIRST_S + 1
        await watch.until(lambda: watch.refused() == [])
    assert "192.0.2.9" in (watch._exchange.folder / "log" / "security").read_text()


async def test_a_long_log_is_begun_anew_and_nothing_is_overlooked(
    watch: Watch, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarding, "MOST_LOG_BYTES", 1000)
    async with watch.at_work():
        logs = exchange.folder / "log"
        await watch.until(lambda: (logs / "security.0").exists())
        for _ in range(TRIES):
            await watch.statuses("127.0.0.9", "guess", 1)
        await watch.until(lambda: watch.refused() == ["127.0.0.9"])
        assert sorted(each.name for each in logs.glob("security*")) in (
            ["security", "security.0"],
            ["security", "security.0", "security.1"],  # just being moved
        )
        watch.now_s += FIRST_S + 1
        await watch.until(lambda: watch.refused() == [])
