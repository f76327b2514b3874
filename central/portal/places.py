"""Where a patient stands in the queues of examinations, in words."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from central.console.marks import N_
from central.exams import queue, service
from central.exams.service import Place
from central.store import Tx

STATES = {
    queue.ORDERED: N_("ordered, no time yet"),
    queue.BOOKED: N_("booked"),
    queue.CHECKED_IN: N_("You are checked in: please stay near the room"),
    queue.CALLED: N_("You are called: please go in now"),
    queue.ABSENT: N_("You were called and not there: please go to the room"),
    queue.RUNNING: N_("going on"),
}
# What asks the patient to move.
PRESSING = (queue.CALLED, queue.ABSENT)


@dataclass(frozen=True)
class Shown:
    """`today`: of a later day nobody can tell a wait. `leaves`: it is told when to leave; `now`:
    that moment has come."""

    place: Place
    words: str
    pressing: bool
    today: bool
    leaves: bool
    now: bool


def of(tx: Tx, patient: str, zone: tzinfo) -> list[Shown]:
    """The next one first."""
    now_ms = tx.now_ms
    today = datetime.fromtimestamp(now_ms / 1000, zone).date().isoformat()
    return [
        Shown(
            each,
            STATES[each.state],
            each.state in PRESSING,
            each.day == today,
            each.day == today and each.leave_at_ms is not None and each.state not in PRESSING,
            each.leave_at_ms is not None and each.leave_at_ms <= now_ms,
        )
        for each in service.places(tx, patient, now_ms, zone)
        if each.state in STATES
    ]
