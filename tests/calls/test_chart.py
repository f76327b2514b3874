"""The charts of the calls page, as numbers."""

from typing import Any

from central.calls import chart

HOUR_MS = 3_600_000


def call(hour: int, took_s: int | None, type: str = "nurse") -> Any:
    opened_ms = hour * HOUR_MS
    accepted_ms = None if took_s is None else opened_ms + took_s * 1000
    return {"opened_ms": opened_ms, "accepted_ms": accepted_ms, "type": type}


def test_the_bars_stand_at_their_hour_and_tell_the_median() -> None:
    rows = [call(3, 10), call(3, 20), call(3, 90), call(14, 60), call(15, None)]
    hours = chart.by_hour(rows, lambda ms: ms // HOUR_MS)
    assert hours is not None
    assert [(bar.hour, bar.calls, bar.median_ms) for bar in hours.bars] == [
        (3, 3, 20_000),
        (14, 1, 60_000),
    ]
    low, high = hours.bars
    assert low.x < high.x
    assert high.height > 2.9 * low.height
    assert high.y + high.height == chart.HEIGHT - chart.BOTTOM
    assert [ms for _, ms in hours.lines] == [0, 30_000, 60_000]


def test_without_an_accepted_call_there_is_no_chart() -> None:
    assert chart.by_hour([call(3, None)], lambda ms: 0) is None
    assert chart.by_type([]) == []


def test_types_are_counted_the_most_frequent_first() -> None:
    rows = [call(1, 1, "toilet"), call(1, 1), call(1, 1), call(1, 1)]
    assert chart.by_type(rows) == [("nurse", 3, 100), ("toilet", 1, 33.3)]
