"""A live voice: somebody speaks at a telephone now, and the ward hears it.

Blocks come by number, at most once. Each has its moment by the first of them; what has not come by
then is silence, and what comes after it is left out. So nothing is ever heard late, however long a
line was cut: a voice begins, or goes on after a pause, only with a block that is fresh by central's
clock. Without that clock it does not begin: the first beacon is 2 s away at most.
"""

import binascii

from ward_node.compat import Any
from ward_node.contract import kinds, sound
from ward_node.core import effects, messages, voice
from ward_node.core.stream import Stream

# How much later than the first block another one may come. The loudspeaker begins when it has as
# much, so it does not run dry.
WAIT_MS = 300
# So far ahead of its moment no block is.
MOST_AHEAD = 15
MOST_BEHIND = 5
PAUSE_MS = 1_500
AGAIN_MS = 3_000  # a loudspeaker that failed is tried again


class Live(Stream):
    """The live voice that a box with a loudspeaker hears, if any; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        Stream.__init__(self, node)
        self._held: dict[int, bytes] = {}
        self._next: int | None = None  # the block whose turn it is; None: it pauses
        self._base_ms = 0  # when block 0 came, or would have come
        self._newest = -1  # the last block that was not missing when it had its turn
        self._behind = 0  # so many blocks on end have come too late
        self._played = 0
        self._lost = 0
        self._trouble: tuple[str, str | None] | None = None  # the answer, if it cannot be heard
        self._again_ms = 0

    def take(self, message: dict[str, Any], now_ms: int) -> None:
        """A checked voice message. Raises RejectedMessageError."""
        block = _decoded(message["sound"]) if "sound" in message else None
        urgent = self._klass == kinds.EMERGENCY and message["class"] != kinds.EMERGENCY
        if message["stream"] != self._stream and self._next is not None and urgent:
            return  # the more urgent one goes on
        if self._follow(message, now_ms) and block is not None:
            self._hold(message["seq"], block, now_ms)

    def tick(self, now_ms: int) -> None:
        Stream.tick(self, now_ms)
        if self._stream is not None and now_ms - self._heard_ms >= PAUSE_MS:
            self._pause(now_ms)

    def settle(self, now_ms: int) -> None:
        """Give the loudspeaker, once it is ours, whatever has its turn."""
        while self._next is not None:
            block = self._held.pop(self._next, None)
            if block is None:
                if now_ms < self._base_ms + self._next * sound.BLOCK_MS + WAIT_MS:
                    return
                block = sound.SILENCE * sound.BLOCK_BYTES
                self._lost += 1
            else:
                self._newest = self._next
            self._next += 1
            if self._node.voice.hears(self._stream):
                self._node.out.append(effects.Block(self._stream, block))
                self._played += 1

    def outcome(self, utterance: str, result: str, reason: str | None) -> None:
        """What became of the voice's part in the queue."""
        if utterance != self._stream:
            return
        if result == voice.MUTED:
            self._trouble = (kinds.DECLINED, reason)
        elif result == voice.FAILED:
            self._trouble = (kinds.REFUSED, reason)
            self._again_ms = self._heard_ms + AGAIN_MS

    def _begin(self) -> None:
        self._newest = -1
        self._played = self._lost = 0
        self._trouble = None

    def _hold(self, seq: int, block: bytes, now_ms: int) -> None:
        failed = self._trouble is not None and self._trouble[0] == kinds.REFUSED
        if failed and now_ms >= self._again_ms:
            self._trouble = None
            self._next = None
        late = self._next is not None and self._newest < seq < self._next
        self._behind = self._behind + 1 if late else 0
        if self._behind >= MOST_BEHIND:
            # Fresh, and all of them late: the line has become slower.
            self._next = seq
            self._base_ms = now_ms - seq * sound.BLOCK_MS
        if self._next is None:
            self._next = seq
            self._held = {}
            self._base_ms = now_ms - seq * sound.BLOCK_MS
            if self._trouble is None:
                part = voice.Utterance(
                    str(self._stream), self._klass, None, "none", self._node.me.beds, live=True
                )
                self._node.out += self._node.voice.say(part, now_ms)
        if self._next <= seq < self._next + MOST_AHEAD:
            self._held[seq] = block

    def _pause(self, now_ms: int) -> None:
        if self._next is not None:
            self._next = None
            self._held = {}
            self._node.out += self._node.voice.finish(str(self._stream), now_ms)

    def _close(self, now_ms: int) -> "tuple[str, str | None]":
        while self._held:  # there is nothing to wait for any more
            self.settle(self._base_ms + (min(self._held) + 1) * sound.BLOCK_MS + WAIT_MS)
        self._pause(now_ms)
        if self._trouble is not None:
            return self._trouble
        if self._played:
            heard_ms, lost_ms = self._played * sound.BLOCK_MS, self._lost * sound.BLOCK_MS
            return kinds.DONE, str(heard_ms) + " ms heard, " + str(lost_ms) + " ms lost"
        return kinds.DECLINED, "other words were spoken until it was over"


def _decoded(text: str) -> bytes:
    try:
        block = binascii.a2b_base64(text)
    except ValueError:
        raise messages.RejectedMessageError("the sound is not base64")  # noqa: B904
    if len(block) != sound.BLOCK_BYTES:
        raise messages.RejectedMessageError("the sound has " + str(len(block)) + " bytes")
    return block
