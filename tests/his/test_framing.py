"""Frames are found however the bytes arrive, and every byte is accounted for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.his import framing
from gateway.his.framing import Broken, Deframer, Frame, frame

MOST = 64
PLAIN = st.binary(max_size=40).map(
    lambda data: bytes(each for each in data if each not in (0x0B, 0x1C))
)
MESSY = st.lists(
    st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x1c\r", b"MSH|^~\\&", b"\n", b"x" * 50]),
    max_size=25,
).map(b"".join)


def fed(data: bytes, cuts: list[int], close: bool = True) -> list[Frame | Broken]:
    deframer = Deframer(MOST)
    found: list[Frame | Broken] = []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        found += deframer.feed(data[start:end])
    return found + list(deframer.close() if close else [])


@given(st.lists(PLAIN, max_size=6), st.lists(st.integers(0, 400), max_size=12))
def test_good_frames_come_out_whole_however_they_are_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(frame(each) for each in messages)
    assert fed(data, cuts) == [Frame(each) for each in messages]


@given(MESSY, st.lists(st.integers(0, 2000), max_size=12))
def test_broken_bytes_give_the_same_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    assert fed(data, cuts) == fed(data, [])


@given(MESSY)
def test_a_good_frame_after_any_bytes_is_found(data: bytes) -> None:
    found = fed(data + b"\x0bgood\x1c\r", [], close=False)
    assert found[-1] == Frame(b"good")


@pytest.mark.parametrize(
    ("data", "reason", "head"),
    [
        (b"MSH|x\r\x1c\r", framing.NO_START, b"MSH|x\r"),
        (b"MSH|x\r", framing.NO_START, b"MSH|x\r"),
        (b"\x1c\r", framing.NO_START, b""),
        (b"\x0bMSH|x\r", framing.NO_END, b"MSH|x\r"),
        (b"\x0bMSH|x\x1cy\x1c\r", framing.NO_RETURN, b"MSH|x\x1cy"),
        (b"\x0bMSH|x\x1c", framing.NO_END, b"MSH|x"),
        (b"\x0b" + b"x" * 65 + b"\x1c\r", framing.TOO_LARGE, b"x" * 65),
    ],
)
def test_what_is_wrong_is_named(data: bytes, reason: str, head: bytes) -> None:
    assert [(each.reason, each.head) for each in fed(data, []) if isinstance(each, Broken)] == [
        (reason, head)
    ]


def test_a_frame_cut_by_the_next_one_does_not_cost_the_next_one() -> None:
    assert fed(b"\x0bfirst\x0bsecond\x1c\r", []) == [
        Broken(framing.NO_END, b"first", 5),
        Frame(b"second"),
    ]


def test_line_ends_between_frames_mean_nothing() -> None:
    assert fed(b"\r\n\x0ba\x1c\r\r\n\x0bb\x1c\r\n", []) == [Frame(b"a"), Frame(b"b")]


def test_the_largest_message_is_taken_and_one_byte_more_is_not() -> None:
    deframer = Deframer()
    [whole] = deframer.feed(frame(b"x" * framing.MAX_MESSAGE_BYTES))
    assert isinstance(whole, Frame)
    [broken] = deframer.feed(frame(b"x" * (framing.MAX_MESSAGE_BYTES + 1)))
    assert isinstance(broken, Broken)
    assert broken.size == framing.MAX_MESSAGE_BYTES + 1
    assert len(broken.head) == framing.HEAD_BYTES
    assert not deframer.pending
