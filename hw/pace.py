"""How fast people press. A unit that counts faster is broken, and some of it may be a patient:
one press of it is believed for sure, and the rest is a fault.

Pure: counters and times in, counters to believe out.
"""

from collections.abc import Collection

from hw.registers import CORD_LEVEL, PLUGGED_LEVEL, PRESENCE_LEVEL, WRAP, Counters

COUNTS = ("presses", "holds", "cord", "presence", "plug")
# Fingers make some ten a second, and a few more for a moment. Nobody knows how long a unit was not
# asked before our start, or believes more than so many together.
PER_S = 15
BURST = 30
AT_ONCE = 100
# A counter that raced is looked at once in so long, so that a broken unit floods nobody and a
# patient's press in it still becomes a call. With so few in that time it is people again.
WINDOW_MS = 10_000
CALM = 20

_LEVELS = {"cord": CORD_LEVEL, "presence": PRESENCE_LEVEL, "plug": PLUGGED_LEVEL}


def counted(base: Counters, now: Counters, counter: str) -> int:
    """How often `counter` went up between the two."""
    return int(getattr(now, counter) - getattr(base, counter)) % WRAP


class Pace:
    """Judges one unit. `racing`: the counters not believed at present, by since when (steady ms)
    they have been held back."""

    def __init__(self) -> None:
        self.racing: dict[str, int] = {}
        self._left = dict.fromkeys(COUNTS, 0.0)
        self._judged_ms: int | None = None

    def believed(
        self, base: Counters, now: Counters, now_ms: int, never_still: Collection[str] = ()
    ) -> tuple[Counters, Counters]:
        """Between which counters all may be told, of the same start of the same unit.
        `never_still`: counters that no two looks have found the same."""
        asked_ms = self._judged_ms
        fresh = AT_ONCE if asked_ms is None else min(AT_ONCE, (now_ms - asked_ms) * PER_S / 1000)
        self._judged_ms = now_ms
        for counter in COUNTS:
            n = counted(base, now, counter)
            self._left[counter] = left = min(BURST, self._left[counter]) + fresh
            since_ms = self.racing.get(counter)
            if since_ms is not None and now_ms - since_ms < WINDOW_MS:
                now = _as(now, base, counter)
            elif since_ms is not None and n <= CALM:
                del self.racing[counter]
                self._left[counter] = max(0.0, left - n)
            elif since_ms is not None or n > left or counter in never_still:
                self.racing[counter] = now_ms
                base = _one_of(base, now, counter)
            else:
                self._left[counter] = left - n
        return base, now


def _as(now: Counters, base: Counters, counter: str) -> Counters:
    """As if nothing had been counted."""
    bit = _LEVELS.get(counter, 0)
    levels = now.levels & ~bit | base.levels & bit
    return now._replace(levels=levels, **{counter: getattr(base, counter)})


def _one_of(base: Counters, now: Counters, counter: str) -> Counters:
    """From where to count so that a call is told for sure, and no presence: it would end one."""
    if counter == "presence":
        return _as(base, now, counter)
    calls = counter in ("presses", "holds") or bool(now.levels & _LEVELS[counter]) == (
        counter == "cord"
    )
    return base._replace(**{counter: (getattr(now, counter) - (1 if calls else 2)) % WRAP})
