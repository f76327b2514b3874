"""How far the wall clocks of boxes are off: sans-IO, from the readings in their heartbeats.

A reading only grows older on its way, so of many the least difference is nearest to the truth.
Nothing is dated by a box's clock. It is compared because a person reading the box's log believes
it, and because a clock that is off tells of a box without network time or with a dying battery.
"""

from collections import deque
from typing import NamedTuple

# Half a minute of heartbeats: so long at most a clock that was set back seems to be right still.
WINDOW = 15
# A single reading may have been held up anywhere.
ENOUGH = 3

SLOW, FAST = "clock-slow", "clock-fast"


class Skew(NamedTuple):
    """`behind_ms`: how far the box's clock is behind central's (negative: ahead), None when that
    is not known. `fault`: the code of the fault that this is, if it is one."""

    behind_ms: int | None
    fault: str | None


UNKNOWN = Skew(None, None)


class Skews:
    """The clocks of all boxes."""

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._readings: dict[str, tuple[int, deque[int]]] = {}
        self._faults: dict[str, str | None] = {}

    def heard(self, node: str, boot: int, wall_ms: int | None, real_ms: int) -> Skew:
        """A heartbeat of this start of the box came at central's wall time `real_ms`."""
        if wall_ms is None:
            self._readings.pop(node, None)
            return UNKNOWN
        known_boot, readings = self._readings.get(node, (None, None))
        if readings is None or boot != known_boot:
            readings = deque(maxlen=WINDOW)
            self._readings[node] = (boot, readings)
        readings.append(real_ms - wall_ms)
        if len(readings) < ENOUGH:
            return UNKNOWN
        behind_ms = min(readings)
        self._faults[node] = self._judge(behind_ms, self._faults.get(node))
        return Skew(behind_ms, self._faults[node])

    def _judge(self, behind_ms: int, before: str | None) -> str | None:
        """A fault ends well below the limit, or one at the limit would come and go."""
        fault = SLOW if behind_ms > 0 else FAST
        limit_ms = self._limit_ms // 2 if fault == before else self._limit_ms
        return fault if abs(behind_ms) > limit_ms else None
