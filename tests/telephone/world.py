"""Our application on an exchange, and what a test waits for in it."""

import asyncio
import contextlib

from gateway.telephone.ari.account import Account
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.client import Ari
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.ari.events import Event
from gateway.telephone.ari.reading import Lane
from gateway.telephone.exchange import APP
from tests.conftest import WAIT_S as WAIT_S
from tests.telephone.running import PASSWORD


class World:
    """An application on an exchange, and what arrived in it."""

    def __init__(self, url: str, password: str = PASSWORD, app: str = APP) -> None:
        self.arrived: asyncio.Queue[Lane] = asyncio.Queue()
        self.ari = Ari(Account(url, APP, password, app), self.arrived.put_nowait)
        self.actions = Actions(self.ari, app)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "World":
        self._task = asyncio.create_task(self.ari.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def ready(self) -> "World":
        async with asyncio.timeout(WAIT_S):
            await self.ari.ready.wait()
        return self

    async def trouble(self, kind: type[ExchangeError]) -> ExchangeError:
        """Once there is such a one; then `ready` waits for the next connection."""
        async with asyncio.timeout(WAIT_S):
            while not isinstance(self.ari.trouble, kind) or self.ari.ready.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return self.ari.trouble

    async def answered(self, far_end: str) -> Lane:
        lane = await self.actions.ring(f"Local/{far_end}@far-ends")
        await until(lane, "StasisStart")
        return lane

    async def silent(self) -> None:
        """Returns once the exchange has no call any more: what is hung up takes a moment to go."""
        async with asyncio.timeout(WAIT_S):
            while await self.actions.channels():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def end(self, lane: Lane) -> None:
        """Hang up, and see it end: the next test shall not find it."""
        await self.actions.hang_up(lane.subject.id)
        assert (await rest(lane))[-1] == "StasisEnd"


async def until(lane: Lane, *types: str) -> Event:
    """The next event of one of `types`; what comes before is passed over."""
    async with asyncio.timeout(WAIT_S):
        while True:
            event = await lane.next()
            if event.type in types:
                return event


async def rest(lane: Lane) -> list[str]:
    async with asyncio.timeout(WAIT_S):
        return [event.type async for event in lane]
