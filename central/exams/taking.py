"""What the hospital's systems tell of examinations.

Each thing told is kept; what stands is reckoned from all of them, ordered by the sender's own time.
So messages may come twice and in any order, and the outcome is the same.
"""

import json
from typing import Any, NamedTuple

from central.exams import days, model, reasons
from central.exams.moving import calm, give_number, put, urge_later
from central.exams.queue import (
    ABSENT,
    BOOKED,
    CALLED,
    CANCELLED,
    CHECKED_IN,
    DONE,
    ORDERED,
    RUNNING,
)
from central.hospital.told import HeldError, Reason, Told
from central.store import Row, Tx
from gateway.his import events
from gateway.his.events import ExamEvent

# Of two things told at the same moment the one further down counts. Senders stamp minutes.
_RANK = (
    events.ORDERED, events.BOOKED, events.CHANGED, events.MOVED, events.ABSENT, events.CANCELLED,
)  # fmt: skip
_STATES = {
    events.ORDERED: ORDERED, events.BOOKED: BOOKED, events.MOVED: BOOKED,
    events.ABSENT: ABSENT, events.CANCELLED: CANCELLED,
}  # fmt: skip
_UNDER_WAY = (RUNNING, DONE)


class _Stands(NamedTuple):
    """What follows from all that was told."""

    state: str
    fields: dict[str, Any]
    newest: int


def take(tx: Tx, event: ExamEvent, told: Told) -> list[Reason]:
    """Keep what was told and let it happen. Raises HeldError: an unmapped room, a booking of
    another patient, no number at all."""
    booking = event.booking or event.order
    if not booking:
        raise HeldError(reasons.NO_NUMBER)
    _room(tx, told.sender, event.room)
    row = model.exam_of(tx, told.sender, booking)
    if row is not None and row["patient"] != event.patient_id and not told.force:
        raise HeldError(reasons.OTHER_PATIENT, booking=booking, patient=row["patient"])
    if row is None:
        exam = tx.insert(
            "exam_bookings", sender=told.sender, booking=booking, patient=event.patient_id,
            told=ORDERED, state=ORDERED,
        )  # fmt: skip
    else:
        exam = row["id"]
    fact = _keep(tx, exam, event, told)
    if fact is None:
        return [(reasons.NOTHING_NEW, {})]
    stands = _stands(tx, exam)
    notes = settle(tx, exam, told, stands)
    if stands.newest != fact:
        notes.append((reasons.OLDER, {}))
    return notes


def _keep(tx: Tx, exam: int, event: ExamEvent, told: Told) -> int | None:
    """The new fact's id, or None when it was known."""
    starts_ms = days.to_ms(event.starts_at, told.zone)
    body = {
        "patient": event.patient_id, "name": event.name, "visit": event.visit,
        "order_no": event.order, "code": event.code, "text": event.text, "room_code": event.room,
        "starts_ms": starts_ms, "duration_min": event.duration_min,
    }  # fmt: skip
    kept = {key: value for key, value in body.items() if value not in ("", None)}
    return tx.value(
        "INSERT OR IGNORE INTO exam_facts (exam, ref, what, sent_ms, body) VALUES (?, ?, ?, ?, ?)"
        " RETURNING id",
        (
            exam, told.ref, event.what, days.to_ms(event.sent_at, told.zone) or 0,
            json.dumps(kept, ensure_ascii=False, sort_keys=True),
        ),
    )  # fmt: skip


def _stands(tx: Tx, exam: int) -> _Stands:
    """The newest of every field. A change tells nothing of whether it is booked or off."""
    facts = model.facts(tx, exam)
    facts.sort(key=lambda each: (each["sent_ms"], _RANK.index(each["what"]), each["body"]))
    fields: dict[str, Any] = {}
    state = ORDERED
    for fact in facts:
        fields |= json.loads(fact["body"])
        if fact["what"] == events.CHANGED:
            state = BOOKED if state == ORDERED else state
        elif fact["what"] != events.ORDERED:
            state = _STATES[fact["what"]]
    return _Stands(state, fields, facts[-1]["id"])


def settle(tx: Tx, exam: int, told: Told, stands: _Stands | None = None) -> list[Reason]:
    """Bring a booking into line with what was told of it."""
    stands = stands or _stands(tx, exam)
    fields = stands.fields
    code = fields.get("room_code", "")
    room = _room(tx, told.sender, code)
    before = model.exam(tx, exam)
    assert before is not None
    row = put(tx, exam, told=stands.state, **fields)
    notes: list[Reason] = []
    if code and room is None:
        notes.append((reasons.NOT_OUR_ROOM, {"code": code}))
    if row["state"] in _UNDER_WAY:
        return [*notes, *([(reasons.GONE_ON, {})] if stands.state != before["told"] else [])]
    starts_ms = row["starts_ms"]
    day = None if starts_ms is None else days.day_of(starts_ms, told.zone)
    if stands.state == CANCELLED:
        if row["state"] != CANCELLED:
            calm(tx, row)
            put(tx, exam, state=CANCELLED)
        return notes
    if stands.state == ORDERED:
        put(tx, exam, room=row["room"] or room)
        return notes
    if room is None or day is None:
        _leave_queue(tx, row, BOOKED, room, day)
        return [*notes, *([] if code and room is None else [(reasons.NO_TIME, {})])]
    moved = (room, day) != (before["room"], before["day"]) or row["number"] is None
    if moved:
        calm(tx, row)
        give_number(tx, row, room, day, starts_ms)
        put(tx, exam, state=BOOKED)
    elif starts_ms != before["starts_ms"]:
        put(tx, exam, turn_ms=starts_ms, turn_no=float(row["number"]))
    again = stands.state == BOOKED and before["told"] == ABSENT
    if again or row["state"] in (ORDERED, CANCELLED):
        put(tx, exam, state=BOOKED)
    if stands.state == ABSENT and (moved or before["told"] != ABSENT):
        _absent(tx, exam, room, notes)
    return notes


def _absent(tx: Tx, exam: int, room: str, notes: list[Reason]) -> None:
    """The hospital says that he did not come; whoever has checked in since is there."""
    row = model.exam(tx, exam)
    assert row is not None
    if row["state"] == CHECKED_IN:
        notes.append((reasons.GONE_ON, {}))
        return
    if row["state"] == BOOKED or row["state"] == CALLED:
        row = put(tx, exam, state=ABSENT, here_ms=None)
        settings = model.room(tx, room)
        if settings is not None:
            urge_later(tx, row, settings)


def _leave_queue(tx: Tx, row: Row, state: str, room: str | None, day: str | None) -> None:
    calm(tx, row)
    put(tx, row["id"], state=state, room=room, day=day, number=None, turn_ms=None, turn_no=None)


def _room(tx: Tx, sender: str, code: str) -> str | None:
    """Our room of a sender's code; None when none was told or it is none of ours."""
    if not code:
        return None
    row = model.room_code(tx, sender, code)
    if row is None:
        raise HeldError(reasons.UNMAPPED_ROOM, code=code)
    room: str | None = row["room"]
    return room


def mapped(tx: Tx, sender: str, code: str, told: Told) -> None:
    """The room behind a sender's code is another now: what is not yet under way goes there."""
    for row in tx.all(
        "SELECT id FROM exam_bookings WHERE sender = ? AND room_code = ?"
        " AND state IN ('ordered', 'booked', 'absent')",
        (sender, code),
    ):
        settle(tx, row["id"], told)
