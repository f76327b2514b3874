"""The bridge's part: each source is read every few seconds in a thread of its own, so that a
database that hangs holds up no press."""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from central.polling import service
from central.store import Store, StoreUnavailableError
from gateway.his.poller.rows import PAGE_ROWS, PollError, Row
from gateway.his.poller.settings import Feed, Source

if TYPE_CHECKING:
    from gateway.his.poller.database import Database

log = logging.getLogger("wardline.his")

T = TypeVar("T")
# So many time-outs a thread may hang before it is given up, and so many may hang at once.
GIVEN_UP = 6
MOST_LOST = 4


class Threaded:
    """Lets one job at a time block in a thread that nobody has to wait for."""

    def __init__(self, timeout_s: float, given_up_s: float | None = None) -> None:
        self._timeout_s = timeout_s
        self._given_up_s = GIVEN_UP * timeout_s if given_up_s is None else given_up_s
        self._running: object | None = None
        self._begun_s = 0.0
        self._lost = 0

    async def run(self, job: Callable[[], T]) -> T:
        """The job's answer. Raises what it raised, or PollError when it takes too long; then no
        other begins before it has ended, or is given up: a dead line may never tell."""
        if self._running is not None:
            if time.monotonic() - self._begun_s < self._given_up_s or self._lost >= MOST_LOST:
                raise PollError("it still does not answer")
            self._lost += 1
        mine = self._running = object()
        self._begun_s = time.monotonic()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(answer: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(answer)  # type: ignore[arg-type]

        def work() -> None:
            answer, error = None, None
            try:
                answer = job()
            except BaseException as caught:
                error = caught
            if self._running is mine:
                self._running = None
            else:
                self._lost -= 1
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, answer, error)

        threading.Thread(target=work, name="poll", daemon=True).start()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await future
        except TimeoutError as error:
            raise PollError(f"no answer within {self._timeout_s:g} s") from error


class Polling:
    """Reads the sources until cancelled. `zone`: the hospital's, of times without one."""

    def __init__(self, store: Store, sources: Sequence[Source], zone: tzinfo) -> None:
        self._store = store
        self._sources = sources
        self._zone = zone

    async def run(self) -> None:
        await asyncio.gather(*(self._read_on(each) for each in self._sources))

    async def _read_on(self, source: Source) -> None:
        threaded = Threaded(source.timeout_s)
        while True:
            for feed in source.feeds:
                await self.read(source, feed, threaded)
            await asyncio.sleep(source.every_s)

    async def read(self, source: Source, feed: Feed, threaded: Threaded) -> bool:
        """Read one feed once. Whether it could be read and stored."""
        from gateway.his.poller.database import Database  # see there

        try:
            database = Database(source)
            if feed.is_picture:
                await self._picture(source, feed, database, threaded)
            else:
                await self._rows(source, feed, database, threaded)
            await self._store.write(partial(service.well, source=source.name, feed=feed.name))
        except PollError as error:
            log.warning("%s %s cannot be read: %s", source.name, feed.name, error)
            with contextlib.suppress(StoreUnavailableError):
                await self._store.write(
                    partial(service.unwell, source=source.name, feed=feed.name, trouble=str(error))
                )
            return False
        except (StoreUnavailableError, sqlite3.Error) as error:
            log.error("what %s tells cannot be stored now: %s", source.name, error)
            return False
        except Exception:
            log.exception("%s %s: reading ended by a mistake", source.name, feed.name)
            return False
        return True

    async def _picture(
        self, source: Source, feed: Feed, database: "Database", threaded: Threaded
    ) -> None:
        rows = [row.values for row in await threaded.run(partial(database.picture, feed))]
        now = self._now()
        await self._store.write(
            partial(
                service.take_picture,
                source=source,
                feed=feed,
                rows=rows,
                now=now,
                zone=self._zone,
            )
        )

    async def _rows(
        self, source: Source, feed: Feed, database: "Database", threaded: Threaded
    ) -> None:
        now = self._now()
        begin = service.begin_of(self._store.read(), source, feed, now)
        after: Row | None = None
        while True:
            rows = await threaded.run(partial(database.page, feed, begin, after))
            aware = bool(rows and rows[0].time is not None and rows[0].time.tzinfo)
            at = datetime.now(self._zone) if aware else now
            await self._store.write(
                partial(
                    service.take_rows,
                    source=source,
                    feed=feed,
                    rows=rows,
                    now=at,
                    zone=self._zone,
                )
            )
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1]

    def _now(self) -> datetime:
        """The hospital's wall clock, which its database goes by."""
        return datetime.now(self._zone).replace(tzinfo=None)
