"""What people enter: the catalogue, insurance rules, what was used up elsewhere. Each check raises
FieldError and names the field; each deed stands in the audit with what was changed.

A version holds from its day on until the next one. A form carries a mark of what stood there when
it was opened (`central.directory.present.mark`), and nothing is saved over another's change.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.directory.present import different, unchanged
from central.errors import FieldError
from central.fees import model
from central.fees.cover import INPATIENT, OUTPATIENT, VISIT, YEAR, Band, RuleSet
from central.fees.scope import KINDS, WHOLE_BP, B, Item
from central.fees.taking import FEES
from central.store import HOSPITAL, Row, Tx

MOST_FEN = 10_000_000_000
MAX_BANDS = 6
YEARS = (2000, 2100)
Values = dict[str, Any]
# A new thing: what stands there is nothing.
NOTHING: Values = {}
# Spreadsheets write 12.5000 for 12.5.
_NUMBER = re.compile(r"([0-9]{1,9})(?:\.([0-9]{0,2})0*)?")
_BAD_TEXT = re.compile(r"[\x00-\x1f\x7f]")


def fen(text: str, field: str, *, empty: bool = False) -> int | None:
    """What was typed in yuan, such as 1,230.50; None where nothing was and that is `empty`'s
    right. Raises FieldError."""
    text = text.strip().lstrip("¥￥").replace(",", "").replace("，", "")
    if not text and empty:
        return None
    amount = _hundredths(text)
    if amount is None or amount > MOST_FEN:
        raise FieldError(field, N_("Write an amount in yuan, such as 1230.50."))
    return amount


def basis_points(text: str, field: str) -> int:
    """What was typed in percent, such as 85 or 12.5 %. Raises FieldError."""
    share = _hundredths(text.strip().rstrip("%％").strip())
    if share is None or share > WHOLE_BP:
        raise FieldError(field, N_("Write a share in percent, from 0 to 100, such as 12.5."))
    return share


def _hundredths(text: str) -> int | None:
    """A number with at most two places, exactly; None: it is none."""
    found = _NUMBER.fullmatch(text)
    return None if found is None else int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def day(text: str, field: str = "from_day") -> str:
    """A day as 2026-11-24. Raises FieldError."""
    try:
        found = date.fromisoformat(text.strip())
        if YEARS[0] <= found.year <= YEARS[1]:
            return str(found)
    except ValueError:
        pass
    raise FieldError(field, N_("Dates are written as 2026-11-24."))


def as_yuan(amount_fen: int | None) -> str:
    """As a form shows it: 1230.50."""
    return "" if amount_fen is None else f"{amount_fen // 100}.{amount_fen % 100:02d}"


def as_percent(share_bp: int) -> str:
    return f"{share_bp / 100:.2f}".rstrip("0").rstrip(".")


def _text(text: str, field: str, most: int, wrong: str) -> str:
    text = text.strip()
    if not text or len(text) > most or _BAD_TEXT.search(text):
        raise FieldError(field, wrong, n=most)
    return text


# --- the catalogue ---


def item_values(row: Row | None) -> Values:
    if row is None:
        return NOTHING
    return {key: row[key] for key in ("code", "from_day", "name", "kind", "limit_fen", "first_bp")}


def item_typed(row: Row) -> dict[str, str]:
    """A version as its form shows it."""
    return {
        "code": row["code"], "from_day": row["from_day"], "name": row["name"],
        "kind": row["kind"], "limit": as_yuan(row["limit_fen"]),
        "first": as_percent(row["first_bp"]) if row["kind"] == B else "",
    }  # fmt: skip


def checked_item(typed: Mapping[str, str]) -> tuple[Item, str]:
    """An item, and the day from which on it holds. Raises FieldError."""
    code = _text(
        typed.get("code", ""), "code", 64, N_("Enter the code, of at most %(n)s characters.")
    )
    name = _text(
        typed.get("name", ""), "name", 200, N_("Enter the name, of at most %(n)s characters.")
    )
    kind = typed.get("kind", "")
    if kind not in KINDS:
        raise FieldError("kind", N_("Choose a class: A, B or C."))
    limit = fen(typed.get("limit", ""), "limit", empty=True)
    first = typed.get("first", "").strip()
    first_bp = basis_points(first, "first") if first else 0
    if kind != B and first_bp:
        raise FieldError("first", N_("Only class B has a first self-pay: leave it empty."))
    if kind == B and not first:
        raise FieldError("first", N_("Class B needs its first self-pay in percent."))
    return Item(code, name, kind, limit, first_bp), day(typed.get("from_day", ""))


def save_item(tx: Tx, item: Item, from_day: str, seen: str, by: str) -> None:
    """Put a version of an item. Raises ChangedMeanwhileError."""
    before = item_values(model.item(tx, item.code, from_day))
    unchanged(before, seen)
    put_item(tx, item, from_day, by)
    now = {
        "name": item.name, "kind": item.kind, "limit_fen": item.limit_fen,
        "first_bp": item.first_bp,
    }  # fmt: skip
    told = {"from_day": from_day, **different(before, now)}
    audit.append(tx, by, "fee_item.put", f"fee_item/{item.code}", detail=told)
    tx.changed(HOSPITAL, FEES)


def put_item(tx: Tx, item: Item, from_day: str, by: str) -> None:
    tx.execute(
        "INSERT INTO fee_items (code, from_day, name, kind, limit_fen, first_bp, by, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (code, from_day) DO UPDATE SET"
        " name = excluded.name, kind = excluded.kind, limit_fen = excluded.limit_fen,"
        " first_bp = excluded.first_bp, by = excluded.by, at_ms = excluded.at_ms,"
        " version = version + 1",
        (
            item.code, from_day, item.name, item.kind, item.limit_fen, item.first_bp, by, tx.now_ms,
        ),
    )  # fmt: skip


def remove_item(tx: Tx, code: str, from_day: str, seen: str, by: str) -> None:
    """Take a version away: the one before it holds on. Raises ChangedMeanwhileError."""
    before = item_values(model.item(tx, code, from_day))
    unchanged(before, seen)
    tx.execute("DELETE FROM fee_items WHERE code = ? AND from_day = ?", (code, from_day))
    audit.append(tx, by, "fee_item.remove", f"fee_item/{code}", detail=before)
    tx.changed(HOSPITAL, FEES)


# --- insurance rules ---


def rules_values(row: Row | None) -> Values:
    if row is None:
        return NOTHING
    keys = ("plan", "care", "from_day", "name", "per", "deductible_fen", "cap_fen", "bands")
    return {key: row[key] for key in keys}


def rules_typed(row: Row) -> dict[str, str]:
    """A set of rules as its form shows it."""
    bands: dict[str, str] = {}
    for n, (upto, rate) in enumerate(json.loads(row["bands"])):
        bands |= {f"upto_{n}": as_yuan(upto), f"rate_{n}": as_percent(rate)}
    return {
        "plan": row["plan"], "care": row["care"], "from_day": row["from_day"],
        "name": row["name"], "per": row["per"], "deductible": as_yuan(row["deductible_fen"]),
        "cap": as_yuan(row["cap_fen"]), **bands,
    }  # fmt: skip


def checked_rules(typed: Mapping[str, str]) -> RuleSet:
    """Raises FieldError."""
    name = _text(
        typed.get("name", ""), "name", 64, N_("Enter the name, of at most %(n)s characters.")
    )
    plan = typed.get("plan", "").strip()
    if len(plan) > 64 or _BAD_TEXT.search(plan):
        raise FieldError("plan", N_("A plan's code has at most %(n)s characters."), n=64)
    care, per = typed.get("care", ""), typed.get("per", "")
    if care not in (INPATIENT, OUTPATIENT):
        raise FieldError("care", N_("Choose inpatients or outpatients."))
    if per not in (YEAR, VISIT):
        raise FieldError("per", N_("Choose how often the deductible is paid."))
    from_day = date.fromisoformat(day(typed.get("from_day", "")))
    deductible = fen(typed.get("deductible", ""), "deductible") or 0
    cap = fen(typed.get("cap", ""), "cap", empty=True)
    return RuleSet(plan, care, from_day, name, deductible, _bands(typed), cap, per)


def _bands(typed: Mapping[str, str]) -> tuple[Band, ...]:
    """Each goes on where the one before it ends; only the last has no end."""
    bands: list[Band] = []
    lines = [
        (n, typed.get(f"upto_{n}", "").strip(), typed.get(f"rate_{n}", "").strip())
        for n in range(MAX_BANDS)
    ]
    for n, upto_text, rate_text in lines:
        if not upto_text and not rate_text:
            continue
        if bands and bands[-1].upto_fen is None:
            raise FieldError(f"upto_{n}", N_("The line above has no end: nothing can follow it."))
        upto = fen(upto_text, f"upto_{n}", empty=True)
        low = (bands[-1].upto_fen or 0) if bands else 0
        if upto is not None and upto <= low:
            raise FieldError(f"upto_{n}", N_("This must be more than the line above ends at."))
        bands.append(Band(upto, basis_points(rate_text, f"rate_{n}")))
    if not bands:
        raise FieldError("rate_0", N_("Enter at least one share."))
    return tuple(bands)


def save_rules(tx: Tx, rules: RuleSet, id: int | None, seen: str, by: str) -> int:
    """Put a set of rules, a new one where `id` is None. Returns its id. Raises FieldError,
    ChangedMeanwhileError."""
    before = rules_values(model.rule_row(tx, id) if id is not None else None)
    if id is not None and not before:
        unchanged(None, seen)
    unchanged(before, seen)
    other = tx.value(
        "SELECT id FROM fee_rules WHERE plan = ? AND care = ? AND from_day = ? AND id IS NOT ?",
        (rules.plan, rules.care, str(rules.from_day), id),
    )
    if other is not None:
        raise FieldError(
            "from_day", N_("There are rules of this plan from this very day on. Change those.")
        )
    now: Values = {
        "plan": rules.plan, "care": rules.care, "from_day": str(rules.from_day),
        "name": rules.name, "per": rules.per, "deductible_fen": rules.deductible_fen,
        "cap_fen": rules.cap_fen,
        "bands": json.dumps([[each.upto_fen, each.rate_bp] for each in rules.bands]),
    }  # fmt: skip
    if id is None:
        id = tx.insert("fee_rules", **now, by=by, at_ms=tx.now_ms)
    else:
        names = ", ".join(f"{each} = :{each}" for each in now)
        tx.execute(
            f"UPDATE fee_rules SET {names}, by = :by, at_ms = :at_ms, version = version + 1"
            " WHERE id = :id",
            {**now, "by": by, "at_ms": tx.now_ms, "id": id},
        )
    audit.append(tx, by, "fee_rules.put", f"fee_rules/{id}", detail=_told(different(before, now)))
    tx.changed(HOSPITAL, FEES)
    return id


def _told(values: Values) -> dict[str, object]:
    """For the audit: the bands as "80% ≤ 1000.00", the last without an end as "90%"."""
    told: dict[str, object] = {key: value for key, value in values.items() if key != "bands"}
    if "bands" in values:
        told["paid"] = [
            f"{as_percent(rate)}%" + ("" if upto is None else f" ≤ {as_yuan(upto)}")
            for upto, rate in json.loads(values["bands"])
        ]
    return told


def remove_rules(tx: Tx, id: int, seen: str, by: str) -> None:
    """Take a set of rules away: those before it hold on. Raises ChangedMeanwhileError."""
    before = rules_values(model.rule_row(tx, id))
    unchanged(before or None, seen)
    tx.execute("DELETE FROM fee_rules WHERE id = ?", (id,))
    audit.append(tx, by, "fee_rules.remove", f"fee_rules/{id}", detail=_told(before))
    tx.changed(HOSPITAL, FEES)


# --- a patient's ---


def set_elsewhere(tx: Tx, patient: str, typed: Mapping[str, str], by: str) -> None:
    """What a patient used up elsewhere in a year, as the insurance told. Raises FieldError."""
    year = typed.get("year", "").strip()
    if not year.isascii() or not year.isdigit() or not YEARS[0] <= int(year[:6]) <= YEARS[1]:
        raise FieldError("year", N_("Write the year as 2026."))
    plan, _, care = typed.get("rules", "").rpartition("|")
    if care not in (INPATIENT, OUTPATIENT) or not tx.value(
        "SELECT 1 FROM fee_rules WHERE plan = ? AND care = ?", (plan, care)
    ):
        raise FieldError("rules", N_("Choose the rules that it belongs to."))
    dedc, fund = fen(typed.get("dedc", ""), "dedc"), fen(typed.get("fund", ""), "fund")
    tx.execute(
        "INSERT OR REPLACE INTO fee_elsewhere VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (patient, int(year), plan, care, dedc, fund, by, tx.now_ms),
    )
    told: dict[str, object] = {"year": int(year), "dedc_fen": dedc, "fund_fen": fund}
    audit.append(tx, by, "fees.elsewhere", f"fees/{patient}", detail=told)
    tx.changed(HOSPITAL, FEES)


def count_alone(tx: Tx, patient: str, sender: str, id: str, by: str) -> bool:
    """Let a credit count without the charge that it names. False: there is none that waits."""
    row = tx.one(
        "UPDATE fee_charges SET alone = 1 WHERE sender = ? AND id = ? AND patient = ?"
        " AND original != '' AND NOT alone RETURNING amount_fen",
        (sender, id, patient),
    )
    if row is not None:
        told: dict[str, object] = {"charge": id, "fen": row["amount_fen"]}
        audit.append(tx, by, "fees.alone", f"fees/{patient}", detail=told)
        tx.changed(HOSPITAL, FEES)
    return row is not None
