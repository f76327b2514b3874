"""Voices in packets, and the blocks they are cut into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telephone.cutting import JUMP, Cutter
from gateway.telephone.rtp import PCMU, NotRtpError, Packet, parse
from ward_node.contract.sound import BLOCK_BYTES, SILENCE

FRAME = 160
HEADER = bytes([0x80, 0x80]) + b"\x00\x07" + b"\x00\x00\x00\xa0" + b"\x00\x00\x00\x2a"


def test_a_packet_is_read_as_the_standard_says() -> None:
    assert parse(HEADER + b"abc") == Packet(PCMU, 7, 160, 42, b"abc")
    two_mixed = bytes([0x82]) + HEADER[1:] + bytes(8) + b"abc"
    assert parse(two_mixed).payload == b"abc"
    extended = bytes([0x90]) + HEADER[1:] + b"\xbe\xde\x00\x01" + bytes(4) + b"abc"
    assert parse(extended).payload == b"abc"
    padded = bytes([0xA0]) + HEADER[1:] + b"abc" + b"\x00\x00\x03"
    assert parse(padded).payload == b"abc"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        HEADER[:-1],
        bytes([0x40]) + HEADER[1:] + b"abc",
        bytes([0x8F]) + HEADER[1:] + b"abc",
        bytes([0x90]) + HEADER[1:] + b"\xbe\xde",
        bytes([0x90]) + HEADER[1:] + b"\xbe\xde\xff\xff",
        bytes([0xA0]) + HEADER[1:] + b"ab\xff",
        bytes([0xA0]) + HEADER[1:] + b"ab\x00",
    ],
)
def test_what_is_no_packet_is_refused(datagram: bytes) -> None:
    with pytest.raises(NotRtpError):
        parse(datagram)


@given(st.binary(max_size=64))
def test_nothing_else_ever_happens(datagram: bytes) -> None:
    try:
        packet = parse(datagram)
    except NotRtpError:
        return
    assert datagram[12:].find(packet.payload) >= 0
    assert 0 <= packet.payload_type < 128


def frame(number: int, start: int = 0, source: int = 1) -> Packet:
    """The frame of 20 ms that is `number` of a voice, all its samples alike."""
    timestamp = (start + number * FRAME) % (1 << 32)
    return Packet(PCMU, number % (1 << 16), timestamp, source, bytes([number % 200]) * FRAME)


def voice(*numbers: int) -> bytes:
    return b"".join(bytes([each % 200]) * FRAME if each >= 0 else SILENCE * FRAME
                    for each in numbers)  # fmt: skip


@pytest.mark.parametrize("start", [0, 12_345, (1 << 32) - 500])
def test_a_voice_is_cut_where_it_comes_whole(start: int) -> None:
    cutter = Cutter()
    blocks = [block for number in range(25) for block in cutter.take(frame(number, start))]
    assert blocks == [voice(*range(10)), voice(*range(10, 20))]


def test_what_is_lost_is_silence_and_what_overtakes_is_put_in_order() -> None:
    cutter = Cutter()
    for number in (0, 1, 3, 2, 5, 6, 7, 8):
        assert cutter.take(frame(number)) == []
    assert cutter.take(frame(9)) == [voice(0, 1, 2, 3, -1, 5, 6, 7, 8, 9)]
    assert cutter.take(frame(4)) == [], "its block has gone"


def test_a_voice_that_pauses_is_filled_up_and_goes_on() -> None:
    cutter = Cutter()
    cutter.take(frame(0))
    assert cutter.wait() == voice(0, *[-1] * 9)
    assert cutter.wait() == SILENCE * BLOCK_BYTES
    assert cutter.take(frame(19)) == [], "it comes too late"
    cutter.take(frame(20))
    assert cutter.wait() == voice(20, *[-1] * 9)


def test_another_source_and_a_clock_that_jumps_go_on_at_once() -> None:
    cutter = Cutter()
    cutter.take(frame(0))
    cutter.take(frame(1, 77_777, source=2))
    cutter.take(frame(2, 77_777 + 10 * JUMP, source=2))
    assert cutter.wait() == voice(0, 1, 2, *[-1] * 7)


def test_another_codec_is_not_taken_for_sound() -> None:
    cutter = Cutter()
    assert cutter.take(Packet(8, 0, 0, 1, b"x" * BLOCK_BYTES)) == []
    assert cutter.take(Packet(PCMU, 0, 0, 1, b"")) == []


@given(
    st.lists(
        st.one_of(
            st.builds(
                Packet,
                st.just(PCMU),
                st.integers(0, 65_535),
                st.integers(0, (1 << 32) - 1) | st.integers(0, 40_000),
                st.integers(1, 2),
                st.binary(max_size=2_000),
            ),
            st.none(),
        ),
        max_size=30,
    )
)
def test_whatever_comes_every_block_has_its_length_and_memory_is_bounded(
    packets: list[Packet | None],
) -> None:
    cutter = Cutter()
    for packet in packets:
        blocks = [cutter.wait()] if packet is None else cutter.take(packet)
        assert all(len(each) == BLOCK_BYTES for each in blocks)
        assert len(blocks) <= (JUMP + 2 * BLOCK_BYTES + 2_000) // BLOCK_BYTES
