"""A telephone voice cut into the blocks that boxes play. No I/O.

Packets are put in order by their timestamps; what is lost is silence, what comes when its block has
gone is left out. The blocks follow real time: `wait` fills up what has not come.
"""

from gateway.telephone.rtp import PCMU, Packet
from ward_node.contract.sound import BLOCK_BYTES, SILENCE

# A timestamp so far ahead (2 s), or behind by more than packets overtake each other, belongs to a
# voice that has begun anew.
JUMP = 16_000
_ROUND = 1 << 32


class Cutter:
    """Of one voice: mu-law at 8 kHz, of which a sample is a byte."""

    def __init__(self) -> None:
        self._source: int | None = None
        self._base = 0  # the timestamp of the first sample of the block in the making
        self._block = bytearray()
        self._filled = 0  # so many of its bytes are not to come any more

    def take(self, packet: Packet) -> list[bytes]:
        """The blocks that are whole now."""
        if packet.payload_type != PCMU or not packet.payload:
            return []
        offset = (packet.timestamp - self._base + _ROUND // 2) % _ROUND - _ROUND // 2
        if packet.source != self._source or not -BLOCK_BYTES <= offset <= JUMP:
            # It goes on where the block in the making has come to.
            self._source = packet.source
            offset = self._filled
            self._base = (packet.timestamp - offset) % _ROUND
        if offset < 0:
            return []
        end = offset + len(packet.payload)
        if end > len(self._block):
            self._block += SILENCE * (end - len(self._block))
        self._block[offset:end] = packet.payload
        self._filled = max(self._filled, end)
        return self._whole()

    def wait(self) -> bytes:
        """The block in the making, filled up: its time is over."""
        missing = BLOCK_BYTES - len(self._block)
        self._block += SILENCE * missing
        self._filled = max(self._filled, BLOCK_BYTES)
        return self._whole()[0]

    def _whole(self) -> list[bytes]:
        blocks = []
        while self._filled >= BLOCK_BYTES:
            blocks.append(bytes(self._block[:BLOCK_BYTES]))
            del self._block[:BLOCK_BYTES]
            self._filled -= BLOCK_BYTES
            self._base = (self._base + BLOCK_BYTES) % _ROUND
        return blocks
