"""The guard reads its log while the exchange is away and the disk is full."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.telephone import guarding
from gateway.telephone.ari.account import Account
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.client import Ari
from gateway.telephone.guard import TRIES, Guard
from gateway.telephone.guarding import KEPT, LOG, Guarding
from tests.bench.waiting import until
from tests.telephone.test_guard import LINE, THERE
from tests.telephone.world import WAIT_S

GUESS = LINE.format(event="ChallengeResponseFailed", account="0015650a1b2c", transport="UDP") + "\n"


class Away(Actions):
    """Of an exchange that cannot be reached, but for its log. late: what it still writes into the
    log that was put aside."""

    def __init__(self, folder: Path, late: str = "") -> None:
        super().__init__(Ari(Account("http://127.0.0.1:9/ari", "wardline", "x"), print))
        self._folder = folder
        self._late = late
        self.rotations = 0

    async def rotate_log(self, name: str) -> None:
        self.rotations += 1
        path = self._folder / LOG
        path.rename(path.with_name(f"{name}.0"))
        with path.with_name(f"{name}.0").open("a") as file:
            file.write(self._late)
        path.write_text(GUESS * TRIES)


@asynccontextmanager
async def at_work(
    folder: Path, guard: Guard, actions: Actions
) -> AsyncIterator[Callable[[], None]]:
    work = Guarding(folder, actions, guard, look_s=0.01)
    running = asyncio.create_task(work.run())

    def still_works() -> None:
        assert not running.done(), running

    try:
        yield still_works
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def locked(guard: Guard) -> None:
    async with asyncio.timeout(WAIT_S):
        await until(lambda: THERE in guard.troubles and guard.troubles[THERE].times > 0, 0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "etc").mkdir()
    return tmp_path


async def test_who_guesses_is_known_though_nothing_can_be_kept(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / f".{KEPT}").mkdir()  # so that no file of this name can be written
    guard = Guard()
    async with at_work(folder, guard, Away(folder)) as still_works:
        (folder / LOG).write_text(GUESS * TRIES)
        await locked(guard)
        async with asyncio.timeout(WAIT_S):
            await until(lambda: "would forget" in caplog.text, 0.01)
        still_works()


async def test_a_log_that_was_put_aside_is_read_to_its_end_and_the_new_one_from_its_beginning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarding, "MOST_LOG_BYTES", len(GUESS) * TRIES)
    (folder / LOG).write_text("nothing of a log-in\n" * len(GUESS))
    guard, actions = Guard(), Away(folder, late=GUESS)
    async with at_work(folder, guard, actions):
        await locked(guard)
    assert actions.rotations == 1
