"""Fields of the segments that matter, whatever the message. The others are not looked at, so
megabytes of pictures cost nothing, and what is looked at is split only as far as it is asked."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from gateway.his.header import Header
from gateway.his.refusals import (
    FIELD_MISSING,
    LONG_SEGMENT,
    MANY_SEGMENTS,
    NO_FIELD,
    NO_PATIENT,
    NO_SEGMENT,
    REFUSED,
    SEGMENT_MISSING,
    WRONG_DATA,
    RefusedError,
)

MAX_SEGMENT_CHARS = 32 * 1024
# More lines of a bill than a stay has.
MAX_SEGMENTS = 5000
_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d{1,4})?([+-]\d{4})?$")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Location:
    """A bed or a room in the sender's own words, first subcomponents."""

    point: str = ""
    room: str = ""
    bed: str = ""
    facility: str = ""

    @property
    def code(self) -> str:
        """The key of the location table: "point^room^bed^facility", empty ends cut."""
        return "^".join((self.point, self.room, self.bed, self.facility)).rstrip("^")


class Writing:
    """How a message is written: what divides, what escapes, and the encoding of bytes in hex."""

    def __init__(self, header: Header, encoding: str) -> None:
        self.field = header.separator
        self.component, self.repeat, mark, self.sub = list(header.marks[:4])
        self._encoding = encoding
        self._mark = mark
        signs = {"F": self.field, "S": self.component, "T": self.sub, "R": self.repeat, "E": mark}
        self._signs = signs | {"H": "_", "N": "_"}  # bold and not bold
        quoted = re.escape(mark)
        self._escapes = re.compile(
            f"{quoted}(?P<sign>[FSTREHN]){quoted}|(?P<hex>(?:{quoted}X[0-9A-Fa-f]*{quoted})+)"
        )

    def plain(self, text: str) -> str:
        """A text without escapes. What is no escape stays as it was written, to be seen. The bytes
        of `\\XC0EE\\` are characters of the message's encoding."""
        if self._mark not in text:
            return text

        def sign(found: re.Match[str]) -> str:
            if found["sign"]:
                return self._signs[found["sign"]]
            try:
                digits = re.sub("[^0-9A-Fa-f]", "", found["hex"])
                return bytes.fromhex(digits).decode(self._encoding)
            except ValueError:
                return found[0]

        return self._escapes.sub(sign, text)


class Segment:
    """One segment. `get` is "" for what is absent, and for HL7's `""`, which means "delete"."""

    def __init__(self, line: str, writing: Writing) -> None:
        self.name = line[:3]
        self._fields = line.split(writing.field)
        self._writing = writing

    def get(self, field: int, part: int = 1, repeat: int = 1, sub: int = 1) -> str:
        found = self._fields[field] if field < len(self._fields) else ""
        if not found:
            return ""
        for mark, number in (
            (self._writing.repeat, repeat),
            (self._writing.component, part),
            (self._writing.sub, sub),
        ):
            found = _nth(found, mark, number)
        text = self._writing.plain(found).strip()
        return "" if text == '""' else text

    def repeats(self, field: int) -> range:
        if field >= len(self._fields):
            return range(0)
        return range(1, self._fields[field].count(self._writing.repeat) + 2)

    def location(self, field: int) -> Location:
        return Location(*(self.get(field, part) for part in (1, 2, 3, 4)))

    def time(self, field: int, part: int = 1) -> datetime | None:
        return timestamp(self.get(field, part))

    def first(self, *fields: int) -> str:
        """The first of these fields that says something."""
        return next((found for each in fields if (found := self.get(each))), "")

    def words(self, field: int) -> tuple[str, str]:
        """Code and text of a coded field; a text alone is both."""
        code = self.get(field)
        return code, self.get(field, 2) or code

    def must(self, *fields: int) -> str:
        """As `first`. Raises RefusedError naming the fields when none says anything."""
        found = self.first(*fields)
        if not found:
            raise missing(" / ".join(f"{self.name}-{each}" for each in fields))
        return found


def missing(field: str) -> RefusedError:
    return RefusedError(REFUSED, FIELD_MISSING, NO_FIELD, field=field)


def _nth(text: str, mark: str, number: int) -> str:
    if mark not in text:
        return text if number == 1 else ""
    parts = text.split(mark, number)
    return parts[number - 1] if len(parts) >= number else ""


class Segments:
    """The segments of these names, in the order they came."""

    def __init__(self, text: str, header: Header, encoding: str, names: Collection[str]) -> None:
        writing = Writing(header, encoding)
        self._all: list[Segment] = []
        for line in text.split("\r"):
            name = line[:3]
            if name not in names:
                continue
            if len(line) > MAX_SEGMENT_CHARS:
                raise RefusedError(
                    REFUSED, WRONG_DATA, LONG_SEGMENT, segment=name, most=str(MAX_SEGMENT_CHARS)
                )
            if len(self._all) == MAX_SEGMENTS:
                raise RefusedError(REFUSED, WRONG_DATA, MANY_SEGMENTS, most=str(MAX_SEGMENTS))
            self._all.append(Segment(line, writing))
        self.nothing = Segment("", writing)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._all)

    def first(self, name: str) -> Segment:
        """The first of this name, or an empty one."""
        return next((each for each in self._all if each.name == name), self.nothing)

    def must(self, name: str) -> Segment:
        """Raises RefusedError when there is none of this name."""
        found = self.first(name)
        if found is self.nothing:
            raise RefusedError(REFUSED, SEGMENT_MISSING, NO_SEGMENT, segment=name)
        return found

    def groups(self, *begins: str) -> "list[list[Segment]]":
        """What each segment of these names begins, up to the next."""
        found: list[list[Segment]] = []
        for each in self._all:
            if each.name in begins:
                found.append([each])
            elif found:
                found[-1].append(each)
        return found


def patient_id(pid: Segment) -> str:
    """PID-3: the hospital's own number where several are given, else the first; else PID-2.
    Raises RefusedError."""
    repeats = pid.repeats(3)
    own = [each for each in repeats if pid.get(3, 5, each) in ("PI", "MR")]
    ids = [pid.get(3, 1, each) for each in (*own, *repeats)]
    found = next((each for each in ids if each), pid.get(2))
    if not found:
        raise RefusedError(REFUSED, FIELD_MISSING, NO_PATIENT)
    return found


def visit(pid: Segment, pv1: Segment) -> str:
    """The visit, as far as told."""
    return pv1.get(19) or pid.get(18)


def name(pid: Segment) -> str:
    """PID-5: the writing in Han characters where several are given, else the first; family name
    first, as the hospital writes it."""
    names = [[pid.get(5, part, repeat) for part in (1, 2, 3)] for repeat in pid.repeats(5)]
    names = [[part for part in each if part] for each in names]
    chosen = next((each for each in names if _HAN.search("".join(each))), None)
    if chosen is not None:
        return "".join(chosen)
    return " ".join(next((each for each in names if each), []))


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


def day_parts(text: str) -> str:
    """The day of a time as far as it is given: "1961-06-15", "1961-06", "1961" or ""."""
    match = _TIME.match(text)
    if match is None or timestamp(text) is None:
        return ""
    return "-".join(part for part in match.groups()[:3] if part)
