"""Charges as the hospital tells them, and a small catalogue."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from central.fees import service
from central.hospital.told import Reason, Told
from central.store import Store
from gateway.his.events import Charge, ChargeEvent, SettlementEvent

ZONE = ZoneInfo("Asia/Shanghai")
SENT = datetime(2026, 3, 2, 12, 0)
Tell = Callable[..., list[Reason]]


def charge(id: str, amount_fen: int, code: str = "drug", **more: Any) -> Charge:
    given: dict[str, Any] = {
        "text": "", "quantity_milli": 1000, "unit_fen": None, "service_at": SENT,
        "original": "", "insured_fen": None, "plan": "", "department": "",
    }  # fmt: skip
    return Charge(id=id, code=code, amount_fen=amount_fen, **(given | more))


def charged(*charges: Charge, patient: str = "p1", visit: str = "v1", **more: Any) -> ChargeEvent:
    given = {"control_id": "1", "sender": "HIS", "sent_at": SENT} | more
    return ChargeEvent(patient_id=patient, visit=visit, charges=charges, **given)


def settled(total: int, own: int, patient: str = "p1", visit: str = "v1", **more: Any) -> Any:
    parts = (
        "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt",
        "act_pay_dedc", "hifp_pay", "psn_cash_pay",
    )  # fmt: skip
    given: dict[str, Any] = dict.fromkeys(parts) | {
        "control_id": "1", "sender": "HIS", "settlement": "s1", "settled_at": SENT,
        "is_cancelled": False, "sent_at": SENT,
    }  # fmt: skip
    return SettlementEvent(
        patient_id=patient, visit=visit, medfee_sumamt=total, psn_part_amt=own, **(given | more)
    )


@pytest.fixture
def tell(store: Store) -> Tell:
    """Let the hospital tell of something; the remarks. Raises HeldError, and then nothing is
    kept."""

    def told(event: Any, *, force: bool = False) -> list[Reason]:
        with store.transaction() as tx, tx.savepoint():
            rule: Any = service.HOSPITAL[type(event)]
            return rule(tx, event, Told("his/1", event.sender, ZONE, force))

    return told


@pytest.fixture
def entered(store: Store) -> Store:
    """A catalogue and rules: from 100 yuan on outpatients are paid 50 %, inpatients 80 %."""
    with store.transaction() as tx:
        for code, kind, limit, first in (
            ("drug", "A", None, 0), ("scan", "B", 10_000, 1000), ("comfort", "C", None, 0),
        ):  # fmt: skip
            tx.insert(
                "fee_items", code=code, from_day="2026-01-01", name=code.title(), kind=kind,
                limit_fen=limit, first_bp=first, by="admin", at_ms=0,
            )  # fmt: skip
        for care, rate in (("outpatient", 5000), ("inpatient", 8000)):
            tx.insert(
                "fee_rules", plan="", care=care, from_day="2026-01-01", name=care, per="year",
                deductible_fen=10_000, cap_fen=None, bands=f"[[null, {rate}]]", by="admin", at_ms=0,
            )  # fmt: skip
    return store


def fees(store: Store, patient: str = "p1", visit: str = "v1") -> service.Fees:
    return service.summary(store.read(), patient, visit, SENT.date())
