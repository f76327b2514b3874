"""When it is open, and when next; times over midnight, holidays and make-up working days."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.hours.rules import (
    CLOSED,
    DAY_MIN,
    HOLIDAY,
    OPEN,
    WORKING,
    Band,
    Plan,
    Special,
    bands_of,
    next_opening,
    state,
)

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = Plan(
    tuple(Band(day, *times) for day in range(5) for times in ((480, 720), (810, 1050)))
)  # fmt: skip
NIGHT = Plan((Band(4, 1320, 360),))  # Friday 22:00 to Saturday 06:00
NATIONAL_DAY = {date(2026, 10, n): Special(HOLIDAY, "国庆节") for n in range(1, 8)}
MADE_UP = {date(2026, 10, 10): Special(WORKING, "国庆节调休", 0)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("plan", "when", "is_now", "opens"),
    [
        (OFFICE, "2026-09-28 07:59", CLOSED, "2026-09-28 08:00"),
        (OFFICE, "2026-09-28 08:00", OPEN, None),
        (OFFICE, "2026-09-28 12:00", CLOSED, "2026-09-28 13:30"),  # the end is not within
        (OFFICE, "2026-09-30 18:00", CLOSED, "2026-10-08 08:00"),  # over the week's holiday
        (OFFICE, "2026-10-03 09:00", HOLIDAY, "2026-10-08 08:00"),
        (OFFICE, "2026-10-10 09:00", OPEN, None),  # a Saturday that is made up
        (OFFICE, "2026-10-11 09:00", CLOSED, "2026-10-12 08:00"),
        (NIGHT, "2026-09-26 05:59", OPEN, None),
        (NIGHT, "2026-09-26 06:00", CLOSED, "2026-10-09 22:00"),  # Friday, 2 October is a holiday
        (Plan(OFFICE.bands, on_holidays=True), "2026-10-02 09:00", OPEN, None),
        (Plan(()), "2026-09-28 09:00", CLOSED, None),
        (Plan((Band(0, 0, 0),)), "2026-09-28 23:59", OPEN, None),  # the whole day
        (Plan((Band(0, 0, DAY_MIN),)), "2026-09-29 00:00", CLOSED, "2026-10-10 00:00"),
    ],
)
def test_weekdays_holidays_and_nights(
    plan: Plan, when: str, is_now: str, opens: str | None
) -> None:
    calendar = NATIONAL_DAY | MADE_UP
    if plan.bands and plan.bands[0].end_min % DAY_MIN == 0:
        calendar = calendar | {date(2026, 10, 5): Special(HOLIDAY)}
    assert state(plan, calendar, at(when)) == is_now
    if is_now != OPEN:
        assert next_opening(plan, calendar, at(when)) == (at(opens) if opens else None)


BANDS = st.builds(Band, st.integers(0, 6), st.integers(0, DAY_MIN - 1), st.integers(0, DAY_MIN))
DATES = st.dates(date(2026, 1, 1), date(2026, 3, 1))
PLANS = st.builds(Plan, st.lists(BANDS, max_size=5).map(tuple), st.booleans())
CALENDARS = st.dictionaries(
    DATES, st.builds(Special, st.sampled_from([HOLIDAY, WORKING]), st.just(""), st.integers(0, 6))
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1))


@given(PLANS, CALENDARS, MOMENTS, st.booleans())
def test_the_next_opening_is_to_come_open_then_and_nothing_is_open_before(
    plan: Plan, calendar: dict[date, Special], moment: datetime, with_zone: bool
) -> None:
    moment = moment.replace(tzinfo=ZONE) if with_zone else moment
    if state(plan, calendar, moment) == OPEN:
        return
    opens = next_opening(plan, calendar, moment)
    if opens is None:
        assert not any(bands_of(plan, calendar, moment.date() + timedelta(days=n)) for n in
                       range(1, 14))  # fmt: skip
        return
    assert opens > moment
    assert state(plan, calendar, opens) == OPEN
    # Any minute between, each seventh of them: an opening would be one of their beginnings.
    between = min(int((opens - moment).total_seconds() // 60), 3 * DAY_MIN)
    for minute in range(0, between, 97):
        assert state(plan, calendar, moment + timedelta(minutes=minute)) != OPEN
    assert state(plan, calendar, opens - timedelta(microseconds=1)) != OPEN


@given(BANDS, st.integers(0, DAY_MIN * 9))
def test_a_band_is_open_for_as_long_as_it_says(band: Band, after_min: int) -> None:
    """In a week without holidays, told minute by minute from its own beginning."""
    monday = datetime(2026, 3, 2, tzinfo=ZONE)
    begin = monday + timedelta(days=band.day, minutes=band.begin_min)
    within = after_min % (7 * DAY_MIN) < band.length_min
    now = state(Plan((band,)), {}, begin + timedelta(minutes=after_min))
    assert now == (OPEN if within else CLOSED)
