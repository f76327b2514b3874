"""Everything that happened and that central has not receipted yet.

An event is in the journal (on disk) before it is published, and leaves it only by central's
receipt. It is bounded: beyond `limit` events the oldest that is no alarm makes room, is counted in
`dropped`, and central misses its number; but the newest that ends something at its place, such as
a presence, stays as an alarm does. Where only those wait, none is dropped: an alarm that repeats
two waiting ones of its own type and place replaces the later of them and carries its count, so the
first and the last of each stay; that is counted in `merged`. The bound is then `limit` and three of
each type and place.
"""

from collections import namedtuple

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core.shelf import Shelf, seal

LIMIT = 10_000
RESEND_MS = 3_000
# So many are sent in one round, the oldest first: a flood helps nobody who comes back.
BATCH = 200
COMPACT_LINES = 500

FULL = "full"  # the trouble of a full outbox, beside those of the shelf

# The presence at the bed, this box's event (boot, seq), that has answered an event before it.
Over = namedtuple("Over", ("boot", "seq", "at_ms"))


class Entry:
    """One unreceipted event. `at_ms` is on the steady clock of this run. Where `known_age` is
    false it is the latest moment that can be true: the event is that old at least."""

    def __init__(self, message: dict[str, Any], at_ms: int, epoch: str) -> None:
        self.message = message
        self.at_ms = at_ms
        self.epoch = epoch
        self.known_age = True
        self.old = False
        self.mark: Any = None
        self.replaces: str | None = None  # the event that this one stands for, too
        self.sent_ms: int | None = None
        self.over: Over | None = None  # kept when the presence itself has gone

    @property
    def id(self) -> str:
        return str(self.message["id"])

    def line(self) -> bytes:
        record = {
            "e": self.message,
            "at": self.at_ms,
            "ep": self.epoch,
            "known": self.known_age,
        }
        if self.mark is not None:
            record["m"] = {self.message["bed"]: self.mark}
        if self.over is not None:
            record["o"] = list(self.over)
        return seal(record)

    def published(self, now_ms: int) -> dict[str, Any]:
        """The event message as it is at `now_ms`."""
        message = dict(self.message)
        message["age_ms"] = max(0, now_ms - self.at_ms)
        if not self.known_age:
            message["age_known"] = False
        if self.over is not None:
            message["over"] = {
                "boot": self.over.boot,
                "seq": self.over.seq,
                "age_ms": max(0, now_ms - self.over.at_ms),
            }
        return message


