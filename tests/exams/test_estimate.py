"""How long it still takes: never nothing, never less for more people."""

from hypothesis import given
from hypothesis import strategies as st

from central.exams.estimate import (
    MINUTE_MS,
    Slot,
    leave_at_ms,
    left_ms,
    minutes,
    start_ms,
    typical_ms,
)

LENGTH = st.integers(1, 90).map(lambda each: each * MINUTE_MS)
LENGTHS = st.lists(LENGTH, max_size=8)
SLOT = st.builds(Slot, LENGTH, st.none() | st.integers(0, 600).map(lambda each: each * MINUTE_MS))
TEN = 10 * MINUTE_MS


def test_in_the_morning_the_last_days_count_then_the_plan_then_today() -> None:
    assert typical_ms(TEN, [], [], []) == TEN
    assert typical_ms(TEN, [20 * MINUTE_MS] * 2, [], []) == TEN, "two are too few"
    assert typical_ms(TEN, [20 * MINUTE_MS] * 3, [], []) == 2 * TEN
    assert typical_ms(TEN, [], [16 * MINUTE_MS], []) == 12 * MINUTE_MS
    assert typical_ms(TEN, [], [16 * MINUTE_MS] * 8, []) > 14 * MINUTE_MS


def test_one_that_nobody_ended_does_not_spoil_the_day() -> None:
    assert typical_ms(TEN, [], [600 * MINUTE_MS], []) == 2 * TEN


@given(LENGTH, LENGTHS, LENGTHS, LENGTH, LENGTH)
def test_the_longer_one_runs_the_later_the_next(
    usual: int, earlier: list[int], finished: list[int], elapsed: int, more: int
) -> None:
    def begins(run: int) -> int:
        return run + left_ms(typical_ms(usual, earlier, finished, [run]), run)

    assert left_ms(usual, elapsed) > 0
    # A millisecond: what is rounded.
    assert begins(elapsed + more) >= begins(elapsed) - 1
    short = typical_ms(usual, earlier, finished, [])
    if elapsed > short and elapsed <= 4 * usual:
        assert typical_ms(usual, earlier, finished, [elapsed]) >= short


@given(
    st.integers(0, 600), st.lists(SLOT, max_size=8), SLOT, st.integers(0, 8),
    st.none() | st.integers(0, 600),
)  # fmt: skip
def test_somebody_more_before_makes_nothing_earlier(
    left: int, ahead: list[Slot], more: Slot, where: int, own: int | None
) -> None:
    own_ms = None if own is None else own * MINUTE_MS
    before = start_ms(0, left, ahead, own_ms)
    longer = [*ahead[:where], more, *ahead[where:]]
    assert start_ms(0, left, longer, own_ms) >= before
    assert before >= (own_ms or 0)
    if own_ms is None:
        assert start_ms(0, left, longer) >= start_ms(0, left, ahead) + more.typical_ms * (
            where >= len(ahead)
        )


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 120), st.integers(0, 120))
def test_nobody_is_told_to_have_left_before_now(
    now: int, begins: int, walk: int, margin: int
) -> None:
    at_ms = leave_at_ms(now, begins, walk, margin)
    assert at_ms >= now
    assert at_ms == now or at_ms + (walk + margin) * MINUTE_MS == begins
    assert minutes(begins - now) >= 0


def test_who_is_not_there_yet_is_waited_for_until_his_time() -> None:
    ahead = [Slot(TEN, not_before_ms=6 * TEN)]
    assert start_ms(0, 0, ahead) == 7 * TEN
    assert start_ms(0, 0, [Slot(TEN)]) == TEN
