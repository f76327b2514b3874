"""Drip time of a node in a demonstration, where hours of an infusion pass in seconds."""

import json
from pathlib import Path

from hw.clock import steady_ms


class FileClock:
    """Hospital time that runs at the rate a small JSON file tells.

    The file holds {"steady_ms", "now_ms", "rate"}: at `steady_ms` (CLOCK_MONOTONIC, one for
    all processes of a machine) hospital time was `now_ms` and has run at `rate` since. It is
    replaced as a whole by the one who changes the rate. Raises OSError when the file was
    never there, ValueError or KeyError when it holds something else.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._read_at_mtime_ns = -1
        self._anchor = (0, 0, 1.0)

    def drip_ms(self) -> int:
        """Hospital time in ms since the Unix epoch."""
        mtime_ns = self._path.stat().st_mtime_ns
        if mtime_ns != self._read_at_mtime_ns:
            anchor = json.loads(self._path.read_text())
            self._anchor = (anchor["steady_ms"], anchor["now_ms"], anchor["rate"])
            self._read_at_mtime_ns = mtime_ns
        then_ms, now_ms, rate = self._anchor
        return now_ms + int((steady_ms() - then_ms) * rate)
