"""Charges and settlements that the hospital tells of. They may come twice and in any order: of one
id of a sender the newest message counts, and a credit counts once its charge is there."""

from datetime import date, datetime, tzinfo
from typing import Any

from central.fees import model, reasons
from central.hospital.told import HeldError, Reason, Told
from central.money import yuan
from central.store import HOSPITAL, Row, Tx
from gateway.his.events import Charge, ChargeEvent, SettlementEvent

FEES = "fees"


def day_of(at: datetime, zone: tzinfo | None) -> date:
    """The hospital's day of a moment: a time without a zone is the hospital's own already, on
    whichever side of a change of the clocks."""
    return at.date() if at.tzinfo is None else at.astimezone(zone).date()


def today(now_ms: int, zone: tzinfo | None) -> date:
    """The hospital's day at `now_ms`. `zone` None: the system's."""
    return datetime.fromtimestamp(now_ms / 1000, zone).date()


def take(tx: Tx, event: ChargeEvent, told: Told) -> list[Reason]:
    """Keep charges and credits. Raises HeldError."""
    remarks: list[Reason] = []
    if not tx.value("SELECT 1 FROM patients WHERE id = ?", (event.patient_id,)):
        remarks.append((reasons.UNKNOWN_PATIENT, {"patient": event.patient_id}))
    for charge in event.charges:
        remarks += _take_one(tx, event, charge, told)
    tx.changed(HOSPITAL, FEES)
    return remarks


def _take_one(tx: Tx, event: ChargeEvent, charge: Charge, told: Told) -> list[Reason]:
    known = model.charge(tx, told.sender, charge.id)
    sent_ms = _sent_ms(tx, event.sent_at, told.zone)
    moment = charge.service_at or event.sent_at
    day = str(day_of(moment, told.zone) if moment else today(tx.now_ms, told.zone))
    if charge.service_at is None and known is not None:
        day = min(day, known["day"])  # told again on a later day, it is no later charge
    alone = charge.amount_fen < 0 and not charge.original
    row: dict[str, Any] = {
        "patient": event.patient_id,
        "visit": event.visit,
        "day": day,
        "code": charge.code,
        "text": charge.text,
        "quantity_milli": charge.quantity_milli,
        "amount_fen": charge.amount_fen,
        "unit_fen": charge.unit_fen,
        # Only what is taken back has an original: a charge anew for one is a charge.
        "original": charge.original if charge.amount_fen < 0 else "",
        "alone": int(alone),
        "insured_fen": charge.insured_fen,
        "plan": charge.plan,
        "department": charge.department,
    }
    if known is not None and _same(known, row):
        return []
    if known is not None and sent_ms < known["sent_ms"] and not told.force:
        return [(reasons.OLDER, {"id": charge.id})]
    if known is not None and known["patient"] != event.patient_id and not told.force:
        raise HeldError(reasons.OTHER_PATIENT, id=charge.id, patient=known["patient"])
    if alone and not told.force:
        raise HeldError(reasons.NO_ORIGINAL, id=charge.id, amount=yuan(-charge.amount_fen))
    values = {"sender": told.sender, "id": charge.id, **row, "sent_ms": sent_ms, "ref": told.ref}
    _put(tx, "fee_charges", values)
    remarks: list[Reason] = []
    if known is not None:
        remarks.append((reasons.REPLACED, {"id": charge.id}))
    return remarks + _about_credits(tx, event.patient_id, told.sender, charge)


