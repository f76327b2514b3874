"""Makes one record of all that the exchange wrote down of one call. Nothing here is read or kept.

The exchange knows a call by its first channel (`linked`). Calls that a transfer or a pick-up made
one carry two such names, joined by a channel that has borne both. The answer depends on the set of
events alone: not on their order, nor on how often each was said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.telephone import cel
from gateway.telephone.cel import CallEvent

INTERNAL, OUTWARD, INWARD = "internal", "outward", "inward"
# To a number that Wardline answers, and a phone that Wardline rang.
SERVICE, NOTICE = "service", "notice"
DIRECTIONS = (INTERNAL, OUTWARD, INWARD, SERVICE, NOTICE)

ANSWERED, BUSY, NO_ANSWER, CANCELLED = "answered", "busy", "no_answer", "cancelled"
UNREACHABLE, FAILED = "unreachable", "failed"
RESULTS = (ANSWERED, BUSY, NO_ANSWER, CANCELLED, UNREACHABLE, FAILED)
_BY_STATUS = {
    "BUSY": BUSY, "NOANSWER": NO_ANSWER, "CANCEL": CANCELLED, "CHANUNAVAIL": UNREACHABLE,
    "CONGESTION": FAILED,
}  # fmt: skip
# By the cause of Q.850.
_BY_CAUSE = {
    17: BUSY, 18: NO_ANSWER, 19: NO_ANSWER, 127: CANCELLED, 1: UNREACHABLE, 3: UNREACHABLE,
    20: UNREACHABLE, 27: UNREACHABLE,
}  # fmt: skip
_TRUNK = "trunk-"
# Fields of `extra` that name another channel of the same call.
_ALSO = (
    "pickup_channel_uniqueid", "channel2_uniqueid", "transferee_channel_uniqueid",
    "transfer_target_channel_uniqueid",
)  # fmt: skip


@dataclass(frozen=True)
class Leg:
    """One telephone's or outer line's part in a call; times in real ms, None: never. talk_ms: how
    long it was joined with somebody. dialled: what was dialled to make it, "" where it began."""

    unique: str
    number: str
    endpoint: str
    dialled: str
    started_ms: int
    answered_ms: int | None
    ended_ms: int
    talk_ms: int
    cause: int

    @property
    def trunk(self) -> str | None:
        """The line to the world, if it is one."""
        return self.endpoint.removeprefix(_TRUNK) if self.endpoint.startswith(_TRUNK) else None


@dataclass(frozen=True)
class Joined:
    """A call. linked: all its names, the first is the one it keeps; application: it was answered
    or begun by Wardline; cut: the exchange died, so its end is the last that is known."""

    linked: tuple[str, ...]
    legs: tuple[Leg, ...]
    dialled: str
    direction: str
    result: str
    started_ms: int
    answered_ms: int | None
    ended_ms: int
    talk_ms: int
    transfers: int
    events: int
    cut: bool = False

    @property
    def caller(self) -> Leg:
        return self.legs[0]


def groups(events: Iterable[CallEvent]) -> list[list[CallEvent]]:
    """The events of each call, in order of time and without repeats; calls by their beginning."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            name = parents[name]
        return name

    distinct = {_key(each): each for each in events}.values()
    for event in distinct:
        mine = root(f"channel {event.unique}")
        for other in [f"call {event.linked}", *(f"channel {each}" for each in others(event))]:
            parents[root(other)] = mine
    found: dict[str, list[CallEvent]] = {}
    for event in sorted(distinct, key=_key):
        found.setdefault(root(f"channel {event.unique}"), []).append(event)
    return list(found.values())


def others(event: CallEvent) -> list[str]:
    """The channels of the same call that an event names besides its own."""
    return [str(event.extra[key]) for key in _ALSO if event.extra.get(key)]


def _key(event: CallEvent) -> tuple[int, str, str, str, str]:
    # The end of a channel is written with the time of its hang-up.
    last = "1" if event.type == cel.CHAN_END else "0"
    return event.at_us, last, event.unique, event.type, str(event.extra.get("bridge_id", ""))


def over(events: Sequence[CallEvent]) -> bool:
    """Whether every channel of these has ended."""
    ended = {each.unique for each in events if each.type == cel.CHAN_END}
    return all(each.unique in ended for each in events)


