"""Examinations: ordered by ORM^O01 and OMG^O19, appointed by SIU^S12 to S17 and S26."""

from gateway.his import amounts
from gateway.his.events import (
    ABSENT,
    BOOKED,
    CANCELLED,
    CHANGED,
    MOVED,
    ORDERED,
    ExamEvent,
)
from gateway.his.header import Header
from gateway.his.segments import Segment, Segments, missing, name, patient_id, timestamp, visit

APPOINTMENTS = {
    "S12": BOOKED, "S13": MOVED, "S14": CHANGED, "S15": CANCELLED, "S16": CANCELLED,
    "S17": CANCELLED, "S26": ABSENT,
}  # fmt: skip
# ORC-1, HL7 table 0119: what is not among them is an order.
_CONTROLS = {
    **dict.fromkeys(("CA", "OC", "CR", "DC", "OD", "DR", "UA"), CANCELLED),
    **dict.fromkeys(("XO", "XX", "XR", "RU"), CHANGED),
}
# ORC-5 where ORC-1 says that the status has changed.
_STATUS_CHANGED, _OFF = "SC", ("CA", "DC")
_MINUTES = {
    "S": 1 / 60, "SEC": 1 / 60, "H": 60, "HR": 60, "HOUR": 60, "HOURS": 60, "小时": 60,
}  # fmt: skip


def orders(text: str, header: Header, encoding: str) -> tuple[ExamEvent, ...]:
    """One event an OBR of ORM^O01 or OMG^O19. Raises RefusedError."""
    segments = Segments(text, header, encoding, ("PID", "PV1", "ORC", "OBR"))
    pid, pv1 = segments.must("PID"), segments.first("PV1")
    segments.must("OBR")
    events = []
    orc = segments.nothing
    for each in segments:
        if each.name == "ORC":
            orc = each
        if each.name != "OBR":
            continue
        code, words = each.words(4)
        placer = orc.get(2) or each.get(2)
        booking = orc.get(3) or each.get(3) or placer or each.must(3, 2)
        events.append(
            _exam(
                header, pid, pv1, what=_ordered(orc), booking=booking, order=placer,
                code=code or each.must(4), text=words, starts=each.get(36),
            )
        )  # fmt: skip
    return tuple(events)


def _ordered(orc: Segment) -> str:
    control = orc.get(1).upper()
    if control == _STATUS_CHANGED:
        return CANCELLED if orc.get(5).upper() in _OFF else CHANGED
    return _CONTROLS.get(control, ORDERED)


def appointment(text: str, header: Header, encoding: str) -> tuple[ExamEvent, ...]:
    """The event of a SIU message: the first service, where several are appointed together.
    Raises RefusedError."""
    segments = Segments(
        text, header, encoding, ("SCH", "TQ1", "PID", "PV1", "AIS", "AIL")
    )  # fmt: skip
    sch, pid, pv1 = segments.must("SCH"), segments.must("PID"), segments.first("PV1")
    ais, tq1 = segments.first("AIS"), segments.first("TQ1")
    what = APPOINTMENTS[header.event]
    code, words = ais.words(3) if ais.get(3) else sch.words(7)
    # SCH-11 is withdrawn; its fourth component was the start.
    starts = ais.get(4) or tq1.get(7) or sch.get(11, 4)
    if what in (BOOKED, MOVED) and timestamp(starts) is None:
        raise amounts.wrong("AIS-4", starts) if starts else missing("AIS-4")
    event = _exam(
        header, pid, pv1, what=what, booking=sch.must(2, 1), order=sch.get(26),
        code=code, text=words, starts=starts, room=segments.first("AIL").location(3).code,
        duration_min=_minutes(ais, 7, 8) or _minutes(sch, 9, 10),
    )  # fmt: skip
    return (event,)


def _exam(
    header: Header,
    pid: Segment,
    pv1: Segment,
    *,
    what: str,
    booking: str,
    order: str,
    code: str,
    text: str,
    starts: str,
    room: str = "",
    duration_min: int | None = None,
) -> ExamEvent:
    patient = patient_id(pid)
    return ExamEvent(
        control_id=header.control_id,
        sender=header.sender,
        patient_id=patient,
        visit=visit(pid, pv1) or patient,
        name=name(pid),
        what=what,
        booking=booking,
        order=order,
        code=code,
        text=text,
        room=room,
        starts_at=timestamp(starts),
        duration_min=duration_min,
        location=pv1.location(3).code,
        sent_at=timestamp(header.sent_at),
    )


def _minutes(segment: Segment, field: int, units: int) -> int | None:
    """A duration; minutes where no unit is told. None when it is none, or none at all."""
    found = amounts.number(segment.get(field))
    if found is None or found <= 0:
        return None
    return max(1, round(float(found) * _MINUTES.get(segment.get(units).upper(), 1)))
