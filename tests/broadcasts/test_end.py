"""The end of a broadcast while the database takes nothing."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from central import store as stores
from central.broadcasts import model, phone, service
from central.clock import FakeClock
from central.directory import service as directory
from central.store import Store
from central.telephone.desk import Desk
from gateway.telephone.ari.account import Account
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.client import Ari
from tests.bench.waiting import until
from tests.telephone.test_desk import Nothing, publish
from tests.telephone.world import WAIT_S

HEAD = "001565000001"


async def test_it_is_stored_later_so_that_others_may_speak_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stores, "LOCK_TIMEOUT_S", 0.0)
    monkeypatch.setattr(phone, "RETRY_S", 0.01)
    store = Store(tmp_path / "wardline.db", FakeClock())
    with store.transaction() as tx:
        directory.add_extension(tx, "8001", "院长")
        directory.add_phone(tx, HEAD, "8001")
        service.allow(tx, "extension", "8001", True, by="admin")
        plan = service.begin(tx, "channel-1", "8001", HEAD, True)
    assert not isinstance(plan, str)
    nowhere = Actions(Ari(Account("http://127.0.0.1:9/ari", "wardline", "x"), print))
    held = sqlite3.connect(store.path, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    ending = asyncio.create_task(
        phone.end(Desk(store, nowhere, Nothing(), publish), plan.broadcast, model.ENDED, {})
    )
    async with asyncio.timeout(WAIT_S):
        await until(lambda: "cannot be stored yet" in caplog.text, 0.01)
        held.execute("COMMIT")
        await ending
    held.close()
    assert model.running(store.read()) == []
    store.close()
