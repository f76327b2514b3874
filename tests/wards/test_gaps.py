"""Numbers that are missing are told in time, explained by drops, and end by themselves."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central import capabilities, events
from central.bridge import intake
from central.clock import FakeClock
from central.events import NodeEvent
from central.faults import model as faults
from central.store import Store
from central.wards import gaps, model, service
from gateway.mqtt import kinds

RULES = capabilities.Rules()
RULES.add(service)


class Ward:
    """A box whose events reach central in any order."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        with store.transaction() as tx:
            if model.ward(tx, "3") is None:
                model.add_ward(tx, "3", "三病区", "Ward 3")
                model.add_node(tx, "3-box", "3", "bedside")

    def hears(self, *seqs: int, boot: int = 1) -> None:
        for seq in seqs:
            with self.store.transaction() as tx:
                event = NodeEvent(
                    f"3-box:{boot}:{seq}", "3-box", "3", None, boot, seq, kinds.PLUGGED, {},
                    tx.now_ms, tx.now_ms,
                )  # fmt: skip
                events.store(tx, event)
                intake.act(tx, RULES, limit=10)

    def beat(self, **health: int) -> None:
        message = {"boot": 1, "uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0}
        with self.store.transaction() as tx:
            service.heard_of(tx, "3-box", message | health)

    def later(self, ms: int = gaps.GRACE_MS) -> None:
        self.clock.advance(ms)
        with self.store.transaction() as tx:
            intake.fire_due(tx, RULES)

    def told(self) -> list[tuple[str, str]]:
        found = faults.open_faults(self.store.read())
        return [(each["code"], each["detail"]) for each in found if each["device"] == gaps.DEVICE]


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Ward:
    return Ward(store, clock)


def test_numbers_in_turn_are_no_news(ward: Ward) -> None:
    ward.hears(1, 2, 2, 3)
    ward.hears(1, 2, boot=2)
    ward.hears(4, boot=1)  # of the older start, delivered after the birth
    ward.later()
    assert ward.told() == []


def test_a_gap_is_told_after_its_grace_and_ends_when_the_missing_ones_arrive(ward: Ward) -> None:
    ward.hears(1, 2, 5, 7)
    assert ward.told() == []
    ward.later()
    assert ward.told() == [("gap", "3 missing; start 1: 3-4, 6")]
    ward.hears(4)
    ward.later()
    assert ward.told() == [("gap", "2 missing; start 1: 3, 6")]
    ward.hears(3, 6)
    assert ward.told() == []
    ward.later(gaps.KEEP_OPEN_MS)
    assert ward.told() == []


def test_while_missing_ones_arrive_nothing_is_told(ward: Ward) -> None:
    ward.hears(9)  # the newest overtakes what waited
    for seq in range(1, 9):
        ward.later(gaps.GRACE_MS // 2)
        ward.hears(seq)
        assert ward.told() == []
    ward.later()
    assert ward.told() == []


def test_an_older_start_may_miss_numbers_beside_the_new_one(ward: Ward) -> None:
    ward.hears(1, 3, boot=7)
    ward.hears(2, boot=8)
    ward.later()
    assert ward.told() == [("gap", "2 missing; start 7: 2; start 8: 1")]


def test_drops_that_the_box_tells_explain_a_gap(ward: Ward) -> None:
    ward.beat(dropped=1, merged=2)
    ward.hears(1, 5)
    ward.later()
    assert ward.told() == [("gap-dropped", "3 missing; start 1: 2-4")]
    ward.hears(7)  # one more than the box knows of
    ward.later()
    assert ward.told() == [("gap", "4 missing; start 1: 2-4, 6")]


def test_what_never_comes_is_given_up_and_still_counted(ward: Ward) -> None:
    ward.beat(dropped=1)
    ward.hears(1, 3)
    ward.later()
    ward.later(gaps.KEEP_OPEN_MS)
    assert ward.told() == []
    ward.hears(5)  # the old drop explains the old gap and not this one
    ward.later()
    assert ward.told() == [("gap", "1 missing; start 1: 4")]


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(1, 12), min_size=1), st.integers(3, 10**9))
def test_what_is_missing_is_exactly_what_was_jumped_over(
    store: Store, clock: FakeClock, order: list[int], boot: int
) -> None:
    ward = Ward(store, clock)
    with store.transaction() as tx:
        for table in ("gaps", "sequences", "events", "faults", "timers"):
            tx.execute(f"DELETE FROM {table}")
    ward.hears(*order, boot=boot)
    assert gaps.missing(store.read(), "3-box") == max(order) - len(set(order))
    ward.later()
    ward.later()
    assert bool(ward.told()) == (max(order) > len(set(order)))
