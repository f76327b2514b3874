"""One record of each call, whatever the order in which its events come and however often."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from central.call_records import joining
from central.call_records.joining import Joined
from gateway.telephone.cel import CallEvent, TornLineError, parse
from tests.call_records.conftest import NAMES, lines, written


def joined(*names: str) -> Joined:
    (group,) = joining.groups(written(*names))
    assert joining.over(group)
    call = joining.join(group)
    assert call is not None
    return call


def numbers(call: Joined) -> list[str]:
    return [leg.number for leg in call.legs]


def test_a_call_passed_on_is_one_call_with_three_legs() -> None:
    call = joined("passed_on")
    assert numbers(call) == ["8101", "8003", "8104"]
    assert (call.dialled, call.direction, call.result) == ("8003", "internal", "answered")
    assert call.transfers == 1
    office, station, night = call.legs
    # The station spoke until it passed the call on, the night nurse from then to the end.
    assert station.ended_ms <= night.started_ms
    assert office.talk_ms == pytest.approx(station.talk_ms + night.talk_ms, abs=2)
    assert call.talk_ms == office.talk_ms
    assert call.answered_ms == office.answered_ms
    assert office.started_ms == call.started_ms < office.answered_ms < call.ended_ms


def test_a_call_handed_over_after_asking_is_one_call_too_and_asking_is_talk_of_those_two() -> None:
    call = joined("handed_over")
    assert numbers(call) == ["8101", "8003", "8104"]
    assert call.transfers == 1
    office, _, night = call.legs
    # The night nurse was first asked by the station, then spoke with the caller.
    assert night.dialled == "8104"
    assert night.talk_ms > office.ended_ms - night.answered_ms - 50
    # Nothing counts twice, and the caller's waiting is no talk of his.
    assert call.talk_ms <= call.ended_ms - call.answered_ms
    assert office.talk_ms < call.ended_ms - office.answered_ms


def test_two_calls_become_one_when_a_colleague_picks_up() -> None:
    assert len({event.linked for event in written("picked_up")}) == 2
    call = joined("picked_up")
    assert numbers(call) == ["8101", "8003", "8104"]
    assert [leg.talk_ms > 0 for leg in call.legs] == [True, False, True]
    assert call.linked[0] == call.caller.unique


@pytest.mark.parametrize(
    ("name", "result"),
    [("busy", "busy"), ("absent", "unreachable"), ("given_up", "cancelled")],
)
def test_why_nobody_answered(name: str, result: str) -> None:
    call = joined(name)
    assert (call.result, call.answered_ms, call.talk_ms) == (result, None, 0)


def test_what_wardline_answers_and_whom_it_rings() -> None:
    asked, told = joined("service"), joined("notice")
    assert (asked.direction, asked.dialled, asked.result) == ("service", "120", "answered")
    assert asked.talk_ms == asked.ended_ms - asked.answered_ms > 0
    assert (told.direction, told.result) == ("notice", "answered")
    assert numbers(told) == ["8003"]


@pytest.mark.parametrize("kind", ["Snoop", "UnicastRTP", "CBAnn", "Local"])
def test_a_channel_within_the_exchange_takes_no_part(kind: str) -> None:
    events = written("service")
    listens = [replace(each, channel=f"{kind}/it-1", unique="it") for each in events]
    (group,) = joining.groups([*events, *listens])
    call = joining.join(group)
    assert call is not None
    assert numbers(call) == ["8101"]
    (alone,) = joining.groups([replace(each, linked="it") for each in listens])
    assert joining.join(alone) is None


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_neither_order_nor_repeats_nor_torn_lines_change_a_record(data: st.DataObject) -> None:
    whole = [line for name in NAMES for line in lines(name)]
    expected = [joining.join(each) for each in joining.groups(written(*NAMES))]
    again = data.draw(st.lists(st.sampled_from(whole), max_size=20))
    torn = [line[: data.draw(st.integers(1, len(line) - 2))] for line in again]
    mixed = data.draw(st.permutations([*whole, *again, *torn]))
    read: list[CallEvent] = []
    refused = 0
    for line in mixed:
        try:
            read.append(parse(line))
        except TornLineError:
            refused += 1
    assert refused == len(torn)
    assert [joining.join(each) for each in joining.groups(read)] == expected
    assert len(expected) == len(NAMES)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_line_at_all_is_more_than_refused(line: bytes) -> None:
    with pytest.raises(TornLineError):
        parse(line)


@example({46, 48, 49})  # one who never leaves the bridge, nor ends
@given(st.sets(st.integers(0, 200), max_size=60))
@settings(deadline=None)
def test_a_record_of_which_events_are_lost_still_makes_sense(lost: set[int]) -> None:
    left = [each for number, each in enumerate(written(*NAMES)) if number not in lost]
    for group in joining.groups(left):
        call = joining.join(group)
        if call is None:
            continue
        assert call.started_ms <= call.ended_ms
        assert 0 <= call.talk_ms <= call.ended_ms - call.started_ms
        assert all(0 <= leg.talk_ms <= leg.ended_ms - leg.started_ms for leg in call.legs)
        assert Counter(leg.unique for leg in call.legs).most_common(1)[0][1] == 1
