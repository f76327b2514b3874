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
        self.over = False  # the last has been said, read or not

    async def next(self) -> Event:
        """The next event; waits for it. Raises LaneEndedError, LaneOverflowError."""
        if self._broken:
            raise LaneOverflowError(f"{self.subject}: more than {MOST_UNREAD} events unread")
        event = await self._unread.get()
        if event is None:
            self._unread.put_nowait(None)  # whoever asks again is told the same
            raise LaneEndedError(f"{self.subject} has ended")
        return event

    async def next_within(self, seconds: float | None) -> Event | None:
        """As `next`; None when nothing has come for so long. With None it waits for ever."""
        try:
            # Not wait_for: until Python 3.12 it forgets a cancellation that meets an event, and a
            # telephone that should fall silent rings on.
            async with asyncio.timeout(seconds):
                return await self.next()
        except TimeoutError:
            return None

    async def __aiter__(self) -> AsyncIterator[Event]:
        with contextlib.suppress(LaneEndedError):
            while True:
                yield await self.next()

    def put(self, event: Event | None) -> None:
        self.over = self.over or event is None
        if self._unread.qsize() >= MOST_UNREAD and event is not None:
            self._broken = True
        else:
            self._unread.put_nowait(event)
