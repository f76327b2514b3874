"""How much of a charge is in the scope of insurance.

Rounded once for each of two parts: what the price limit allows, and the first self-pay. What is in
scope is what is left of the amount, so nothing is lost between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from central.fees.shares import Parts, rounded

# 甲, 乙 and 丙 of the catalogue: covered, covered after a first self-pay, not covered.
A, B, C = "A", "B", "C"
KINDS = (A, B, C)
# A ratio of one, in the unit that ratios are kept in (basis points).
WHOLE_BP = 10_000
ONE_MILLI = 1000

Key = tuple[str, str]  # sender, and the charge's id at the sender


@dataclass(frozen=True)
class Item:
    """What the catalogue says of a code from a day on. `limit_fen`: the highest price of one
    unit that counts; None: any. `first_bp`: the first self-pay of class B."""

    code: str
    name: str
    kind: str
    limit_fen: int | None = None
    first_bp: int = 0


@dataclass(frozen=True)
class Line:
    """A charge, or a credit that takes back all or a part of `original` (its amount is
    negative). `day`: of the service, in the hospital's zone. `quantity_milli` in thousandths; 0:
    not told."""

    key: Key
    visit: str
    day: date
    code: str
    amount_fen: int
    quantity_milli: int = ONE_MILLI
    plan: str = ""
    text: str = ""
    original: Key | None = None


@dataclass(frozen=True)
class Counted:
    """A line, what it adds to the bill, and by which charge's day and code. `known`: the day from
    which on it is counted, never before the charge that it takes back."""

    line: Line
    charge: Line
    known: date
    item: Item | None
    parts: Parts


def parts_of(amount_fen: int, quantity_milli: int, item: Item | None) -> Parts:
    """The parts of an amount; those of a negative one are those of the positive, negative."""
    if amount_fen < 0:
        return -parts_of(-amount_fen, quantity_milli, item)
    if item is None or item.kind == C:
        return Parts(amount_fen, fulamt_ownpay_amt=amount_fen)
    over = 0
    if item.limit_fen is not None:
        allowed = rounded(item.limit_fen * (abs(quantity_milli) or ONE_MILLI), ONE_MILLI)
        over = max(0, amount_fen - allowed)
    first = rounded((amount_fen - over) * item.first_bp, WHOLE_BP) if item.kind == B else 0
    return Parts(amount_fen, 0, over, first, amount_fen - over - first)


def counted(charge: Line, credits: Iterable[Line], item: Item | None) -> list[Counted]:
    """A charge and the credits that take it back, each with what it changes. A charge of which a
    part was taken back counts as a charge of the rest; all of it, as nothing."""
    amount, quantity = charge.amount_fen, abs(charge.quantity_milli) or ONE_MILLI
    whole = quantity
    before = parts_of(amount, quantity, item)
    found = [Counted(charge, charge, charge.day, item, before)]
    known = [(max(each.day, charge.day), each.key, each) for each in credits]
    for day, _, credit in sorted(known, key=lambda each: each[:2]):
        amount += credit.amount_fen
        quantity -= abs(credit.quantity_milli)
        # A sender that does not count what it takes back: by the amount, then.
        if quantity > 0 or amount <= 0:
            left = max(quantity, 0)
        else:
            left = max(1, rounded(whole * amount, charge.amount_fen))
        after = parts_of(amount, left, item)
        found.append(Counted(credit, charge, day, item, after - before))
        before = after
    return found
