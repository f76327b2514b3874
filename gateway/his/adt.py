"""From an ADT message to what happened to a patient: our one event type, whatever the adapter."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import hl7

from gateway.his.ack import escape
from gateway.his.header import Header
from gateway.his.refusals import (
    FIELD_MISSING,
    LONG_SEGMENT,
    NO_LOCATION,
    NO_PATIENT,
    NO_SEGMENT,
    REFUSED,
    SEGMENT_MISSING,
    UNREADABLE,
    WRONG_DATA,
    RefusedError,
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

# Only these segments are looked at, so megabytes of others cost nothing.
_READ = ("MSH", "EVN", "PID", "PV1")
MAX_SEGMENT_CHARS = 32 * 1024
_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d{1,4})?([+-]\d{4})?$")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Location:
    """A bed in the sender's own words: PV1-3 or PV1-6, first subcomponents."""

    point: str = ""
    room: str = ""
    bed: str = ""
    facility: str = ""

    @property
    def code(self) -> str:
        """The key of the location table: "point^room^bed^facility", empty ends cut."""
        return "^".join((self.point, self.room, self.bed, self.facility)).rstrip("^")


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
    segments = _Segments(text, header, encoding)
    kind = KINDS[header.event]
    patient_id = segments.patient_id()
    if not patient_id:
        raise RefusedError(REFUSED, FIELD_MISSING, NO_PATIENT)
    location = segments.location(3)
    if kind in NEEDS_LOCATION and not location.code:
        raise RefusedError(REFUSED, FIELD_MISSING, NO_LOCATION)
    get = segments.get
    recorded_at = timestamp(get("EVN", 2))
    return AdtEvent(
        kind=kind,
        control_id=header.control_id,
        sender=header.sender,
        patient_id=patient_id,
        # Without a visit number a patient has one visit at a time.
        visit=get("PV1", 19) or get("PID", 18) or patient_id,
        name=segments.name(),
        sex=_SEXES.get(get("PID", 8).upper(), ""),
        birth=_birth(get("PID", 7)),
        location=location,
        prior_location=segments.location(6),
        admit_type=segments.admit_type(),
        occurred_at=timestamp(get("EVN", 6)) or recorded_at,
        admitted_at=timestamp(get("PV1", 44)),
        sent_at=timestamp(header.sent_at) or recorded_at,
    )


def timestamp(text: str) -> datetime | None:
    """An HL7 time to the second: aware when it names its zone, else naive. None when absent or
    impossible."""
    match = _TIME.match(text)
    if match is None:
        return None
    *digits, zone = match.groups()
    year, month, day, hour, minute, second = (int(each) if each else None for each in digits)
    try:
        at = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0)
        if zone is None:
            return at
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
        return at.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
    except ValueError:
        return None


def _birth(text: str) -> str:
    match = _TIME.match(text)
    if match is None or timestamp(text) is None:
        return ""
    return "-".join(part for part in match.groups()[:3] if part)


def _plain(line: str, header: Header, encoding: str) -> str:
    """A segment with none but the simple escapes. python-hl7 makes each byte of `\\XC0EE\\` a
    character of its own, which misnames everybody Chinese, and writes fields that it cannot read
    into the log. What is no escape stays as it was written, to be seen."""
    mark = re.escape(header.marks[2:3])
    if not mark:
        return line

    def characters(found: re.Match[str]) -> str:
        if found["simple"]:
            return found[0]
        try:
            raw = bytes.fromhex(re.sub(f"{mark}X?", "", found["hex"] or "?"))
            return escape(raw.decode(encoding), header)
        except ValueError:
            return escape(found[0], header)

    return re.sub(
        f"(?P<simple>{mark}[FSTREHN]{mark})|(?P<hex>(?:{mark}X[0-9A-Fa-f]*{mark})+)|{mark}",
        characters,
        line,
    )


class _Segments:
    """Fields of the first EVN, PID and PV1, read by python-hl7."""

    def __init__(self, text: str, header: Header, encoding: str) -> None:
        lines: dict[str, str] = {}
        for line in text.split("\r"):
            name = line[:3]
            if name in _READ and name not in lines:
                if len(line) > MAX_SEGMENT_CHARS:
                    raise RefusedError(
                        REFUSED, WRONG_DATA, LONG_SEGMENT, segment=name, most=str(MAX_SEGMENT_CHARS)
                    )
                lines[name] = line
        for name in ("PID", "PV1"):
            if name not in lines:
                raise RefusedError(REFUSED, SEGMENT_MISSING, NO_SEGMENT, segment=name)
        try:
            plain = [
                line if name == "MSH" else _plain(line, header, encoding)
                for name, line in lines.items()
            ]
            self._message = hl7.parse("\r".join(plain))
        except (hl7.HL7Exception, ValueError, LookupError) as error:
            raise RefusedError(REFUSED, WRONG_DATA, UNREADABLE, detail=str(error)) from error

    def get(self, segment: str, field: int, part: int = 1, repeat: int = 1, sub: int = 1) -> str:
        """A text unescaped; "" when absent, or HL7's `""`, which means "delete"."""
        try:
            value = self._message.extract_field(segment, 1, field, repeat, part, sub)
        except (LookupError, ValueError):
            return ""
        text = str(value).strip()
        return "" if text == '""' else text

    def repeats(self, segment: str, field: int) -> range:
        try:
            return range(1, len(self._message.segment(segment)(field)) + 1)
        except LookupError:
            return range(0)

    def patient_id(self) -> str:
        """PID-3: the hospital's own number where several are given, else the first."""
        repeats = self.repeats("PID", 3)
        own = [each for each in repeats if self.get("PID", 3, 5, each) in ("PI", "MR")]
        ids = [self.get("PID", 3, 1, each) for each in (*own, *repeats)]
        return next((each for each in ids if each), self.get("PID", 2))

    def name(self) -> str:
        """PID-5: the writing in Han characters where several are given, else the first; family
        name first, as the hospital writes it."""
        names = [
            [self.get("PID", 5, part, repeat) for part in (1, 2, 3)]
            for repeat in self.repeats("PID", 5)
        ]
        names = [[part for part in each if part] for each in names]
        chosen = next((each for each in names if _HAN.search("".join(each))), None)
        if chosen is not None:
            return "".join(chosen)
        return " ".join(next((each for each in names if each), []))

    def location(self, field: int) -> Location:
        return Location(*(self.get("PV1", field, part) for part in (1, 2, 3, 4)))

    def admit_type(self) -> str:
        code, words = self.get("PV1", 4), self.get("PV1", 4, 2)
        said = f"{code} {words}".lower()
        for word, admit_type in _ADMIT_WORDS.items():
            if word in said:
                return admit_type
        # Class E of PV1-2 is an emergency patient.
        fallback = EMERGENCY if self.get("PV1", 2) == "E" else OTHER
        return _ADMIT_TYPES.get(code.upper(), fallback)
