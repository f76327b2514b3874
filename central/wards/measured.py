"""What a box measures of itself and from where on it is a fault. Sans-IO."""

from typing import NamedTuple


class Limit(NamedTuple):
    """The heartbeat's `key` is bad from `bad` on and well again from `well` on, upwards or
    downwards: a value that stays at its limit may not come and go."""

    key: str
    unit: str
    device: str
    code: str
    bad: int
    well: int

    def is_bad(self, value: int, was_bad: bool) -> bool:
        limit = self.well if was_bad else self.bad
        if self.bad > self.well:
            return value > limit if was_bad else value >= limit
        return value < limit if was_bad else value <= limit


# A Pi slows itself down at 80 degrees.
HOT = Limit("temperature_c", "°C", "temperature", "hot", 78, 72)
# Less than an update and a week of logs.
DISK_LOW = Limit("disk_free_mb", "MB", "disk", "disk-low", 300, 400)
LIMITS = (HOT, DISK_LOW)
