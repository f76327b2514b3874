"""A visit's bill: what each day cost, and who is likely to pay it.

All charges of the patient are looked at, for visits of a year share its deductible and cap. A day
of the bill is what was known at its end, as far as it is known now: so a credit lowers the day on
which it was given, and the days always sum to the whole.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

from central.fees.cover import Entry, RuleSet, UsedBy, cover
from central.fees.scope import Counted, Item, Key, Line, counted
from central.fees.shares import Parts, Shares

ItemOf = Callable[[Line], Item | None]
RulesOf = Callable[[Line], RuleSet | None]


@dataclass(frozen=True)
class Settlement:
    """What the hospital reckoned by itself for a visit, up to the end of `day`. `rules`: those
    whose deductible and cap it used up. `has_scope`: it tells what was in scope, too."""

    visit: str
    day: date
    shares: Shares
    rules: RuleSet | None = None
    has_scope: bool = True


@dataclass(frozen=True)
class Day:
    """A day of a bill. `is_settlement`: no day, but what the settlement of that day differs by
    from the estimate until then."""

    day: date
    shares: Shares
    lines: tuple[Counted, ...] = ()
    is_settlement: bool = False


@dataclass(frozen=True)
class Bill:
    """`waiting`: credits whose charge is not here; they change nothing."""

    shares: Shares
    days: tuple[Day, ...]
    is_estimate: bool
    waiting: tuple[Line, ...] = ()


def reckon(
    lines: Iterable[Line],
    visit: str,
    item_of: ItemOf,
    rules_of: RulesOf,
    *,
    used: UsedBy | None = None,
    settlements: Iterable[Settlement] = (),
) -> Bill:
    """The bill of `visit` out of all `lines` of its patient, in whatever order. `item_of` and
    `rules_of` answer by the day and code of a charge; a credit has those of its charge."""
    known, waiting = _taken_together(lines, item_of)
    settled = {each.visit: each for each in settlements}
    known, settled = _of_its_years(known, settled, visit)
    reckoner = _Reckoner(known, rules_of, settled, used or {})
    own = settled.get(visit)
    mine: dict[date, list[Counted]] = defaultdict(list)
    for each in known:
        if each.charge.visit == visit:
            mine[each.known].append(each)
    days: list[Day] = []
    before = (0, 0)
    # What another visit does, or its settlement, may change what is left for this one.
    for day in sorted({each.known for each in known} | {each.day for each in settled.values()}):
        if own is not None and day > own.day and not _is_settled(days):
            days.append(_settlement_day(own, days))
            before = (own.shares.act_pay_dedc, own.shares.hifp_pay)
        dedc, fund = reckoner.until(visit, day)
        parts = sum((each.parts for each in mine[day]), Parts())
        shares = Shares.of(parts, dedc - before[0], fund - before[1])
        if mine[day] or shares != Shares():
            days.append(Day(day, shares, tuple(mine[day])))
        before = (dedc, fund)
    if own is not None and not _is_settled(days):
        days.append(_settlement_day(own, days))
    total = sum((each.shares for each in days), Shares())
    is_estimate = own is None or not days[-1].is_settlement
    return Bill(total, tuple(days), is_estimate, tuple(w for w in waiting if w.visit == visit))


def _of_its_years(
    known: list[Counted], settled: dict[str, Settlement], visit: str
) -> tuple[list[Counted], dict[str, Settlement]]:
    """Only the visits that share a year with `visit`: others change nothing for it."""
    years: dict[str, set[int]] = defaultdict(set)
    for each in known:
        years[each.charge.visit].add(each.charge.day.year)
    for settlement in settled.values():
        years[settlement.visit].add(settlement.day.year)
    mine = years[visit]
    near = {other for other, its in years.items() if its & mine}
    return (
        [each for each in known if each.charge.visit in near],
        {other: each for other, each in settled.items() if other in near},
    )


def _taken_together(lines: Iterable[Line], item_of: ItemOf) -> tuple[list[Counted], list[Line]]:
    """All that counts, and the credits without their charge."""
    every = {each.key: each for each in lines}
    credits: dict[Key, list[Line]] = defaultdict(list)
    waiting = []
    for each in every.values():
        if each.original is None:
            continue
        charge = every.get(each.original)
        if charge is None or charge.original is not None:
            waiting.append(each)
        else:
            credits[each.original].append(each)
    known: list[Counted] = []
    for each in every.values():
        if each.original is None:
            known += counted(each, credits[each.key], item_of(each))
    known.sort(key=lambda each: (each.known, each.line.key))
    return known, sorted(waiting, key=lambda each: (each.day, each.key))


class _Reckoner:
    """The deductible and fund of visits, as known at the end of one day after the other."""

    def __init__(
        self,
        known: list[Counted],
        rules_of: RulesOf,
        settled: Mapping[str, Settlement],
        used: UsedBy,
    ) -> None:
        self._known = iter([*known, None])
        self._next = next(self._known)
        self._rules_of = rules_of
        self._settled = settled
        self._used = used
        # In scope, by (day, visit, rules); apart from it what came after the visit's settlement.
        self._sums: dict[tuple[date, str, RuleSet | None], int] = defaultdict(int)
        self._after: dict[tuple[date, str, RuleSet | None], int] = defaultdict(int)

    def until(self, visit: str, day: date) -> tuple[int, int]:
        """(deductible, fund) of a visit. A settlement rules from the day after it on, for other
        visits from its own day on."""
        while self._next is not None and self._next.known <= day:
            self._add(self._next)
            self._next = next(self._known)
        fixed = {
            other: each
            for other, each in self._settled.items()
            if each.day < day or (other != visit and each.day == day)
        }
        entries = [_fixed(each) for each in fixed.values()]
        for (at, of, rules), amount in self._sums.items():
            if of not in fixed:
                entries.append(Entry(at, of, rules, amount))
        for (at, of, rules), amount in self._after.items():
            entries.append(Entry(at, of, rules, amount, is_after=True))
        return cover(entries, self._used).get(visit, (0, 0))

    def _add(self, each: Counted) -> None:
        charge = each.charge
        rules = self._rules_of(charge)
        settlement = self._settled.get(charge.visit)
        if settlement is not None and each.known > settlement.day:
            key = (max(settlement.day, charge.day), charge.visit, rules)
            self._after[key] += each.parts.inscp_scp_amt
        else:
            self._sums[charge.day, charge.visit, rules] += each.parts.inscp_scp_amt


def _fixed(settlement: Settlement) -> Entry:
    shares = settlement.shares
    return Entry(
        settlement.day, settlement.visit, settlement.rules, shares.inscp_scp_amt,
        settled=(shares.act_pay_dedc, shares.hifp_pay),
    )  # fmt: skip


def _is_settled(days: list[Day]) -> bool:
    return any(each.is_settlement for each in days)


def _settlement_day(own: Settlement, days: list[Day]) -> Day:
    before = sum((each.shares for each in days), Shares())
    shares = own.shares
    if not own.has_scope and shares.medfee_sumamt == before.medfee_sumamt:
        shares = replace(
            shares,
            **{each.name: getattr(before, each.name) for each in fields(Parts)},
        )
    return Day(own.day, shares - before, is_settlement=True)
