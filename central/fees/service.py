"""What a visit costs and who is likely to pay it, for whoever asks: pages, phones, dunning."""

from dataclasses import dataclass
from datetime import date

from central.fees import model
from central.fees.cover import INPATIENT, OUTPATIENT, RuleSet
from central.fees.reckoning import Bill, Day, Settlement, reckon
from central.fees.scope import Counted, Item, Line
from central.fees.shares import Parts, Shares
from central.fees.taking import FEES, take, take_settlement, today
from central.patients import accounts
from central.store import Row, Tx
from gateway.his.events import ChargeEvent, SettlementEvent

__all__ = ["FEES", "HOSPITAL", "Fees", "ItemSum", "bill", "newest_visit", "summary", "today"]

HOSPITAL = {ChargeEvent: take, SettlementEvent: take_settlement}


@dataclass(frozen=True)
class ItemSum:
    """All of one thing on a bill. `kind`: its class, A, B or C; None: the catalogue does not know
    it, so it counts as out of scope. `quantity_milli` in thousandths."""

    code: str
    text: str
    kind: str | None
    quantity_milli: int
    parts: Parts


@dataclass(frozen=True)
class Fees:
    """Of one visit, in fen. `deposit_fen` None: nobody told one. `deposit_left_fen`: what is left
    of it after the patient's own share, negative when that is more. `is_estimate`: false only
    where the hospital's own settlement covers all."""

    total_fen: int
    today_fen: int
    in_scope_fen: int
    out_of_scope_fen: int
    insured_fen: int
    own_fen: int
    deposit_fen: int | None
    deposit_left_fen: int | None
    is_estimate: bool
    by_day: tuple[Day, ...]
    items: tuple[ItemSum, ...]
    shares: Shares
    waiting: tuple[Line, ...]
    # Plans that were named by charges and that no rules are known for.
    unknown_plans: tuple[str, ...]


def summary(tx: Tx, patient: str, visit: str, day: date) -> Fees:
    """The fees of a visit as they are known now. `day`: the hospital's today (`today`)."""
    found = bill(tx, patient, visit)
    shares = found.shares
    deposit = accounts.deposit_fen(tx, patient, visit)
    lines = [line for each in found.days for line in each.lines]
    sets = {rules.plan for rules in model.rule_sets(tx)}
    plans = {line.charge.plan for line in lines} - sets - {""}
    return Fees(
        total_fen=shares.medfee_sumamt,
        today_fen=sum(line.parts.medfee_sumamt for line in lines if line.known == day),
        in_scope_fen=shares.inscp_scp_amt,
        out_of_scope_fen=shares.out_of_scope,
        insured_fen=shares.medfee_sumamt - shares.psn_part_amt,
        own_fen=shares.psn_part_amt,
        deposit_fen=deposit,
        deposit_left_fen=None if deposit is None else deposit - shares.psn_part_amt,
        is_estimate=found.is_estimate,
        by_day=found.days,
        items=_items(lines),
        shares=shares,
        waiting=found.waiting,
        unknown_plans=tuple(sorted(plans)),
    )


def newest_visit(tx: Tx, patient: str) -> str | None:
    """The visit of the patient's newest charge; None: nothing was ever charged."""
    rows = model.visits(tx, patient)
    return rows[0]["visit"] if rows else None


class _Known:
    """The catalogue and the rules of a patient's charges."""

    def __init__(self, tx: Tx, lines: list[Line], inpatient: set[str]) -> None:
        self._items = model.item_versions(tx, (each.code for each in lines))
        self._rules = model.rule_sets(tx)
        self._inpatient = inpatient

    def item(self, line: Line) -> Item | None:
        versions = self._items.get(line.code, ())
        return next((item for start, item in versions if start <= line.day), None)

    def rules(self, line: Line) -> RuleSet | None:
        return self.rules_of(line.visit, line.plan, line.day)

    def rules_of(self, visit: str, plan: str, day: date) -> RuleSet | None:
        """Of the plan that is named; of a plan that nobody entered, none."""
        care = INPATIENT if visit in self._inpatient else OUTPATIENT
        return next(
            (each for each in self._rules if each.key == (plan, care) and each.from_day <= day),
            None,
        )


def bill(tx: Tx, patient: str, visit: str) -> Bill:
    """The bill of a visit: what is charged is charged by the catalogue and the rules of its day."""
    lines = model.lines(tx, patient)
    known = _Known(tx, lines, model.inpatient_visits(tx, patient))
    plans = {line.visit: line.plan for line in sorted(lines, key=lambda each: each.day)}
    settlements = []
    for row in model.settlements(tx, patient):
        day = date.fromisoformat(row["day"])
        rules = known.rules_of(row["visit"], plans.get(row["visit"], ""), day)
        has_scope = any(row[each] is not None for each in _SCOPE)
        settlements.append(Settlement(row["visit"], day, _settled(row), rules, has_scope))
    return reckon(
        lines, visit, known.item, known.rules,
        used=model.used_elsewhere(tx, patient), settlements=settlements,
    )  # fmt: skip


_SCOPE = ("inscp_scp_amt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt")


def _settled(row: Row) -> Shares:
    """The parts as far as they were told."""
    total, own = row["medfee_sumamt"], row["psn_part_amt"]
    over, first = row["overlmt_selfpay"] or 0, row["preselfpay_amt"] or 0
    scope, none = row["inscp_scp_amt"], row["fulamt_ownpay_amt"]
    if scope is None:
        scope = total - over - first - (none or 0)
    return Shares(
        total, total - over - first - scope, over, first, scope, row["act_pay_dedc"] or 0,
        total - own if row["hifp_pay"] is None else row["hifp_pay"], own,
        own if row["psn_cash_pay"] is None else row["psn_cash_pay"],
    )  # fmt: skip


def _items(lines: list[Counted]) -> tuple[ItemSum, ...]:
    """What was charged, by code and class, the dearest first."""
    found: dict[tuple[str, str | None], ItemSum] = {}
    for each in lines:
        code = each.charge.code
        kind = each.item.kind if each.item else None
        text = each.item.name if each.item else each.charge.text
        quantity = each.line.quantity_milli
        if each.line.amount_fen < 0:
            quantity = -abs(quantity)
        before = found.get((code, kind), ItemSum(code, text or code, kind, 0, Parts()))
        found[code, kind] = ItemSum(
            code, before.text, kind, before.quantity_milli + quantity, before.parts + each.parts
        )
    order = sorted(found.values(), key=lambda each: (-each.parts.medfee_sumamt, each.code))
    return tuple(order)