def join(events: Sequence[CallEvent]) -> Joined | None:
    """The record of one group. None for one without a telephone in it."""
    channels: dict[str, list[CallEvent]] = {}
    for event in events:
        channels.setdefault(event.unique, []).append(event)
    ended_us = events[-1].at_us
    talks = _talks(events)
    legs = [
        _leg(own, _length(talks.get(unique, ())))
        for unique, own in channels.items()
        if not own[0].local
    ]
    if not legs:
        return None
    first = channels[legs[0].unique]
    dialled = _dialled(first)
    direction = _direction(legs, first, dialled)
    answered_us = _first(first, cel.ANSWER)
    together_ms = _length(span for spans in talks.values() for span in spans)
    talk_ms = 0
    if answered_us is not None:
        alone = direction in (SERVICE, NOTICE) or not together_ms
        talk_ms = legs[0].ended_ms - answered_us // 1000 if alone else together_ms
    return Joined(
        linked=tuple(dict.fromkeys([first[0].linked, *sorted({e.linked for e in events})])),
        legs=tuple(legs),
        dialled=dialled,
        direction=direction,
        result=ANSWERED if answered_us is not None else _why_not(first),
        started_ms=events[0].at_us // 1000,
        answered_ms=None if answered_us is None else answered_us // 1000,
        ended_ms=ended_us // 1000,
        talk_ms=talk_ms,
        transfers=sum(e.type in (cel.BLIND_TRANSFER, cel.ATTENDED_TRANSFER) for e in events),
        events=len(events),
        cut=not over(events),
    )


def _leg(own: Sequence[CallEvent], talk_ms: int) -> Leg:
    answered_us = _first(own, cel.ANSWER)
    causes = [each.extra.get("hangupcause") for each in own if each.type == cel.HANGUP]
    return Leg(
        unique=own[0].unique,
        number=next((each.number for each in own if each.number), ""),
        endpoint=own[0].endpoint,
        dialled=_dialled(own),
        started_ms=own[0].at_us // 1000,
        answered_ms=None if answered_us is None else answered_us // 1000,
        ended_ms=own[-1].at_us // 1000,
        talk_ms=talk_ms,
        cause=next((each for each in causes if isinstance(each, int)), 0),
    )


def _dialled(own: Iterable[CallEvent]) -> str:
    """A channel that is rung begins at "s"; what was dialled for it, it is told later."""
    return next((each.dialled for each in own if each.dialled not in ("", "s")), "")


def _direction(legs: Sequence[Leg], first: Sequence[CallEvent], dialled: str) -> str:
    begun_here = first[0].dialled == "s"
    in_application = any(each.type == cel.APP_START and each.app == "Stasis" for each in first)
    if legs[0].trunk is not None and not begun_here:
        return INWARD
    if begun_here:
        return NOTICE
    if in_application:
        return SERVICE
    return OUTWARD if any(leg.trunk is not None for leg in legs[1:]) else INTERNAL


def _why_not(first: Sequence[CallEvent]) -> str:
    """Why nobody answered, by what the caller's channel was told."""
    for event in reversed(first):
        if event.type == cel.HANGUP:
            known = _BY_STATUS.get(str(event.extra.get("dialstatus")))
            return known or _BY_CAUSE.get(_number(event.extra.get("hangupcause")), FAILED)
    return FAILED


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _first(own: Iterable[CallEvent], type: str) -> int | None:
    return next((each.at_us for each in own if each.type == type), None)


def _talks(events: Sequence[CallEvent]) -> dict[str, list[tuple[int, int]]]:
    """By channel, the spans in us in which it was joined with another one. A channel between two
    parts of the exchange stands for whoever is behind it, once there is somebody."""
    answered = {e.unique: e.at_us for e in reversed(events) if e.type == cel.ANSWER}
    stays: dict[str, list[tuple[str, int, int]]] = {}
    inside: dict[tuple[str, str], int] = {}

    def leave(event: CallEvent, room: str, at_us: int) -> None:
        came_us = inside.pop((room, event.unique), None)
        if came_us is not None and event.local:
            came_us = max(came_us, answered.get(event.unique, at_us))
        if came_us is not None and came_us < at_us:
            stays.setdefault(room, []).append((event.unique, came_us, at_us))

    last: dict[str, CallEvent] = {}
    for event in events:
        last[event.unique] = event
        room = str(event.extra.get("bridge_id", ""))
        if event.type == cel.BRIDGE_ENTER:
            inside.setdefault((room, event.unique), event.at_us)
        elif event.type == cel.BRIDGE_EXIT:
            leave(event, room, event.at_us)
        elif event.type == cel.CHAN_END:
            for each in [key for key in inside if key[1] == event.unique]:
                leave(event, each[0], event.at_us)
    for room, unique in list(inside):
        leave(last[unique], room, last[unique].at_us)
    found: dict[str, list[tuple[int, int]]] = {}
    for together in stays.values():
        for unique, came, left in together:
            for other, others_came, others_left in together:
                begin, end = max(came, others_came), min(left, others_left)
                if other != unique and begin < end:
                    found.setdefault(unique, []).append((begin, end))
    return found


def _length(spans: Iterable[tuple[int, int]]) -> int:
    """How many ms are covered by `spans`, which may overlap."""
    total_us, reached = 0, 0
    for begin, end in sorted(spans):
        begin = max(begin, reached)
        total_us += max(0, end - begin)
        reached = max(reached, end)
    return total_us // 1000
