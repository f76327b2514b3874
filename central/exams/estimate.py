"""How long an examination takes, when somebody's begins, and when he should leave his bed. Pure.

How long one of a kind takes in a room is reckoned from two things:
- what was known in the morning: the mean of the same kind there in the last days; with too few of
  them the length that the hospital planned; without that the room's usual length;
- what today shows: those that were finished, and the running one as soon as it lasts longer than
  what the others make expect. Each of today weighs 1 against `EARLIER_WEIGHT` for all of before,
  so that one quick examination at eight o'clock does not halve the morning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MINUTE_MS = 60_000
# The last days' mean counts from so many on, and weighs as much as so many of today.
EARLIER_LEAST = 3
EARLIER_WEIGHT = 2
# One that lasted longer was not ended when it was over: it counts as this many usual ones.
OUTLIER = 4
# A running one takes at least this part of a typical one still, however long it has run.
LEFT_LEAST = 0.25


def typical_ms(
    usual_ms: int, earlier_ms: Sequence[int], finished_ms: Sequence[int], running_ms: Sequence[int]
) -> int:
    """How long one takes. `usual_ms`: planned, or the room's. `earlier_ms`: of the same kind on
    the last days; `finished_ms`: today; `running_ms`: how long those have run that still do."""
    most = OUTLIER * usual_ms
    before = _mean(earlier_ms, most) if len(earlier_ms) >= EARLIER_LEAST else usual_ms
    total = EARLIER_WEIGHT * before + sum(min(each, most) for each in finished_ms)
    weight = EARLIER_WEIGHT + len(finished_ms)
    for each in sorted(running_ms, reverse=True):
        elapsed = min(each, most)
        if elapsed > total / weight:
            total, weight = total + elapsed, weight + 1
    return max(MINUTE_MS, round(total / weight))


def _mean(values: Sequence[int], most: int) -> float:
    return sum(min(each, most) for each in values) / len(values)


def left_ms(typical: int, elapsed: int) -> int:
    """How long a running one still takes: never nothing."""
    return round(max(typical - elapsed, typical * LEFT_LEAST))


@dataclass(frozen=True)
class Slot:
    """Somebody who comes before. `not_before_ms`: his appointment, which counts as long as he is
    not there."""

    typical_ms: int
    not_before_ms: int | None = None


def start_ms(
    now_ms: int, left_in_room_ms: int, ahead: Iterable[Slot], appointment_ms: int | None = None
) -> int:
    """When the examination after those `ahead` begins; not before its own appointment."""
    at_ms = now_ms + left_in_room_ms
    for slot in ahead:
        at_ms = max(at_ms, slot.not_before_ms or 0) + slot.typical_ms
    return max(at_ms, appointment_ms or 0)


def leave_at_ms(now_ms: int, begins_ms: int, walk_min: int, margin_min: int) -> int:
    """When to leave for the room: the way and the margin earlier, and never in the past."""
    return max(now_ms, begins_ms - (walk_min + margin_min) * MINUTE_MS)


def minutes(wait_ms: int) -> int:
    """A wait in whole minutes, rounded up; never negative."""
    return max(0, -(-wait_ms // MINUTE_MS))
