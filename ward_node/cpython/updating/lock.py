"""Whether a box may be restarted now: whoever rings, speaks or is in a call holds it back.

Each hold is a lease with a reason: one that is not renewed ends by itself, so that a part that died
does not keep a box from every update for ever. No clock and no I/O.
"""

LEASE_MS = 30_000


class UpdateLock:
    """Times are of one steady clock, in milliseconds."""

    def __init__(self) -> None:
        self._until_ms: dict[str, int] = {}

    def hold(self, reason: str, now_ms: int, for_ms: int = LEASE_MS) -> None:
        """From now on, or longer than before. reason: such as "call at bed 5"."""
        self._until_ms[reason] = max(now_ms + for_ms, self._until_ms.get(reason, 0))

    def release(self, reason: str) -> None:
        self._until_ms.pop(reason, None)

    def held_by(self, now_ms: int) -> list[str]:
        """The reasons that hold now, the one that lasts longest first."""
        self._until_ms = {why: until for why, until in self._until_ms.items() if until > now_ms}
        return sorted(self._until_ms, key=lambda why: (-self._until_ms[why], why))
