"""Where no exchange is configured nobody waits for a telephone."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from central.capabilities import Rules
from central.clock import FakeClock
from central.store import Row, Store, Tx
from central.telephone import model, service
from central.telephone.running import NoTelephone
from central.telephone.service import Ringing, Rung
from gateway.telephone.telling import Outcome
from tests.telephone.world import WAIT_S


async def test_what_shall_ring_has_failed_and_whoever_asked_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also once the database could not be read for a moment."""
    store = Store(tmp_path / "wardline.db", FakeClock())
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[tuple[str, Rung]] = asyncio.Queue()

    def done(tx: Tx, ref: str, rung: Rung) -> None:
        loop.call_soon_threadsafe(told.put_nowait, (ref, rung))

    async def publish(*_: object) -> None: ...

    unfinished, read = model.unfinished, asyncio.Event()

    def unreadable(tx: Tx) -> list[Row]:
        if not read.is_set():
            read.set()
            raise sqlite3.OperationalError("disk I/O error")
        return unfinished(tx)

    monkeypatch.setattr(model, "unfinished", unreadable)
    telephone = NoTelephone(store, Rules(ringings={"call": Ringing(lambda *_: None, done)}))
    running = asyncio.create_task(telephone.run(publish))
    with store.transaction() as tx:
        service.ring(tx, "call", "7/1", [["8003"], ["8101"]])
    telephone.look({service.RINGINGS_CHANGED})
    async with asyncio.timeout(WAIT_S):
        ref, rung = await told.get()
    assert (ref, rung.taken_by) == ("7/1", None)
    assert rung.outcomes == {"8003": Outcome.FAILED, "8101": Outcome.FAILED}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    store.close()
