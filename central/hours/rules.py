"""When a plan is open, and when next. No I/O and no clock.

Everything is told by the hospital's own clock on the wall: a moment is a datetime in its zone, or
one without a zone in a process that runs in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

DAY_MIN = 24 * 60
# So far is looked ahead for the next opening: over any holiday that there is.
MOST_DAYS = 400
HOLIDAY, WORKING = "holiday", "working"
OPEN, CLOSED = "open", "closed"  # and HOLIDAY: closed because of one


@dataclass(frozen=True, order=True)
class Band:
    """On this day of the week (0: Monday) from begin_min until just before end_min, minutes after
    midnight. An end that is not behind the beginning is on the next day; 0 to 1440 is the whole
    day."""

    day: int
    begin_min: int
    end_min: int

    @property
    def length_min(self) -> int:
        return (self.end_min - self.begin_min) % DAY_MIN or DAY_MIN


@dataclass(frozen=True)
class Special:
    """A date that is unlike its weekday. as_day: the weekday whose times a make-up working day
    has."""

    kind: str
    name: str = ""
    as_day: int = 0


@dataclass(frozen=True)
class Plan:
    """on_holidays: holidays change nothing, as for a desk that is always there."""

    bands: tuple[Band, ...]
    on_holidays: bool = False


Calendar = Mapping[date, Special]


def bands_of(plan: Plan, calendar: Calendar, day: date) -> list[Band]:
    """What begins on this date, in order. Times that began the evening before go on all the
    same."""
    special = None if plan.on_holidays else calendar.get(day)
    weekday = day.weekday()
    if special is not None:
        if special.kind == HOLIDAY:
            return []
        weekday = special.as_day
    return sorted(each for each in plan.bands if each.day == weekday)


def _spans(
    plan: Plan, calendar: Calendar, at: datetime, days: range
) -> Iterator[tuple[datetime, datetime]]:
    """From and until of what begins on the dates so many days from `at`."""
    for more in days:
        try:
            day = at.date() + timedelta(days=more)
        except OverflowError:
            return
        for band in bands_of(plan, calendar, day):
            begin = datetime.combine(day, time(), at.tzinfo) + timedelta(minutes=band.begin_min)
            yield begin, begin + timedelta(minutes=band.length_min)


def state(plan: Plan, calendar: Calendar, at: datetime) -> str:
    """OPEN, CLOSED or HOLIDAY."""
    if any(begin <= at < end for begin, end in _spans(plan, calendar, at, range(-1, 1))):
        return OPEN
    special = None if plan.on_holidays else calendar.get(at.date())
    return HOLIDAY if special is not None and special.kind == HOLIDAY else CLOSED


def next_opening(plan: Plan, calendar: Calendar, at: datetime) -> datetime | None:
    """When it opens next, for a moment at which it is not open. None: not within MOST_DAYS."""
    spans = _spans(plan, calendar, at, range(MOST_DAYS))
    return next((begin for begin, _ in spans if begin > at), None)
