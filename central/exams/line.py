"""The queue of a room as it stands: who is where in it, and when his turn will come."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo

from central.exams import days, estimate, model
from central.exams.estimate import MINUTE_MS, Slot
from central.exams.queue import CALLED, CHECKED_IN, RUNNING
from central.store import Row, Tx

# The last days whose examinations tell how long one takes.
EARLIER_DAYS = 14


@dataclass(frozen=True)
class Seat:
    """One in a queue. `ahead`: how many are called or wait before him, without whoever is inside.
    `begins_ms`: when his examination is expected to begin."""

    exam: Row
    ahead: int
    begins_ms: int


@dataclass
class _Lasted:
    """How long examinations of one kind lasted in the room."""

    earlier_ms: list[int] = field(default_factory=list)
    finished_ms: list[int] = field(default_factory=list)
    running_ms: list[int] = field(default_factory=list)


class _Room:
    """What the examinations of a room tell about how long one takes there today."""

    def __init__(self, tx: Tx, room: Row, day: str, running: Iterable[Row], now_ms: int) -> None:
        self._usual_ms = room["usual_min"] * MINUTE_MS
        self._kinds: dict[str, _Lasted] = {}
        for row in model.lasted(tx, room["code"], days.earlier(day, EARLIER_DAYS), day):
            kind = self._kind(row["code"])
            (kind.finished_ms if row["day"] == day else kind.earlier_ms).append(row["ms"])
        for row in running:
            self._kind(row["code"]).running_ms.append(now_ms - row["started_ms"])

    def _kind(self, code: str) -> _Lasted:
        return self._kinds.setdefault(code, _Lasted())

    def typical_ms(self, exam: Row) -> int:
        planned = exam["duration_min"]
        usual_ms = planned * MINUTE_MS if planned else self._usual_ms
        kind = self._kind(exam["code"])
        return estimate.typical_ms(usual_ms, kind.earlier_ms, kind.finished_ms, kind.running_ms)


def line(tx: Tx, room: Row, day: str, now_ms: int, zone: tzinfo | None = None) -> list[Seat]:
    """Whoever is in the room, then the called, then who waits, in the order of their turns."""
    rows = model.queue(tx, room["code"], day)
    running = [row for row in rows if row["state"] == RUNNING]
    lasted = _Room(tx, room, days.day_of(now_ms, zone), running, now_ms)
    in_room_ms = sum(
        estimate.left_ms(lasted.typical_ms(row), now_ms - row["started_ms"]) for row in running
    )
    called = [row for row in rows if row["state"] == CALLED]
    waiting = [row for row in rows if row["state"] not in (RUNNING, CALLED)]
    seats = [Seat(row, 0, row["started_ms"]) for row in running]
    slots: list[Slot] = []
    for row in called + waiting:
        there = row["state"] in (CALLED, CHECKED_IN)
        appointment_ms = None if there else row["starts_ms"]
        begins_ms = estimate.start_ms(now_ms, in_room_ms, slots, appointment_ms)
        seats.append(Seat(row, len(slots), begins_ms))
        slots.append(Slot(lasted.typical_ms(row), appointment_ms))
    return seats
