"""Proving a bed: a press that the hardware makes itself goes the whole way of a patient's.

The order is carried out as near to the finger as the hardware can; what comes back is told as an
event of a type of its own, kept in the outbox, sent and receipted like a press, and the order is
done when its receipt is seen. No lamp, light or voice has any part in it. A patient who calls
meanwhile is served as ever, and the proof gives way.
"""

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import effects

# The unit debounces for 20 ms and a poll takes 250 ms; on a noisy line an answer may be lost.
PRESSED_WITHIN_MS = 5_000
# For the receipt, where the order's own end cannot be told for want of central's clock.
RECEIPTED_WITHIN_MS = 30_000


class _Proof:
    def __init__(self, command: str, id: str, began_ms: int, until_ms: int) -> None:
        self.command = command
        self.id = id
        self.began_ms = began_ms
        self.until_ms = until_ms
        self.event: str | None = None  # the id of the test press, once it is in the outbox


class Proving:
    """The part of a node that proves its beds; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._under_way: dict[str, _Proof] = {}  # by bed

    @property
    def under_way(self) -> bool:
        return bool(self._under_way)

    def begin(
        self, command: str, bed: str, proof: str, not_after_ms: int | None, now_ms: int
    ) -> None:
        """Order a test press at `bed`, unless it would disturb somebody there."""
        if bed in self._under_way or not self._is_quiet(bed):
            self._node.answer(command, kinds.DECLINED, kinds.BUSY + ": bed " + bed)
            return
        self._node.orders.begin(command)
        until_ms = now_ms + RECEIPTED_WITHIN_MS if not_after_ms is None else not_after_ms
        self._under_way[bed] = _Proof(command, proof, now_ms, until_ms)
        self._node.out.append(effects.Prove(command, bed))

    def pressed(self, bed: str | None, about: dict[str, Any], mark: Any, now_ms: int) -> None:
        """A test press came back. One that nobody waits for is of a proof that gave way, or from
        before a restart, and says nothing."""
        proof = self._under_way.get(bed) if bed is not None else None
        if bed is None or proof is None or proof.event is not None:
            return
        about = dict(about)
        about.update({"proof": proof.id, "took_ms": now_ms - proof.began_ms})
        entry = self._node.event(kinds.TEST_PRESS, bed, about, now_ms, mark)
        if entry is None:
            self._end(bed, kinds.REFUSED, kinds.NOT_KEPT + ": the outbox is full")
        else:
            proof.event = entry.id

    def receipted(self, event: str) -> None:
        """Central holds an event."""
        for bed, proof in list(self._under_way.items()):
            if proof.event == event:
                self._end(bed, kinds.DONE, None)

    def overtaken(self, bed: str) -> None:
        """Somebody calls from `bed`."""
        if bed in self._under_way:
            self._end(bed, kinds.DECLINED, kinds.OVERTAKEN + ": called at bed " + bed)

    def failed(self, command: str, code: str, detail: str) -> None:
        """The hardware cannot make the test press of `command`."""
        for bed, proof in list(self._under_way.items()):
            if proof.command == command:
                self._end(bed, kinds.REFUSED, code + ": " + detail)

    def tick(self, now_ms: int) -> None:
        for bed, proof in list(self._under_way.items()):
            waited_ms = now_ms - proof.began_ms
            if proof.event is None and waited_ms >= PRESSED_WITHIN_MS:
                self._end(bed, kinds.REFUSED, _late(kinds.NOT_COUNTED, waited_ms))
            elif proof.event is not None and now_ms >= proof.until_ms:
                self._end(bed, kinds.EXPIRED, _late(kinds.NO_RECEIPT, waited_ms))

    def _end(self, bed: str, result: str, reason: str | None) -> None:
        self._node.answer(self._under_way.pop(bed).command, result, reason)

    def _is_quiet(self, bed: str) -> bool:
        machine, playing = self._node.beds[bed], self._node.voice.playing
        heard = playing is not None and (not playing.beds or bed in playing.beds)
        at_rest = machine.state in (kinds.IDLE, kinds.PRESENT)
        return at_rest and not machine.unreceipted and not heard


def _late(code: str, waited_ms: int) -> str:
    return code + ": waited " + str(waited_ms) + " ms"
