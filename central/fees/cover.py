"""How much of what is in scope the insurance fund pays: deductible, bands and cap, through a year.

Charges use them up in the order of their days. The fund's part is kept exact and rounded only as
the sum of the year so far; the part of a day is what that sum grew by. So days and stays sum to
the year, whatever is asked first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from central.fees.scope import WHOLE_BP
from central.fees.shares import rounded

YEAR, VISIT = "year", "visit"
INPATIENT, OUTPATIENT = "inpatient", "outpatient"


@dataclass(frozen=True)
class Band:
    """The share that the fund pays of what lies above the band before and up to `upto_fen`,
    counted from the deductible on. None: of all above."""

    upto_fen: int | None
    rate_bp: int


@dataclass(frozen=True)
class RuleSet:
    """The rules of an insurance plan from a day on. `per`: whether the deductible and the bands
    begin anew each YEAR or with each VISIT; the cap is always a year's."""

    plan: str
    care: str
    from_day: date
    name: str
    deductible_fen: int
    bands: tuple[Band, ...]
    cap_fen: int | None = None
    per: str = YEAR

    @property
    def key(self) -> tuple[str, str]:
        return self.plan, self.care


@dataclass(frozen=True)
class Used:
    """What was used up elsewhere in a year, in other hospitals or before Wardline."""

    dedc_fen: int = 0
    fund_fen: int = 0


@dataclass(frozen=True)
class Entry:
    """What came into scope on a day of a visit, under one set of rules. None: under none."""

    day: date
    visit: str
    rules: RuleSet | None
    inscp_fen: int
    # What a settlement says was used: it is taken as it is. Charges after it come after.
    settled: "tuple[int, int] | None" = None  # deductible, fund
    is_after: bool = False


@dataclass
class _Year:
    """Exact, in fen times WHOLE_BP."""

    fund_exact: int = 0


@dataclass
class _Count:
    """Of a deductible and its bands: both may be negative after more was taken back than came."""

    dedc: int = 0
    base: int = 0


def area(low: int, high: int, bands: Iterable[Band]) -> int:
    """What the fund pays of the piece from `low` to `high` of the base, times WHOLE_BP."""
    total, begin = 0, 0
    for band in bands:
        end = high if band.upto_fen is None else min(high, band.upto_fen)
        total += max(0, end - max(low, begin)) * band.rate_bp
        if band.upto_fen is None:
            break
        begin = band.upto_fen
    return total


UsedBy = Mapping[tuple[int, str, str], Used]  # by year, plan and care


def cover(entries: Iterable[Entry], used: UsedBy) -> dict[str, tuple[int, int]]:
    """(deductible used, fund) by visit, in fen."""
    years: dict[object, _Year] = {}
    counts: dict[object, _Count] = {}
    found: dict[str, tuple[int, int]] = {}
    for entry in sorted(entries, key=_order):
        dedc, fund = found.get(entry.visit, (0, 0))
        rules = entry.rules
        if rules is None:
            if entry.settled is not None:
                found[entry.visit] = (dedc + entry.settled[0], fund + entry.settled[1])
            continue
        year_key = (entry.day.year, *rules.key)
        elsewhere = used.get(year_key, Used())
        year = years.setdefault(year_key, _Year())
        per_year = rules.per == YEAR
        count = counts.setdefault(
            year_key if per_year else (rules.key, entry.visit),
            _Count(dedc=elsewhere.dedc_fen if per_year else 0),
        )
        if entry.settled is not None:
            count.dedc += entry.settled[0]
            count.base += entry.inscp_fen - entry.settled[0]
            year.fund_exact += entry.settled[1] * WHOLE_BP
            found[entry.visit] = (dedc + entry.settled[0], fund + entry.settled[1])
            continue
        before = rounded(year.fund_exact, WHOLE_BP)
        taken = _step(entry.inscp_fen, rules, count, year, elsewhere)
        found[entry.visit] = (dedc + taken, fund + rounded(year.fund_exact, WHOLE_BP) - before)
    return found


def _step(amount: int, rules: RuleSet, count: _Count, year: _Year, elsewhere: Used) -> int:
    """Let an amount use up the deductible, then climb the bands. Returns its deductible."""
    if amount >= 0:
        dedc = min(amount, max(0, rules.deductible_fen - count.dedc))
        above = count.base + amount - dedc
        grown = year.fund_exact + area(count.base, above, rules.bands)
        if rules.cap_fen is not None:
            room = max(0, rules.cap_fen - elsewhere.fund_fen) * WHOLE_BP
            grown = min(grown, max(room, year.fund_exact))
        year.fund_exact = grown
    else:
        # More was taken back than was charged: down the bands, then out of the deductible.
        above = count.base - min(max(count.base, 0), -amount)
        dedc = amount + count.base - above
        year.fund_exact -= area(above, count.base, rules.bands)
    count.dedc += dedc
    count.base = above
    return dedc


def _order(entry: Entry) -> tuple[object, ...]:
    key = entry.rules.key if entry.rules else ("", "")
    return (entry.day, entry.visit, entry.is_after, entry.settled is not None, key)
