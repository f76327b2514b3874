"""What happened at a unit between two polls, told by its counters alone."""

from collections.abc import Iterator

from hw.kinds import (
    CORD,
    CORD_RESET,
    HOLD,
    PLUGGED,
    PRESENCE,
    PRESENCE_END,
    PRESS,
    TEST_PRESS,
    UNPLUGGED,
)
from hw.pace import counted
from hw.registers import AT_REST, CORD_LEVEL, PLUGGED_LEVEL, PRESENCE_LEVEL, WRAP, Counters

# counter, its bit in `levels`, what is told when the bit goes on and when it goes off
_TWO_STATES = (
    ("presence", PRESENCE_LEVEL, PRESENCE, PRESENCE_END),
    ("cord", CORD_LEVEL, CORD, CORD_RESET),
    ("plug", PLUGGED_LEVEL, PLUGGED, UNPLUGGED),
)


def changes(before: Counters | None, now: Counters) -> Iterator[tuple[str, Counters]]:
    """Each thing that happened, with the counters as they stood right after it, so that a
    node that dies in the middle of the list neither loses nor repeats the others.

    `before` None: the unit is met for the first time. What it counted before nobody knows,
    so presses are not told; a pulled cord is.

    Presence comes first: the order within one poll is unknown, and a press must rather
    outlive the visit than be ended by it unseen.
    """
    base = start(before, now)
    for counter, bit, on, off in _TWO_STATES:
        n = counted(base, now, counter)
        level = bool(now.levels & bit)
        shown = level if n % 2 == 0 else not level
        if bool(base.levels & bit) != shown:  # changed while nobody counted
            base = base._replace(levels=base.levels ^ bit)
            yield (on if shown else off), base
        for _ in range(n):
            shown = not shown
            count = (getattr(base, counter) + 1) % WRAP
            base = base._replace(levels=base.levels ^ bit, **{counter: count})
            yield (on if shown else off), base
    for counter, kind in (("presses", PRESS), ("holds", HOLD)):
        for _ in range(counted(base, now, counter)):
            base = base._replace(**{counter: (getattr(base, counter) + 1) % WRAP})
            yield kind, base
    if base.tests != now.tests:
        # Told once, however many: only whoever asked for one wants to know.
        yield TEST_PRESS, base._replace(tests=now.tests)


def start(before: Counters | None, now: Counters) -> Counters:
    """From where to count."""
    if before is None or before.serial != now.serial:
        # Another unit: its presses may have been made on a work bench.
        levels = AT_REST if before is None else before.levels
        return now._replace(levels=levels)
    if before.boots != now.boots:
        # The counters began at 0 again, so what they show has happened since.
        return Counters(now.serial, now.boots, 0, 0, 0, 0, 0, 0, before.levels)
    return before
