"""Every sample message: what is understood of it, or why it is refused."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gateway.his import adt, events, refusals
from gateway.his.message import parse
from tests.his.conftest import SAMPLES

ZONE = timezone(timedelta(hours=2, minutes=15))  # +0215, as the samples have it
APPOINTED = {
    "patient_id": "PATID1234", "booking": "36996", "code": "76164006", "duration_min": 50,
    "text": "Biopsy of colon (procedure)", "starts_at": datetime(2021, 9, 24, 9, 30, tzinfo=ZONE),
    "name": "EVERYMAN ADAM A",
}  # fmt: skip
CT_HEAD = {
    "what": events.ORDERED, "booking": "1201", "order": "1101", "code": "24725-4",
    "text": "CT Head", "visit": "5001", "starts_at": None, "location": "RADUnit01^Room01^^GHH",
}  # fmt: skip
NOTHING_TOLD = {"balance_fen": None, "charged_fen": None, "paid_fen": None, "account": "4000776"}
ROOMS = {"room": "055^Room01^^GH Clinic"}
Expected = list[dict[str, Any]] | tuple[str, str]

EXPECTED: dict[str, Expected] = {
    "ADT-A01-01.hl7": [{"kind": adt.ADMIT}],
    "ADT-A02-01.hl7": [{"kind": adt.TRANSFER}],
    "ADT-A03-01.hl7": [{"kind": adt.DISCHARGE}],
    "ADT-A04-01.hl7": (refusals.UNSUPPORTED_EVENT, "ADT^A04"),
    "ADT-A08-01.hl7": [{"kind": adt.UPDATE}],
    "ADT-A11-01.hl7": [{"kind": adt.CANCEL_ADMIT}],
    "ADT-A13-01.hl7": [{"kind": adt.CANCEL_DISCHARGE}],
    "ADT01-23.hl7": [{"kind": adt.ADMIT}],
    "ADT01-28.hl7": [{"kind": adt.ADMIT}],
    "ADT04-251.hl7": (refusals.UNSUPPORTED_EVENT, "ADT^A04"),
    "BAR-P01-01.hl7": [{"patient_id": "PATID1234", "visit": "40007716", "is_closed": False}],
    "BAR-P02-01.hl7": [
        {"patient_id": "PATID1234", "visit": "40007716", "is_closed": True, **NOTHING_TOLD},
        {"patient_id": "PAT234", "visit": "4000776", "is_closed": True, **NOTHING_TOLD},
    ],
    "DFT-P03-01.hl7": (refusals.WRONG_CURRENCY, "USD"),
    "LAB-ORU-1.hl7": (refusals.UNSUPPORTED_TYPE, "ORU^R01"),
    "MDM-T02-01.hl7": (refusals.UNSUPPORTED_TYPE, "MDM^T02"),
    "OMG-O19-01.hl7": (refusals.NO_FIELD, "OBR-3 / OBR-2"),
    "ORM-O01-01.hl7": [CT_HEAD],
    "ORM-O01-02.hl7": [CT_HEAD],
    "ORM-O01-03.hl7": [CT_HEAD, {"what": events.ORDERED, "booking": "2301", "text": "MR Brain"}],
    "RDE-O11-01.hl7": [
        {
            "what": events.NEW, "order": "1163422591", "code": "0143963401", "visit": "40007716",
            "rate_text": "23 mL/hr", "rate_ml_per_h": 23.0, "rate_drops_per_min": None,
            "volume_ml": None, "drop_factor": None,
            "starts_at": datetime(2019, 11, 4, 10, 30, tzinfo=ZONE),
        }
    ],
    "SIU-S12-01.hl7": [{"what": events.BOOKED, **ROOMS, **APPOINTED}],
    "SIU-S13-01.hl7": [{"what": events.MOVED, **ROOMS, **APPOINTED}],
    "SIU-S14-01.hl7": [{"what": events.CHANGED, "room": "055^Room02^^GH Clinic", **APPOINTED}],
    "SIU-S15-01.hl7": [{"what": events.CANCELLED, **ROOMS, **APPOINTED}],
    "SIU-S17-01.hl7": [{"what": events.CANCELLED, **ROOMS, **APPOINTED}],
    "SIU-S26-01.hl7": [{"what": events.ABSENT, **ROOMS, **APPOINTED}],
    "SIU_12.hl7": (refusals.UNSUPPORTED_EVENT, "ADT^A60"),
}  # fmt: skip


def test_the_table_has_every_sample() -> None:
    assert set(EXPECTED) == {path.name for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_has_its_effect_or_its_refusal(path: Path) -> None:
    parsed = parse(path.read_bytes())
    expected = EXPECTED[path.name]
    if isinstance(expected, tuple):
        text, named = expected
        assert parsed.refusal is not None
        assert (parsed.refusal.text, parsed.refusal.code) == (text, refusals.REFUSED)
        assert named in str(parsed.refusal)
        return
    assert parsed.refusal is None
    assert len(parsed.events) == len(expected)
    for event, facts in zip(parsed.events, expected, strict=True):
        assert {name: getattr(event, name) for name in facts} == facts


def test_a_bill_in_our_money() -> None:
    """The sample bills in dollars; with the currency changed it is a bill of ours."""
    raw = (SAMPLES[0].parent / "DFT-P03-01.hl7").read_bytes().replace(b"&USD", b"&CNY")
    [event] = parse(raw).events
    assert isinstance(event, events.ChargeEvent)
    assert (event.patient_id, event.visit) == ("PATID1234", "40007716")
    first, second = event.charges
    assert first == events.Charge(
        id="12345",
        code="71045",
        text="Xray exam chest 1 view",
        quantity_milli=2000,
        amount_fen=100_00,
        unit_fen=50_00,
        service_at=datetime(2019, 11, 22),
        original="",
        insured_fen=None,
        plan="",
        department="Radiology Deptt",
    )
    # It has no number of its own.
    assert second.id == "MSG00001/202108181126+0215/2"
    assert (second.code, second.amount_fen, second.unit_fen) == ("626.2", 120_00, None)
