"""One examination changes: its state, its number, and what its ward is told of it.

Called with a booking's id inside a transaction; the web, the bridge and the hospital's messages all
come through here.
"""

from datetime import tzinfo
from typing import Any

from central import timers
from central.exams import days, model
from central.exams.queue import ABSENT, CALLED
from central.notices import service as notices
from central.store import Row, Tx
from central.words import LOCALES, spoken

# What pages and screens are told of; a name that no ward has, for it stands where wards do.
CHANGED = "exams"
URGE = "exams.urge"
DAY_OVER = "exams.day_over"
NOT_THERE = (CALLED, ABSENT)


def must(tx: Tx, exam: int) -> Row:
    row = model.exam(tx, exam)
    if row is None:
        raise UnknownExamError(exam)
    return row


class UnknownExamError(Exception):
    """There is no examination of this number."""

    error_id = "exam-unknown"


def put(tx: Tx, exam: int, **fields: Any) -> Row:
    """Set columns of a booking (names from our code) and tell the pages. Returns the row."""
    sets = ", ".join(f"{name} = :{name}" for name in fields)
    tx.execute(f"UPDATE exam_bookings SET {sets} WHERE id = :id", fields | {"id": exam})
    tx.changed(CHANGED, CHANGED)
    return must(tx, exam)


def give_number(tx: Tx, row: Row, room: str, day: str, turn_ms: int) -> int:
    """Put somebody into the queue of a room's day. Returns his number there."""
    number = model.next_number(tx, room, day)
    put(
        tx, row["id"], room=room, day=day, number=number, turn_ms=turn_ms, turn_no=float(number),
        here_ms=None, called_ms=None, calls=0,
    )  # fmt: skip
    return number


# --- the ward is urged ---


def urge_later(tx: Tx, row: Row, room: Row) -> None:
    """Unless he comes meanwhile, his ward hears that he is awaited."""
    timers.cancel(tx, URGE, row["id"])
    timers.arm(tx, tx.now_ms + room["urge_after_s"] * 1000, URGE, row["id"])


def calm(tx: Tx, row: Row) -> None:
    """He is there, or need not come: nobody is urged any more."""
    timers.cancel(tx, URGE, row["id"])
    timers.cancel(tx, DAY_OVER, row["id"])
    if row["urged_ward"] is not None:
        notices.withdraw(tx, row["urged_ward"], _about(row))
        put(tx, row["id"], urged_ward=None)


def on_urge(
    tx: Tx, ref: str, body: dict[str, Any], late_ms: int, zone: tzinfo | None = None
) -> None:
    row = model.exam(tx, int(ref))
    if row is None or row["state"] not in NOT_THERE or row["here_ms"] is not None:
        return
    today = days.day_of(tx.now_ms, zone)
    bed = model.bed_of(tx, row["patient"])
    if row["day"] != today or bed is None:
        return
    if row["urged_ward"] is not None:
        notices.withdraw(tx, row["urged_ward"], _about(row))
    # The bed and the number; never what is examined, nor the room's name, which would tell it.
    texts = {
        lang: spoken(lang, "exams.urge", ward=bed["ward"], bed=bed["bed"], number=row["number"])
        for lang in LOCALES
    }
    notices.tell(
        tx, bed["ward"], _about(row), "exams.urge", texts, urgent=True, until_accepted=True
    )
    put(tx, row["id"], urged_ward=bed["ward"])
    timers.cancel(tx, DAY_OVER, row["id"])
    timers.arm(tx, days.end_ms(today, zone), DAY_OVER, row["id"])


def on_day_over(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    """Yesterday's call is no reason to wake anybody."""
    row = model.exam(tx, int(ref))
    if row is not None:
        calm(tx, row)


def _about(row: Row) -> str:
    return f"exam/{row['id']}"
