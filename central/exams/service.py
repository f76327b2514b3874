"""Examinations: who is booked where, what the room's people do, and where a patient stands."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.exams import days, estimate, model, queue
from central.exams.line import Seat, line
from central.exams.moving import (
    CHANGED,
    DAY_OVER,
    URGE,
    calm,
    give_number,
    must,
    on_day_over,
    on_urge,
    put,
    urge_later,
)
from central.exams.queue import (
    BOOKED,
    CALL,
    CANCEL,
    CHECK_IN,
    CHECKED_IN,
    FINISH,
    MISS,
    RUNNING,
    START,
    TAKE_BACK,
    WAITING,
    Turn,
)
from central.exams.taking import take
from central.store import Row, Tx
from gateway.his.events import ExamEvent

__all__ = ["HOSPITAL", "TIMERS", "Place", "book", "call_next", "do", "places", "take"]


@dataclass(frozen=True)
class Place:
    """Where a patient stands with one examination.

    room: the room's code, "" where none is known yet; names: its name by language, of a room that
    is ours. number: of the room's day. ahead: how many come before him and have not begun.
    wait_min: until it is expected to begin; None while nobody can know. leave_at_ms: when to leave
    his bed; None for one who is there already or lies in no bed of ours. state: of `queue`. day: as
    "2026-11-29". starts_ms: the time that was booked.
    """

    room: str
    number: int | None
    ahead: int
    wait_min: int | None
    leave_at_ms: int | None
    state: str
    names: dict[str, str]
    day: str | None
    starts_ms: int | None


def places(tx: Tx, patient: str, now_ms: int, zone: tzinfo | None = None) -> list[Place]:
    """Every examination that a patient still has before him from today on, the next one first.
    `zone`: the hospital's; None: the system's."""
    bed = model.bed_of(tx, patient)
    found = []
    lines: dict[tuple[str, str], list[Seat]] = {}
    for row in model.of_patient(tx, patient, days.day_of(now_ms, zone)):
        room = model.room(tx, row["room"]) if row["room"] else None
        seat = None
        if room is not None and row["day"] is not None:
            at = (room["code"], row["day"])
            if at not in lines:
                lines[at] = line(tx, room, row["day"], now_ms, zone)
            seat = next((each for each in lines[at] if each.exam["id"] == row["id"]), None)
        found.append(_place(tx, row, room, seat, bed, now_ms))
    return found


def _place(
    tx: Tx, row: Row, room: Row | None, seat: Seat | None, bed: Row | None, now_ms: int
) -> Place:
    leave_at_ms = None
    if room is not None and seat is not None and bed is not None:
        walk_min = model.walks(tx, room["code"]).get(bed["ward"], room["walk_min"])
        there = row["here_ms"] is not None or row["state"] == RUNNING
        if not there:
            leave_at_ms = estimate.leave_at_ms(now_ms, seat.begins_ms, walk_min, room["margin_min"])
    return Place(
        room=row["room"] or "",
        number=row["number"],
        ahead=0 if seat is None else seat.ahead,
        wait_min=None if seat is None else estimate.minutes(seat.begins_ms - now_ms),
        leave_at_ms=leave_at_ms,
        state=row["state"],
        names={} if room is None else {"zh": room["name_zh"], "en": room["name_en"]},
        day=row["day"],
        starts_ms=row["starts_ms"],
    )


# --- what the room's people do ---


def do(tx: Tx, exam: int, deed: str, by: str, zone: tzinfo | None = None) -> Row:
    """Let a deed of `queue.DEEDS` happen to an examination. Returns it as it is then. Raises
    UnknownExamError, NotNowError, FieldError (no room, or another one is running there)."""
    row = must(tx, exam)
    state = queue.after(row["state"], deed, here=row["here_ms"] is not None)
    room = model.room(tx, row["room"]) if row["room"] else None
    if room is None and deed != CANCEL:
        raise FieldError("room", N_("No room is known for this examination yet."))
    if room is not None and row["number"] is None and deed != CANCEL:
        row = _queue_today(tx, row, room, zone)
    _STEPS[deed](tx, row, room, zone)
    row = put(tx, exam, state=state)
    audit.append(tx, by, f"exam.{deed}", f"exam/{exam}", detail={"number": row["number"]})
    return row


def call_next(tx: Tx, room: str, by: str, zone: tzinfo | None = None) -> Row | None:
    """Call whose turn it is, checked in or not: his ward is urged if he does not come. None when
    nobody waits."""
    for row in model.queue(tx, room, days.day_of(tx.now_ms, zone)):
        if row["state"] in WAITING:
            return do(tx, row["id"], CALL, by, zone)
    return None


def _check_in(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    calm(tx, row)
    if row["day"] != days.day_of(tx.now_ms, zone):
        _queue_today(tx, row, room, zone)
    put(tx, row["id"], here_ms=tx.now_ms)


def _queue_today(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> Row:
    """Only ordered so far, or come on another day: his turn is after those of earlier times."""
    give_number(tx, row, room["code"], days.day_of(tx.now_ms, zone), tx.now_ms)
    return must(tx, row["id"])


def _call(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    calm(tx, row)
    put(tx, row["id"], called_ms=tx.now_ms, calls=row["calls"] + 1)
    urge_later(tx, row, room)


def _miss(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    """He goes back some places. His ward is urged so long after the call all the same."""
    others = [
        Turn(other["turn_ms"], other["turn_no"])
        for other in model.queue(tx, row["room"], row["day"])
        if other["state"] in WAITING and other["id"] != row["id"]
    ]
    turn = queue.further_back(Turn(row["turn_ms"], row["turn_no"]), others, room["back_places"])
    put(tx, row["id"], turn_ms=turn.at_ms, turn_no=turn.no, here_ms=None)


def _start(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    _only_one(tx, row)
    calm(tx, row)
    put(tx, row["id"], started_ms=tx.now_ms, here_ms=row["here_ms"] or tx.now_ms)


def _only_one(tx: Tx, row: Row) -> None:
    running = tx.one(
        "SELECT number FROM exam_bookings WHERE room = ? AND state = ?", (row["room"], RUNNING)
    )
    if running is not None:
        raise FieldError(
            "exam", N_("Number %(n)s is still being examined: say first that it is done."),
            n=running["number"],
        )  # fmt: skip


def _finish(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    put(tx, row["id"], finished_ms=tx.now_ms)


def _take_back(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    if row["state"] == queue.DONE:
        _only_one(tx, row)
        put(tx, row["id"], finished_ms=None)
    elif row["state"] == RUNNING:
        put(tx, row["id"], started_ms=None)
    else:
        calm(tx, row)
        put(tx, row["id"], called_ms=None, calls=max(0, row["calls"] - 1))


def _cancel(tx: Tx, row: Row, room: Row, zone: tzinfo | None) -> None:
    calm(tx, row)


_STEPS: dict[str, Callable[[Tx, Row, Any, tzinfo | None], None]] = {
    CHECK_IN: _check_in, CALL: _call, MISS: _miss, START: _start, FINISH: _finish,
    TAKE_BACK: _take_back, CANCEL: _cancel,
}  # fmt: skip


def book(
    tx: Tx,
    room: str,
    patient: str,
    by: str,
    *,
    at_ms: int | None = None,
    name: str = "",
    text: str = "",
    code: str = "",
    zone: tzinfo | None = None,
) -> Row:
    """Give a patient a number without the hospital's systems: for `at_ms`, or for now, checked in.
    Raises FieldError."""
    if model.room(tx, room) is None:
        raise FieldError("room", N_("There is no examination room %(room)s."), room=room)
    patient = patient.strip()
    if not patient or len(patient) > 64:
        raise FieldError("patient", N_("Enter the patient's number, or the bed as 3-5."))
    today = days.day_of(tx.now_ms, zone)
    if at_ms is not None and days.day_of(at_ms, zone) < today:
        raise FieldError("at", N_("This day is over. Choose today or a later one."))
    known = tx.one("SELECT name FROM patients WHERE id = ?", (patient,))
    exam = tx.insert(
        "exam_bookings", sender="", booking=secrets.token_hex(8), patient=patient,
        name=name or (known["name"] if known else ""), text=text[:80], code=code, starts_ms=at_ms,
        told=BOOKED, state=BOOKED,
    )  # fmt: skip
    day = today if at_ms is None else days.day_of(at_ms, zone)
    give_number(tx, must(tx, exam), room, day, tx.now_ms if at_ms is None else at_ms)
    row = must(tx, exam)
    if at_ms is None:
        row = put(tx, exam, state=CHECKED_IN, here_ms=tx.now_ms)
    audit.append(
        tx, by, "exam.book", f"exam/{exam}", detail={"patient": patient, "number": row["number"]}
    )
    tx.changed(CHANGED, CHANGED)
    return row


HOSPITAL = {ExamEvent: take}
TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {
    URGE: on_urge,
    DAY_OVER: on_day_over,
}
