"""What the technician's page and the room's screen show, ready for JSON."""

from datetime import tzinfo
from typing import Any

from central.console.context import _
from central.exams import days, estimate, model
from central.exams.line import Seat, line
from central.exams.queue import CALLED, CANCELLED, DONE, RUNNING
from central.store import Row, Tx
from central.wards import model as wards

# How many numbers a screen shows as coming next.
NEXT_SHOWN = 8


def technicians(tx: Tx, room: Row, lang: str, zone: tzinfo | None) -> dict[str, Any]:
    """Everybody of the room's day: who is inside, called or waits, and who is through."""
    today = days.day_of(tx.now_ms, zone)
    seats = line(tx, room, today, tx.now_ms, zone)
    over = [
        row for row in model.of_day(tx, room["code"], today) if row["state"] in (DONE, CANCELLED)
    ]
    beds = model.beds_of(tx, [each.exam["patient"] for each in seats])
    names = {row["id"]: row[f"name_{lang}"] for row in wards.wards(tx)}

    def bed(row: Row) -> tuple[str, str] | None:
        found = beds.get(row["patient"])
        return None if found is None else (names[found["ward"]], found["bed"])

    return {
        "offset_min": days.offset_min(tx.now_ms, zone),
        "seats": [_seat(tx, each, bed(each.exam)) for each in seats],
        "over": [_person(row) for row in sorted(over, key=lambda row: -(row["finished_ms"] or 0))],
    }


def _person(row: Row) -> dict[str, Any]:
    kept = (
        "id", "number", "state", "name", "patient", "text", "starts_ms", "here_ms", "calls",
        "called_ms", "started_ms", "finished_ms",
    )  # fmt: skip
    return {key: row[key] for key in kept}


def _seat(tx: Tx, seat: Seat, bed: tuple[str, str] | None) -> dict[str, Any]:
    return _person(seat.exam) | {
        "bed": bed,
        "wait_min": estimate.minutes(seat.begins_ms - tx.now_ms),
        "urged": seat.exam["urged_ward"] is not None,
    }


def screen(tx: Tx, room: Row, zone: tzinfo | None) -> dict[str, Any]:
    """Numbers, and nothing else of anybody."""
    seats = line(tx, room, days.day_of(tx.now_ms, zone), tx.now_ms, zone)
    numbers: dict[str, list[int]] = {"running": [], "called": [], "next": []}
    for seat in seats:
        place = {RUNNING: "running", CALLED: "called"}.get(seat.exam["state"], "next")
        numbers[place].append(seat.exam["number"])
    offset_min = days.offset_min(tx.now_ms, zone)
    more = max(0, len(numbers["next"]) - NEXT_SHOWN)
    return numbers | {"next": numbers["next"][:NEXT_SHOWN], "more": more, "offset_min": offset_min}


def at_a_glance(tx: Tx, room: Row, zone: tzinfo | None) -> dict[str, Any]:
    """A room in a list: who is inside, how many wait, and how long a new one would."""
    seats = line(tx, room, days.day_of(tx.now_ms, zone), tx.now_ms, zone)
    inside = [each.exam["number"] for each in seats if each.exam["state"] == RUNNING]
    waiting = [each for each in seats if each.exam["state"] != RUNNING]
    here = sum(each.exam["here_ms"] is not None for each in waiting)
    return {"running": inside, "waiting": len(waiting), "here": here}


def words() -> dict[str, str]:
    """What the pages' scripts say."""
    return {
        "booked": _("booked"),
        "checked_in": _("is here"),
        "called": _("called"),
        "called_again": _("called, time {n}"),
        "absent": _("was not there"),
        "running": _("is inside"),
        "done": _("done"),
        "cancelled": _("cancelled"),
        "here": _("is here"),
        "urged": _("the ward is asked to send the patient"),
        "bed": _("{ward}, bed {bed}"),
        "no_bed": _("in no bed of ours"),
        "wait": _("in about {n} min"),
        "now": _("now"),
        "since": _("for {time}"),
        "not_done": _("Not done: {why}"),
        "try_again": _("the console did not answer. Try again."),
        "not_live": _("Not live since {time}. What is shown may be old: go and look."),
        "no_server": _("The console does not answer. This page goes on by itself."),
        "over": _("The log-in of this page is over."),
        "over_screen": _("This screen's address was revoked."),
        "nobody_waits": _("Nobody waits."),
        "more": _("and {n} more"),
        "none": "–",
        "number": _("No. {n}"),
    }
