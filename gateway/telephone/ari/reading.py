"""Where whoever deals with a channel or bridge reads what is said about it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.telephone.ari.errors import LaneEndedError, LaneOverflowError
from gateway.telephone.ari.events import Event, Subject

MOST_UNREAD = 1000


class Lane:
    """All that is said about one channel or bridge, in order. For one reader."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._unread: asyncio.Queue[Event | None] = asyncio.Queue()
        self._broken = False

    async def next(self) -> Event:
        """The next event; waits for it. Raises LaneEndedError, LaneOverflowError."""
        if self._broken:
            raise LaneOverflowError(f"{self.subject}: more than {MOST_UNREAD} events unread")
        event = await self._unread.get()
        if event is None:
            self._unread.put_nowait(None)  # whoever asks again is told the same
            raise LaneEndedError(f"{self.subject} has ended")
        return event

    async def __aiter__(self) -> AsyncIterator[Event]:
        with contextlib.suppress(LaneEndedError):
            while True:
                yield await self.next()

    def put(self, event: Event | None) -> None:
        if self._unread.qsize() >= MOST_UNREAD and event is not None:
            self._broken = True
        else:
            self._unread.put_nowait(event)
