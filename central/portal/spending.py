"""A patient's fees as the page shows them: sums, days, and the numbers of two pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from central.call_records.chart import Bars, bars
from central.fees import model as charges
from central.fees import service
from central.fees.service import Fees
from central.patients import accounts, model
from central.store import Tx

# So many days fit into a picture on a telephone.
DAYS_DRAWN = 14


@dataclass(frozen=True)
class Visit:
    """A stay or an outpatient visit of the patient's own. Days as "2026-11-28"; "" where nothing
    was charged yet."""

    visit: str
    first: str
    last: str


@dataclass(frozen=True)
class Line:
    """What was charged or given back on a day. `quantity` as it is written, "" where it is 1."""

    text: str
    quantity: str
    amount_fen: int
    out_of_scope_fen: int


@dataclass(frozen=True)
class Day:
    """`is_settlement`: by what the hospital's settlement differs from the estimate before."""

    day: date
    total_fen: int
    own_fen: int
    lines: list[Line]
    is_settlement: bool


@dataclass(frozen=True)
class Spending:
    """`fees`: the sums; `days`: the newest first; `scope` and `shares`: of each part in percent."""

    fees: Fees
    days: list[Day]
    picture: Bars
    scope: list[float]
    shares: list[float]


def visits(tx: Tx, patient: str) -> list[Visit]:
    """The patient's own, the newest first; one that goes on before all others."""
    found = [Visit(row["visit"], row["first"], row["last"]) for row in charges.visits(tx, patient)]
    stay = model.visit(tx, patient)
    if stay is not None and stay["discharged_ms"] is None:
        newest = stay["visit"]
    else:
        # Where nothing was charged, a deposit may have been paid in.
        newest = found[0].visit if found else accounts.newest_visit(tx, patient)
    if newest is None:
        return found
    now = next((each for each in found if each.visit == newest), Visit(newest, "", ""))
    return [now, *(each for each in found if each is not now)]


def of(tx: Tx, patient: str, visit: Visit, today: date) -> Spending:
    fees = service.summary(tx, patient, visit.visit, today)
    days = [
        Day(
            each.day, each.shares.medfee_sumamt, each.shares.psn_part_amt,
            [
                Line(
                    (line.item.name if line.item else line.charge.text) or line.charge.code,
                    _quantity(line.line.quantity_milli), line.line.amount_fen,
                    line.parts.out_of_scope,
                )
                for line in each.lines
            ],
            each.is_settlement,
        )
        for each in sorted(fees.by_day, key=lambda day: (day.day, day.is_settlement), reverse=True)
    ]  # fmt: skip
    drawn = [each for each in days if not each.is_settlement][:DAYS_DRAWN][::-1]
    return Spending(
        fees,
        days,
        bars([(f"{each.day:%m-%d}", max(0, each.total_fen)) for each in drawn]),
        _percent([fees.in_scope_fen, fees.out_of_scope_fen]),
        _percent([fees.insured_fen, fees.own_fen]),
    )


def _quantity(milli: int) -> str:
    """In thousandths; as "2.5", or "" for one or where it was not told."""
    if milli in (0, 1000):
        return ""
    return f"{milli / 1000:.3f}".rstrip("0").rstrip(".")


def _percent(parts: Sequence[int]) -> list[float]:
    """Of each in the whole; what is negative takes no room."""
    kept = [max(0, each) for each in parts]
    whole = sum(kept) or 1
    return [round(100 * each / whole, 2) for each in kept]
