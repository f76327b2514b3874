"""Starts of one box in their order, where their numbers lie, too."""

import pytest

from central.bridge.supervision import PASSED_MS, Watch
from central.calls import model as calls
from central.clock import FakeClock
from central.store import Store
from central.wards import service as fleet
from central.wards import starts
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build

BOX = "3-bedside"
UNKEPT, LATER = 900, 6  # the second start came after the first


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Ward:
    build(store)
    made = Ward(store, clock)
    for session in (5, UNKEPT):
        made.do(fleet.state_told, "3", BOX, {"state": "ready", "session": session})
    return made


def session(ward: Ward) -> int:
    return int(ward.store.read().value("SELECT session FROM nodes WHERE id = ?", (BOX,)))


def test_the_start_that_beats_is_the_newest(ward: Ward) -> None:
    born = {"state": "ready", "session": LATER}
    ward.do(fleet.state_told, "3", BOX, born)
    assert session(ward) == UNKEPT, "a lower number alone proves nothing: it may be retained"
    assert ward.do(fleet.lives, BOX, LATER, passes=True)
    assert session(ward) == LATER
    ward.do(fleet.state_told, "3", BOX, {"state": "ready", "session": UNKEPT})
    ward.do(fleet.state_told, "3", BOX, {"state": "lost", "session": UNKEPT})
    assert session(ward) == LATER, "what is retained of the start before changes nothing"
    assert ward.store.read().value("SELECT state FROM nodes WHERE id = ?", (BOX,)) == "ready"
    ward.do(fleet.state_told, "3", BOX, born | {"session": LATER + 1})
    assert session(ward) == LATER + 1


def test_a_late_heartbeat_alone_passes_nothing(ward: Ward) -> None:
    assert not ward.do(fleet.lives, BOX, LATER)
    assert session(ward) == UNKEPT


def test_numbers_order_starts_but_for_one_that_was_passed(ward: Ward) -> None:
    ward.do(fleet.lives, BOX, LATER, passes=True)
    true_order = [(5, 9), (UNKEPT, 1), (UNKEPT, 2), (LATER, 1), (LATER + 1, 1), (UNKEPT + 1, 1)]
    tx = ward.store.read()
    for place, one in enumerate(true_order):
        for other_place, other in enumerate(true_order):
            assert starts.before(tx, BOX, one, other) == (place < other_place)


def test_presence_ends_a_call_from_the_start_that_was_passed(ward: Ward) -> None:
    ward.boot = UNKEPT
    ward.operate(kinds.PRESS)
    ward.do(fleet.lives, BOX, LATER, passes=True)
    ward.boot = LATER
    ward.operate(kinds.PRESENCE)
    assert calls.open_calls(ward.store.read()) == []
    ward.boot = UNKEPT
    ward.operate(kinds.PRESS)  # it was under way all the time
    assert calls.open_calls(ward.store.read()) == []
    ward.boot = LATER
    ward.operate(kinds.PRESS)
    assert len(calls.open_calls(ward.store.read())) == 1


def test_one_late_heartbeat_passes_nothing_and_a_living_start_does() -> None:
    watch = Watch()
    watch.seen(BOX, "3", UNKEPT, 0)
    assert watch.seen(BOX, "3", LATER, 1_000) is None
    assert watch.seen(BOX, "3", UNKEPT, 2_000) is False
    for now_ms in range(4_000, 2_000 + PASSED_MS, 2_000):
        assert watch.seen(BOX, "3", LATER, now_ms) is None
    assert watch.seen(BOX, "3", LATER, 4_000 + PASSED_MS) is True
    assert watch.session_of(BOX) == LATER
    assert watch.seen(BOX, "3", LATER, 6_000 + PASSED_MS) is False
