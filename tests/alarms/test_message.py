"""A nurse call as ORU^R40."""

from datetime import datetime, timedelta, timezone

import hl7
import pytest

from gateway.his.alarm import CONTINUE, END, HIGH, START, Alarm, build, verdict

AT = datetime(2026, 11, 29, 10, 0, 5, tzinfo=timezone(timedelta(hours=8)))


def alarm(phase: str, **more: object) -> Alarm:
    given = {
        "call": "WL7", "phase": phase, "kind": "toilet", "text": "Toilet call", "priority": HIGH,
        "ward": "3", "bed": "12+1", "begun_at": AT - timedelta(minutes=2), "at": AT,
    }  # fmt: skip
    return Alarm(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phase", "state", "parent"),
    [(START, "active", ""), (CONTINUE, "active", "WL7"), (END, "inactive", "WL7")],
)
def test_it_tells_who_calls_what_and_how_it_stands(phase: str, state: str, parent: str) -> None:
    raw = build(alarm(phase), "WLA1", AT, app="AM", facility="H1").decode()
    message = hl7.parse(raw)
    assert str(message.segment("MSH")(9)) == "ORU^R40^ORU_R40"
    assert str(message.segment("MSH")(7)) == "20261129100005+0800"
    assert [str(message.segment("MSH")(n)) for n in (3, 5, 6, 10, 12, 15, 16)] == [
        "WARDLINE", "AM", "H1", "WLA1", "2.6", "AL", "NE",
    ]  # fmt: skip
    assert "IHE_PCD_ACM_001" in str(message.segment("MSH")(21))
    assert str(message.segment("PV1")(3)) == "3^^12+1"
    assert str(message.segment("OBR")(7)) == "20261129095805+0800"
    assert (f"^{parent}&WARDLINE" in raw) == bool(parent)
    facets = {str(each[3]).split("^")[1]: str(each[5]) for each in message.segments("OBX")}
    assert facets["MDC_EVT_ALARM"] == "toilet^Toilet call^99WARDLINE"
    assert facets["MDC_ATTR_EVENT_PHASE"] == phase
    assert facets["MDC_ATTR_ALARM_STATE"] == state
    assert facets["MDC_ATTR_ALARM_PRIORITY"] == "PH"
    assert [str(each[4]) for each in message.segments("OBX")][:2] == ["1.0.0.0.1", "1.0.0.0.2"]


def test_marks_in_a_bed_are_escaped_and_a_patient_is_told_only_when_given() -> None:
    text = build(alarm(START, bed="1|2"), "WLA1", AT).decode()
    assert "3^^1\\F\\2" in text
    assert "\rPID\r" in text
    assert "\rPID|||P1^^^^PI\r" in build(alarm(START, patient="P1"), "WLA1", AT).decode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"MSH|^~\\&|AM\rMSA|AA|WLA1\r", ("AA", "")),
        (b"MSH|^~\\&|AM\nMSA|AR|WLA1|no such bed\n", ("AR", "no such bed")),
        (b"MSH#^~\\&#AM\rMSA#CA#WLA1\r", ("CA", "")),
        (b"MSH|^~\\&|AM\rMSA|AA|WLA2\r", ("", "the answer is about the message 'WLA2'")),
        (b"\xff\xfe", ("", "the answer has no MSA segment")),
    ],
)
def test_an_answer_is_read(answer: bytes, said: tuple[str, str]) -> None:
    assert verdict(answer, "WLA1") == said
