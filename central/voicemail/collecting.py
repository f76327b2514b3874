"""Brings what Asterisk took and what the database says of it together, for as long as we run."""

import asyncio
import logging
import sqlite3
from functools import partial

from central.store import Store, StoreUnavailableError
from central.voicemail import model, service
from gateway.telephone.messages import Spool

log = logging.getLogger("wardline.telephone")

LOOK_EVERY_S = 1.0
TIDY_EVERY_S = 3600.0


class Collector:
    """For one exchange. Nothing is lost while nobody looks: messages wait in the spool."""

    def __init__(self, store: Store, spool: Spool) -> None:
        self._store = store
        self._spool = spool
        self._turn = asyncio.Lock()

    async def look(self) -> None:
        """Store what is new; put away what was heard or deleted. Raises OSError,
        StoreUnavailableError."""
        async with self._turn:
            waiting = await asyncio.to_thread(self._spool.look)
            if waiting:
                await self._store.write(partial(service.take, messages=waiting))
            heard = model.heard(self._store.read(), [each.id for each in waiting])
            deleted = model.to_purge(self._store.read())
            if heard or deleted:
                await asyncio.to_thread(self._put_away, heard, deleted)
                await self._store.write(partial(model.purged, ids=deleted))

    def _put_away(self, heard: list[str], deleted: list[str]) -> None:
        for id in heard:
            self._spool.heard(id)
        for id in deleted:
            self._spool.delete(id)

    async def run(self) -> None:
        """Until cancelled."""
        failing, tidy_in_s = False, 0.0
        while True:
            try:
                await self.look()
                if tidy_in_s <= 0:
                    await self._store.write(service.tidy)
                    tidy_in_s = TIDY_EVERY_S
                failing = False
            except (OSError, sqlite3.Error, StoreUnavailableError) as error:
                if not failing:
                    log.error("messages are not collected for now: %s; trying again", error)
                failing = True
            await asyncio.sleep(LOOK_EVERY_S)
            tidy_in_s -= LOOK_EVERY_S
