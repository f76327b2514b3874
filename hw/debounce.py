"""When is a contact closed? Pure: edges with their times in, presses and releases out."""

# Contacts chatter for a few ms, and cables along a ward catch spikes of less. A press of
# 30 ms with 10 ms of chatter still settles.
SETTLE_MS = 20
HOLD_MS = 3000
# Nobody presses so long; a button jammed behind a mattress does.
STUCK_MS = 120_000

PRESSED = "pressed"
RELEASED = "released"
HELD = "held"
STUCK = "stuck"
FREED = "freed"


class Debouncer:
    """One contact. A level counts when it has stood still for `settle_ms`; held means closed
    for `hold_ms`, told once per press (never when None), stuck for `stuck_ms` likewise, and freed
    when it opens after that. All times are ms of one steady clock.

    Late calls do no harm: it goes by the times of the edges, not by when it is told of them.
    """

    def __init__(
        self,
        settle_ms: int = SETTLE_MS,
        hold_ms: int | None = HOLD_MS,
        stuck_ms: int | None = None,
    ) -> None:
        self.settled = False
        self.level = False  # as of the last edge, chatter included
        self._settle_ms = settle_ms
        self._hold_ms = hold_ms
        self._stuck_ms = stuck_ms
        self._level_since_ms = 0
        self._pressed_ms = 0
        self._held = False
        self._stuck = False

    def edge(self, closed: bool, at_ms: int) -> list[str]:
        """The contact closed or opened at `at_ms`. Returns what has become certain."""
        at_ms = max(at_ms, self._level_since_ms)
        certain = self.tick(at_ms)
        if closed != self.level:
            self.level = closed
            self._level_since_ms = at_ms
        return certain

    def tick(self, now_ms: int) -> list[str]:
        """Time has come to `now_ms`. Returns what has become certain: PRESSED, HELD, STUCK,
        RELEASED, FREED."""
        certain = []
        if self.settled and not self.level and self._hold_is_over(self._level_since_ms):
            certain.append(HELD)  # held long enough before the release that is told next
        if self.level != self.settled and now_ms - self._level_since_ms >= self._settle_ms:
            self.settled = self.level
            certain.append(PRESSED if self.settled else RELEASED)
            if self._stuck:
                certain.append(FREED)
            self._pressed_ms = self._level_since_ms
            self._held = self._stuck = False
        if self.settled and self.level:
            if self._hold_is_over(now_ms):
                certain.append(HELD)
            if self._is_stuck(now_ms):
                certain.append(STUCK)
        return certain

    def due_ms(self) -> int | None:
        """When to call `tick` if no edge comes before; None: only an edge matters."""
        if self.level != self.settled:
            return self._level_since_ms + self._settle_ms
        if self.settled and not self._held and self._hold_ms is not None:
            return self._pressed_ms + self._hold_ms
        if self.settled and not self._stuck and self._stuck_ms is not None:
            return self._pressed_ms + self._stuck_ms
        return None

    def _hold_is_over(self, until_ms: int) -> bool:
        if self._held or self._hold_ms is None or until_ms - self._pressed_ms < self._hold_ms:
            return False
        self._held = True
        return True

    def _is_stuck(self, now_ms: int) -> bool:
        if self._stuck or self._stuck_ms is None or now_ms - self._pressed_ms < self._stuck_ms:
            return False
        self._stuck = True
        return True
