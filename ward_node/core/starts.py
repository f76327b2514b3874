"""Numbers of a node's starts (boot, session): a later start has a higher one, and none comes twice.

Central drops repeats by them and tells before from after. A number is a count and a place below it:
counted starts stand at place 0. A start whose count could not be kept takes a place by chance, so
the next count is above it. The count is at least the time of day in seconds where that is known,
and so is above what an unreadable disk made forgotten.
"""

PLACES = 1 << 20
# A count that was lost, where no clock helps, begins anew between this and twice as much.
LOST = 1 << 30


def count(last: int | None, now_s: int | None, chance: int) -> int:
    """The count to keep for this start. `last`: the one kept before, None when unknown; `now_s`:
    seconds since 1970, None when the clock is not set."""
    if last is None and now_s is None:
        return LOST + chance % LOST
    return max((last or 0) + 1, now_s or 0)


def kept(counted: int) -> int:
    """The number of a start whose count is on disk."""
    return counted * PLACES


def unkept(last: int | None, now_s: int | None, chance: int) -> int:
    """The number of a start whose count the disk refused. `chance`: at least 60 random bits."""
    floor = max(last or 0, (now_s or 1) - 1) or LOST + chance // PLACES % LOST
    return floor * PLACES + 1 + chance % (PLACES - 1)
