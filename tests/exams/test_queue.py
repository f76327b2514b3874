"""The states of an examination, and who comes after whom."""

from hypothesis import given
from hypothesis import strategies as st

from central.exams.queue import (
    ABSENT,
    BOOKED,
    CALLED,
    CANCELLED,
    CHECKED_IN,
    DEEDS,
    DONE,
    ORDERED,
    RUNNING,
    NotNowError,
    Turn,
    after,
    further_back,
)

TURNS = st.lists(
    st.builds(Turn, st.integers(0, 3), st.integers(1, 6).map(float)), unique=True, max_size=12
)


def go(state: str, *deeds: str) -> str:
    for deed in deeds:
        state = after(state, deed)
    return state


def test_an_examination_goes_its_way() -> None:
    assert go(BOOKED, "check_in", "call", "start", "finish") == DONE
    assert go(ORDERED, "check_in") == CHECKED_IN
    assert go(BOOKED, "call", "miss") == ABSENT
    assert go(ABSENT, "call", "start") == RUNNING
    assert go(ABSENT, "check_in") == CHECKED_IN
    assert go(BOOKED, "call", "call") == CALLED, "called again"


def test_a_wrong_press_is_taken_back() -> None:
    assert go(DONE, "take_back") == RUNNING
    assert go(RUNNING, "take_back") == CALLED
    assert after(CALLED, "take_back", here=True) == CHECKED_IN
    assert after(CALLED, "take_back", here=False) == BOOKED


@given(st.lists(st.sampled_from(DEEDS), max_size=30))
def test_whatever_is_pressed_what_is_over_began_and_what_is_cancelled_did_not(
    deeds: list[str],
) -> None:
    state, began = BOOKED, False
    for deed in deeds:
        try:
            fresh = after(state, deed)
        except NotNowError:
            continue
        began = (began or fresh == RUNNING) and not (deed == "take_back" and fresh == CALLED)
        assert began == (fresh in (RUNNING, DONE))
        assert state != CANCELLED, "nothing follows"
        assert fresh != ABSENT or state == CALLED, "only who was called can be missing"
        state = fresh


@given(TURNS, st.integers(0, 8), st.data())
def test_whoever_goes_back_lets_so_many_go_before_or_all_there_are(
    turns: list[Turn], places: int, data: st.DataObject
) -> None:
    if not turns:
        return
    own = data.draw(st.sampled_from(turns))
    others = [turn for turn in turns if turn != own]
    moved = further_back(own, others, places)
    passed = [turn for turn in others if own < turn < moved]
    behind = [turn for turn in others if turn > own]
    assert moved not in others
    assert len(passed) == min(places, len(behind))
    assert sorted(passed) == sorted(behind)[: len(passed)]
