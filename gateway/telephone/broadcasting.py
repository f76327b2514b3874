"""One voice to many telephones, which answer by themselves and only listen."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import (
    ExchangeError,
    GoneError,
    LaneEndedError,
    RefusedError,
    UnreachableError,
)
from gateway.telephone.ari.reading import Lane
from gateway.telephone.telling import Outcome, unanswered

# A telephone that has not answered by itself in that time will not.
RING_S = 5
# Who has hung up is reported within that time.
HUNG_UP_S = 2
# As many as are rung at the same moment: a hundred at once would hold up other calls.
AT_ONCE = 20

HEARD = "heard"
# It was in a call, and heard the voice in the middle of it.
HEARD_IN_CALL = "heard_in_call"
MULTICAST = "MulticastRTP/basic/"


class Broadcast:
    """The one who speaks is `speaker`, whose call is with us and answered. `endpoints`
    ("PJSIP/0015650a1b2c") shall hear him, in the bridge `room`. `urgent`: also those who are in a
    call, into which he speaks; otherwise they are left in peace. `group`: a multicast address
    ("239.1.2.3:5004") that telephones listen to without being rung, and the address of the network
    to send from, where there are several. `opening` is done with the speaker while telephones are
    rung, before anybody hears him; False: he has hung up. `outcomes`: filled in as they come, by
    endpoint: HEARD, HEARD_IN_CALL or an Outcome. The group stands there under its address."""

    def __init__(
        self,
        actions: Actions,
        speaker: Lane,
        room: Lane,
        endpoints: Iterable[str],
        *,
        urgent: bool = False,
        group: str | None = None,
        network: str | None = None,
        caller: str = "",
        opening: Callable[[], Awaitable[bool]] | None = None,
        outcomes: dict[str, str] | None = None,
    ) -> None:
        self._actions = actions
        self._speaker = speaker
        self._room = room
        self._endpoints = tuple(dict.fromkeys(endpoints))
        self._urgent = urgent
        self._group = group
        self._network = network
        self._caller = caller
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._opening = opening
        self.outcomes: dict[str, str] = {} if outcomes is None else outcomes

    async def run(self) -> dict[str, str]:
        """Returns the outcomes when the speaker hangs up. Raises ExchangeError's kinds when it
        cannot begin."""
        calls = await self._calls()
        listeners = [asyncio.create_task(self._listen(each, calls)) for each in self._endpoints]
        if self._group is not None:
            listeners.append(asyncio.create_task(self._send_to(self._group)))
        try:
            if self._opening is None or await self._opening():
                await self._give_floor()
        finally:
            for each in listeners:
                each.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
            for endpoint in self._endpoints:
                self.outcomes.setdefault(endpoint, Outcome.NO_ANSWER)
        return self.outcomes

    async def _give_floor(self) -> None:
        """Until the speaker hangs up."""
        refused: RefusedError | None = None
        try:
            await self._actions.join(self._room.subject.id, self._speaker.subject.id)
        except RefusedError as error:
            refused = error  # he may have hung up just now: then that is what comes next
        try:
            async with asyncio.timeout(None if refused is None else HUNG_UP_S):
                async for _ in self._speaker:
                    pass
        except TimeoutError:
            assert refused is not None
            raise refused from None

    @property
    def heard(self) -> set[str]:
        return {each for each, outcome in self.outcomes.items() if outcome.startswith(HEARD)}

    async def _calls(self) -> dict[str, list[str]]:
        """The calls that telephones are in, by endpoint."""
        return {
            f"PJSIP/{each['resource']}": each["channel_ids"]
            for each in await self._actions.endpoints()
            if each["channel_ids"]
        }

    async def _listen(self, endpoint: str, calls: dict[str, list[str]]) -> None:
        """One telephone, until it hangs up or the broadcast is over."""
        if await self._hear(endpoint, calls.get(endpoint, [])) == HEARD_IN_CALL:
            await self._hear(endpoint, [])  # that call has ended, and the voice goes on

    async def _hear(self, endpoint: str, calls: list[str]) -> str:
        """What became of it, when it is over. Who has heard something keeps that outcome."""
        async with self._turns:
            lane, outcome = await self._reach(endpoint, calls)
        self.outcomes.setdefault(endpoint, outcome)
        if lane is not None:
            await self._stay(lane)
        return outcome

    async def _reach(self, endpoint: str, calls: list[str]) -> tuple[Lane | None, str]:
        """Let it hear; its lane, None when it cannot, and the outcome."""
        try:
            if calls and not self._urgent:
                return None, Outcome.BUSY
            for call in calls:
                with contextlib.suppress(GoneError):
                    return await self._join(await self._actions.whisper(call)), HEARD_IN_CALL
            lane = await self._actions.ring(
                endpoint, caller=self._caller, ring_s=RING_S, hands_free=True
            )
            return await self._join(lane), HEARD
        except UnreachableError:
            return None, Outcome.UNREACHABLE
        except _UnansweredError as error:
            return None, unanswered(error.cause)
        except (ExchangeError, LaneEndedError):
            return None, Outcome.FAILED

    async def _join(self, lane: Lane) -> Lane:
        """Raises _UnansweredError, when it ends before it is with us."""
        try:
            while not (event := await lane.next()).arrives:
                if event.ends(lane.subject):
                    raise _UnansweredError(int(event.body.get("cause", 0)))
            await self._actions.join(self._room.subject.id, lane.subject.id, listening=True)
        except BaseException:
            with contextlib.suppress(ExchangeError):
                await self._actions.hang_up(lane.subject.id)
            raise
        return lane

    async def _stay(self, lane: Lane) -> None:
        try:
            async for _ in lane:
                pass
        finally:
            with contextlib.suppress(ExchangeError):
                await self._actions.hang_up(lane.subject.id)

    async def _send_to(self, group: str) -> None:
        options = "c(ulaw)" + (f"i({self._network})" if self._network is not None else "")
        try:
            lane = await self._actions.ring(f"{MULTICAST}{group}//{options}", ring_s=RING_S)
            await self._join(lane)
            self.outcomes[group] = HEARD
            await self._stay(lane)
        except (ExchangeError, LaneEndedError, _UnansweredError):
            self.outcomes.setdefault(group, Outcome.FAILED)


class _UnansweredError(Exception):
    """A telephone was rung and did not answer; `cause` of Q.850."""

    def __init__(self, cause: int) -> None:
        super().__init__(cause)
        self.cause = cause
