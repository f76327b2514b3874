"""A live voice as it passes a box: which one, whether it is fresh, and what became of it.

A box that speaks no words sounds a tone when one begins, and that is all; what a box with a
loudspeaker does is in `live`.
"""

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import voice

LATE_MS = 1_000
# After so long it counts as over, though nobody said so.
OVER_MS = 30_000
# A clock that was just set back may have heard beacons that were held up, as the voice was.
SETTLE_MS = 2_500
CHIMES = {kinds.EMERGENCY: "high", kinds.ANNOUNCEMENT: "low"}
NO_WORDS = "this box sounds tones and speaks no words"


class Stream:
    """The live voice at a box without one of its own, if any; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._stream: str | None = None
        self._over: str | None = None  # the last one that ended: its late blocks begin nothing
        self._klass = kinds.ANNOUNCEMENT
        self._heard_ms = 0

    def take(self, message: dict[str, Any], now_ms: int) -> None:
        """A checked voice message."""
        before = self._stream
        if self._follow(message, now_ms) and self._stream != before:
            tone = voice.Utterance(
                str(self._stream), self._klass, None, CHIMES[self._klass], self._node.me.beds
            )
            self._node.out += self._node.voice.say(tone, now_ms)

    def tick(self, now_ms: int) -> None:
        if self._stream is not None and now_ms - self._heard_ms >= OVER_MS:
            self._end(now_ms)
            self._over = None  # it may be cut off, and come back

    def settle(self, now_ms: int) -> None:
        """After every input."""

    def outcome(self, utterance: str, result: str, reason: str | None) -> None:
        """What became of its part in the queue of what is said."""

    def _follow(self, message: dict[str, Any], now_ms: int) -> bool:
        """Whether this is a fresh part of the voice that goes on or begins."""
        stream = message["stream"]
        if message.get("end"):
            if stream == self._stream:
                self._end(now_ms)
            return False
        if stream == self._over or not self._is_fresh(message["at_ms"], now_ms):
            return False
        if stream != self._stream:
            self._end(now_ms)
            self._stream, self._klass = stream, message["class"]
            self._begin()
        self._heard_ms = now_ms
        return True

    def _is_fresh(self, at_ms: int, now_ms: int) -> bool:
        clock = self._node.clock
        if clock.set_back_ms is not None and now_ms - clock.set_back_ms < SETTLE_MS:
            return False
        left_ms = clock.left_ms(at_ms + LATE_MS, now_ms)
        return left_ms is not None and left_ms >= 0

    def _begin(self) -> None:
        """Another one begins."""

    def _end(self, now_ms: int) -> None:
        """It is over: tell what became of it."""
        stream = self._stream
        if stream is not None:
            result, reason = self._close(now_ms)
            self._stream, self._over = None, stream
            self._node.answer(stream, result, reason)

    def _close(self, now_ms: int) -> "tuple[str, str | None]":
        return kinds.DECLINED, NO_WORDS
