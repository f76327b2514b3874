"""What a box measures of itself: kept for the fleet, and a fault from its limit on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.faults import model as faults
from central.store import Store
from central.wards import measured, model, service


@pytest.fixture
def ward(store: Store) -> Store:
    with store.transaction() as tx:
        model.add_ward(tx, "3", "三病区", "Ward 3")
        model.add_node(tx, "3-box", "3", "bedside")
    return store


def beat(ward: Store, **told: Any) -> list[str]:
    """The open faults after a heartbeat."""
    message = {"boot": 1, "uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0} | told
    with ward.transaction() as tx:
        service.heard_of(tx, "3-box", message)
    rows = faults.open_faults(ward.read())
    return sorted(f"{each['code']}: {each['detail']}" for each in rows)


def test_a_box_that_is_too_hot_or_full_is_a_fault_until_it_is_well_again(ward: Store) -> None:
    assert beat(ward, temperature_c=60, disk_free_mb=5_000, disk_free_pct=40) == []
    assert beat(ward, temperature_c=79) == ["hot: 79 °C"]
    assert beat(ward, temperature_c=75, disk_free_mb=300) == [
        "disk-low: 300 MB", "hot: 79 °C",
    ]  # fmt: skip
    assert beat(ward) == ["disk-low: 300 MB", "hot: 79 °C"], "what is not told is no news"
    assert beat(ward, temperature_c=72, disk_free_mb=400) == []


def test_the_last_heartbeat_is_kept_for_the_fleet(ward: Store) -> None:
    beat(ward, temperature_c=60, disk_free_mb=5_000, disk_free_pct=40)
    row = model.node(ward.read(), "3-box")
    assert row is not None
    health = json.loads(row["health"])
    assert (health["temperature_c"], health["disk_free_pct"]) == (60, 40)
    # What drifts is no news that is written at once: it would be with every heartbeat.
    assert not set(service.DRIFTING) & set(service.NEWS)
    assert set(service.DRIFTING) <= set(service.HEALTH)


@given(st.sampled_from(measured.LIMITS), st.lists(st.integers(0, 1_000)))
def test_a_fault_neither_begins_nor_ends_between_its_limits(
    limit: measured.Limit, values: list[int]
) -> None:
    low, high = sorted((limit.bad, limit.well))
    bad = False
    for value in values:
        before, bad = bad, limit.is_bad(value, bad)
        if low < value < high:
            assert bad == before
    assert limit.is_bad(limit.bad, False)
    assert not limit.is_bad(limit.well, True)
