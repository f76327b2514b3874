"""Bills, accounts, infusions and examinations: built by others' builders, and as senders fill the
fields."""

from datetime import datetime
from typing import Any

import hl7
import pytest
from hl7apy.core import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.his import events, infusing, refusals
from gateway.his.message import READERS, parse

PID = "PID|1||P1^^^H^MR||乗^亅||19800102|F||||||||||A1"
PV1 = "PV1|1|I|3E^^05^总院" + "|" * 16 + "V1"


def lines(kind: str, *segments: str, control_id: str = "C1") -> str:
    """A message; `pid` and `pv1` stand for those of one patient."""
    head = f"MSH|^~\\&|HIS|总院|WARDLINE|W|20261124140000||{kind}|{control_id}|P|2.5.1"
    known = {"pid": PID, "pv1": PV1}
    return "".join(known.get(each, each) + "\r" for each in (head, *segments))


def read(text: str) -> list[Any]:
    parsed = parse(text.encode())
    assert parsed.refusal is None, str(parsed.refusal)
    return list(parsed.events)


def why(text: str) -> str:
    parsed = parse(text.encode())
    assert parsed.events == ()
    return str(parsed.refusal)


# --- messages of other makers' builders ---


def by_hl7apy(kind: str, segments: dict[str, dict[str, str]]) -> str:
    """A message of hl7apy, which knows the standard's structures: {segment: {field: value}}."""
    message = Message(kind, version="2.5.1")
    message.msh.msh_3, message.msh.msh_4, message.msh.msh_10 = "HIS", "总院", "C1"
    message.msh.msh_9 = kind.replace("_", "^", 1) + "^" + kind
    for name, fields in segments.items():
        segment = message
        *groups, last = name.split(".")
        for group in groups:
            segment = getattr(segment, group)
        for field, value in fields.items():
            setattr(getattr(segment, last), f"{last}_{field}", value)
    return str(message.to_er7())


def of(patient: str) -> dict[str, dict[str, str]]:
    return {patient: {"3": "P1^^^H^MR", "5": "乗^亅"}}


