"""What a nurse station knows of its ward from the ward's own broker: who calls, whether central
holds it, whether somebody has been there.

A call is a bed and what is wanted there. Before and after are told by the order in which a box
numbers its events, never by times. Nothing here sounds or shows: see `Station`.
"""

from collections import namedtuple

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core.solitude import ALONE_MS

# Of a bed that presses on and on the newest events suffice to know whether central holds it.
IDS_KEPT = 50

# What is wanted.
CALL = "call"
EMERGENCY = "emergency"
TOILET = "toilet"
UNPLUGGED = "unplugged"
DRIP = "drip"
WANTS = (CALL, EMERGENCY, TOILET, UNPLUGGED, DRIP)
HIGH = (EMERGENCY, TOILET)
_WANTS_OF = {
    kinds.PRESS: CALL,
    kinds.HOLD: EMERGENCY,
    kinds.CORD: TOILET,
    kinds.UNPLUGGED: UNPLUGGED,
    kinds.UNCONFIRMED: DRIP,
}
_CALLING = {kinds.CALLING_STATE: CALL, kinds.EMERGENCY_STATE: EMERGENCY}

# `since_ms` on this node's steady clock; `at_least`: it may be older. `held`: central has
# receipted all of it. `accepted_ms`: since when central says that somebody is coming, or None.
Call = namedtuple("Call", ("bed", "wants", "since_ms", "at_least", "held", "accepted_ms", "new"))


class _Open:
    """A call that nobody has ended at the bed."""

    def __init__(self, node: str, since_ms: int, at_least: bool, seen_ms: int) -> None:
        self.node = node
        self.since_ms = since_ms
        self.at_least = at_least
        self.seen_ms = seen_ms
        self.newest = (0, 0)  # (boot, seq)
        self.waiting: list[str] = []  # ids that central has not receipted


class _Picture:
    """What a box says one of its beds is doing."""

    def __init__(self, node: str, boot: int, told: dict[str, Any], now_ms: int) -> None:
        self.node = node
        self.boot = boot
        self.wants = _CALLING.get(told["state"])
        self.receipted = told["receipted"]
        self.since_ms = now_ms - told.get("for_ms", 0)
        self.seen_ms = now_ms
        self.accepted_ms = now_ms if told.get("accepted", False) else None


