"""One voice to many telephones, which answer by themselves and only listen."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError, LaneEndedError
from gateway.telephone.ari.reading import Lane

# A telephone that has not answered by itself in that time will not.
RING_S = 5
# As many as are rung at the same moment: a hundred at once would hold up other calls.
AT_ONCE = 20


@dataclass
class Reached:
    """Whom a broadcast reached, by endpoint, and whom not: busy, not there, or not answering."""

    heard: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)


class Broadcast:
    """The one who speaks is `speaker`, whose call is with us and answered. `endpoints`
    ("PJSIP/0015650a1b2c") shall hear him."""

    def __init__(self, actions: Actions, speaker: Lane, endpoints: Iterable[str]) -> None:
        self._actions = actions
        self._speaker = speaker
        self._endpoints = tuple(dict.fromkeys(endpoints))
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.reached = Reached()

    async def run(self) -> Reached:
        """Returns when the speaker hangs up. Raises ExchangeError's kinds when it cannot begin."""
        room = await self._actions.bridge()
        try:
            await self._actions.join(room.subject.id, self._speaker.subject.id)
            listeners = [
                asyncio.create_task(self._listen(room, endpoint)) for endpoint in self._endpoints
            ]
            try:
                async for _ in self._speaker:
                    pass
            finally:
                for each in listeners:
                    each.cancel()
                await asyncio.gather(*listeners, return_exceptions=True)
        finally:
            with contextlib.suppress(ExchangeError):
                await self._actions.end_bridge(room.subject.id)
        self.reached.missed = set(self._endpoints) - self.reached.heard
        return self.reached

    async def _listen(self, room: Lane, endpoint: str) -> None:
        """One telephone, until it hangs up or the broadcast is over."""
        lane: Lane | None = None
        try:
            async with self._turns:
                lane = await self._actions.ring(endpoint, ring_s=RING_S, hands_free=True)
                while (await lane.next()).type != "StasisStart":
                    pass
                await self._actions.join(room.subject.id, lane.subject.id, listening=True)
            self.reached.heard.add(endpoint)
            async for _ in lane:
                pass
        except (ExchangeError, LaneEndedError):
            pass  # it counts as missed, unless it had heard something
        finally:
            if lane is not None:
                with contextlib.suppress(ExchangeError):
                    await self._actions.hang_up(lane.subject.id)
