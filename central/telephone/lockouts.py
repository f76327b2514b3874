"""Whom the exchange locks out for wrong passwords: shown in the console, and unlocked there.

The guard is the bridge's, the page the console's; they meet in the table `lockouts`. A wish to
unlock stands there until the guard has heard of it, over a restart of either.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from functools import partial

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.store import Row, Store, StoreUnavailableError, Tx
from gateway.telephone.guard import Lockout
from gateway.telephone.guarding import Guarding

log = logging.getLogger("wardline.telephone")

LOOK_EVERY_S = 1.0
NOT_LOCKED = N_("%(address)s is not locked out any more.")


def rows(tx: Tx) -> list[Row]:
    """Who is locked out, the newest first."""
    return tx.all("SELECT * FROM lockouts ORDER BY since_ms DESC, address")


def unlock(tx: Tx, address: str, by: str) -> None:
    """Let the address in again, as soon as the bridge hears of it. Raises FieldError."""
    row = tx.one("SELECT * FROM lockouts WHERE address = ?", (address,))
    if row is None:
        raise FieldError("address", NOT_LOCKED, address=address)
    if row["unlock_by"] is not None:
        return
    tx.execute("UPDATE lockouts SET unlock_by = ? WHERE address = ?", (by, address))
    detail = {"account": row["account"], "times": row["times"]}
    audit.append(tx, by, "lockout.unlock", f"address/{address}", detail=detail)


def settle(tx: Tx, found: Sequence[Lockout]) -> None:
    """Bring the table to what the guard says. A wish is for the lock-out it was made for."""
    wishes = {(row["address"], row["since_ms"]): row["unlock_by"] for row in rows(tx)}
    tx.execute("DELETE FROM lockouts")
    for each in found:
        since_ms = int(each.since_s * 1000)
        tx.insert(
            "lockouts", address=each.address, account=each.account, times=each.times,
            since_ms=since_ms, until_ms=int(each.until_s * 1000),
            unlock_by=wishes.get((each.address, since_ms)),
        )  # fmt: skip


class Unlocking:
    """Keeps the table as the guard of one exchange says, and tells the guard of wishes."""

    def __init__(self, store: Store, guarding: Guarding, *, look_s: float = LOOK_EVERY_S) -> None:
        self._store = store
        self._guarding = guarding
        self._look_s = look_s

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except (StoreUnavailableError, sqlite3.Error) as error:
                log.warning("who is locked out cannot be noted now: %s", error)
            await asyncio.sleep(self._look_s)

    async def _look(self) -> None:
        known = await asyncio.to_thread(lambda: rows(self._store.read()))
        locked = {each.address for each in self._guarding.lockouts()}
        for row in known:
            if row["unlock_by"] is not None and row["address"] in locked:
                self._guarding.forgive(row["address"])
        found = self._guarding.lockouts()
        if _marks(found) != {(row["address"], row["since_ms"]) for row in known}:
            await self._store.write(partial(settle, found=found))


def _marks(found: Sequence[Lockout]) -> set[tuple[str, int]]:
    return {(each.address, int(each.since_s * 1000)) for each in found}
