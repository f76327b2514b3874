"""Answers: who is answered how, in which encoding, with which words."""

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.his import ack, header
from gateway.his.message import parse
from gateway.his.refusals import FAILED, REFUSED, Refusal
from tests.his.conftest import AT, message

REFUSAL = Refusal(REFUSED, "201", "The event %(type)s is not used", {"type": "ADT^A99"})


def answer(text: str, refusal: Refusal | None = None, encoding: str = "utf-8") -> hl7.Message:
    raw = ack.build(header.read(text), refusal, encoding=encoding, own_id="W7", at=AT)
    assert raw is not None
    return hl7.parse(raw.decode(encoding))


def test_an_acceptance_in_full() -> None:
    raw = ack.build(
        header.read(message(charset="UNICODE UTF-8")), None, encoding="utf-8", own_id="W7", at=AT
    )
    assert raw is not None
    assert raw.decode() == (
        "MSH|^~\\&|WARDLINE|W|HIS|总院|20261124140510+0800||ACK^A01^ACK|W7|P|2.5.1"
        "||||||UNICODE UTF-8\r"
        "MSA|AA|C1\r"
    )


def test_a_refusal_says_why_and_names_the_message() -> None:
    found = answer(message(), REFUSAL)
    assert str(found["MSA.1"]) == "AR"
    assert str(found["MSA.2"]) == "C1"
    assert found.extract_field("ERR", 1, 8) == "The event ADT^A99 is not used"
    assert found.extract_field("ERR", 1, 3, 1, 1) == "201"
    assert found.extract_field("ERR", 1, 3, 1, 3) == "HL70357"


def test_the_answer_is_in_the_encoding_of_the_message() -> None:
    raw = ack.build(
        header.read(message(control_id="号亅", charset="GB 18030-2000")),
        None, encoding="gb18030", own_id="W7", at=AT,
    )  # fmt: skip
    assert raw is not None
    assert "MSA|AA|号亅\r" in raw.decode("gb18030")
    assert "GB 18030-2000" in raw.decode("gb18030")


def test_python_hl7_alone_would_forget_msh_18_and_stamp_utc() -> None:
    theirs = str(hl7.parse(message(charset="UNICODE UTF-8")).create_ack())
    assert "UNICODE" not in theirs


@pytest.mark.parametrize(
    ("accept", "application", "good", "bad", "failed"),
    [
        ("", "", "AA", "AR", "AE"),
        ("AL", "", "CA", "CR", "CE"),
        ("AL", "AL", "CA", "CR", "CE"),
        ("ER", "NE", None, "CR", "CE"),
        ("SU", "NE", "CA", None, None),
        ("NE", "NE", None, None, None),
        ("NE", "AL", "AA", "AR", "AE"),
        ("", "ER", None, "AR", "AE"),
    ],
)
def test_the_enhanced_mode(
    accept: str, application: str, good: str | None, bad: str | None, failed: str | None
) -> None:
    found = header.read(message(msh=f"|||{accept}|{application}"))
    for refusal, expected in (
        (None, good),
        (REFUSAL, bad),
        (Refusal(FAILED, "207", "not stored"), failed),
    ):
        raw = ack.build(found, refusal, encoding="utf-8", own_id="W7", at=AT)
        if expected is None:
            assert raw is None
        else:
            assert raw is not None
            assert f"MSA|{expected}|C1".encode() in raw


def test_other_marks_are_kept() -> None:
    text = message().replace("&", "%").replace("^", "!").replace("|", "#")
    raw = ack.build(
        header.read(text),
        Refusal(REFUSED, "200", "a#b!c|d"),
        encoding="utf-8",
        own_id="W7",
        at=AT,
    )
    assert raw is not None
    assert raw.startswith("MSH#!~\\%#WARDLINE#W#HIS#总院#".encode())
    assert b"a\\F\\b\\S\\c|d" in raw


def test_a_message_without_a_header_is_answered_too() -> None:
    raw = ack.build(None, REFUSAL, encoding="utf-8", own_id="W7", at=AT)
    assert raw is not None
    assert b"MSA|AR||" in raw


@given(st.text(max_size=60))
def test_whatever_is_echoed_the_answer_stays_one_message(noise: str) -> None:
    raw = "MSH|^~\\&|" + noise + "|||||||ADT^A01|" + noise
    parsed = parse(raw.encode("utf-8", errors="ignore"))
    built = ack.build(parsed.header, REFUSAL, encoding="utf-8", own_id="W7", at=AT)
    if built is not None:
        assert built.count(b"\r") == 3
        assert b"\x0b" not in built
        assert b"\x1c" not in built
