"""The bridge's part: what is owed to each alarm manager is sent until it is taken. It reads what is
stored and runs beside everything else, so no call waits for a receiver."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from datetime import tzinfo
from functools import partial

from central.alarms import model, service
from central.alarms.settings import Manager
from central.store import Row, Store, StoreUnavailableError
from gateway.his import alarm, client
from gateway.his.client import Connection, NoAnswerError

log = logging.getLogger("wardline.his")

LOOK_EVERY_S = 0.5
TIMEOUT_S = 10.0


class Alarms:
    """Sends until cancelled. `zone`: the hospital's."""

    def __init__(
        self,
        store: Store,
        managers: Sequence[Manager],
        zone: tzinfo | None,
        *,
        look_every_s: float = LOOK_EVERY_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._store = store
        self._managers = managers
        self._zone = zone
        self._look_every_s = look_every_s
        self._timeout_s = timeout_s

    async def run(self) -> None:
        await asyncio.gather(*(self._serve(each) for each in self._managers))

    async def _serve(self, manager: Manager) -> None:
        sending = Sending(self._store, manager, self._zone, self._timeout_s)
        try:
            while True:
                try:
                    busy = await sending.step()
                except (StoreUnavailableError, sqlite3.Error) as error:
                    log.error("alarms for %s cannot be kept now: %s", manager.name, error)
                    busy = False
                except Exception:
                    log.exception("alarms for %s: a mistake", manager.name)
                    busy = False
                if not busy:
                    await asyncio.sleep(self._look_every_s)
        finally:
            await sending.close()


class Sending:
    """To one manager, over one connection that is kept."""

    def __init__(
        self, store: Store, manager: Manager, zone: tzinfo | None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._store = store
        self._manager = manager
        self._zone = zone
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._away_since_ms: int | None = None

    async def step(self) -> bool:
        """Look what calls did, and send one message that is due. Whether there was anything."""
        read = self._store.read()
        told = model.told(read, self._manager.name)
        newest = read.value("SELECT coalesce(max(id), 0) FROM call_history")
        if told is None or told < newest:
            await self._store.write(
                partial(service.catch_up, manager=self._manager, zone=self._zone)
            )
        row = model.next_due(self._store.read(), self._manager.name)
        if row is None:
            return False
        await self._store.write(partial(service.begin, message=row["id"]))
        await self._send(row)
        return True

    async def _send(self, row: Row) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._connection is None:
                    self._connection = await client.connect(self._manager.host, self._manager.port)
                answer = await self._connection.send(bytes(row["raw"]))
        except (OSError, NoAnswerError, TimeoutError) as error:
            await self.close()
            now_ms = self._store.clock.steady_ms()
            self._away_since_ms = self._away_since_ms or now_ms
            away_ms = now_ms - self._away_since_ms
            why = str(error) or f"no answer within {self._timeout_s:g} s"
            await self._store.write(lambda tx: service.unreached(tx, row, why, away_ms))
            return
        self._away_since_ms = None
        code, words = alarm.verdict(answer, service.number(row["id"]))
        if not code:
            # Whatever else comes over this connection may be an answer to something else.
            await self.close()
        await self._store.write(lambda tx: service.answered(tx, row, code, words))

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
