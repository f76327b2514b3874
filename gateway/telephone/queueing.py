"""Callers who wait until a telephone is free, each in his turn.

For the first in line every telephone that is there and in no call rings; who answers first has him,
and the next caller is the first. A telephone that turned one down is left alone for a moment. The
line stands in memory: callers do not outlive us here (`files/services.py` rings for them instead).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError, UnreachableError
from gateway.telephone.ari.reading import Lane

# So often it is seen which telephones are free.
LOOK_EVERY_S = 1.0
# For one that was busy, turned the call down or did not answer.
REST_S = 15.0


class NobodyThereError(Exception):
    """None of the telephones is plugged in."""

    error_id = "nobody-there"


class Ticket:
    """A caller's place in a line. moved: told it whenever it changes; 1 is the first."""

    def __init__(self, moved: Callable[[int], None]) -> None:
        self.moved = moved
        self.place = 0
        self.is_first = asyncio.Event()


class Queues:
    """The lines of one exchange, by the number that callers wait for."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Ticket]] = {}

    def join(self, number: str, moved: Callable[[int], None]) -> Ticket:
        """At the end of the line."""
        ticket = Ticket(moved)
        self._lines.setdefault(number, []).append(ticket)
        self._move(number)
        return ticket

    def leave(self, number: str, ticket: Ticket) -> None:
        """Those behind move up."""
        line = self._lines.get(number, [])
        if ticket in line:
            line.remove(ticket)
            self._move(number)

    def _move(self, number: str) -> None:
        line = self._lines[number]
        if not line:
            del self._lines[number]
        for place, each in enumerate(line, 1):
            if each.place != place:
                each.place = place
                each.moved(place)
            if place == 1:
                each.is_first.set()


async def taken(
    actions: Actions, endpoints: Callable[[], Sequence[str]], caller: str, ring_s: int
) -> Lane:
    """Ring until one answers; its lane. endpoints: what to ring, asked at each look. Cancelled,
    every one of them falls silent. Raises NobodyThereError."""
    ringing: dict[str, asyncio.Task[Lane | None]] = {}
    rests_until_s: dict[str, float] = {}
    chosen: Lane | None = None
    try:
        while chosen is None:
            there = await _there(actions)
            wanted = [each for each in endpoints() if each in there]
            if not wanted and not ringing:
                raise NobodyThereError("no telephone of the queue is plugged in")
            for each in wanted:
                rests = time.monotonic() < rests_until_s.get(each, 0.0)
                if each not in ringing and not rests and not there[each]:
                    ringing[each] = asyncio.create_task(_answered(actions, each, caller, ring_s))
            chosen = await _first(ringing, rests_until_s)
        return chosen
    finally:
        for task in ringing.values():
            task.cancel()
        for late in await asyncio.gather(*ringing.values(), return_exceptions=True):
            if isinstance(late, Lane) and late is not chosen:
                await _hang_up(actions, late)


async def _first(
    ringing: dict[str, "asyncio.Task[Lane | None]"], rests_until_s: dict[str, float]
) -> Lane | None:
    """One that has answered by the next look."""
    if not ringing:
        await asyncio.sleep(LOOK_EVERY_S)
        return None
    await asyncio.wait(ringing.values(), timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    for endpoint, task in list(ringing.items()):
        if task.done():
            if (lane := task.result()) is not None:
                return lane
            del ringing[endpoint]
            rests_until_s[endpoint] = time.monotonic() + REST_S
    return None


async def _there(actions: Actions) -> dict[str, list[str]]:
    """Every telephone that is plugged in, and its calls. An exchange that does not answer has
    none for a moment."""
    found = await actions.endpoints()
    return {
        f"PJSIP/{each['resource']}": each["channel_ids"]
        for each in found
        if each.get("state") == "online"
    }


async def _answered(actions: Actions, endpoint: str, caller: str, ring_s: int) -> Lane | None:
    """Its lane; None when nobody takes it there."""
    try:
        lane = await actions.ring(endpoint, caller=caller, ring_s=ring_s)
    except UnreachableError:
        return None
    answered = False
    try:
        async for event in lane:
            if event.arrives:
                answered = True
                return lane
            if event.ends(lane.subject):
                return None
        return None
    finally:
        if not answered:
            await _hang_up(actions, lane)


async def join(actions: Actions, caller: Lane, phone: Lane) -> None:
    """Both speak until one of them hangs up, and then neither of them has a call. The caller's
    lane is read to its end. Nothing may be played to the caller when it begins."""
    room = await actions.bridge()
    try:
        await actions.join(room.subject.id, phone.subject.id, caller.subject.id)
        ends = [asyncio.create_task(_ended(each)) for each in (caller, phone)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
    finally:
        await _hang_up(actions, phone)
        with contextlib.suppress(ExchangeError):
            await actions.end_bridge(room.subject.id)


async def _ended(lane: Lane) -> None:
    async for event in lane:
        if event.ends(lane.subject):
            return


async def _hang_up(actions: Actions, lane: Lane) -> None:
    with contextlib.suppress(ExchangeError):
        await actions.hang_up(lane.subject.id)
