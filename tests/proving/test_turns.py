"""Whose turn it is: each bed once a day, spread, in quiet moments, and never in haste."""

import itertools
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.proving import turns
from central.proving.turns import Bed, Turn, choose

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def bed(name: str = "1", **changes: object) -> Bed:
    known = Bed(name, 15 * HOUR_MS, True, 0, 15 * HOUR_MS, True, False)
    return known._replace(**changes)  # type: ignore[arg-type]


def test_the_longest_unproved_comes_first() -> None:
    beds = [bed("1"), bed("2", age_ms=19 * HOUR_MS), bed("3", age_ms=HOUR_MS)]
    assert choose(beds, True, None).bed == "2"


@pytest.mark.parametrize(
    ("one", "quiet", "expected"),
    [
        (bed(calling=True), True, None),
        (bed(), False, None),
        (bed(age_ms=turns.PRESSING_MS), False, "1"),  # nearly overdue: its own quiet is enough
        (bed(age_ms=turns.PRESSING_MS, calling=True), False, None),
        (bed(able=False, age_ms=DAY_MS), True, None),
        (bed(ever=False, age_ms=turns.FIRST_AFTER_MS, tried_ago_ms=None), False, "1"),
        (bed(ever=False, age_ms=turns.FIRST_AFTER_MS - 1, tried_ago_ms=None), True, None),
        (bed(failures=1, tried_ago_ms=turns.RETRY_MS), True, "1"),
        (bed(failures=1, tried_ago_ms=turns.RETRY_MS - 1), True, None),
        (bed(failures=2, tried_ago_ms=turns.RETRY_MS), True, None),
        (bed(failures=2, tried_ago_ms=turns.RETRY_LATER_MS), True, "1"),
        (bed(age_ms=DAY_MS, tried_ago_ms=1), True, None),  # put off a moment ago
    ],
)
def test_who_may_be_proved_now(one: Bed, quiet: bool, expected: str | None) -> None:
    turn = choose([one], quiet, None)
    assert turn.bed == expected
    assert turn.again_ms > 0


def test_a_ward_makes_no_two_test_presses_in_a_row() -> None:
    late = bed(age_ms=DAY_MS, tried_ago_ms=DAY_MS)
    assert choose([late], True, 0) == Turn(None, turns.GAP_MS)
    assert choose([late], True, turns.GAP_MS).bed == "1"


@settings(max_examples=25)
@given(st.integers(1, 40), st.lists(st.integers(0, 23), max_size=6, unique=True), st.booleans())
def test_within_days_every_bed_is_proved_daily_and_the_presses_are_spread(
    number: int, loud_hours: list[int], late_start: bool
) -> None:
    """A ward that calls all the time in its loud hours is tried in the others."""
    now_ms = 0
    proved: dict[str, list[int]] = defaultdict(list)
    names = [str(each) for each in range(number)]
    since_ms = DAY_MS if late_start else 0
    last_ms: int | None = None
    while now_ms < 6 * DAY_MS:
        quiet = now_ms // HOUR_MS % 24 not in loud_hours
        beds = [
            Bed(
                each,
                now_ms - proved[each][-1] if proved[each] else now_ms + since_ms,
                bool(proved[each]),
                0,
                now_ms - proved[each][-1] if proved[each] else None,
                True,
                False,
            )
            for each in names
        ]
        turn = choose(beds, quiet, None if last_ms is None else now_ms - last_ms)
        if turn.bed is not None:
            proved[turn.bed].append(now_ms)
            last_ms = now_ms
        now_ms += turn.again_ms
    for times in proved.values():
        gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
        assert max(gaps) <= DAY_MS
        assert len(times) <= 13, "not much more often than asked"
    assert len(proved) == number
    # On the last day no hour takes more than a few of them.
    by_hour: dict[int, int] = defaultdict(int)
    for times in proved.values():
        for at_ms in times:
            if at_ms >= 5 * DAY_MS:
                by_hour[at_ms // HOUR_MS] += 1
    if not loud_hours:
        assert max(by_hour.values()) <= -(-number // 20) + 1
