"""Infusions: ordered by RDE^O11, to be given by RGV^O15, given by RAS^O17."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from gateway.his import amounts
from gateway.his.events import CANCEL, CHANGE, NEW, STOP, InfusionOrderEvent
from gateway.his.header import Header
from gateway.his.refusals import NO_INFUSION, REFUSED, WRONG_DATA, RefusedError
from gateway.his.segments import Segment, Segments, patient_id, timestamp, visit

# ORC-1, HL7 table 0119: what is not among them is an order. A hold stops until a nurse is asked.
_CONTROLS = {
    **dict.fromkeys(("CA", "OC", "CR", "UA"), CANCEL),
    **dict.fromkeys(("DC", "OD", "DR", "HD", "OH", "HR"), STOP),
    **dict.fromkeys(("XO", "XX", "XR", "RP", "RO", "RU", "RL"), CHANGE),
}
# ORC-5 where ORC-1 says that the status has changed.
_STATUS = {"CA": CANCEL, "DC": STOP, "HD": STOP, "CM": STOP}
_STATUS_CHANGED = "SC"
# RXR-1, HL7 table 0162 and what Chinese senders write.
_DRIPS = ("IV", "IVPB", "IVD", "IVGTT", "GTT", "静滴", "静脉滴注", "静脉输液", "输液")
_ML = {"ML": 1, "毫升": 1, "CC": 1, "L": 1000, "升": 1000}
_PER_H = {"H": 1, "HR": 1, "HOUR": 1, "小时": 1, "时": 1, "MIN": 60, "M": 60, "分": 60, "分钟": 60}
_DROPS = ("GTT", "GTTS", "DROP", "DROPS", "DRP", "滴")
# There is no field for it: agreed per site, as a note of the order.
_FACTOR = re.compile(r"(\d{1,3})\s*(?:gtts?|drops?|滴)\s*/\s*(?:ml|毫升)", re.IGNORECASE)
_FACTORS = range(5, 101)
_NAMES = ("PID", "PV1", "ORC", "TQ1", "RXE", "RXG", "RXA", "RXR", "RXC", "NTE")
# RXA-20 and 21: it was not given, or is taken back.
_NOT_GIVEN, _DELETED = ("RE", "NA"), "D"


@dataclass(frozen=True)
class _Given:
    """Where the segment of a message type says what."""

    code: int
    amount: int
    units: int
    rate: int
    rate_units: int
    per: int
    words: int  # instructions


_FIELDS = {
    "RXE": _Given(2, 3, 5, 23, 24, 22, 7),
    "RXG": _Given(4, 5, 7, 15, 16, 14, 13),
    "RXA": _Given(5, 6, 7, 0, 0, 12, 9),
}
SEGMENT_OF = {"RDE": "RXE", "RGV": "RXG", "RAS": "RXA"}


def orders(text: str, header: Header, encoding: str) -> tuple[InfusionOrderEvent, ...]:
    """One event an order that is an infusion. Raises RefusedError, also when none is."""
    segments = Segments(text, header, encoding, _NAMES)
    pid, pv1 = segments.must("PID"), segments.first("PV1")
    given = SEGMENT_OF[header.type]
    segments.must("ORC")
    patient = patient_id(pid)
    about = (header, patient, visit(pid, pv1) or patient)
    events = [
        event
        for group in segments.groups("ORC")
        if (event := _order(group, given, about, segments.nothing)) is not None
    ]
    if not events:
        segments.must(given)
        raise RefusedError(REFUSED, WRONG_DATA, NO_INFUSION)
    return tuple(events)


def _order(
    group: Sequence[Segment], given: str, about: tuple[Header, str, str], nothing: Segment
) -> InfusionOrderEvent | None:
    def first(name: str) -> Segment:
        return next((each for each in group if each.name == name), nothing)

    header, patient, stay = about
    orc, line, where = first("ORC"), first(given), _FIELDS[given]
    what = _what(orc, line)
    rate_text = _rate_text(line, where)
    ml_per_h, drops_per_min = rate(rate_text)
    route = first("RXR")
    is_drip = any(each.upper() in _DRIPS for each in (*route.words(1), *route.words(3)))
    if what in (NEW, CHANGE) and not is_drip and ml_per_h is None and drops_per_min is None:
        return None
    code, text = line.words(where.code)
    return InfusionOrderEvent(
        control_id=header.control_id,
        sender=header.sender,
        patient_id=patient,
        visit=stay,
        what=what,
        order=orc.must(2, 3),
        group=orc.get(4),
        code=code,
        text=text,
        volume_ml=_volume_ml(group, line, where),
        rate_text=rate_text,
        rate_ml_per_h=ml_per_h,
        rate_drops_per_min=drops_per_min,
        drop_factor=_drop_factor(group, line, where),
        starts_at=_starts_at(orc, line, group),
        sent_at=timestamp(header.sent_at),
    )


def _what(orc: Segment, line: Segment) -> str:
    control = orc.get(1).upper()
    if control == _STATUS_CHANGED:
        return _STATUS.get(orc.get(5).upper(), CHANGE)
    if line.name == "RXA" and control not in _CONTROLS:
        if line.get(20).upper() in _NOT_GIVEN or line.get(21).upper() == _DELETED:
            return CANCEL
        return STOP if line.get(4) and line.get(4) != line.get(3) else NEW
    return _CONTROLS.get(control, NEW)


def _volume_ml(group: Sequence[Segment], line: Segment, where: _Given) -> int | None:
    """The bottle: the amount given, if in mL or L; else what its components sum up to."""
    whole = _ml(line, where.amount, where.units)
    parts = [_ml(each, 3, 4) for each in group if each.name == "RXC"]
    found = whole if whole is not None else sum((each for each in parts if each), Decimal())
    return amounts.whole(found) or None


def _ml(segment: Segment, amount: int, units: int) -> Decimal | None:
    factor = _ML.get(segment.get(units).upper())
    found = amounts.number(segment.get(amount))
    return None if factor is None or found is None else found * factor


def _rate_text(line: Segment, where: _Given) -> str:
    """The rate as it was written: "100 mL/h", also where the time stands apart as "H1"."""
    if not where.rate:
        amount, units = line.get(where.amount), line.get(where.units)
        per = line.get(where.per)
        return f"{amount} {units}/{_unit(per)}" if amount and per else ""
    value, units = line.get(where.rate), line.get(where.rate_units)
    if value and "/" not in units and line.get(where.per):
        units = f"{units}/{_unit(line.get(where.per))}"
    return f"{value} {units}".strip() if value else ""


def _unit(per: str) -> str:
    """HL7 writes the time of a rate as "H1" or "M1"."""
    return {"H": "h", "M": "min"}.get(per.upper().rstrip("1"), per)


def rate(text: str) -> tuple[float | None, float | None]:
    """(mL an hour, drops a minute) of "100 mL/h" or "40 滴/分"; None what it does not say."""
    value, _, units = text.partition(" ")
    found = amounts.number(value)
    amount, _, time = units.upper().strip().partition("/")
    per_h = _PER_H.get(time.strip(" ."))
    if found is None or found <= 0 or per_h is None:
        return None, None
    if amount in _ML:
        return float(found * _ML[amount] * per_h), None
    return (None, float(found * per_h / 60)) if amount in _DROPS else (None, None)


def _drop_factor(group: Sequence[Segment], line: Segment, where: _Given) -> int | None:
    notes = [each.get(3) for each in group if each.name == "NTE"]
    for text in (*notes, *line.words(where.words)):
        found = _FACTOR.search(text)
        if found and int(found[1]) in _FACTORS:
            return int(found[1])
    return None


def _starts_at(orc: Segment, line: Segment, group: Sequence[Segment]) -> datetime | None:
    """When the sender wants it, or gave it. In an RDE the later TQ1 is the pharmacy's."""
    if line.name == "RXA":
        return line.time(3)
    told = [each.time(7) for each in group if each.name == "TQ1"]
    return next((each for each in reversed(told) if each), None) or orc.time(7, 4) or orc.time(15)