class Watchman:
    """Watches one ward."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _Open] = {}  # by bed and what is wanted
        self._pictures: dict[str, _Picture] = {}  # by bed
        # By bed the newest presence: (node, boot, seq, whether central holds it).
        self._presences: dict[str, tuple[str, int, int, bool]] = {}

    def event(self, message: dict[str, Any], now_ms: int) -> None:
        """A box told something that happened; it may be a repeat."""
        bed, type = message.get("bed"), message["type"]
        if bed is None:
            return
        if type == kinds.PRESENCE:
            self._attended(bed, message["node"], message["boot"], message["seq"])
        elif type in _WANTS_OF:
            over = message.get("over")
            if over is not None:
                self._attended(bed, message["node"], over["boot"], over["seq"])
            if not self.seen_to_since(bed, message["node"], message["boot"], message["seq"]):
                self._called(bed, message, now_ms)

    def receipted(self, ids: list[str]) -> None:
        """Central holds these events."""
        for call in self._open.values():
            call.waiting = [each for each in call.waiting if each not in ids]
        for bed, (node, boot, seq, held) in self._presences.items():
            if not held and kinds.event_id(node, boot, seq) in ids:
                self._presences[bed] = (node, boot, seq, True)

    def beds(self, node: str, boot: int, told: dict[str, Any], now_ms: int) -> None:
        """The picture that a box gives of its beds."""
        for bed, each in told.items():
            fresh, old = _Picture(node, boot, each, now_ms), self._pictures.get(bed)
            if old is not None and old.wants == fresh.wants:
                fresh.seen_ms = old.seen_ms
            if old is not None and old.accepted_ms is not None and fresh.accepted_ms is not None:
                fresh.accepted_ms = old.accepted_ms
            self._pictures[bed] = fresh
            if old is None or old.wants is None or fresh.wants is not None:
                continue
            if old.boot != boot:
                self._forgotten(bed, old)
            else:
                # Central ended it some other way. What it does not hold it cannot have ended.
                for key in [key for key in self._open if key[0] == bed]:
                    if not self._open[key].waiting:
                        del self._open[key]

    def seen_to_since(self, bed: str, node: str, boot: int, seq: int) -> bool:
        """Whether somebody has been at `bed` since the event (boot, seq) of its box."""
        last = self._presences.get(bed)
        return last is not None and last[0] == node and (last[1], last[2]) > (boot, seq)

    def calls(self, now_ms: int) -> "list[Call]":
        """All calls of the ward, the most urgent and of these the oldest first. `new`: central
        may still be about to take it, or its box to say that it is over."""
        found = []
        for (bed, wants), call in self._open.items():
            picture = self._pictures.get(bed)
            found.append(
                Call(
                    bed, wants, call.since_ms, call.at_least, not call.waiting,
                    picture.accepted_ms if picture is not None and not call.waiting else None,
                    now_ms - call.seen_ms < ALONE_MS,
                )
            )  # fmt: skip
        told = [each.bed for each in found]
        for bed, picture in self._pictures.items():
            # Called before this station listened, or by central itself.
            if picture.wants is not None and bed not in told:
                found.append(
                    Call(
                        bed, picture.wants, picture.since_ms, True, picture.receipted,
                        picture.accepted_ms, now_ms - picture.seen_ms < ALONE_MS,
                    )
                )  # fmt: skip
        found.sort(key=lambda each: (each.wants not in HIGH, each.since_ms, each.bed))
        return found

    def dump(self, now_ms: int, epoch: str) -> dict[str, Any]:
        """What only this station may know: calls and presences that central does not hold."""
        return {
            "epoch": epoch,
            "calls": [
                [bed, wants, call.node, call.since_ms, call.at_least,
                 call.newest[0], call.newest[1], call.waiting]
                for (bed, wants), call in self._open.items()
                if call.waiting and now_ms - call.seen_ms >= ALONE_MS
            ],
            "presences": [
                [bed, last[0], last[1], last[2]]
                for bed, last in self._presences.items()
                if not last[3]
            ],
        }  # fmt: skip

    def restore(self, kept: dict[str, Any], now_ms: int, epoch: str) -> None:
        """Take what `dump` gave before a restart. Raises KeyError, TypeError or ValueError."""
        for bed, node, boot, seq in kept["presences"]:
            self._presences[bed] = (node, boot, seq, False)
        for bed, wants, node, since_ms, at_least, boot, seq, waiting in kept["calls"]:
            stopped = kept["epoch"] != epoch or since_ms > now_ms
            call = _Open(node, now_ms if stopped else since_ms, at_least or stopped, now_ms)
            call.seen_ms = now_ms - ALONE_MS
            call.newest, call.waiting = (boot, seq), list(waiting)
            self._open[(bed, wants)] = call

    def _forgotten(self, bed: str, old: _Picture) -> None:
        """A box that was reborn knows of no call that central held; the ward goes on to know."""
        if any(key[0] == bed for key in self._open) or old.wants is None:
            return
        call = self._open[(bed, old.wants)] = _Open(old.node, old.since_ms, True, old.seen_ms)
        call.newest = (old.boot, 0)

    def _called(self, bed: str, message: dict[str, Any], now_ms: int) -> None:
        wants = _WANTS_OF[message["type"]]
        if wants == CALL and "infusion" in message.get("about", {}):
            wants = DRIP
        since_ms = now_ms - message["age_ms"]
        at_least = not message.get("age_known", True)
        call = self._open.get((bed, wants))
        if call is None or call.node != message["node"]:
            call = self._open[(bed, wants)] = _Open(message["node"], since_ms, at_least, now_ms)
        if not call.waiting and (message["boot"], message["seq"]) > call.newest:
            call.seen_ms = now_ms  # pressed once more: central has its time for this, too
        call.since_ms = min(call.since_ms, since_ms)
        call.newest = max(call.newest, (message["boot"], message["seq"]))
        if message["id"] not in call.waiting:
            call.waiting.append(message["id"])
            call.waiting = call.waiting[-IDS_KEPT:]

    def _attended(self, bed: str, node: str, boot: int, seq: int) -> None:
        last = self._presences.get(bed)
        if last is None or last[0] != node or (last[1], last[2]) < (boot, seq):
            self._presences[bed] = (node, boot, seq, False)
            picture = self._pictures.get(bed)
            if picture is not None:
                picture.wants = None  # the box will say so in a moment
        for key in [key for key in self._open if key[0] == bed]:
            call = self._open[key]
            if call.node != node or call.newest < (boot, seq):
                del self._open[key]
