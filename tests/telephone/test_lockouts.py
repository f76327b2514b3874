"""Who is locked out stands in the console and is unlocked there: the table between the two."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from central.errors import FieldError
from central.store import Store
from central.telephone import lockouts
from gateway.telephone.ari.actions import Actions
from gateway.telephone.guard import FIRST_S, TRIES, Guard, Lockout
from gateway.telephone.guarding import Guarding
from gateway.telephone.security_log import LogIn

FIRST = Lockout("192.0.2.9", "0015650a1b2c", 1, 1000.0, 1060.0)
OTHER = Lockout("192.0.2.10", "admin", 2, 1010.0, 1130.0)


def standing(store: Store) -> dict[str, str | None]:
    return {row["address"]: row["unlock_by"] for row in lockouts.rows(store.read())}


def test_a_wish_is_audited_once_and_for_one_lockout(store: Store) -> None:
    with store.transaction() as tx:
        lockouts.settle(tx, [FIRST, OTHER])
        lockouts.unlock(tx, FIRST.address, "qian")
        lockouts.unlock(tx, FIRST.address, "admin")
        lockouts.settle(tx, [FIRST])
    assert standing(store) == {FIRST.address: "qian"}
    ((who, ref, detail),) = store.read().all("SELECT who, ref, detail FROM audit")
    assert (who, ref) == ("qian", "address/192.0.2.9")
    assert json.loads(detail) == {"account": "0015650a1b2c", "times": 1}
    again = Lockout(FIRST.address, FIRST.account, 2, 2000.0, 2120.0)
    with store.transaction() as tx:
        lockouts.settle(tx, [again])
    assert standing(store) == {FIRST.address: None}


def test_who_is_not_locked_out_cannot_be_unlocked(store: Store) -> None:
    with pytest.raises(FieldError) as caught, store.transaction() as tx:
        lockouts.unlock(tx, "192.0.2.9", "qian")
    assert caught.value.values == {"address": "192.0.2.9"}


async def test_the_guard_lets_in_whom_the_console_unlocks(store: Store, tmp_path: Path) -> None:
    guard = Guard()
    guarding = Guarding(tmp_path, cast(Actions, None), guard, now_s=lambda: 50.0)
    for address in ("192.0.2.9", "192.0.2.10"):
        for _ in range(TRIES):
            guard.seen(LogIn(False, "0015650a1b2c", address, False), 50.0)
    working = asyncio.create_task(lockouts.Unlocking(store, guarding, look_s=0.01).run())

    async def until(true: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    try:
        await until(lambda: standing(store) == {"192.0.2.9": None, "192.0.2.10": None})
        row = lockouts.rows(store.read())[0]
        assert (row["since_ms"], row["until_ms"]) == (50_000, 50_000 + FIRST_S * 1000)
        with store.transaction() as tx:
            lockouts.unlock(tx, "192.0.2.9", "qian")
        await until(lambda: standing(store) == {"192.0.2.10": None})
        assert guard.locked(50.0) == ("192.0.2.10",)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
