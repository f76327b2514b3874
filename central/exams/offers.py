"""What spoken menus may ask about examinations: where the patient who has logged in stands."""

from collections.abc import Mapping
from datetime import datetime

from central.audit import model as audit
from central.exams import days, queue, service
from central.exams.service import Place
from central.flows.offers import Answer, Asking, Offer
from central.store import Tx
from central.words import spoken

NONE = "none"


def places(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """Every examination that is still to come, in words."""
    patient = asking.patient or ""
    found = service.places(tx, patient, tx.now_ms, asking.zone)
    if not found:
        return Answer(NONE)
    audit.append(tx, "patient", "exams.heard", f"patient/{patient}")
    today = days.day_of(tx.now_ms, asking.zone)
    said = [_said(each, asking, today) for each in found]
    return Answer(values={"count": len(found), "places": " ".join(said)})


def _said(place: Place, asking: Asking, today: str) -> str:
    """Never what is examined: who calls may be in a room with others."""
    lang = asking.lang
    room = place.names.get(lang) or spoken(lang, "exams.some_room")
    day = "" if place.day is None or place.day == today else place.day
    if place.number is None or day:
        return _of_another_day(place, room, asking)
    return " ".join(_of_today(place, room, asking))


def _of_another_day(place: Place, room: str, asking: Asking) -> str:
    lang = asking.lang
    if place.day is None:
        return spoken(lang, "exams.place_ordered", room=room)
    day = datetime.fromisoformat(place.day)
    if place.starts_ms is None:
        return spoken(lang, "exams.place_day", room=room, month=day.month, day=day.day)
    return spoken(
        lang, "exams.place_time", room=room, month=day.month, day=day.day,
        minute=_minute(place.starts_ms, asking),
    )  # fmt: skip


def _of_today(place: Place, room: str, asking: Asking) -> list[str]:
    lang = asking.lang
    about = {"room": room, "number": place.number}
    if place.state == queue.RUNNING:
        return [spoken(lang, "exams.place_running", **about)]
    if place.state in (queue.CALLED, queue.ABSENT):
        return [spoken(lang, "exams.place_called", **about)]
    said = [spoken(lang, "exams.place_waiting", ahead=place.ahead, **about)]
    if place.wait_min is not None:
        said.append(spoken(lang, "exams.place_wait", ms=place.wait_min * 60_000))
    if place.leave_at_ms is not None:
        said.append(spoken(lang, "exams.place_leave", minute=_minute(place.leave_at_ms, asking)))
    return said


def _minute(ms: int, asking: Asking) -> int:
    at = datetime.fromtimestamp(ms / 1000, asking.zone)
    return at.hour * 60 + at.minute


OFFERS = [
    Offer(
        "exams.places",
        places,
        "where the patient stands with every examination, in sentences",
        gives={"count": "number", "places": ""},
        others={NONE: "there is none"},
        of_patient=True,
        acts=True,
    ),
]
