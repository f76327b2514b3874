"""What was over before it arrived: in the history with its own times, and heard by nobody."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.calls import model, service
from central.clock import FakeClock
from central.events import NodeEvent, from_message
from central.store import Store
from gateway.mqtt import kinds, topics
from gateway.mqtt.checked import decode, encode
from tests.calls.ward import Ward, build

MINUTE_MS = 60_000


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Ward:
    build(store)
    return Ward(store, clock)


def _pair(
    ward: Ward, type: str = kinds.PRESS, bed: str = "1", *, ages_min: tuple[int, int] = (90, 88)
) -> tuple[NodeEvent, NodeEvent]:
    """A press that its node knows to be over, and the presence that ended it."""
    press = ward.event(type, bed, age_ms=ages_min[0] * MINUTE_MS)
    presence = ward.event(kinds.PRESENCE, bed, age_ms=ages_min[1] * MINUTE_MS)
    return replace(press, over=presence), presence


def _quiet(ward: Ward) -> bool:
    """Nobody was told anything, and nobody will be."""
    read = ward.store.read()
    return not read.value("SELECT count(*) FROM commands") and not read.value(
        "SELECT count(*) FROM timers WHERE fired_ms IS NULL"
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0, 1)])
def test_a_finished_call_enters_the_history_and_nothing_sounds(
    ward: Ward, order: tuple[int, ...]
) -> None:
    now_ms = ward.clock.now_ms()
    pair = _pair(ward)
    for each in order:
        ward.take(pair[each])
        assert _quiet(ward)
        assert model.open_calls(ward.store.read()) == []
    call = ward.call()
    assert (now_ms - call["opened_ms"], now_ms - call["attended_ms"]) == (
        90 * MINUTE_MS,
        88 * MINUTE_MS,
    )
    assert (call["state"], call["ended_ms"]) == ("ended", call["attended_ms"])
    assert ward.story() == ["opened", "attended"]
    assert ward.failures() == []


def test_presses_answered_by_one_presence_are_one_call(ward: Ward) -> None:
    first = ward.event(kinds.PRESS, age_ms=5 * MINUTE_MS)
    second = ward.event(kinds.PRESS, age_ms=4 * MINUTE_MS)
    presence = ward.event(kinds.PRESENCE, age_ms=3 * MINUTE_MS)
    for press in (first, second):
        ward.take(replace(press, over=presence))
    assert ward.call()["repeated"] == 1
    assert ward.story() == ["opened", "attended", "repeated"]


def test_a_call_central_had_open_ends_with_the_true_time_of_the_presence(ward: Ward) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(600)
    again, presence = _pair(ward, ages_min=(6, 5))
    ward.take(again)
    ward.take(presence)
    call = ward.call()
    assert ward.clock.now_ms() - call["attended_ms"] == 5 * MINUTE_MS
    assert (call["state"], call["repeated"]) == ("ended", 1)


def test_a_call_still_open_rings_with_its_true_age(ward: Ward) -> None:
    over, _ = _pair(ward)
    ward.take(ward.event(kinds.PRESS, age_ms=MINUTE_MS))
    ward.take(over)
    open_, done = ward.calls()
    assert (open_["state"], done["state"]) == ("open", "ended")
    assert ward.clock.now_ms() - open_["opened_ms"] == MINUTE_MS
    assert len(ward.sent(kinds.SPEAK, "3-station")) == 1


def test_a_presence_of_a_later_boot_answers_a_press_of_an_earlier_one(ward: Ward) -> None:
    press = ward.event(kinds.CORD, age_ms=9 * MINUTE_MS)
    ward.boot, ward.seq = 2, 0
    ward.take(ward.event(kinds.PRESENCE, age_ms=MINUTE_MS))
    ward.take(press)
    assert ward.call()["state"] == "ended"
    assert _quiet(ward)


def test_an_age_that_the_power_failure_hid_is_told_in_the_history(ward: Ward) -> None:
    ward.take(replace(ward.event(kinds.PRESS, age_ms=MINUTE_MS), age_known=False))
    (opened, *_) = model.history(ward.store.read(), 1)
    assert opened["detail"] == '{"age_known": false}'


def test_forty_finished_calls_after_a_day_alone_sound_nowhere(ward: Ward) -> None:
    pairs = [
        _pair(ward, type, bed, ages_min=(age_min, age_min - 2))
        for age_min, type, bed in zip(
            range(1440, 40, -35),
            (kinds.PRESS, kinds.HOLD, kinds.CORD, kinds.UNPLUGGED) * 10,
            "1234" * 10,
            strict=True,
        )
    ]
    for event in [press for press, _ in pairs] + [presence for _, presence in pairs]:
        ward.take(event)
        assert _quiet(ward)
    assert len(ward.calls()) == 40
    took = {row["attended_ms"] - row["opened_ms"] for row in ward.calls()}
    assert took == {2 * MINUTE_MS}
    assert model.open_calls(ward.store.read()) == []


def test_what_was_not_answered_is_taken_back_when_the_call_is_over(ward: Ward) -> None:
    ward.operate(kinds.PRESS)
    ward.operate(kinds.PRESENCE)
    left = ward.store.read().all("SELECT type, body FROM commands WHERE result IS NULL")
    assert {row["type"] for row in left} == {kinds.STOP, kinds.CALL}
    assert [row["body"] for row in left if row["type"] == kinds.CALL] == [
        row["body"] for row in left if '"phase": "ended"' in row["body"]
    ]


def test_a_commands_press_says_what_it_is_about(ward: Ward) -> None:
    ward.operate(kinds.PRESS, "2")
    about = {"ward": "3", "bed": "2", "node": "3-bedside", "boot": 1, "seq": 1}
    assert ward.sent(kinds.SPEAK, "3-station")[0]["press"] == about
    assert ward.sent(kinds.CALL)[0]["press"] == about
    ward.do(service.open_call, "3", "1", "nurse")
    assert ward.sent(kinds.CALL)[-1]["press"] == {"ward": "3", "bed": "1"}


def test_the_message_of_a_node_brings_its_presence() -> None:
    message: dict[str, Any] = {
        "id": "3-box:1:4", "node": "3-box", "ward": "3", "boot": 1, "seq": 4, "age_ms": 9_000,
        "type": "press", "bed": "1", "about": {}, "age_known": False,
        "over": {"boot": 2, "seq": 1, "age_ms": 5_000},
    }  # fmt: skip
    topic = topics.topic("3", "3-box", topics.EVENT)
    event = from_message(decode(topic, encode(topics.EVENT, message))[3], 100_000, 100_001)
    assert (event.happened_ms, event.age_known) == (91_000, False)
    assert event.over is not None
    assert (event.over.id, event.over.happened_ms, event.over.type) == (
        "3-box:2:1", 95_000, kinds.PRESENCE,
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_order_of_arrival_makes_a_finished_call_ring(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Episodes of one bed, each press with the presence that its node knew of when it was sent;
    the last may still be open. Any order, any repetition, other beds in between."""
    clock = FakeClock()
    store = Store(tmp_path_factory.mktemp("any") / "w.db", clock)
    build(store)
    ward = Ward(store, clock)
    arriving: list[NodeEvent] = []
    for bed in "12":
        for number in range(data.draw(st.integers(0, 3))):
            press, presence = _pair(ward, bed=bed, ages_min=(90 - number * 9, 88 - number * 9))
            arriving += [press, presence]
    still_open = data.draw(st.booleans())
    if still_open:
        arriving.append(ward.event(kinds.PRESS, "1", age_ms=MINUTE_MS))
    order = data.draw(st.permutations(arriving))
    try:
        for event in [*order, *data.draw(st.permutations(order))]:
            ward.take(event)
            assert {row["seq"] for row in model.open_calls(store.read())} <= (
                {ward.seq} if still_open else set()
            )
        assert len(model.open_calls(store.read())) == int(still_open)
        assert len(ward.sent(kinds.SPEAK, "3-station")) == int(still_open)
        done = [row for row in ward.calls() if row["state"] == "ended"]
        assert all(row["attended_ms"] - row["opened_ms"] == 2 * MINUTE_MS for row in done)
        assert ward.failures() == []
    finally:
        store.close()