HL7APY = {
    "DFT_P03": (
        of("pid") | {"dft_p03_financial.ft1": {
            "2": "T1", "4": "20261124", "6": "CG", "7": "D01^乗药", "10": "1.5", "11": "12.30&CNY",
        }},
        {"charges": ("T1", "乗药", 1500, 1230)},
    ),
    "BAR_P01": (
        of("pid") | {"bar_p01_visit.pv1": {"2": "I", "19": "V1", "46": "88.5", "49": "1000"}},
        {"visit": "V1", "balance_fen": 8850, "paid_fen": 100_000},
    ),
    "RDE_O11": (
        of("rde_o11_patient.pid") | {
            "rde_o11_order.orc": {"1": "NW", "2": "O1"},
            "rde_o11_order.rxe": {
                "2": "G5^乗液", "3": "500", "5": "mL", "23": "40", "24": "滴/分",
            },
            "rde_o11_order.rxr": {"1": "IV"},
        },
        {"order": "O1", "text": "乗液", "volume_ml": 500, "rate_drops_per_min": 40.0},
    ),
    "RGV_O15": (
        of("rgv_o15_patient.pid") | {
            "rgv_o15_order.orc": {"1": "RE", "2": "O1"},
            "rgv_o15_order.rgv_o15_give.rxg": {
                "4": "G5^乗液", "5": "0.25", "7": "L", "15": "60", "16": "mL/h",
            },
            "rgv_o15_order.rgv_o15_give.rxr": {"1": "IV"},
        },
        {"what": events.NEW, "volume_ml": 250, "rate_ml_per_h": 60.0, "drop_factor": None},
    ),
    "RAS_O17": (
        of("ras_o17_patient.pid") | {
            "ras_o17_order.orc": {"1": "RE", "2": "O1"},
            "ras_o17_order.ras_o17_administration.rxa": {
                "3": "20261124100000", "4": "20261124103000", "5": "G5^乗液", "6": "100",
                "7": "mL", "12": "H1",
            },
            "ras_o17_order.ras_o17_administration.rxr": {"1": "IV"},
        },
        {"what": events.STOP, "volume_ml": 100, "starts_at": datetime(2026, 11, 24, 10)},
    ),
    "OMG_O19": (
        of("omg_o19_patient.pid") | {
            "omg_o19_order.orc": {"1": "NW", "2": "O7"},
            "omg_o19_order.obr": {"4": "CT1^乗检"},
        },
        {"what": events.ORDERED, "booking": "O7", "order": "O7", "text": "乗检", "name": "乗亅"},
    ),
    "SIU_S12": (
        {"sch": {"2": "B1"}} | of("siu_s12_patient.pid") | {
            "siu_s12_resources.siu_s12_service.ais": {
                "3": "CT1^乗检", "4": "20261124100000", "7": "1", "8": "h",
            },
            "siu_s12_resources.siu_s12_location_resource.ail": {"3": "CT^1号"},
        },
        {"what": events.BOOKED, "room": "CT^1号", "duration_min": 60, "name": "乗亅"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HL7APY)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_messages_that_hl7apy_builds(kind: str, encoding: str) -> None:
    segments, facts = HL7APY[kind]
    parsed = parse(by_hl7apy(kind, segments).encode(encoding))
    assert parsed.refusal is None, str(parsed.refusal)
    assert parsed.encoding == encoding
    [event] = parsed.events
    for name, value in facts.items():
        found = getattr(event, name)
        if name == "charges":
            [each] = found
            found = (each.id, each.text, each.quantity_milli, each.amount_fen)
        assert found == value, name


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_message_that_python_hl7_builds(encoding: str) -> None:
    """Its escapes, too: the text holds every mark. (Han characters it escapes as no receiver could
    read them, by code point.)"""
    message = hl7.parse(lines("SIU^S14", "SCH||B1", "pid", "AIS|1||X|20261124"))
    ais = message.segment("AIS")
    ais[3] = "检乗" + message.escape("|^~\\&")
    [event] = parse(str(message).encode(encoding)).events
    assert isinstance(event, events.ExamEvent)
    assert (event.code, event.name) == ("检乗|^~\\&", "乗亅")


# --- bills and accounts ---


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("FT1|1|T1||20261124|||D|||2|10", {"amount_fen": 1000, "quantity_milli": 2000}),
        ("FT1|1|T1||20261124||CD|D||||10", {"amount_fen": -1000, "original": ""}),
        ("FT1|1|T2||20261124||CD|D||||-10" + "|" * 20 + "T1", {"amount_fen": -1000,
                                                               "original": "T1"}),
        ("FT1|1|T1||20261124||CG|D||||-10", {"amount_fen": -1000}),
        ("FT1|1|T1||20261124||CG|D||||10" + "|" * 20 + "T1", {"original": ""}),
        ("FT1|1|T1||20261124||CG|D|||3||2.50", {"amount_fen": 750, "unit_fen": 250}),
        ("FT1|1|T1||20261124||CG|D||||0.1|0.0333", {"amount_fen": 10, "unit_fen": None}),
        ("FT1|1|T1||20261124||CG|D||||8.00&RMB|||城乡|5.6", {"plan": "城乡", "insured_fen": 560}),
        ("FT1|1|T1||202611241005||CG|D|长名||10&元||||", {"text": "长名", "service_at": None}),
    ],
)  # fmt: skip
def test_lines_of_a_bill(line: str, facts: dict[str, Any]) -> None:
    if "元" in line:  # FT1-11 one field further
        line = line.replace("||10&元", "|||10&元")
        facts = facts | {"service_at": datetime(2026, 11, 24, 10, 5)}
    [event] = read(lines("DFT^P03", "pid", "pv1", line))
    [charge] = event.charges
    assert {name: getattr(charge, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("FT1|1|T1||20261124||CG|D", "FT1-11 is empty"),
        ("FT1|1|T1||20261124||CG|||||10", "FT1-7 is empty"),
        ("FT1|1|T1||20261124||CG|D||||ten", "FT1-11 is ten"),
        ("FT1|1|T1||20261124||CG|D||||1e99", "FT1-11 is 1e99"),
        ("FT1|1|T1||20261124||CG|D||||12.345", "FT1-11 is 12.345"),
        ("FT1|1|T1||20261124||CG|D|||many|1", "FT1-10 is many"),
        ("FT1|1|T1||20261124||CG|D||||1&EUR", "FT1-11 is in EUR"),
        ("FT1|1|T1||20261124||PY|D||||10", "payments are told by BAR"),
        ("ZZZ|1", "segment FT1 is missing"),
    ],
)
def test_a_bill_that_cannot_be_read_names_the_field(line: str, named: str) -> None:
    assert named in why(lines("DFT^P03", "pid", line))


def test_payments_among_charges_are_passed_over() -> None:
    [event] = read(
        lines("DFT^P03", "pid", "FT1|1|T1||2026||CG|D||||1", "FT1|2|T2||2026||PY|P||||5")
    )
    assert [each.id for each in event.charges] == ["T1"]
    assert event.visit == "A1"


