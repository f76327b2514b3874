"""Central's clocks. Hospital time decides drips, timers and calls; steady time decides
whether a node lives; real time dates the expiry of commands. Only the demo lets hospital
time run apart from real time, so that a drip of hours can be watched in seconds."""

import json
import time
from pathlib import Path
from typing import Protocol

LOOK_AGAIN_S = 1.0
RATE_GRAIN_S = 0.05


class Clock(Protocol):
    def now_ms(self) -> int:
        """Hospital time, ms since the Unix epoch."""
        ...

    def real_ms(self) -> int:
        """Wall clock, ms since the Unix epoch."""
        ...

    def steady_ms(self) -> int:
        """Monotonic, from an arbitrary origin, never sped up."""
        ...

    def wait_s(self, due_ms: int) -> float:
        """How many real seconds may pass at most before hospital time `due_ms` is looked for
        again: 0 when it has come."""
        ...


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def real_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def steady_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wait_s(self, due_ms: int) -> float:
        # A wall clock that is set must not make a timer wait for the old time.
        return min(max(0, due_ms - self.now_ms()) / 1000, LOOK_AGAIN_S)


class FileClock(SystemClock):
    """Hospital time that runs at the rate a small JSON file tells.

    The file holds {"steady_ms", "now_ms", "rate"}: at `steady_ms` (CLOCK_MONOTONIC, one for
    all processes of a machine) hospital time was `now_ms` and has run at `rate` since. It is
    replaced as a whole by the one who changes the rate, and read anew when that happens.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._read_at_mtime_ns = -1
        self._anchor = (0, 0, 1.0)

    def now_ms(self) -> int:
        mtime_ns = self._path.stat().st_mtime_ns
        if mtime_ns != self._read_at_mtime_ns:
            anchor = json.loads(self._path.read_text())
            self._anchor = (anchor["steady_ms"], anchor["now_ms"], anchor["rate"])
            self._read_at_mtime_ns = mtime_ns
        steady_ms, now_ms, rate = self._anchor
        return now_ms + int((self.steady_ms() - steady_ms) * rate)

    def wait_s(self, due_ms: int) -> float:
        # The rate may be raised at any moment.
        return min(super().wait_s(due_ms), RATE_GRAIN_S)

    def set_rate(self, rate: float) -> None:
        """Let hospital time run `rate` times as fast from this moment, without a jump."""
        anchor = {
            "steady_ms": self.steady_ms(),
            "now_ms": self.now_ms() if self._path.exists() else self.real_ms(),
            "rate": rate,
        }
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(anchor))
        fresh.replace(self._path)


class FakeClock:
    """A clock for tests: it moves only when told."""

    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self.value_ms = now_ms

    def advance(self, ms: int) -> None:
        self.value_ms += ms

    def now_ms(self) -> int:
        return self.value_ms

    real_ms = now_ms
    steady_ms = now_ms

    def wait_s(self, due_ms: int) -> float:
        return 0.0 if due_ms <= self.value_ms else RATE_GRAIN_S
