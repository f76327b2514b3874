"""A unit that counts faster than people press: one press for sure, and a fault."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.changes import changes
from hw.pace import AT_ONCE, BURST, CALM, COUNTS, PER_S, WINDOW_MS, Pace
from hw.registers import AT_REST, CORD_LEVEL, PLUGGED_LEVEL, PRESENCE_LEVEL, WRAP, Counters
from hw.watch import NEVER_TWICE, UnitWatch
from tests.hw.test_watch import REST, answers, codes, reading

CALLS = {"presses": "press", "holds": "hold", "cord": "cord", "plug": "unplugged"}


def told(pace: Pace, base: Counters, now: Counters, now_ms: int) -> tuple[list[str], Counters]:
    base, believed = pace.believed(base, now, now_ms)
    return [kind for kind, _after in changes(base, believed)], believed


@given(gaps_ms=st.lists(st.integers(100, 2_000), max_size=40))
def test_people_are_believed_however_fast_they_press(gaps_ms: list[int]) -> None:
    pace, unit, now_ms = Pace(), REST, 0
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        pressed = unit._replace(presses=unit.presses + gap_ms * PER_S // 1000)
        kinds, unit = told(pace, unit, pressed, now_ms)
        assert len(kinds) == gap_ms * PER_S // 1000
    assert not pace.racing


@pytest.mark.parametrize("counter", CALLS)
@pytest.mark.parametrize("n", [AT_ONCE + 1, AT_ONCE + 2, 5_000, WRAP - 1])
@pytest.mark.parametrize("before", [AT_REST, CORD_LEVEL])
@pytest.mark.parametrize("after", [AT_REST, CORD_LEVEL])
def test_of_what_nobody_can_have_done_one_call_is_told(
    counter: str, n: int, before: int, after: int
) -> None:
    base = REST._replace(levels=before)
    now = REST._replace(levels=after, **{counter: n})
    kinds, believed = told(Pace(), base, now, 100)
    assert 1 <= kinds.count(CALLS[counter]) <= 2
    assert believed == now


def test_a_presence_nobody_can_have_made_ends_no_call() -> None:
    now = REST._replace(levels=AT_REST | PRESENCE_LEVEL, presence=AT_ONCE + 1)
    assert told(Pace(), REST, now, 100) == ([], now)


def test_a_racing_counter_tells_once_in_a_while_until_it_is_calm() -> None:
    pace, unit, heard = Pace(), REST, []
    for now_ms in range(0, 60_000, 100):
        racing = REST._replace(presses=now_ms % WRAP)
        kinds, unit = told(pace, unit, racing, now_ms)
        heard += kinds
    assert set(pace.racing) == {"presses"}
    assert len(heard) <= BURST + 60_000 // WINDOW_MS
    last = racing._replace(presses=racing.presses + 1)
    kinds, unit = told(pace, unit, last, 60_000 + WINDOW_MS)
    kinds, unit = told(
        pace, unit, last._replace(presses=last.presses + CALM), 60_100 + 2 * WINDOW_MS
    )
    assert kinds == ["press"] * CALM
    assert not pace.racing


@given(
    levels=st.lists(st.sampled_from([0, CORD_LEVEL, PRESENCE_LEVEL, PLUGGED_LEVEL]), max_size=9),
    counts=st.lists(st.tuples(st.sampled_from(COUNTS), st.integers(0, WRAP - 1)), max_size=9),
)
def test_no_counters_flood_the_node(levels: list[int], counts: list[Any]) -> None:
    pace, unit = Pace(), REST
    for now_ms, (counter, n) in enumerate(counts):
        levels_now = levels[now_ms % len(levels)] if levels else AT_REST
        kinds, unit = told(pace, unit, REST._replace(levels=levels_now, **{counter: n}), now_ms)
        assert len(kinds) <= len(COUNTS) * (AT_ONCE + 1)


def test_a_unit_whose_every_answer_differs_is_heard_once_and_named() -> None:
    unit = UnitWatch("3", 3, REST, 0)
    found = []
    for number in range(1, 4 * NEVER_TWICE + 1):
        found += unit.answered(reading(REST._replace(presses=number)), number * 10)
    assert [each.kind for each in found if each.kind is not None] == ["fault", "press"]
    assert codes(found) == [("fault", "racing")]
    assert found[0].bed == "3"
    assert found[0].about["device"] == "unit 3"
    calm = REST._replace(presses=4 * NEVER_TWICE)
    answers(unit, calm, WINDOW_MS + 1_000)
    assert codes(answers(unit, calm, 2 * WINDOW_MS + 1_001)) == [("recovered", "racing")]
