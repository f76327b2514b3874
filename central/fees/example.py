"""What a change of the catalogue or the rules would do to a made-up bill, before it is saved."""

from dataclasses import dataclass, replace
from datetime import date

from central.fees.cover import RuleSet
from central.fees.reckoning import reckon
from central.fees.scope import KINDS, A, B, C, Item, Line
from central.fees.shares import Shares

# What the example holds of each class until somebody types other amounts, in fen.
AMOUNTS = {A: 600_000, B: 300_000, C: 100_000}
FIRST_BP = 1000
_ITEMS = {A: Item(A, A, A), B: Item(B, B, B, None, FIRST_BP), C: Item(C, C, C)}


@dataclass(frozen=True)
class Effect:
    """The example by what holds now (None: nothing does) and by what was entered."""

    before: Shares | None
    after: Shares


def of_rules(amounts: dict[str, int], before: RuleSet | None, after: RuleSet) -> Effect:
    """A bill with so much of each class, of a patient who used up nothing yet."""

    def bill(rules: RuleSet | None) -> Shares:
        lines = [Line(("", kind), "", after.from_day, kind, amounts[kind]) for kind in KINDS]
        return reckon(lines, "", lambda each: _ITEMS[each.code], lambda each: rules).shares

    return Effect(bill(before) if before else None, bill(after))


def of_item(
    amount_fen: int, quantity_milli: int, day: date, before: Item | None, after: Item,
    rules: RuleSet | None,
) -> Effect:  # fmt: skip
    """One charge of the item under the rules of that day, of one who paid the deductible."""

    free = None if rules is None else replace(rules, deductible_fen=0)

    def bill(item: Item | None) -> Shares:
        line = Line(("", ""), "", day, after.code, amount_fen, quantity_milli)
        return reckon([line], "", lambda each: item, lambda each: free).shares

    return Effect(bill(before), bill(after))
