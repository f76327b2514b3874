"""What a caller is asked to say in a menu, without a telephone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.flows.doing import Ask, Came, DropRecording, PlayRecording, StopRecording
from central.flows.engine import KEYS, Call
from central.flows.offers import Answer
from central.flows.taking import Doing, Taking
from tests.flows.walking import Walk, read_all

LEAVE = """
flow: message
title: {zh: 留言, en: Message}
start: speak
person: desk
steps:
  speak:
    record: {zh: 请留言。, en: Please speak.}
    into: spoken
    then: keep
    failed: sorry
  keep: {look_up: messages.leave, with: {recording: $spoken}, then: thanks, failed: sorry}
  thanks: {hang_up: {zh: 谢谢。, en: Thank you.}}
  sorry: {hang_up: {zh: 抱歉。, en: Sorry.}}
  desk: {transfer: 8101}
"""
REVIEW = "To keep it press 1, to hear it press 2, to record it again press 3."
KEPT = ("messages.leave", None)


def walk(speaks: bool | None = True) -> Walk:
    call = Call(read_all(LEAVE), "message", lang="en")
    return Walk(call, {"messages.leave": Answer()}, speaks=speaks).begin()


def test_what_is_said_after_the_words_is_kept_by_a_key() -> None:
    call = walk()
    assert call.last() == "Please speak."
    assert not call.taking
    call.listen().press("4*0#")
    assert call.last() == REVIEW
    assert call.asked == []
    call.press("1")
    assert (call.asked, call.kept, call.last()) == ([KEPT], ["r1"], "Thank you.")
    assert call.call._values["spoken"] == "r1"


@pytest.mark.parametrize(
    ("early", "then"),
    [
        ("1", [Came("r1")]),
        ("#72", [PlayRecording("r1")]),
        ("31", [DropRecording("r1"), Ask(part="")]),
    ],
)
def test_a_key_counts_though_the_recording_is_still_being_ended(early: str, then: Doing) -> None:
    taking = Taking(most_s=60)
    taking.begin()
    taking.pressed("#")
    assert taking.pressed("#") == [StopRecording()]
    assert [taking.pressed(key) for key in early] == [[] for _ in early]
    assert taking.recorded("r1", heard=True) == then


def test_an_early_key_decides_nothing_about_what_is_said_anew() -> None:
    taking = Taking(most_s=60)
    for key in "##3":
        taking.pressed(key)
    taking.recorded("r1", heard=True)
    taking.spoken()
    assert taking.pressed("#") == [StopRecording()]
    (ask,) = taking.recorded("r2", heard=True)
    assert isinstance(ask, Ask)


def test_it_may_be_heard_and_said_anew() -> None:
    call = walk().listen().speak().press("2")
    assert call.last() == "r1"
    assert call.listen().last() == REVIEW
    call.press("3")
    assert (call.last(), call.kept) == ("Please speak.", [])
    call.press("#").press("#").press("1")
    assert (call.asked, call.kept) == ([KEPT], ["r2"])


def test_who_presses_nothing_or_nonsense_keeps_it() -> None:
    for deed in (Walk.wait, lambda walked: walked.press("7")):
        call = walk().listen().speak()
        for _ in range(3):
            assert call.asked == []
            deed(call)
        assert (call.asked, call.kept) == ([KEPT], ["r1"])


def test_silence_is_asked_again_and_then_given_up() -> None:
    call = walk(speaks=False)
    for _ in range(3):
        assert call.last().endswith("Please speak.")
        call.listen().speak()
    assert call.last() == "Nothing was heard. Sorry."
    assert (call.asked, call.kept) == ([], [])


def test_what_cannot_be_kept_is_told_at_once() -> None:
    call = walk(speaks=None).listen().speak()
    assert call.last() == "I am sorry, nothing can be recorded just now. Sorry."
    assert call.asked == []


@pytest.mark.parametrize("keys", ["", "#", "#2", "#7"])
def test_who_hangs_up_has_left_what_he_said(keys: str) -> None:
    call = walk().listen().press(keys).hang_up()
    assert (call.asked, call.kept) == ([KEPT], ["r1"])


def test_who_hangs_up_before_he_says_anything_leaves_nothing() -> None:
    assert walk().hang_up().asked == []
    silent = walk(speaks=False).listen().hang_up()
    assert (silent.asked, silent.kept) == ([], [])


def test_0_leads_to_a_person_until_something_was_said() -> None:
    assert walk().press("0").through == "8101"
    assert walk().listen().press("0").through == ""
    assert walk().listen().speak().press("0").through == ""


@settings(max_examples=40)
@given(st.lists(st.sampled_from([*sorted(KEYS), "listen", "wait", "speak"]), max_size=40))
def test_whatever_happens_one_recording_at_most_is_left_and_it_is_the_one_kept(
    deeds: list[str],
) -> None:
    call = walk()
    for deed in deeds:
        if call.over:
            break
        if deed == "speak":
            if call.taking:
                call.speak()
        elif deed in KEYS:
            call.press(deed)
        elif not call.taking:
            getattr(call, deed)()
    if not call.over:
        call.hang_up()
    assert len(call.kept) == len(call.asked) <= 1
    if call.kept:
        assert call.call._values["spoken"] == call.kept[0]


def test_without_a_voice_what_was_said_is_kept_and_he_hears_an_apology() -> None:
    call = walk().listen()
    call.mute = True
    call.speak()
    assert (call.asked, call.kept, call.last()) == ([KEPT], ["r1"], "sorry in en")
    assert call.listen().over


def test_without_a_voice_he_is_put_through_to_a_person() -> None:
    call = Walk(Call(read_all(LEAVE), "message", lang="en"), mute=True).begin()
    assert call.heard == ["sorry in en"]
    assert call.listen().through == "8101"