def test_an_account_of_the_patient_alone() -> None:
    [event] = read(lines("BAR^P01", PID.removesuffix("A1")))
    assert (event.visit, event.account) == ("", "")
    assert "PV1-49 is viel" in why(lines("BAR^P01", "pid", PV1 + "|" * 30 + "viel"))


# --- examinations ---


@pytest.mark.parametrize(
    ("orc", "what"),
    [
        ("ORC|NW|O1", events.ORDERED),
        ("ORC|CA|O1", events.CANCELLED),
        ("ORC|DC|O1", events.CANCELLED),
        ("ORC|XO|O1", events.CHANGED),
        ("ORC|SC|O1|||CA", events.CANCELLED),
        ("ORC|SC|O1|||IP", events.CHANGED),
        ("NTE|1", events.ORDERED),
    ],
)
def test_what_becomes_of_an_ordered_examination(orc: str, what: str) -> None:
    [event] = read(lines("ORM^O01", "pid", orc, "OBR|1|O1|F1|CT1^头部CT"))
    assert (event.what, event.booking, event.order) == (what, "F1", "O1")


@pytest.mark.parametrize(
    ("trigger", "segments", "named"),
    [
        ("ORM^O01", ("pid", "ORC|NW|O1"), "segment OBR is missing"),
        ("ORM^O01", ("pid", "ORC|NW|O1", "OBR|1"), "OBR-4 is empty"),
        ("ORM^O01", ("pid", "OBR|1|||CT1"), "OBR-3 / OBR-2 is empty"),
        ("SIU^S12", ("pid", "AIS|1||CT1|20261124"), "segment SCH is missing"),
        ("SIU^S12", ("SCH|", "pid", "AIS|1||CT1|20261124"), "SCH-2 / SCH-1 is empty"),
        ("SIU^S12", ("SCH||B1", "pid", "AIS|1||CT1"), "AIS-4 is empty"),
        ("SIU^S13", ("SCH||B1", "pid", "AIS|1||CT1|morgen"), "AIS-4 is morgen"),
        ("SIU^S12", ("SCH||B1", "AIS|1||CT1|20261124"), "segment PID is missing"),
        ("SIU^S12", ("SCH||B1", "PID|1", "AIS|1||CT1|20261124"), "PID-3 is empty"),
        ("SIU^S18", ("SCH||B1", "pid"), "of this type S12, S13"),
    ],
)
def test_an_examination_that_cannot_be_read_names_the_field(
    trigger: str, segments: tuple[str, ...], named: str
) -> None:
    assert named in why(lines(trigger, *segments))


def test_a_cancelled_appointment_needs_no_time() -> None:
    for trigger, what in (("S15", events.CANCELLED), ("S26", events.ABSENT)):
        [event] = read(lines(f"SIU^{trigger}", "SCH|B0|B1", "pid", "pv1"))
        assert (event.what, event.booking, event.starts_at) == (what, "B1", None)
        assert (event.visit, event.location) == ("V1", "3E^^05^总院")


# --- infusions ---


def infusion(orc: str = "ORC|NW|O1", rxe: str = "RXE||G5^糖|500||mL", *more: str) -> str:
    return lines("RDE^O11", "pid", "pv1", orc, rxe, "RXR|IVGTT", *more)


@pytest.mark.parametrize(
    ("control", "what"),
    [
        ("NW|O1", events.NEW),
        ("XO|O1", events.CHANGE),
        ("RL|O1", events.CHANGE),
        ("CA|O1", events.CANCEL),
        ("DC|O1", events.STOP),
        ("HD|O1", events.STOP),
        ("SC|O1|||DC", events.STOP),
        ("SC|O1|||CA", events.CANCEL),
    ],
)
def test_what_becomes_of_an_ordered_infusion(control: str, what: str) -> None:
    [event] = read(infusion("ORC|" + control))
    assert (event.what, event.order, event.visit) == (what, "O1", "V1")


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        (("100", "mL/h", ""), (100.0, None)),
        (("100", "ml/hr.", ""), (100.0, None)),
        (("0.1", "L/h", ""), (100.0, None)),
        (("2", "mL/min", ""), (120.0, None)),
        (("100", "mL", "H1"), (100.0, None)),
        (("40", "gtt/min", ""), (None, 40.0)),
        (("40", "滴/分", ""), (None, 40.0)),
        (("2400", "滴/小时", ""), (None, 40.0)),
        (("5", "mg/h", ""), (None, None)),
        (("0", "mL/h", ""), (None, None)),
        (("fast", "mL/h", ""), (None, None)),
    ],
)
def test_rates(given: tuple[str, str, str], rate: tuple[float | None, float | None]) -> None:
    value, units, per = given
    rxe = f"RXE||G5|500||mL{'|' * 17}{per}|{value}|{units}"
    [event] = read(infusion("ORC|NW|O1", rxe))
    assert (event.rate_ml_per_h, event.rate_drops_per_min) == rate
    assert event.rate_text.startswith(value)


