"""Who says by keys who he is: what he hears, and that three wrong PINs are the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.personal.dialogue import (
    MOST_ASKED,
    WAIT_S,
    Check,
    Dialogue,
    Do,
    HangUp,
    Say,
    Wait,
    What,
)
from central.personal.pins import TRIES


def press(dialogue: Dialogue, keys: str) -> Do | None:
    do: Do | None = None
    for key in keys:
        do = dialogue.pressed(key)
    return do


def test_who_knows_it_by_heart_is_through_in_one_go() -> None:
    dialogue = Dialogue()
    assert dialogue.begin() == Say((What.NUMBER,))
    assert dialogue.pressed("8") == Wait(WAIT_S)
    assert press(dialogue, "101#") == Say((What.PIN,))
    assert press(dialogue, "246802#") == Check("8101", "246802")
    assert dialogue.checked(True) == Say((What.WELCOME,), number="8101")
    assert dialogue.pressed("1") is None
    assert dialogue.spoken() == HangUp()


def test_a_pause_ends_a_number_too_and_a_star_begins_anew() -> None:
    dialogue = Dialogue()
    dialogue.begin()
    assert dialogue.spoken() == Wait(WAIT_S)
    press(dialogue, "8102")
    assert dialogue.waited() == Say((What.PIN,))
    press(dialogue, "99")
    assert dialogue.pressed("*") == Say((What.NUMBER,))
    press(dialogue, "8101#246802")
    assert dialogue.waited() == Check("8101", "246802")


def test_who_presses_nothing_is_asked_three_times() -> None:
    dialogue = Dialogue()
    assert dialogue.begin() == Say((What.NUMBER,))
    for _ in range(MOST_ASKED - 1):
        dialogue.spoken()
        assert dialogue.waited() == Say((What.NUMBER,))
    assert dialogue.waited() == HangUp()


def test_three_wrong_pins_are_the_end() -> None:
    dialogue = Dialogue()
    dialogue.begin()
    for _ in range(TRIES - 1):
        press(dialogue, "8101#0")
        assert dialogue.pressed("#") == Check("8101", "0")
        assert dialogue.checked(False) == Say((What.WRONG, What.NUMBER))
    press(dialogue, "8101#0#")
    assert dialogue.checked(False) == Say((What.WRONG_TOO_OFTEN,))
    assert dialogue.spoken() == HangUp()


def test_who_is_locked_out_is_told_for_how_long() -> None:
    dialogue = Dialogue()
    dialogue.begin()
    press(dialogue, "8101#0#")
    assert dialogue.locked(30_000) == Say((What.LOCKED,), wait_ms=30_000)
    assert dialogue.spoken() == HangUp()


@pytest.mark.parametrize("said", [Check("8101", "246802")])
def test_what_is_entered_does_not_show(said: Check) -> None:
    assert "8101" not in repr(said)
    assert "246802" not in repr(said)


@given(st.lists(st.sampled_from([*"0123456789*#ABCD", "spoken", "waited"])))
def test_whatever_happens_no_more_is_checked_than_may_be(happens: list[str]) -> None:
    dialogue = Dialogue()
    do: Do | None = dialogue.begin()
    checks = 0
    for each in happens:
        if isinstance(do, HangUp):
            break
        if each == "spoken":
            do = dialogue.spoken()
        elif each == "waited":
            do = dialogue.waited()
        else:
            do = dialogue.pressed(each)
        if isinstance(do, Check):
            checks += 1
            assert do.number.isdecimal()
            assert do.pin.isdecimal()
            assert len(do.number) <= 16
            assert len(do.pin) <= 16
            do = dialogue.checked(False)
    assert checks <= TRIES
