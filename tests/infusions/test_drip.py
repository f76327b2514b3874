"""The arithmetic of a drip: the vectors of the textbooks, and what must hold for every drip."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.infusions.drip import (
    CHECK,
    DUE,
    FACTORS,
    MINUTE_MS,
    NEAR_END,
    Drip,
    Prompt,
    Segment,
    again,
    minutes,
    rate_for,
    still_to_speak,
    up_to,
)

START = 1_790_000_000_000


def bottle(volume_ml: int = 500, factor: int = 20, rate: int = 50) -> Drip:
    return Drip(volume_ml, factor, (Segment(START, rate),))


def after(minutes: float) -> int:
    return START + int(minutes * MINUTE_MS)


def test_how_long_a_bottle_runs() -> None:
    assert minutes(600, 10, 15) == 400


@pytest.mark.parametrize(
    ("volume_ml", "factor", "run_min", "rate"),
    [(1500, 15, 12 * 60, 31), (1200, 15, 6 * 60, 50), (200, 20, 120, 33)],
)
def test_the_rate_for_a_wanted_time(volume_ml: int, factor: int, run_min: int, rate: int) -> None:
    assert rate_for(volume_ml, factor, run_min) == rate


def test_end_and_level() -> None:
    drip = bottle(600, 10, 15)
    assert drip.ends_ms() == after(400)
    assert drip.remaining_ml(START) == 600
    assert drip.remaining_ml(after(200)) == 300
    assert drip.remaining_ml(after(400)) == 0
    assert drip.remaining_ml(after(9999)) == 0


def test_a_pause_moves_the_end_by_its_length() -> None:
    paused = bottle().read_as(after(60), 0)
    assert paused.ends_ms() is None
    assert paused.remaining_drops(after(60)) == paused.remaining_drops(after(95))
    assert paused.read_as(after(95), 50).ends_ms() == after(200 + 35)


def test_a_new_rate_counts_from_its_moment() -> None:
    # 100 min at 50 of 10,000 drops leave 5,000: at 100 another 50 min.
    assert bottle().read_as(after(100), 100).ends_ms() == after(150)


def test_what_the_nurse_reads_replaces_what_was_computed() -> None:
    drip = bottle().read_as(after(100), 50, remaining_ml=400)
    assert drip.remaining_ml(after(99)) > 250 - 1
    assert drip.remaining_ml(after(100)) == 400
    assert drip.ends_ms() == after(100 + 160)


def test_prompts_of_a_long_bottle() -> None:
    # 200 min: 0.8 T; then 10 % (20 min) are more than 10 min; then the end, which is final.
    assert bottle().moments() == [
        Prompt(CHECK, after(160)),
        Prompt(NEAR_END, after(180)),
        Prompt(DUE, after(200), final=True),
    ]


def test_ten_minutes_are_the_least_warning() -> None:
    # 60 min: 10 % would be 6 min.
    assert [each.at_ms for each in bottle(150).moments()] == [after(48), after(50), after(60)]


def test_a_short_bottle_leaves_out_what_would_come_too_late() -> None:
    assert bottle(100).moments() == [
        Prompt(NEAR_END, after(30)),
        Prompt(DUE, after(40), final=True),
    ]


def test_a_very_short_bottle_is_not_asked_about_while_full() -> None:
    # 12 min
    assert [each.at_ms for each in bottle(30).moments()] == [after(6), after(12)]


def test_nothing_is_said_in_a_pause() -> None:
    assert bottle().read_as(after(1), 0).moments() == []


def test_of_what_is_past_only_the_last_is_said() -> None:
    left = still_to_speak(bottle().moments(), (), after(185))
    assert [each.stage for each in left] == [NEAR_END, DUE]
    left = still_to_speak(bottle().moments(), (), after(300))
    assert [each.stage for each in left] == [DUE]


def test_what_was_said_is_not_said_again() -> None:
    moments = bottle().moments()
    assert [e.stage for e in still_to_speak(moments, up_to(CHECK), after(161))] == [NEAR_END, DUE]
    assert still_to_speak(moments, up_to(DUE), after(201)) == []


def test_a_correction_far_back_says_it_again() -> None:
    corrected = bottle().read_as(after(170), 50, remaining_ml=400)
    left = still_to_speak(corrected.moments(), (CHECK,), after(170))
    assert [each.stage for each in left] == [CHECK, NEAR_END, DUE]
    slightly = bottle().read_as(after(165), 50, remaining_ml=115)
    left = still_to_speak(slightly.moments(), (CHECK,), after(165))
    assert [each.stage for each in left] == [NEAR_END, DUE]


def test_the_last_prompt_is_always_said_again_when_there_is_something_left() -> None:
    prompt = Prompt(DUE, START + 1000, final=True)
    assert again(prompt, START)
    assert not again(prompt, START + 1000)


rates = st.integers(1, 300)
gaps_ms = st.integers(0, 4 * 60 * MINUTE_MS)


@st.composite
def drips(draw: st.DrawFn) -> Drip:
    """A bottle with a history of rates, pauses and corrections."""
    volume_ml = draw(st.integers(1, 5000))
    drip = Drip(
        volume_ml, draw(st.sampled_from(FACTORS)), (Segment(START, draw(rates)),)
    )  # fmt: skip
    at_ms = START
    for _ in range(draw(st.integers(0, 5))):
        at_ms += draw(gaps_ms)
        reading = draw(st.none() | st.integers(0, volume_ml))
        drip = drip.read_as(at_ms, draw(st.just(0) | rates), reading)
    return drip


@given(drips(), gaps_ms)
def test_the_level_stays_within_the_bottle(drip: Drip, at: int) -> None:
    assert 0 <= drip.remaining_drops(START + at) <= drip.volume_ml * drip.factor
    assert 0 <= drip.remaining_ml(START + at) <= drip.volume_ml


@given(drips(), gaps_ms, gaps_ms)
def test_the_level_only_falls_after_the_last_change(drip: Drip, early: int, more: int) -> None:
    last_ms = drip.segments[-1].from_ms
    before = drip.remaining_drops(last_ms + early)
    later = drip.remaining_drops(last_ms + early + more)
    assert later <= before
    if drip.gtt_per_min == 0:
        assert later == before
    elif more and later > 0:
        assert before - later == Fraction(drip.gtt_per_min * more, MINUTE_MS)


@given(drips())
def test_at_the_end_nothing_is_left_and_just_before_something_is(drip: Drip) -> None:
    ends_ms = drip.ends_ms()
    if ends_ms is None:
        assert drip.gtt_per_min == 0
        return
    assert drip.remaining_drops(ends_ms) == 0
    if ends_ms - 1 > drip.segments[-1].from_ms:
        assert drip.remaining_drops(ends_ms - 1) > 0


@given(drips())
def test_prompts_come_in_order_and_only_the_last_is_final(drip: Drip) -> None:
    moments = drip.moments()
    stages = [each.stage for each in moments]
    assert stages in ([], [NEAR_END, DUE], [CHECK, NEAR_END, DUE])
    times = [each.at_ms for each in moments]
    assert times == sorted(times)
    assert [each.final for each in moments] == [False] * (len(moments) - 1) + [True] * bool(moments)


@given(drips(), gaps_ms, st.sets(st.sampled_from([CHECK, NEAR_END, DUE])))
def test_the_end_of_a_running_bottle_is_never_left_unspoken(
    drip: Drip, at: int, spoken: set[str]
) -> None:
    now_ms = drip.segments[-1].from_ms + at
    ends_ms = drip.ends_ms()
    left = still_to_speak(drip.moments(), spoken, now_ms)
    assert sum(each.at_ms <= now_ms for each in left) <= 1
    if ends_ms is not None and (ends_ms > now_ms or DUE not in spoken):
        assert left[-1].stage == DUE