def test_a_drop_factor_is_in_a_note_where_it_is_told() -> None:
    for note, factor in (
        ("滴系数 20滴/ml", 20),
        ("15 gtt/mL", 15),
        ("999滴/毫升", None),
        ("", None),
    ):
        [event] = read(infusion("ORC|NW|O1", "RXE||G5|500||mL", f"NTE|1||{note}"))
        assert event.drop_factor == factor


def test_the_bottle_is_the_amount_or_the_sum_of_its_parts() -> None:
    parts = ("RXC|B|G5|250|mL", "RXC|A|K|10|mL", "RXC|A|X|5|mg")
    assert [each.volume_ml for each in read(infusion("ORC|NW|O1", "RXE||G5|1||瓶", *parts))] == [
        260
    ]
    assert [each.volume_ml for each in read(infusion("ORC|NW|O1", "RXE||G5|1||瓶"))] == [None]


def test_only_the_infusions_among_the_orders_are_taken() -> None:
    tablets = ("ORC|NW|O1", "RXE||T^片|2||片", "RXR|PO")
    drip = ("ORC|NW|O2^HIS||G9", "TQ1|1||||||20261124160000", "RXE||G5|500||mL", "RXR|1^静脉滴注")
    [event] = read(lines("RDE^O11", "pid", *tablets, *drip))
    assert (event.order, event.group) == ("O2", "G9")
    assert event.starts_at == datetime(2026, 11, 24, 16)
    assert why(lines("RDE^O11", "pid", *tablets)) == refusals.NO_INFUSION
    assert "ORC-2 / ORC-3 is empty" in why(infusion("ORC|NW"))
    assert "segment ORC is missing" in why(lines("RDE^O11", "pid"))
    assert "segment RXE is missing" in why(lines("RDE^O11", "pid", "ORC|NW|1"))


def test_what_was_given() -> None:
    def given(rxa: str) -> str:
        [event] = read(lines("RAS^O17", "pid", "ORC|RE|O1", rxa, "RXR|IV"))
        return str(event.what)

    tail = "|G5|100|mL"
    assert given(f"RXA|0|1|20261124100000|20261124100000{tail}") == events.NEW
    assert given(f"RXA|0|1|20261124100000|20261124103000{tail}") == events.STOP
    assert given(f"RXA|0|1|20261124100000|{tail}" + "|" * 13 + "RE") == events.CANCEL


@given(st.text(max_size=20))
def test_no_rate_makes_the_reader_fail(text: str) -> None:
    infusing.rate(text)


# --- no bytes at all make a reader fail ---


WHOLE = {
    "DFT": lines("DFT^P03", "pid", "pv1", "FT1|1|T1||20261124||CG|D^药||2|10&CNY|5|||计划|1"),
    "BAR": lines("BAR^P01", "pid", PV1 + "|" * 27 + "1|2|3|4"),
    "RDE": infusion(
        "ORC|NW|O1|F1|G1", "RXE||G5|500||mL||||||||||||||||||40|滴/分", "NTE|||20滴/ml"
    ),
    "ORM": lines("ORM^O01", "pid", "pv1", "ORC|NW|O1|F1", "OBR|1|O1|F1|CT1^头部"),
    "SIU": lines("SIU^S12", "SCH|A|B", "pid", "AIS|1||CT1|202611241000|||30|min", "AIL|1||CT^1"),
}


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=40)
@given(data=st.data())
def test_no_change_of_a_message_makes_its_reader_fail(kind: str, data: st.DataObject) -> None:
    text = WHOLE[kind]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        new = data.draw(st.sampled_from(["", *"|^~\\&\r\x0b亅9-.", "\\X", "\\Xzz\\", "1e9", '""']))
        text = text[:at] + new + text[at + data.draw(st.integers(0, 3)) :]
    parsed = parse(text.encode())
    assert bool(parsed.events) != bool(parsed.refusal)


def test_segments_without_end_are_refused() -> None:
    raw = lines("DFT^P03", "pid", *["FT1|1|T||2026||CG|D||||1"] * 6000)
    assert "more than 5000 segments" in why(raw)


def test_every_kind_that_is_read_is_in_these_tests() -> None:
    assert set(READERS) == {"ADT", *(kind.split("_")[0] for kind in HL7APY), "ORM"}
