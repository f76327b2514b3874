"""The inspection book of a ward for one month: for each bed and day what proved it, real presses
and test calls alike, and what became of each failure. Sans-IO: rows of proofs in, a book out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from central.proving import model
from central.store import Row

GOOD = (model.PROVEN, model.PRESSED)


@dataclass
class Day:
    """How often a bed was proven, pressed by a patient, and failed on one day."""

    proven: int = 0
    pressed: int = 0
    failed: int = 0

    def add(self, result: str) -> None:
        if result == model.PROVEN:
            self.proven += 1
        elif result == model.PRESSED:
            self.pressed += 1
        elif result == model.FAILED:
            self.failed += 1

    @property
    def good(self) -> bool:
        return bool(self.proven or self.pressed)


@dataclass
class Bed:
    """A line of the book. last_ms: hospital time of the last proof in the month."""

    bed: str
    days: list[Day]
    last_ms: int | None = None

    @property
    def days_good(self) -> int:
        return sum(day.good for day in self.days)

    def total(self, what: str) -> int:
        return sum(getattr(day, what) for day in self.days)


@dataclass
class Failure:
    """A row of the proofs that failed. over_ms: when the bed was proven again, None: it was not."""

    row: Row
    over_ms: int | None = None


@dataclass
class Book:
    """`days_so_far`: of the month, those that have begun."""

    ward: str
    month: date
    days_so_far: int
    beds: list[Bed]
    failures: list[Failure] = field(default_factory=list)

    @property
    def days(self) -> list[date]:
        return list(days_of(self.month))


def days_of(month: date) -> Iterator[date]:
    day = month
    while day.month == month.month:
        yield day
        day += timedelta(days=1)


def next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def previous_month(month: date) -> date:
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def bounds(month: date, zone: tzinfo) -> tuple[int, int]:
    """Where a month begins and ends, in ms."""
    begins, ends = (
        datetime(day.year, day.month, 1, tzinfo=zone) for day in (month, next_month(month))
    )
    return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)


def make(
    ward: str, month: date, today: date, zone: tzinfo, beds: Sequence[str], rows: Iterable[Row]
) -> Book:
    """`beds`: those of the ward, in its order; `rows`: the proofs of the month, oldest first. A bed
    that is gone keeps its line."""
    days = list(days_of(month))
    lines = {bed: Bed(bed, [Day() for _ in days]) for bed in beds}
    so_far = sum(day <= today for day in days)
    book = Book(ward, month, so_far, [])
    open_failures: dict[str, list[Failure]] = {}
    for row in rows:
        place = (datetime.fromtimestamp(row["at_ms"] / 1000, zone).date() - month).days
        if not 0 <= place < len(days):
            continue
        line = lines.setdefault(row["bed"], Bed(row["bed"], [Day() for _ in days]))
        line.days[place].add(row["result"])
        if row["result"] in GOOD:
            line.last_ms = row["at_ms"]
            for failure in open_failures.pop(row["bed"], []):
                failure.over_ms = row["at_ms"]
        elif row["result"] == model.FAILED:
            failure = Failure(row)
            book.failures.append(failure)
            open_failures.setdefault(row["bed"], []).append(failure)
    book.beds = list(lines.values())
    return book
