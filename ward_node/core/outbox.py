"""Everything that happened and that central has not receipted yet.

An event is in the journal (on disk) before it is published, and leaves it only by central's
receipt. The journal port: `load() -> [bytes]`, the whole lines kept, a torn last one left out;
`append(line, durable)`, on disk at return when `durable`; `rewrite(lines)`, all at once or not
at all. The last two raise OSError when the disk refuses.
"""

import binascii
import json

from ward_node.compat import Any
from ward_node.contract import kinds

LIMIT = 10_000
RESEND_MS = 3_000
# So many are sent in one round, the oldest first: a flood helps nobody who comes back.
BATCH = 200
COMPACT_LINES = 500


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
        self.sent_ms: int | None = None
        self.over: Entry | None = None  # the presence at the bed that has answered it since

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
        return seal(record)

    def published(self, now_ms: int) -> dict[str, Any]:
        """The event message as it is at `now_ms`."""
        message = dict(self.message)
        message["age_ms"] = max(0, now_ms - self.at_ms)
        if not self.known_age:
            message["age_known"] = False
        if self.over is not None:
            message["over"] = {
                "boot": self.over.message["boot"],
                "seq": self.over.message["seq"],
                "age_ms": max(0, now_ms - self.over.at_ms),
            }
        return message


def seal(record: dict[str, Any]) -> bytes:
    """A journal line: checksum, then JSON."""
    body = json.dumps(record).encode()
    return _checksum(body) + body + b"\n"


def unseal(line: bytes) -> "dict[str, Any] | None":
    """The record of a journal line, or None when it was damaged."""
    body = line[9:].rstrip(b"\n")
    if line[:9] != _checksum(body):
        return None
    record = json.loads(body)
    return record if isinstance(record, dict) else None


def _checksum(body: bytes) -> bytes:
    return ("%08x " % (binascii.crc32(body) & 0xFFFFFFFF)).encode()


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
        self.dropped = 0
        self.damaged = 0  # journal lines that could not be read
        self.disk_error: str | None = None
        self.marks: dict[str, Any] = {}  # by bed, what `add` and `keep_marks` were given
        self._journal = journal
        self.epoch = epoch
        self._limit = limit
        self._seq = 0
        self._entries: dict[str, Entry] = {}
        self._order: list[str] = []  # ids by age; MicroPython's dicts keep no order
        self._lines = 0
        self._load(now_ms)

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
        and this is no alarm; alarms always get in. A refusing disk is told in `disk_error`; the
        event is then held in memory, which beats losing it."""
        full = len(self._order) >= self._limit and not self._make_room()
        if full and type not in kinds.ALARM_TYPES:
            self.dropped += 1
            return None
        self._seq += 1
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
        return entry

    def keep_marks(self, marks: dict[str, Any]) -> None:
        """Keep how far hardware has been heard where no event says it."""
        for bed, mark in marks.items():
            if self.marks.get(bed) != mark:
                self.marks[bed] = mark
                self._append(seal({"m": {bed: mark}}), False)

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
        """Try again to write what a refusing disk left in memory."""
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
        for each in self._order:
            entry = self._entries[each]
            if entry is presence:
                break
            same = entry.message["bed"] == presence.message["bed"]
            if same and entry.over is None and entry.message["type"] in kinds.ENDED_BY_PRESENCE:
                entry.over = presence

    def _make_room(self) -> bool:
        for each in self._order:
            if self._entries[each].message["type"] not in kinds.ALARM_TYPES:
                self._forget([self._entries[each]])
                self.dropped += 1
                return True
        return False

    def _forget(self, entries: list[Entry]) -> None:
        ids = [entry.id for entry in entries]
        for each in ids:
            del self._entries[each]
        if len(ids) == 1:
            self._order.remove(ids[0])
        else:
            self._order = [each for each in self._order if each in self._entries]
        # Not worth a disk sync: were it lost, the event is sent again and dropped by central.
        self._append(seal({"r": ids}), False)
        if self._lines > COMPACT_LINES and self._lines > 2 * len(self._order):
            self._compact()

    def _append(self, line: bytes, durable: bool) -> None:
        try:
            if self.disk_error is not None:
                self._rewrite()  # what was held in memory goes first
            else:
                self._journal.append(line, durable)
                self._lines += 1
        except OSError as error:
            self.disk_error = str(error)

    def _compact(self) -> None:
        try:
            self._rewrite()
        except OSError as error:
            self.disk_error = str(error)

    def _rewrite(self) -> None:
        lines = [entry.line() for entry in self.waiting()]
        if self.marks:
            lines.append(seal({"m": self.marks}))
        self._journal.rewrite(lines)
        self._lines = len(lines)
        self.disk_error = None

    def _load(self, now_ms: int) -> None:
        for line in self._journal.load():
            record = unseal(line)
            if record is None:
                self.damaged += 1
                continue
            try:
                self._read(record)
            except (KeyError, TypeError, AttributeError):
                self.damaged += 1  # whole, but not of our making
        last_at_ms: dict[str, int] = {}
        for entry in self._entries.values():
            last_at_ms[entry.epoch] = max(entry.at_ms, last_at_ms.get(entry.epoch, 0))
        self._entries = {each: self._entries[each] for each in self._order}
        for each in self._order:
            entry = self._entries[each]
            if entry.epoch != self.epoch or entry.at_ms > now_ms:
                # Its clock stopped with the power. Its age is at least what that clock still saw
                # of it, and what this one sees from now on.
                entry.at_ms -= last_at_ms[entry.epoch] - now_ms
                entry.epoch = self.epoch
                entry.known_age = False
        for each in self._order:
            if self._entries[each].message["type"] == kinds.PRESENCE:
                self._answered_by(self._entries[each])
        self._compact()

    def _read(self, record: dict[str, Any]) -> None:
        """Take one record of the journal, as `Entry.line` and `_forget` write them."""
        self.marks.update(record.get("m", {}))
        if "r" in record:
            self._order = [each for each in self._order if each not in record["r"]]
        elif "e" in record:
            entry = Entry(record["e"], record["at"], record["ep"])
            if entry.message["ward"] != self.ward or entry.message["node"] != self.node:
                self.dropped += 1  # the box was given another name or ward; its past is not ours
                return
            entry.old = True
            entry.known_age = record["known"]
            if entry.id not in self._entries:
                self._order.append(entry.id)
            self._entries[entry.id] = entry
