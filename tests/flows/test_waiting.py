"""A caller in a queue, without a telephone; and the line itself."""

from hypothesis import given, settings
from hypothesis import strategies as st

from central.flows.engine import KEYS, Call
from gateway.telephone.queueing import Queues, Ticket
from tests.flows.walking import Walk, read_all

QUEUE = """
flow: help
title: {zh: 服务台, en: Desk}
start: wait
steps:
  wait:
    queue: desk
    words: {zh: 请稍候。, en: Please hold.}
    waiting: {zh: 也可以上网查询。, en: You may also look on the web.}
    unanswered: sorry
  sorry: {hang_up: {zh: 抱歉。, en: Sorry.}}
"""
FIRST = "You are number one in the queue. If you do not want to wait, press the star key."
SECOND = FIRST.replace("one", "two")


def walk(document: str = QUEUE, places: dict[str, str] | None = None) -> Walk:
    there = {"desk": "8101"} if places is None else places
    return Walk(Call(read_all(document), "help", lang="en", places=there)).begin()


def test_he_hears_words_then_his_place_then_notes_and_his_place_again() -> None:
    call = walk()
    assert (call.queue, call.last()) == ("8101", "Please hold.")
    call.placed(2)
    assert call.last() == "Please hold."  # to its end
    assert call.listen().last() == SECOND
    assert not call.holding
    assert call.listen().holding
    call.wait()
    assert call.last() == f"{SECOND} You may also look on the web."


def test_a_new_place_is_told_at_once_and_an_old_one_is_not_repeated() -> None:
    call = walk().placed(2).listen().listen()
    said = len(call.heard)
    call.placed(1)
    assert call.heard[said:] == [FIRST]
    call.listen().listen()
    assert call.heard[said:] == [FIRST]
    assert call.holding


def test_star_leaves_the_queue_at_any_time() -> None:
    for call in (walk(), walk().placed(1).listen(), walk().placed(1).listen().listen()):
        call.press("1#0*")
        assert (call.queue, call.last()) == ("", "Sorry.")


def test_whom_nobody_answers_is_told_so_and_goes_on() -> None:
    call = walk().placed(1).listen().nobody()
    assert call.last() == "I am sorry, nobody can answer just now. Sorry."
    assert call.listen().over


def test_who_is_answered_needs_nothing_more() -> None:
    call = walk().placed(1)
    call.call.taken()
    assert call.call.is_over
    assert call.call.spoken() == call.call.waited() == call.call.pressed("*") == []


def test_a_house_without_such_a_place_has_nobody_there() -> None:
    call = walk(places={})
    assert (call.queue, call.last()) == ("", "Sorry.")


def test_who_hangs_up_leaves_the_queue() -> None:
    call = walk().placed(1)
    call.hang_up()
    assert call.queue == ""


@settings(max_examples=40)
@given(st.lists(st.sampled_from([*sorted(KEYS - {"*"}), "listen", "wait", 1, 2, 3]), max_size=30))
def test_he_waits_whatever_happens_until_somebody_says_otherwise(deeds: list[str | int]) -> None:
    call = walk()
    for deed in deeds:
        if isinstance(deed, int):
            call.placed(deed)
        elif deed in KEYS:
            call.press(deed)
        else:
            getattr(call, deed)()
    assert (call.queue, call.over) == ("8101", False)
    assert call.nobody().listen().over


@settings(max_examples=40)
@given(st.lists(st.integers(min_value=0, max_value=5), max_size=40))
def test_a_line_keeps_its_order_and_tells_each_his_place(deeds: list[int]) -> None:
    """0 is somebody more; n is the n-th who leaves, if there is one."""
    queues = Queues()
    line: list[tuple[Ticket, list[int]]] = []
    for deed in deeds:
        if deed == 0:
            told: list[int] = []
            line.append((queues.join("8101", told.append), told))
        elif deed <= len(line):
            queues.leave("8101", line.pop(deed - 1)[0])
        for place, (ticket, told) in enumerate(line, 1):
            assert ticket.place == told[-1] == place
            assert ticket.is_first.is_set() == (place == 1)
    other: list[int] = []
    queues.join("8102", other.append)
    assert other == [1]


def test_a_queue_without_a_voice_goes_on_with_notes() -> None:
    call = Walk(Call(read_all(QUEUE), "help", lang="en", places={"desk": "8101"}), mute=True)
    call.begin().placed(2)
    assert (call.queue, call.heard, call.holding) == ("8101", [], True)
