"""Brings the exchange to what stands in the directory, whenever that changes."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from central.directory import model
from central.store import Store
from gateway.telephone.ari.client import Ari
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.directory import Directory, DirectoryError
from gateway.telephone.live import Live
from gateway.telephone.text import UnsafeTextError

log = logging.getLogger("wardline.telephone")

RETRY_S = 1.0


class Keeper:
    """For one exchange. `look` after each change of the directory, from the event loop. told: of
    each directory that can be used, before the exchange is."""

    def __init__(
        self,
        store: Store,
        live: Live,
        ari: Ari,
        told: Callable[[Directory], None] = lambda directory: None,
    ) -> None:
        self._store = store
        self._live = live
        self._ari = ari
        self._told = told
        self._changed = asyncio.Event()
        self._changed.set()
        self._failing = False

    def look(self) -> None:
        """The directory may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled. What the exchange cannot be told now it is told when it is back."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await self._brought():
                await self._ari.ready.wait()
                await asyncio.sleep(RETRY_S)
                self._changed.set()

    async def _brought(self) -> bool:
        """False when it is worth trying again."""
        try:
            wanted = model.directory(self._store.read())
            self._told(wanted)
            fresh = await self._live.apply(wanted)
        except ExchangeError as error:
            log.warning("the exchange does not have the newest directory yet: %s", error)
            return False
        except (DirectoryError, UnsafeTextError) as error:
            # The last good one stays in force; the next change is the next try.
            log.error("the directory cannot be brought to the exchange: %s", error)
            return True
        except (OSError, sqlite3.Error) as error:
            # A full disk, a lock: nobody changes the directory once more when that is over.
            if not self._failing:
                log.error("the directory cannot be brought now: %s; trying again", error)
            self._failing = True
            return False
        self._failing = False
        if fresh:
            log.info("the exchange has read %s", ", ".join(fresh))
        return True