def _about_credits(tx: Tx, patient: str, sender: str, charge: Charge) -> list[Reason]:
    """Whether a credit has its charge, and whether more was taken back than was charged."""
    of = charge.id
    if charge.amount_fen < 0 and charge.original:
        named = {"id": charge.id, "original": charge.original}
        original = model.charge(tx, sender, charge.original)
        if original is None:
            return [(reasons.WAITS, named)]
        if original["patient"] != patient:
            return [(reasons.NOT_HIS, named)]
        of = charge.original
    left = tx.value(
        "SELECT sum(amount_fen) FROM fee_charges WHERE sender = ? AND (id = ? OR original = ?)"
        " AND patient = ?",
        (sender, of, of, patient),
    )
    has_credits = charge.original or tx.value(
        "SELECT 1 FROM fee_charges WHERE sender = ? AND original = ?", (sender, of)
    )
    return [(reasons.TOO_MUCH, {"id": of})] if has_credits and left < 0 else []


_PARTS = (
    "medfee_sumamt", "psn_part_amt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt",
    "inscp_scp_amt", "act_pay_dedc", "hifp_pay", "psn_cash_pay",
)  # fmt: skip


def take_settlement(tx: Tx, event: SettlementEvent, told: Told) -> list[Reason]:
    """Keep the hospital's own settlement: it takes the place of the estimate. Raises HeldError."""
    remarks: list[Reason] = []
    if not tx.value("SELECT 1 FROM patients WHERE id = ?", (event.patient_id,)):
        remarks.append((reasons.UNKNOWN_PATIENT, {"patient": event.patient_id}))
    known = tx.one(
        "SELECT * FROM fee_settlements WHERE sender = ? AND id = ?",
        (told.sender, event.settlement),
    )
    sent_ms = _sent_ms(tx, event.sent_at, told.zone)
    moment = event.settled_at or event.sent_at
    row: dict[str, Any] = {
        "patient": event.patient_id,
        "visit": event.visit,
        "day": str(day_of(moment, told.zone) if moment else today(tx.now_ms, told.zone)),
        **{name: getattr(event, name) for name in _PARTS},
        "ended": int(event.is_cancelled),
    }
    if known is not None and _same(known, row):
        return remarks
    if known is not None and sent_ms < known["sent_ms"] and not told.force:
        return [*remarks, (reasons.OLDER, {"id": event.settlement})]
    if known is not None and known["patient"] != event.patient_id and not told.force:
        raise HeldError(reasons.SETTLED_OTHER, id=event.settlement, patient=known["patient"])
    if not event.is_cancelled and not _sums(event):
        raise HeldError(reasons.NOT_A_SUM, amount=yuan(event.medfee_sumamt))
    values = {"sender": told.sender, "id": event.settlement, **row}
    _put(tx, "fee_settlements", {**values, "sent_ms": sent_ms, "ref": told.ref})
    if known is not None and not event.is_cancelled:
        remarks.append((reasons.REPLACED, {"id": event.settlement}))
    tx.changed(HOSPITAL, FEES)
    return remarks


def _sums(event: SettlementEvent) -> bool:
    """Whether the parts that are told can be parts of the whole."""
    total = event.medfee_sumamt
    outside = (event.fulamt_ownpay_amt, event.overlmt_selfpay, event.preselfpay_amt)
    scope = event.inscp_scp_amt
    out = sum(each or 0 for each in outside)
    if scope is not None and None not in outside and out + scope != total:
        return False
    cash, own = event.psn_cash_pay or 0, event.psn_part_amt
    fund = event.hifp_pay or 0
    return (
        0 <= cash <= own <= total
        and 0 <= fund <= total - own
        and 0 <= out + (scope or 0) <= total
        and all((each or 0) >= 0 for each in (*outside, scope, event.act_pay_dedc))
    )


def _same(known: Row, row: dict[str, Any]) -> bool:
    """Whether nothing new is told; that a person let a credit count alone is no difference."""
    return all(known[name] == value for name, value in row.items() if name != "alone")


def _put(tx: Tx, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    tx.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def _sent_ms(tx: Tx, at: datetime | None, zone: tzinfo | None) -> int:
    if at is None:
        return tx.now_ms
    if at.tzinfo is None and zone is not None:
        at = at.replace(tzinfo=zone)
    return int(at.timestamp() * 1000)
