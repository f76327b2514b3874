"""Who is asked next to take a version: the order, and what holds it or stops it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from central.updates import stages
from central.updates.model import ASKED, FAILED, KEPT, TRYING, WAITING
from central.updates.stages import LOOK_AGAIN_MS, TRY_LIMIT_MS, Box, Turn, turn

SOAK_MS = 10 * stages.MINUTE_MS


def box(node: str, stage: int, state: str = WAITING, **more: object) -> Box:
    """Called ward-number."""
    made = Box(node, node[0], stage, state, 0, True, True)
    return made._replace(**more)


def hospital(canary: str = WAITING, **more: object) -> list[Box]:
    first = box("3-a", 0, canary, **more)
    return [first, box("3-b", 1), box("3-c", 1), box("5-a", 2), box("7-a", 3)]


def test_the_canary_goes_first_and_alone_and_is_given_its_time() -> None:
    assert turn(hospital(), SOAK_MS) == Turn(("3-a",), None, False, None)
    assert turn(hospital(ASKED), SOAK_MS).ask == ()
    assert turn(hospital(TRYING), SOAK_MS) == Turn((), None, False, TRY_LIMIT_MS)
    assert turn(hospital(KEPT, for_ms=SOAK_MS - 5), SOAK_MS) == Turn((), None, False, 5)
    assert turn(hospital(KEPT, for_ms=SOAK_MS), SOAK_MS).ask == ("3-b",)


def test_a_canary_that_is_away_holds_up_all_and_another_box_nobody() -> None:
    assert turn(hospital(here=False), SOAK_MS) == Turn((), None, False, LOOK_AGAIN_MS)
    boxes = [box("3-a", 0, KEPT, for_ms=SOAK_MS), box("3-b", 1, here=False), box("5-a", 2)]
    assert turn(boxes, SOAK_MS).ask == ("5-a",)
    back = [boxes[0], box("3-b", 1), box("5-a", 2, KEPT)]
    assert turn(back, SOAK_MS).ask == ("3-b",)


def test_a_ward_in_which_somebody_calls_waits() -> None:
    assert turn(hospital(quiet=False), SOAK_MS) == Turn((), None, False, LOOK_AGAIN_MS)


def test_who_says_nothing_of_his_trial_is_named() -> None:
    assert turn(hospital(TRYING, for_ms=TRY_LIMIT_MS), SOAK_MS).lost == "3-a"


STATES = st.sampled_from([WAITING, ASKED, TRYING, KEPT, FAILED])
BOXES = st.lists(
    st.builds(
        Box, st.uuids().map(str), st.sampled_from("357"), st.integers(0, 3), STATES,
        st.integers(0, 2 * SOAK_MS), st.booleans(), st.booleans(),
    ),
    min_size=1,
)  # fmt: skip


@settings(max_examples=300)
@given(BOXES)
def test_never_two_of_a_ward_never_after_a_failure_never_past_a_stage(boxes: list[Box]) -> None:
    made = turn(boxes, SOAK_MS)
    asked = [each for each in boxes if each.node in made.ask]
    away = [*asked, *(each for each in boxes if each.state in (ASKED, TRYING))]
    for each in asked:
        assert each.state == WAITING
        assert each.here
        assert each.quiet
        assert sum(other.ward == each.ward for other in away) == 1
        assert not any(other.state == FAILED for other in boxes)
        for other in boxes:
            if other.stage < each.stage:
                left = other.state == WAITING and not other.here and other.stage > 0
                assert other.state == KEPT or left
    if made.done:
        assert {each.state for each in boxes} == {KEPT}
    # What is under way always comes to be looked at again, by itself or by what a box tells.
    stuck = not made.ask and made.again_ms is None and made.lost is None and not made.done
    if stuck:
        assert any(each.state in (ASKED, FAILED) for each in boxes)