class Outbox:
    """The unreceipted events of this node. `epoch` names the run of the steady clock: it is the
    same after a mere restart of the program, another after a power cycle."""

    def __init__(
        self, ward: str, node: str, boot: int, journal: Any, epoch: str, now_ms: int,
        limit: int = LIMIT,
    ) -> None:  # fmt: skip
        self.ward = ward
        self.node = node
        self.boot = boot
        # Over the life of the journal. Written at once and with the next event on disk: a power
        # cut may cost the last few of the counts.
        self.dropped = 0
        self.merged = 0
        self.marks: dict[str, Any] = {}  # by bed, what `add` and `keep_marks` were given
        self._shelf = Shelf(journal, ward, node, boot)
        self.epoch = epoch
        self._limit = limit
        self._seq = 0
        self._entries: dict[str, Entry] = {}
        self._order: list[str] = []  # ids by age; MicroPython's dicts keep no order
        self._is_full = False
        self._load(now_ms)

    @property
    def damaged(self) -> int:
        """Journal lines that could not be read."""
        return self._shelf.damaged

    @property
    def disk_error(self) -> str | None:
        """Why the disk refuses; what it refused is held in memory."""
        return self._shelf.disk_error

    def troubles(self) -> dict[str, str]:
        """What is wrong with the outbox now: a detail for the engineer by code."""
        found = self._shelf.troubles()
        # Full until a tenth is free, so that it does not come and go with every event.
        self._is_full = len(self._order) >= (
            self._limit - self._limit // 10 if self._is_full else self._limit
        )
        if self._is_full:
            found[FULL] = str(self.dropped) + " dropped, " + str(self.merged) + " merged so far"
        return found

    def __len__(self) -> int:
        return len(self._order)

    def add(
        self,
        type: str,
        bed: str | None,
        about: dict[str, Any],
        now_ms: int,
        mark: Any = None,
    ) -> Entry | None:
        """Keep an event; it is on disk when this returns, and with it `mark`: how far the bed's
        hardware has been heard, so that both survive or neither. None when the outbox is full
        and this neither alarms nor ends anything; what does always gets in. A refusing disk is
        told in `disk_error`; the event is then held in memory, which beats losing it."""
        # Numbered before it may be dropped: by the missing number central sees that it was.
        self._seq += 1
        replaced = None
        if len(self._order) >= self._limit and not self._make_room(type, bed, about):
            if type not in kinds.ALARM_TYPES + kinds.ENDING_TYPES:
                self.dropped += 1
                self._append(seal({"d": [self.dropped, self.merged]}), False)
                return None
            replaced = self._repeated(type, bed, about)
            if replaced is not None:
                about = dict(about)
                about["repeats"] = replaced.message["about"].get("repeats", 0) + 1
        message = {
            "id": kinds.event_id(self.node, self.boot, self._seq),
            "node": self.node,
            "ward": self.ward,
            "boot": self.boot,
            "seq": self._seq,
            "type": type,
            "bed": bed,
            "about": about,
        }
        entry = Entry(message, now_ms, self.epoch)
        self._entries[entry.id] = entry
        self._order.append(entry.id)
        if mark is not None and bed is not None:
            entry.mark = mark
            self.marks[bed] = mark
        self._append(entry.line(), True)
        if type == kinds.PRESENCE:
            self._answered_by(entry)
        if replaced is not None:
            entry.replaces = replaced.id
            self.merged += 1
            self._forget([replaced])
        return entry

    def keep_marks(self, marks: dict[str, Any]) -> None:
        """Keep how far hardware has been heard where no event says it: on disk at return, for
        without it what is pressed at a unit while the node is off is taken for its past."""
        fresh = {bed: marks[bed] for bed in marks if self.marks.get(bed) != marks[bed]}
        if fresh:
            self.marks.update(fresh)
            self._append(seal({"m": fresh}), True)

    def receipt(self, ids: list[str]) -> list[Entry]:
        """Central holds these. Returns those that were waiting."""
        # As a set, for a receipt may name an event twice.
        found = [self._entries[each] for each in set(ids) if each in self._entries]
        if found:
            self._forget(found)
        return found

    def due(self, now_ms: int) -> list[Entry]:
        """The events to publish now, marked as sent."""
        found = []
        for each in self._order:
            entry = self._entries[each]
            if entry.sent_ms is None or now_ms - entry.sent_ms >= RESEND_MS:
                entry.sent_ms = now_ms
                found.append(entry)
                if len(found) >= BATCH:
                    break
        return found

    def send_again(self) -> None:
        """A new connection: nothing counts as sent."""
        for entry in self._entries.values():
            entry.sent_ms = None

    def waiting(self) -> list[Entry]:
        """All unreceipted events, the oldest first."""
        return [self._entries[each] for each in self._order]

    def retry(self) -> None:
        """Try again to write what a refusing disk left in memory, and see what is kept beside."""
        self._shelf.look()
        if self.disk_error is not None:
            self._compact()

    def oldest_ms(self) -> int | None:
        """Steady time of the oldest event made in this run."""
        for each in self._order:
            if not self._entries[each].old:
                return self._entries[each].at_ms
        return None

    def _answered_by(self, presence: Entry) -> None:
        """What waits from before this presence goes out as over, in whatever order it arrives."""
        over = Over(presence.message["boot"], presence.message["seq"], presence.at_ms)
        for each in self._order:
            entry = self._entries[each]
            if entry is presence:
                break
            same = entry.message["bed"] == presence.message["bed"]
            if same and entry.over is None and entry.message["type"] in kinds.ENDED_BY_PRESENCE:
                entry.over = over

    def _make_room(self, type: str, bed: str | None, about: dict[str, Any]) -> bool:
        """Drop the oldest event that is neither an alarm nor the newest to end something; the one
        that is to be added counts as the newest."""
        ends = {_place(type, bed, about)}
        droppable = None
        for each in reversed(self._order):
            message = self._entries[each].message
            if message["type"] in kinds.ENDING_TYPES:
                place = _place(message["type"], message["bed"], message["about"])
                if place in ends:
                    droppable = self._entries[each]
                ends.add(place)
            elif message["type"] not in kinds.ALARM_TYPES:
                droppable = self._entries[each]
        if droppable is None:
            return False
        self.dropped += 1
        self._forget([droppable])
        return True

    def _repeated(self, type: str, bed: str | None, about: dict[str, Any]) -> Entry | None:
        """The last of two or more waiting alarms that this one repeats."""
        last, place = None, _place(type, bed, about)
        for each in reversed(self._order):
            message = self._entries[each].message
            if place == _place(message["type"], message["bed"], message["about"]):
                if last is not None:
                    return last
                last = self._entries[each]
        return None

    def _forget(self, entries: list[Entry]) -> None:
        ids = [entry.id for entry in entries]
        for each in ids:
            del self._entries[each]
        if len(ids) == 1:
            self._order.remove(ids[0])
        else:
            self._order = [each for each in self._order if each in self._entries]
        self._keep_over(entries)
        # Not worth a disk sync: were it lost, the event is sent again and dropped by central.
        self._append(seal({"r": ids, "d": [self.dropped, self.merged]}), False)
        if self._shelf.lines > COMPACT_LINES and self._shelf.lines > 2 * len(self._order):
            self._compact()

    def _keep_over(self, gone: list[Entry]) -> None:
        """What a presence that goes has answered says so by itself from now on."""
        presences = [
            (entry.message["boot"], entry.message["seq"])
            for entry in gone
            if entry.message["type"] == kinds.PRESENCE
        ]
        if not presences:
            return
        lines = []
        for entry in self.waiting():
            if entry.over is not None and (entry.over.boot, entry.over.seq) in presences:
                entry.mark = None  # newer ones may stand behind it by now
                lines.append(entry.line())
        if lines:
            self._append(b"".join(lines), True)

    def _append(self, line: bytes, durable: bool) -> None:
        if self.disk_error is None:
            self._shelf.append(line, durable)
        if self.disk_error is not None and durable:
            self._compact()  # with what was held in memory; the rest waits for `retry`

    def _compact(self) -> None:
        lines = [entry.line() for entry in self.waiting()]
        if self.marks or self.dropped or self.merged:
            lines.append(seal({"m": self.marks, "d": [self.dropped, self.merged]}))
        self._shelf.replace(lines)

    def _load(self, now_ms: int) -> None:
        for record in self._shelf.load():
            try:
                self._read(record)
            except (KeyError, TypeError, AttributeError, ValueError):
                self._shelf.spoilt()  # whole, but not of our making
        last_at_ms: dict[str, int] = {}
        for entry in self._entries.values():
            newest_ms = entry.at_ms if entry.over is None else max(entry.at_ms, entry.over.at_ms)
            last_at_ms[entry.epoch] = max(newest_ms, last_at_ms.get(entry.epoch, 0))
        self._entries = {each: self._entries[each] for each in self._order}
        for each in self._order:
            entry = self._entries[each]
            if entry.epoch != self.epoch or entry.at_ms > now_ms:
                # Its clock stopped with the power. Its age is at least what that clock still saw
                # of it, and what this one sees from now on.
                back_ms = last_at_ms[entry.epoch] - now_ms
                entry.at_ms -= back_ms
                if entry.over is not None:
                    entry.over = Over(entry.over.boot, entry.over.seq, entry.over.at_ms - back_ms)
                entry.epoch = self.epoch
                entry.known_age = False
        for each in self._order:
            if self._entries[each].message["type"] == kinds.PRESENCE:
                self._answered_by(self._entries[each])
        self._compact()

    def _read(self, record: dict[str, Any]) -> None:
        """Take one record of the journal, as `Entry.line` and `_forget` write them."""
        self.marks.update(record.get("m", {}))
        if "d" in record:
            self.dropped, self.merged = record["d"]
        if "r" in record:
            self._order = [each for each in self._order if each not in record["r"]]
        elif "e" in record:
            entry = Entry(record["e"], record["at"], record["ep"])
            for key, kind in _FIELDS:
                if not isinstance(entry.message[key], kind):
                    raise ValueError(key)
            if entry.message["ward"] != self.ward or entry.message["node"] != self.node:
                raise ValueError("an event of another box")
            entry.old = True
            entry.known_age = bool(record["known"])
            entry.at_ms = int(entry.at_ms)
            if "o" in record:
                boot, seq, at_ms = record["o"]
                entry.over = Over(int(boot), int(seq), int(at_ms))
            if entry.id not in self._entries:
                self._order.append(entry.id)
            self._entries[entry.id] = entry


_FIELDS: "tuple[Any, ...]" = (
    ("id", str), ("node", str), ("ward", str), ("boot", int), ("seq", int), ("type", str),
    ("about", dict), ("bed", (str, type(None))),
)  # fmt: skip


def _place(type: str, bed: str | None, about: dict[str, Any]) -> "tuple[Any, ...]":
    """What two events have in common of which the later repeats the earlier."""
    return (type, bed) + tuple(  # noqa: RUF005
        about.get(key) for key in ("device", "code", "infusion", "stage")
    )
