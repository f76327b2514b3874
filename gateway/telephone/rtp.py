"""One packet of a voice on its way (RTP, RFC 3550). No I/O."""

from dataclasses import dataclass

PCMU = 0  # the payload type of mu-law at 8 kHz (RFC 3551)
_FIXED_BYTES = 12
_WORD_BYTES = 4
VERSION = 2


class NotRtpError(ValueError):
    """A datagram that is no RTP, or is torn; says why."""

    error_id = "not-rtp"


@dataclass(frozen=True)
class Packet:
    """sequence: 16 bits; timestamp: of the first sample, 32 bits; both begin anywhere and go round.
    source: whose voice it is (SSRC)."""

    payload_type: int
    sequence: int
    timestamp: int
    source: int
    payload: bytes


def parse(datagram: bytes) -> Packet:
    """Raises NotRtpError."""
    if len(datagram) < _FIXED_BYTES:
        raise NotRtpError(f"{len(datagram)} bytes are too few")
    first, second = datagram[0], datagram[1]
    if first >> 6 != VERSION:
        raise NotRtpError(f"version {first >> 6}")
    begin, end = _FIXED_BYTES + _WORD_BYTES * (first & 0x0F), len(datagram)
    if first & 0x10:  # a header extension: two bytes of its own, two of its length in words
        if end < begin + _WORD_BYTES:
            raise NotRtpError("it ends within its header")
        words = int.from_bytes(datagram[begin + 2 : begin + 4])
        begin += _WORD_BYTES + _WORD_BYTES * words
    if first & 0x20:  # padding, whose last byte says how much
        end -= datagram[-1] or len(datagram)
    if begin > end:
        raise NotRtpError("it ends within its header")
    return Packet(
        payload_type=second & 0x7F,
        sequence=int.from_bytes(datagram[2:4]),
        timestamp=int.from_bytes(datagram[4:8]),
        source=int.from_bytes(datagram[8:12]),
        payload=datagram[begin:end],
    )
