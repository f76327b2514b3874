"""What time central has, as far as its beacons tell. Used for the expiry of commands and for
volume by the hour, never to date an event."""

# A beacon counts the less the longer it was under way, so the largest estimate is the best.
# It is let down by this much per beacon (500 ppm), or a fast crystal here would ratchet it up.
LEAK_MS = 1
# A beacon so far behind was not slow (nothing queues beacons): central's clock was set back.
SET_BACK_MS = 10_000
# Three beacons missed.
AWAY_MS = 6_000


class CentralClock:
    """Estimates central's wall clock (`real_ms`) and hospital time."""

    def __init__(self, now_ms: int) -> None:
        self.heard_ms = now_ms  # the start counts as a beacon: the first gets its 6 s, too
        self.known = False
        self.trouble: str | None = None
        self.set_back_ms: int | None = None  # when it last was
        self._session = ""
        self._offset_ms = 0
        self._hospital_offset_ms = 0
        self._offset_min = 0

    def beacon(
        self, real_ms: int, hospital_ms: int, offset_min: int, session: str, now_ms: int,
        drip_ms: int,
    ) -> None:  # fmt: skip
        """Take a beacon that came at steady `now_ms`."""
        heard = real_ms - now_ms
        behind = self._offset_ms - heard
        if not self.known or session != self._session or behind > SET_BACK_MS:
            if self.known and behind > 0:
                self.set_back_ms = now_ms
            self._offset_ms = heard
        else:
            self._offset_ms = max(heard, self._offset_ms - LEAK_MS)
        self._hospital_offset_ms = hospital_ms - drip_ms
        self._offset_min = offset_min
        self._session = session
        self.known = True
        self.heard_ms = now_ms

    def real_ms(self, now_ms: int) -> int | None:
        """Central's wall clock; None before the first beacon."""
        return now_ms + self._offset_ms if self.known else None

    def left_ms(self, expires_at_ms: int, now_ms: int) -> int | None:
        """How long a command is still valid; None when that cannot be told.

        Before the first beacon a command is taken as valid: the broker itself drops expired
        ones (message expiry), and refusing all until a beacon comes would lose good ones.
        """
        real_ms = self.real_ms(now_ms)
        return None if real_ms is None else expires_at_ms - real_ms

    def hospital_ms(self, drip_ms: int) -> int | None:
        return drip_ms + self._hospital_offset_ms if self.known else None

    def minute(self, drip_ms: int) -> int | None:
        """Minute of the hospital's day (0-1439); None before the first beacon."""
        hospital_ms = self.hospital_ms(drip_ms)
        if hospital_ms is None:
            return None
        return (hospital_ms // 60_000 + self._offset_min) % 1440

    def away(self, now_ms: int) -> bool:
        """Whether central has not been heard for AWAY_MS."""
        return now_ms - self.heard_ms >= AWAY_MS
