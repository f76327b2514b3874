"""The wall clocks of boxes: measured through a network that only delays, and never trusted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.faults import model as faults
from central.store import Store
from central.wards import model, service, skew

NOW_MS = 1_790_000_000_000
LIMIT_MS = 60_000
BEAT_MS = 2_000


def heard(skews: skew.Skews, behind_ms: int, *delays_ms: int, boot: int = 1) -> skew.Skew:
    """What comes of heartbeats of a box whose clock is behind by so much."""
    found = skew.UNKNOWN
    for number, delay_ms in enumerate(delays_ms):
        sent_ms = NOW_MS + number * BEAT_MS
        found = skews.heard("3-box", boot, sent_ms - behind_ms, sent_ms + delay_ms)
    return found


@given(
    st.integers(-(10**10), 10**10),
    st.lists(st.integers(0, 90_000), min_size=skew.ENOUGH, max_size=3 * skew.WINDOW),
)
def test_a_delay_only_adds_so_the_fastest_reading_counts(
    behind_ms: int, delays_ms: list[int]
) -> None:
    found = heard(skew.Skews(LIMIT_MS), behind_ms, *delays_ms)
    assert found.behind_ms == behind_ms + min(delays_ms[-skew.WINDOW :])


@pytest.mark.parametrize(
    ("behind_ms", "fault"),
    [(LIMIT_MS, None), (LIMIT_MS + 1, skew.SLOW), (-LIMIT_MS, None), (-LIMIT_MS - 1, skew.FAST)],
)
def test_beyond_the_limit_it_is_a_fault(behind_ms: int, fault: str | None) -> None:
    assert heard(skew.Skews(LIMIT_MS), behind_ms, 0, 0, 0).fault == fault


def test_a_clock_at_the_limit_does_not_come_and_go() -> None:
    skews = skew.Skews(LIMIT_MS)
    assert heard(skews, LIMIT_MS + 10, *[0] * skew.WINDOW).fault == skew.SLOW
    assert heard(skews, LIMIT_MS - 10, *[0] * skew.WINDOW).fault == skew.SLOW
    assert heard(skews, LIMIT_MS // 2, *[0] * skew.WINDOW).fault is None


def test_a_restarted_box_is_measured_anew_and_one_held_up_reading_is_no_measure() -> None:
    skews = skew.Skews(LIMIT_MS)
    assert heard(skews, 500, 0, 0, 0).behind_ms == 500
    assert heard(skews, 0, 300_000, boot=2) == skew.UNKNOWN
    assert skews.heard("3-box", 2, None, NOW_MS) == skew.UNKNOWN


@pytest.fixture
def ward(store: Store) -> Store:
    with store.transaction() as tx:
        model.add_ward(tx, "3", "三病区", "Ward 3")
        model.add_node(tx, "3-box", "3", "bedside")
    return store


def beat(ward: Store, found: skew.Skew, **told: Any) -> list[str]:
    """The open faults after a heartbeat."""
    message = {"boot": 1, "uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0} | told
    with ward.transaction() as tx:
        service.heard_of(tx, "3-box", message, found)
    return [f"{each['device']}/{each['code']}" for each in faults.open_faults(ward.read())]


def test_a_fault_is_raised_once_changes_sides_and_ends(ward: Store) -> None:
    slow, fast = skew.Skew(180_000, skew.SLOW), skew.Skew(-180_000, skew.FAST)
    assert beat(ward, slow, wall_ms=1) == ["clock/clock-slow"]
    assert beat(ward, slow, wall_ms=1) == ["clock/clock-slow"]
    assert faults.open_faults(ward.read())[0]["count"] == 1
    assert beat(ward, fast, wall_ms=1) == ["clock/clock-fast"]
    # Central has just started and has not measured yet: what was so is taken to be so.
    assert beat(ward, skew.UNKNOWN, wall_ms=1) == ["clock/clock-fast"]
    assert beat(ward, skew.Skew(20, None), wall_ms=1) == []


def test_a_box_that_lost_its_clock_has_no_clock_that_is_off(ward: Store) -> None:
    beat(ward, skew.Skew(180_000, skew.SLOW), wall_ms=1)
    assert beat(ward, skew.UNKNOWN, wall_ms=None) == []
