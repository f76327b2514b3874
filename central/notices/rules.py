"""When a telephone rings again for a notice, and when a ward is left in peace. Pure."""

from collections.abc import Mapping, Sequence

# After a ringing in vain; twice as long after each further one.
URGENT_PAUSE_S = 30
PAUSE_S = 120
# The last one comes after a quarter of an hour, or an hour where it is not urgent.
MOST_RINGS = 6
DAY_MIN = 24 * 60


def pause_s(rings: int, urgent: bool) -> int:
    """How long to wait after the ringing number `rings`."""
    return int((URGENT_PAUSE_S if urgent else PAUSE_S) * 2 ** (rings - 1))


def quiet_min(bands: Sequence[Mapping[str, int]], minute: int) -> int:
    """For how many minutes from `minute` of the day on the ward's loudspeakers are silent: it
    wants no ordinary notice meanwhile, at its telephone either. 0: now they speak."""
    for band in bands:
        length = (band["to_min"] - band["from_min"]) % DAY_MIN or DAY_MIN
        since = (minute - band["from_min"]) % DAY_MIN
        if since < length:
            return length - since if band["volume"] == 0 else 0
    return 0
