"""From an ADT message to what happened to a patient's stay."""

from dataclasses import dataclass
from datetime import datetime

from gateway.his.header import Header
from gateway.his.refusals import FIELD_MISSING, NO_LOCATION, REFUSED, RefusedError
from gateway.his.segments import Location as Location
from gateway.his.segments import (
    Segment,
    Segments,
    day_parts,
    name,
    patient_id,
    timestamp,
    visit,
)

ADMIT, TRANSFER, DISCHARGE, UPDATE = "admit", "transfer", "discharge", "update"
CANCEL_ADMIT, CANCEL_TRANSFER, CANCEL_DISCHARGE = (
    "cancel_admit", "cancel_transfer", "cancel_discharge",
)  # fmt: skip
KINDS = {
    "A01": ADMIT, "A02": TRANSFER, "A03": DISCHARGE, "A08": UPDATE,
    "A11": CANCEL_ADMIT, "A12": CANCEL_TRANSFER, "A13": CANCEL_DISCHARGE,
}  # fmt: skip
NEEDS_LOCATION = (ADMIT, TRANSFER)

EMERGENCY, URGENT, OPERATION, LABOUR, NEWBORN, ELECTIVE, OTHER = (
    "emergency", "urgent", "operation", "labour", "newborn", "elective", "other",
)  # fmt: skip
# PV1-4, HL7 table 0007; digits differ from hospital to hospital and say nothing here.
_ADMIT_TYPES = {
    "A": EMERGENCY,
    "E": EMERGENCY,
    "U": URGENT,
    "L": LABOUR,
    "N": NEWBORN,
    "C": ELECTIVE,
    "R": ELECTIVE,
}
_ADMIT_WORDS = {
    "急诊": EMERGENCY,
    "emergency": EMERGENCY,
    "手术": OPERATION,
    "operation": OPERATION,
    "surgery": OPERATION,
}
# PID-8: HL7 table 0001 and the digits of GB/T 2261.1.
_SEXES = {"M": "M", "F": "F", "1": "M", "2": "F", "男": "M", "女": "F"}

_READ = ("EVN", "PID", "PV1")


@dataclass(frozen=True)
class AdtEvent:
    """What happened to a patient. Times carry a zone only when the sender gave one."""

    kind: str
    control_id: str
    sender: str
    patient_id: str
    visit: str
    name: str
    sex: str  # "M", "F" or "" for unknown
    birth: str  # "1961-06-15", "1961-06", "1961" or ""
    location: Location
    prior_location: Location
    admit_type: str
    occurred_at: datetime | None
    admitted_at: datetime | None
    sent_at: datetime | None


def read(text: str, header: Header, encoding: str = "utf-8") -> AdtEvent:
    """The event of an ADT message with CR line ends. `encoding`: of bytes written in hex.
    Raises RefusedError."""
    segments = Segments(text, header, encoding, _READ)
    pid, pv1, evn = segments.must("PID"), segments.must("PV1"), segments.first("EVN")
    kind = KINDS[header.event]
    patient = patient_id(pid)
    location = pv1.location(3)
    if kind in NEEDS_LOCATION and not location.code:
        raise RefusedError(REFUSED, FIELD_MISSING, NO_LOCATION)
    recorded_at = evn.time(2)
    return AdtEvent(
        kind=kind,
        control_id=header.control_id,
        sender=header.sender,
        patient_id=patient,
        # Without a visit number a patient has one visit at a time.
        visit=visit(pid, pv1) or patient,
        name=name(pid),
        sex=_SEXES.get(pid.get(8).upper(), ""),
        birth=day_parts(pid.get(7)),
        location=location,
        prior_location=pv1.location(6),
        admit_type=_admit_type(pv1),
        occurred_at=evn.time(6) or recorded_at,
        admitted_at=pv1.time(44),
        sent_at=timestamp(header.sent_at) or recorded_at,
    )


def _admit_type(pv1: Segment) -> str:
    code, words = pv1.get(4), pv1.get(4, 2)
    said = f"{code} {words}".lower()
    for word, admit_type in _ADMIT_WORDS.items():
        if word in said:
            return admit_type
    # Class E of PV1-2 is an emergency patient.
    fallback = EMERGENCY if pv1.get(2) == "E" else OTHER
    return _ADMIT_TYPES.get(code.upper(), fallback)
