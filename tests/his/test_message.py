"""From messages to events: every sample, and what senders do to the fields."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.his import adt, refusals
from gateway.his.adt import AdtEvent, Location
from gateway.his.message import parse
from gateway.his.segments import MAX_SEGMENT_CHARS, timestamp
from tests.his.conftest import SAMPLES, message, stay_of


def event(text: str) -> AdtEvent:
    parsed = parse(text.encode())
    assert parsed.refusal is None
    return stay_of(parsed)


def refused(text: str) -> refusals.Refusal:
    parsed = parse(text.encode())
    assert parsed.refusal is not None
    assert parsed.events == ()
    return parsed.refusal


def test_the_samples_are_there() -> None:
    assert len(SAMPLES) == 27


def test_a_sample_in_full() -> None:
    found = event((Path(SAMPLES[0].parent) / "ADT-A01-01.hl7").read_text())
    assert found == AdtEvent(
        kind=adt.ADMIT,
        control_id="MSG00001",
        sender="ADTApp/GHHSFacility",
        patient_id="PATID1234",
        visit="40007716",
        name="EVERYMAN ADAM A",
        sex="M",
        birth="1988-08-18",
        location=Location("HUH AE OMU", "OMU B", "Bed 03", "HOMERTON UNIVER"),
        prior_location=Location("4 East, room 136, bed B 4E", "136", "B", "CommunityHospital"),
        admit_type=adt.EMERGENCY,
        occurred_at=datetime(2021, 8, 17, 15, 19, 43, tzinfo=timezone(timedelta(hours=2))),
        admitted_at=datetime(
            2015, 2, 8, 11, 34, 19, tzinfo=timezone(timedelta(hours=1, minutes=10))
        ),
        sent_at=datetime(1989, 8, 18, 11, 26, tzinfo=timezone(timedelta(hours=2, minutes=15))),
    )
    assert found.location.code == "HUH AE OMU^OMU B^Bed 03^HOMERTON UNIVER"


@pytest.mark.parametrize("trigger", sorted(adt.KINDS))
def test_every_event_of_use_is_read(trigger: str) -> None:
    assert event(message(trigger)).kind == adt.KINDS[trigger]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("张三", "张三"),
        ("张^三", "张三"),
        ("ZHANG^SAN^^^^^L^A~张^三^^^^^L^I", "张三"),
        ("Doe^Jane^Q", "Doe Jane Q"),
        ("Smith &amp^Ann", "Smith Ann"),
        ("A\\T\\B", "A&B"),
        ("\\XE4B998\\", "乘"),
        ("\\XE4B9\\\\X98\\^三", "乘三"),
        ("A\\X7C\\B", "A|B"),
        ("\\Xzz\\", "\\Xzz\\"),
        ("\\XFF\\", "\\XFF\\"),
        ('""', ""),
        ("", ""),
    ],
)
def test_names(field: str, name: str) -> None:
    assert event(message(name=field)).name == name


def test_bytes_in_hex_are_in_the_encoding_of_the_message() -> None:
    found = parse(message(name="\\X815C\\^三").encode("gb18030"))
    assert stay_of(found).name == "乗三"


@pytest.mark.parametrize("name", ["S\\Xzz\\", "S\\Q\\", "S\\", "S\\\\", "\\S^三\\", "S\\.br\\"])
def test_nothing_of_a_patient_gets_into_the_log(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert "S" in event(message(name=name)).name
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("segment", "old", "new", "attribute", "value"),
    [
        ("PID", "|F", "|1", "sex", "M"),
        ("PID", "|F", "|2", "sex", "F"),
        ("PID", "|F", "|男", "sex", "M"),
        ("PID", "|F", "|U", "sex", ""),
        ("PID", "19800102", "1980", "birth", "1980"),
        ("PID", "19800102", "198001020304", "birth", "1980-01-02"),
        ("PID", "19800102", "19801302", "birth", ""),
        ("PID", "P1^^^H^MR", "ID9^^^X^NNCHN~P1^^^H^MR", "patient_id", "P1"),
        ("PID", "P1^^^H^MR", "ID9~P1", "patient_id", "ID9"),
        ("PV1", "|E|", "|R|", "admit_type", adt.ELECTIVE),
        ("PV1", "|E|", "|L|", "admit_type", adt.LABOUR),
        ("PV1", "|E|", "|9^手术|", "admit_type", adt.OPERATION),
        ("PV1", "|E|", "|2^急诊|", "admit_type", adt.EMERGENCY),
        ("PV1", "|E|", "||", "admit_type", adt.OTHER),
        ("PV1", "|V1", "|", "visit", "P1"),
        ("PV1", "3E^301^05^总院", "3E&1.2&ISO^^05", "location", Location("3E", "", "05", "")),
    ],
)
def test_fields_as_senders_fill_them(
    segment: str, old: str, new: str, attribute: str, value: object
) -> None:
    lines = message().split("\r")
    changed = [line.replace(old, new) if line.startswith(segment) else line for line in lines]
    assert changed != lines
    assert getattr(event("\r".join(changed)), attribute) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", refusals.EMPTY),
        ("hello", refusals.NO_HEADER),
        ("MSH", refusals.NO_HEADER),
        ("PID|1\rMSH|^~\\&", refusals.NO_HEADER),
        (message().replace("^~\\&", "^^~\\&", 1), refusals.WRONG_MARKS),
        (message().replace("^~\\&", "", 1), refusals.WRONG_MARKS),
        (message().replace("^~\\&", "^&", 1), refusals.WRONG_MARKS),
        (message().replace("^~\\&", "ABCD", 1), refusals.WRONG_MARKS),
        (message(control_id=""), refusals.NO_CONTROL_ID),
        (message().replace("ADT^A01", ""), refusals.NO_TYPE),
        (message("A04"), refusals.UNSUPPORTED_EVENT),
        (message("A01").replace("ADT^A01", "ADT"), refusals.UNSUPPORTED_EVENT),
        (message().replace("ADT^A01", "ORU^R01"), refusals.UNSUPPORTED_TYPE),
        (message().replace("PV1", "ZV1"), refusals.NO_SEGMENT),
        (message().replace("P1^^^H^MR", ""), refusals.NO_PATIENT),
        (message(location=""), refusals.NO_LOCATION),
        (message(name="x" * MAX_SEGMENT_CHARS), refusals.LONG_SEGMENT),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(text: str, reason: str) -> None:
    found = refused(text)
    assert found.text == reason
    assert found.code == refusals.REFUSED
    assert "%(" not in str(found)


@pytest.mark.parametrize("marks", ["^~\\&", "^~\\&#", "^", "^~"])
def test_fewer_or_more_marks_are_taken(marks: str) -> None:
    assert event(message().replace("^~\\&", marks, 1)).name == "张三"


def test_megabytes_of_other_segments_are_not_looked_at() -> None:
    assert event(message() + "OBX|" + "|" * 7_000_000).name == "张三"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026", datetime(2026, 1, 1)),
        ("20261124140510", datetime(2026, 11, 24, 14, 5, 10)),
        (
            "20261124140510.1234+0800",
            datetime(2026, 11, 24, 14, 5, 10, tzinfo=timezone(timedelta(hours=8))),
        ),
        (
            "202611241405-0330",
            datetime(2026, 11, 24, 14, 5, tzinfo=timezone(-timedelta(minutes=210))),
        ),
        ("20261324", None),
        ("20261124140510+9999", None),
        ("yesterday", None),
        ("", None),
    ],
)  # fmt: skip
def test_times(text: str, value: datetime | None) -> None:
    assert timestamp(text) == value


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(noise: bytes) -> None:
    parse(noise)
    parse(b"MSH|^~\\&|" + noise)
    assert parse(message().encode() + noise) is not None


@given(st.data())
def test_no_change_of_a_message_makes_the_reader_fail(data: st.DataObject) -> None:
    text = message()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        new = data.draw(st.sampled_from(["", *"|^~\\&\r\x0b亅", "\\X", "\\Xzz\\"]))
        text = text[:at] + new + text[at + data.draw(st.integers(0, 3)) :]
    parsed = parse(text.encode())
    assert bool(parsed.events) != bool(parsed.refusal)
