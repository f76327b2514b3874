"""The bridge's part: reads what the exchange writes down, for as long as the bridge runs."""

import asyncio
import logging
import sqlite3
from functools import partial
from pathlib import Path

from central.call_records import model, service
from central.store import Store, StoreUnavailableError
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.client import Ari
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.cel import Written

log = logging.getLogger("wardline.telephone")

LOOK_EVERY_S = 1.0
TIDY_EVERY_S = 60.0


class Reader:
    """For one exchange, whose files are in `folder`. Nothing is lost while nobody reads: the file
    grows meanwhile."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._written = Written(folder)
        self._torn = False

    async def look(self) -> list[int]:
        """Make records of all that is new; their numbers. Raises StoreUnavailableError, OSError."""
        records: list[int] = []
        more = True
        while more:
            cursor = model.cursor(self._store.read())
            piece = await asyncio.to_thread(self._written.look, cursor)
            more = piece.more
            if dict(piece.cursor) != cursor:
                records += await self._store.write(
                    partial(service.take, events=piece.events, cursor=piece.cursor, torn=piece.torn)
                )
            if piece.torn and not self._torn:
                self._torn = True
                log.warning("the exchange wrote %s lines of calls that are torn", piece.torn)
        return records

    async def tidy(self) -> None:
        """Once what was read is on disk, let go of it in the exchange's folder and of what is old
        in the database. Raises StoreUnavailableError, OSError."""
        cursor = model.cursor(self._store.read())
        await asyncio.to_thread(self._written.tidy, cursor)
        await self._store.write(service.tidy)


async def run(store: Store, folder: Path, ari: Ari) -> None:
    """Until cancelled. What is written down is read even while the exchange does not answer."""
    reader, actions = Reader(store, folder), Actions(ari)
    tidy_in_s, asked, failing = 0.0, False, False
    while True:
        try:
            await reader.look()
            if tidy_in_s <= 0:
                tidy_in_s = TIDY_EVERY_S
                await reader.tidy()
            if not ari.ready.is_set():
                asked = False
            elif not asked:
                at_ms = await actions.started_ms()
                await store.write(partial(service.started, at_ms=at_ms))
                asked = True
            failing = False
        except ExchangeError:
            asked = False  # whoever keeps the connection says what is wrong
        except (OSError, sqlite3.Error, StoreUnavailableError) as error:
            # The file keeps what could not be read.
            if not failing:
                log.error("calls are not recorded for now: %s; trying again", error)
            failing = True
        except Exception:  # a mistake here is none of the bridge's, which has calls to tell of
            if not failing:
                log.exception("calls are not recorded for now; trying again")
            failing = True
        await asyncio.sleep(LOOK_EVERY_S)
        tidy_in_s -= LOOK_EVERY_S
