"""Chinese is read right, or refused; never guessed into other characters."""

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.his.encoding import WrongEncodingError, declared_encoding, decode
from gateway.his.message import parse
from tests.his.conftest import message, stay_of

# Their second GB18030 byte is a backslash and a vertical bar; 倈 is 82 7C.
TRAPS = "乗亅倈"


def name_of(raw: bytes, peer_encoding: str | None = None) -> str:
    return stay_of(parse(raw, peer_encoding)).name


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("charset", ["", "ASCII", "something else"])
def test_names_with_bars_in_their_bytes_are_read_whole(encoding: str, charset: str) -> None:
    raw = message(name=f"乗^亅{TRAPS}", charset=charset).encode(encoding)
    assert name_of(raw) == f"乗亅{TRAPS}"


def test_splitting_before_decoding_would_lose_them() -> None:
    """The trap is real: as bytes the same message falls apart."""
    assert b"|" in "亅".encode("gb18030")
    assert b"\\" in "乗".encode("gb18030")
    raw = message(name="亅").encode("gb18030")
    assert raw.split(b"\r")[2].count(b"|") == message(name="亅").split("\r")[2].count("|") + 1


def test_every_han_character_whose_bytes_hold_a_mark_survives() -> None:
    found = 0
    for code in range(0x4E00, 0x9FA6):
        if set(chr(code).encode("gb18030")[1:]) & set(b"|^~\\&"):
            found += 1
            assert name_of(message(name=f"王{chr(code)}").encode("gb18030")) == f"王{chr(code)}"
    assert found >= 464


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("GB 18030-2000", "gb18030"),
        ("GBK", "gb18030"),
        ("BIG-5", "big5"),
        ("8859/1", "iso8859-1"),
        ("GB 18030-2000~UNICODE UTF-8", "gb18030"),
    ],
)
def test_msh_18_is_believed(charset: str, encoding: str) -> None:
    name = "Müller" if encoding == "iso8859-1" else "陳"
    raw = message(name=name, charset=charset, location="3E").replace("总院", "H").encode(encoding)
    assert declared_encoding(raw) == encoding
    assert decode(raw).encoding == encoding
    assert name_of(raw) == name


def test_msh_18_stands_right_although_the_sender_is_called_with_a_bar() -> None:
    raw = message(charset="GB 18030-2000").replace("总院", "亅乗").encode("gb18030")
    assert declared_encoding(raw) == "gb18030"


def test_a_declared_encoding_that_is_not_true_is_refused_unless_the_peer_is_known_for_it() -> None:
    raw = message(charset="UNICODE UTF-8").encode("gb18030")
    with pytest.raises(WrongEncodingError):
        decode(raw)
    assert name_of(raw, "gb18030") == "张三"
    refusal = parse(raw).refusal
    assert refusal is not None
    assert refusal.code == "AR"
    assert "utf-8" in str(refusal)


def test_the_setting_of_the_peer_holds_where_the_message_says_nothing() -> None:
    raw = message(name="陳", location="3E").replace("总院", "H").encode("big5")
    assert name_of(raw, "big5") == "陳"
    with pytest.raises(WrongEncodingError):
        decode(raw, "utf-8")


def test_bytes_of_no_encoding_are_refused() -> None:
    raw = message().encode() + b"\xff\xff\xff"
    with pytest.raises(WrongEncodingError):
        decode(raw)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks(end: str, mark: str) -> None:
    raw = (mark + message().replace("\r", end)).encode()
    assert decode(raw).text == message().rstrip("\r")
    assert name_of(raw) == "张三"


def test_python_hl7_alone_would_fail_on_line_feeds() -> None:
    with pytest.raises(KeyError):
        hl7.parse(message().replace("\r", "\n")).segment("PID")


def test_a_line_feed_within_a_segment_is_content() -> None:
    assert decode(b"MSH|a\nb\rPID|1\r").text == "MSH|a\nb\rPID|1"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\ufeff")))
def test_text_comes_back_as_it_was(text: str) -> None:
    line = f"MSH|^~\\&|{text}|"
    assert decode(line.encode("gb18030"), "gb18030").text == line
    assert decode(line.encode()).text == line
