"""The clock of hardware: debounce, time-outs and faults never run on a set clock."""

import time


def steady_ms() -> int:
    """Milliseconds from an arbitrary origin; never set, never sped up."""
    return time.monotonic_ns() // 1_000_000
