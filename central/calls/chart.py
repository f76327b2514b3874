"""Two small charts of calls: how long until somebody accepted, by hour; how many, by type."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from central.store import Row

# In units of the picture; the page scales it.
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 200, 72, 30, 14
HOURS = 24
NICE_S = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400)


class Bar(NamedTuple):
    """One bar: where it stands, and what it tells."""

    x: float
    y: float
    width: float
    height: float
    hour: int
    calls: int
    median_ms: int


class Hours(NamedTuple):
    """The chart by hour; `lines` are (y, ms) of the axis."""

    bars: list[Bar]
    lines: list[tuple[float, int]]


def by_hour(rows: Sequence[Row], hour_of: Callable[[int], int]) -> Hours | None:
    """The median time until a call was accepted, by the hour of the day in which it was made;
    None when nothing was accepted. `hour_of` tells the hour of a moment in hospital ms."""
    took: dict[int, list[int]] = {}
    for row in rows:
        if row["accepted_ms"] is not None:
            took.setdefault(hour_of(row["opened_ms"]), []).append(
                row["accepted_ms"] - row["opened_ms"]
            )
    if not took:
        return None
    medians = {hour: int(statistics.median(each)) for hour, each in took.items()}
    longest_s = max(medians.values()) / 1000
    top_ms = 1000 * next((nice for nice in NICE_S if nice >= longest_s), int(longest_s) + 1)
    room = HEIGHT - BOTTOM - TOP
    step = (WIDTH - LEFT) / HOURS

    def y(ms: float) -> float:
        return round(TOP + room * (1 - ms / top_ms), 1)

    bars = [
        Bar(round(LEFT + step * (hour + 0.15), 1), y(median), round(step * 0.7, 1),
            round(HEIGHT - BOTTOM - y(median), 1), hour, len(took[hour]), median)
        for hour, median in sorted(medians.items())
    ]  # fmt: skip
    return Hours(bars, [(y(part * top_ms), int(part * top_ms)) for part in (0, 0.5, 1)])


def by_type(rows: Sequence[Row]) -> list[tuple[str, int, float]]:
    """(type, number, share of the most frequent one 0..100), the most frequent first."""
    counted = Counter(row["type"] for row in rows).most_common()
    most = counted[0][1] if counted else 1
    return [(type, number, round(100 * number / most, 1)) for type, number in counted]
