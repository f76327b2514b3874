"""The arithmetic of fees: the reference's examples, and what holds whatever is charged."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.fees.cover import VISIT, Band, RuleSet, Used
from central.fees.reckoning import Bill, Settlement, reckon
from central.fees.scope import A, B, C, Item, Line
from central.fees.shares import Shares, rounded

DAY = date(2026, 3, 1)
YUAN = 100


def rules(deductible: int, *bands: Band, **more: object) -> RuleSet:
    return RuleSet("", "inpatient", date(2026, 1, 1), "rules", deductible, bands, **more)  # type: ignore[arg-type]


def flat(deductible_yuan: int, percent: int, **more: object) -> RuleSet:
    return rules(deductible_yuan * YUAN, Band(None, percent * 100), **more)


def item(kind: str, limit: int | None = None, first_bp: int = 0, code: str = "x") -> Item:
    return Item(code, code, kind, limit, first_bp)


def line(
    n: int, code: str, yuan: int, *, day: date = DAY, visit: str = "v", **more: object
) -> Line:
    return Line(("his", str(n)), visit, day, code, yuan * YUAN, **more)  # type: ignore[arg-type]


def bill(lines: list[Line], items: dict[str, Item], rule: RuleSet, **more: object) -> Bill:
    visit = lines[0].visit if lines else "v"
    return reckon(
        lines,
        visit,
        lambda each: items.get(each.code),
        lambda each: rule,
        **more,  # type: ignore[arg-type]
    )


ITEMS = {"a": item(A), "b": item(B, first_bp=1000), "c": item(C)}


@pytest.mark.parametrize(
    ("charged", "items", "rule", "expected"),
    [
        ({"a": 20_000}, ITEMS, flat(1000, 85), {"hifp_pay": 16_150, "psn_part_amt": 3_850}),
        ({"a": 1_000}, ITEMS, flat(800, 75), {"hifp_pay": 150, "psn_part_amt": 850}),
        ({"b": 200}, ITEMS, flat(0, 100), {"preselfpay_amt": 20, "inscp_scp_amt": 180}),
        (
            {"b": 120},
            {"b": item(B, 110 * YUAN, 1000)},
            flat(0, 100),
            {"overlmt_selfpay": 10, "preselfpay_amt": 11, "hifp_pay": 99, "psn_part_amt": 21},
        ),
        (
            {"a": 6_000, "b": 3_000, "c": 1_000},
            ITEMS,
            flat(800, 85),
            {
                "medfee_sumamt": 10_000, "fulamt_ownpay_amt": 1_000, "preselfpay_amt": 300,
                "inscp_scp_amt": 8_700, "act_pay_dedc": 800, "hifp_pay": 6_715,
                "psn_part_amt": 3_285, "psn_cash_pay": 3_285,
            },
        ),
    ],
)  # fmt: skip
def test_the_examples_of_the_reference(
    charged: dict[str, int], items: dict[str, Item], rule: RuleSet, expected: dict[str, int]
) -> None:
    lines = [line(n, code, yuan) for n, (code, yuan) in enumerate(charged.items())]
    shares = bill(lines, items, rule).shares
    assert {name: getattr(shares, name) / YUAN for name in expected} == expected


def test_bands_climb_above_the_deductible_and_the_cap_ends_them() -> None:
    banded = rules(
        1000 * YUAN, Band(3000 * YUAN, 8000), Band(10_000 * YUAN, 8500), Band(None, 9000)
    )
    shares = bill([line(1, "a", 13_000)], ITEMS, banded).shares
    assert shares.hifp_pay == (3000 * 80 + 7000 * 85 + 2000 * 90)
    capped = rules(0, Band(None, 8000), cap_fen=5000 * YUAN)
    lines = [line(1, "a", 5_000), line(2, "a", 5_000, day=DAY + timedelta(1))]
    assert [day.shares.hifp_pay for day in bill(lines, ITEMS, capped).days] == [400_000, 100_000]


def test_a_year_has_one_deductible_and_a_new_year_a_new_one() -> None:
    rule = flat(1000, 80)
    earlier = line(1, "a", 1_500, visit="u")
    later = line(2, "a", 1_000, day=DAY + timedelta(40))
    lines = [later, earlier]
    assert bill(lines, ITEMS, rule).shares.hifp_pay == 800 * YUAN, "the other visit used it up"
    next_year = line(3, "a", 1_000, day=date(2027, 1, 1))
    assert bill([*lines, next_year], ITEMS, rule).shares.hifp_pay == 800 * YUAN
    per_visit = flat(1000, 80, per=VISIT)
    assert bill(lines, ITEMS, per_visit).shares.hifp_pay == 0, "each visit pays its own"
    assert bill([*lines, next_year], ITEMS, per_visit).shares.hifp_pay == 800 * YUAN
    used = {(2026, "", "inpatient"): Used(dedc_fen=1000 * YUAN, fund_fen=0)}
    assert bill([earlier], ITEMS, rule, used=used).shares.hifp_pay == 1_200 * YUAN
    spent = {(2026, "", "inpatient"): Used(fund_fen=900 * YUAN)}
    capped = flat(0, 80, cap_fen=1000 * YUAN)
    assert bill([earlier], ITEMS, capped, used=spent).shares.hifp_pay == 100 * YUAN


def test_the_rules_of_the_day_of_the_service_are_taken() -> None:
    old, new = flat(0, 80), flat(0, 50)
    switch = DAY + timedelta(1)

    def rules_of(each: Line) -> RuleSet:
        return new if each.day >= switch else old

    items = {"before": item(A), "after": item(C)}
    lines = [
        line(1, "x", 100),
        line(2, "x", 100, day=switch),
        # Taken back later, by the rules under which it was given.
        line(3, "x", -100, day=switch + timedelta(5), original=("his", "1")),
    ]
    found = reckon(lines, "v", lambda each: items["before"], rules_of)
    assert [day.shares.hifp_pay for day in found.days] == [8_000, 5_000, -8_000]
    by_item = reckon(
        lines, "v", lambda each: items["after" if each.day >= switch else "before"], rules_of
    )
    assert [day.shares.fulamt_ownpay_amt for day in by_item.days] == [0, 10_000, 0]


def test_a_part_taken_back_counts_as_a_charge_of_the_rest() -> None:
    limited = {"b": item(B, 10 * YUAN, 1000)}
    ten = line(1, "b", 120, quantity_milli=10_000)
    three_back = line(2, "b", -36, quantity_milli=-3_000, original=ten.key)
    seven = line(1, "b", 84, quantity_milli=7_000)
    assert (
        bill([ten, three_back], limited, flat(0, 80)).shares
        == bill([seven], limited, flat(0, 80)).shares
    )
    cheaper = line(2, "b", -20, quantity_milli=0, original=ten.key)
    assert bill([ten, cheaper], limited, flat(0, 80)).shares.overlmt_selfpay == 0
    uncounted = line(2, "b", -60, quantity_milli=10_000, original=ten.key)
    assert bill([ten, uncounted], limited, flat(0, 80)).shares.overlmt_selfpay == 10 * YUAN


def test_a_credit_waits_for_its_charge_and_changes_nothing() -> None:
    lines = [line(1, "a", 100), line(2, "a", -30, original=("his", "9"))]
    found = bill(lines, ITEMS, flat(0, 80))
    assert found.shares.medfee_sumamt == 100 * YUAN
    assert [each.key[1] for each in found.waiting] == ["2"]
    both = bill([*lines, line(9, "a", 50)], ITEMS, flat(0, 80))
    assert both.shares.medfee_sumamt == 120 * YUAN
    assert both.waiting == ()


SETTLED = Shares.of(bill([line(1, "a", 1_000)], ITEMS, flat(0, 0)).shares, 300 * YUAN, 560 * YUAN)


def test_a_settlement_takes_the_place_of_the_estimate_and_later_charges_come_on_top() -> None:
    rule = flat(500, 80)
    settlement = Settlement("v", DAY + timedelta(1), SETTLED, rule)
    lines = [line(1, "a", 600), line(2, "a", 400, day=DAY + timedelta(1))]
    found = bill(lines, ITEMS, rule, settlements=[settlement])
    assert found.shares == SETTLED
    assert not found.is_estimate
    assert [day.shares.hifp_pay for day in found.days] == [8_000, 32_000, 16_000]
    assert found.days[-1].is_settlement
    # 300 of 500 are used up by what was settled, so 200 of the next 300 are the patient's.
    later = line(3, "a", 300, day=DAY + timedelta(3))
    found = bill([*lines, later], ITEMS, rule, settlements=[settlement])
    assert found.is_estimate
    assert found.shares.hifp_pay == 56_000 + 8_000
    # What is taken back after the settlement goes down from where it ended.
    back = line(4, "a", -100, day=DAY + timedelta(2), original=("his", "1"))
    found = bill([*lines, back], ITEMS, rule, settlements=[settlement])
    assert found.shares.hifp_pay == 56_000 - 8_000
    # Another visit of the year begins where the settlement left it.
    other = line(5, "a", 300, day=DAY + timedelta(3), visit="w")
    assert bill([other, *lines], ITEMS, rule, settlements=[settlement]).shares.hifp_pay == 8_000


def test_a_half_fen_is_rounded_away_from_nothing() -> None:
    assert [rounded(each, 2) for each in (1, 3, -1, -3, 2, 0)] == [1, 2, -1, -2, 1, 0]
    assert rounded(149, 100) == 1


# --- whatever is charged ---

DAYS = st.integers(0, 400).map(lambda each: date(2025, 12, 1) + timedelta(each))
VISITS = ("u", "v", "w")
LIMITS = st.none() | st.integers(0, 5_000)


@st.composite
def item_sets(draw: st.DrawFn) -> dict[str, list[tuple[date, Item]]]:
    """For each code, what the catalogue says from which day on."""

    def one(code: str) -> Item:
        kind = draw(st.sampled_from((A, B, C)))
        return Item(code, code, kind, draw(LIMITS), draw(st.integers(0, 10_000)))

    return {
        code: sorted(
            {day: one(code) for day in draw(st.lists(DAYS, max_size=3))}.items(),
            key=lambda each: each[0],
        )
        for code in "abc"
    }


@st.composite
def rule_sets(draw: st.DrawFn) -> list[RuleSet]:
    sets = []
    for day in sorted(draw(st.sets(DAYS, max_size=3))):
        ends = sorted(draw(st.sets(st.integers(1, 50_000), max_size=2)))
        rates = draw(st.lists(st.integers(0, 10_000), min_size=3, max_size=3))
        bands = [Band(end, rate) for end, rate in zip([*ends, None], rates, strict=False)]
        sets.append(
            RuleSet(
                "",
                "inpatient",
                day,
                "",
                draw(st.integers(0, 20_000)),
                tuple(bands),
                draw(st.none() | st.integers(0, 100_000)),
                draw(st.sampled_from(("year", VISIT))),
            )
        )
    return sets


@st.composite
def charges(draw: st.DrawFn) -> list[Line]:
    found = []
    for n in range(draw(st.integers(1, 8))):
        found.append(
            Line(
                ("his", str(n)),
                draw(st.sampled_from(VISITS)),
                draw(DAYS),
                draw(st.sampled_from("abcd")),
                draw(st.integers(0, 30_000)),
                draw(st.integers(0, 20_000)),
            )
        )
    return found


@st.composite
def credited(draw: st.DrawFn) -> list[Line]:
    """Charges, and credits for some: of all, of a part, of too much, of what is not there."""
    bought = draw(charges())
    found = list(bought)
    for n in range(draw(st.integers(0, 5))):
        of = draw(st.sampled_from(bought))
        found.append(
            Line(
                ("his", f"c{n}"),
                of.visit,
                draw(DAYS),
                of.code,
                -draw(st.integers(0, 40_000)),
                draw(st.integers(-9_000, 9_000)),
                original=draw(st.sampled_from((of.key, ("x", "y")))),
            )
        )
    return found


def in_force(versions: list[tuple[date, Item]], day: date) -> Item | None:
    return next((each for start, each in reversed(versions) if start <= day), None)


def reckoned(
    lines: list[Line],
    items: dict[str, list[tuple[date, Item]]],
    sets: list[RuleSet],
    visit: str = "v",
) -> Bill:
    return reckon(
        lines,
        visit,
        lambda each: in_force(items.get(each.code, []), each.day),
        lambda each: next((s for s in reversed(sets) if s.from_day <= each.day), None),
    )


def whole(shares: Shares) -> None:
    assert shares.medfee_sumamt == (
        shares.fulamt_ownpay_amt + shares.overlmt_selfpay + shares.preselfpay_amt
        + shares.inscp_scp_amt
    )  # fmt: skip
    assert shares.medfee_sumamt == shares.hifp_pay + shares.psn_part_amt


SOME = settings(max_examples=20)


@SOME
@given(lines=credited(), items=item_sets(), sets=rule_sets())
def test_the_parts_sum_to_the_whole_each_day_and_line_and_together(
    lines: list[Line], items: dict[str, list[tuple[date, Item]]], sets: list[RuleSet]
) -> None:
    here = {each.key for each in lines}
    for visit in VISITS:
        found = reckoned(lines, items, sets, visit)
        whole(found.shares)
        for day in found.days:
            whole(day.shares)
            assert sum(each.parts.medfee_sumamt for each in day.lines) == day.shares.medfee_sumamt
            assert sum(each.parts.inscp_scp_amt for each in day.lines) == day.shares.inscp_scp_amt
        assert sum((day.shares for day in found.days), Shares()) == found.shares
        told = [e for e in lines if e.visit == visit and (e.original is None or e.original in here)]
        assert found.shares.medfee_sumamt == sum(each.amount_fen for each in told)


@SOME
@given(lines=charges(), items=item_sets(), sets=rule_sets())
def test_nobody_pays_less_than_nothing_and_the_fund_no_more_than_is_in_scope(
    lines: list[Line], items: dict[str, list[tuple[date, Item]]], sets: list[RuleSet]
) -> None:
    for visit in VISITS:
        for day in reckoned(lines, items, sets, visit).days:
            shares = day.shares
            assert all(getattr(shares, name) >= 0 for name in shares.__dataclass_fields__)
            assert shares.hifp_pay <= shares.inscp_scp_amt + 1, "one fen of rounding, of the year"
        total = reckoned(lines, items, sets, visit).shares
        assert total.act_pay_dedc <= total.inscp_scp_amt


@SOME
@given(data=st.data(), lines=credited(), items=item_sets(), sets=rule_sets())
def test_the_order_in_which_facts_came_changes_nothing(
    data: st.DataObject,
    lines: list[Line],
    items: dict[str, list[tuple[date, Item]]],
    sets: list[RuleSet],
) -> None:
    shuffled = data.draw(st.permutations([*lines, *lines[:3]]))
    assert reckoned(shuffled, items, sets) == reckoned(lines, items, sets)


@SOME
@given(data=st.data(), lines=credited(), items=item_sets(), sets=rule_sets())
def test_a_charge_that_is_taken_back_is_nothing(
    data: st.DataObject,
    lines: list[Line],
    items: dict[str, list[tuple[date, Item]]],
    sets: list[RuleSet],
) -> None:
    amount, day = data.draw(st.integers(0, 40_000)), data.draw(DAYS)
    charge = Line(("his", "new"), "v", day, data.draw(st.sampled_from("abcd")), amount, 3_000)
    first = data.draw(st.integers(0, amount))
    back = [
        replace(charge, key=("his", n), day=data.draw(DAYS), amount_fen=-each, original=charge.key)
        for n, each in (("back", first), ("rest", amount - first))
    ]
    for visit in VISITS:
        with_it = reckoned([*lines, charge, *back], items, sets, visit)
        assert with_it.shares == reckoned(lines, items, sets, visit).shares


@SOME
@given(lines=charges(), items=item_sets(), sets=rule_sets(), day=DAYS, code=st.sampled_from("abc"))
def test_what_holds_from_a_day_on_leaves_the_days_before_as_they_were(
    lines: list[Line],
    items: dict[str, list[tuple[date, Item]]],
    sets: list[RuleSet],
    day: date,
    code: str,
) -> None:
    changed = {**items}
    changed[code] = [each for each in items[code] if each[0] < day] + [(day, Item(code, "", C))]
    later = [each for each in sets if each.from_day < day] + [flat_from(day)]
    before = [each for each in reckoned(lines, items, sets).days if each.day < day]
    after = [each for each in reckoned(lines, changed, later).days if each.day < day]
    assert before == after
    fresh = [each for each in lines if each.code == code and each.day >= day and each.visit == "v"]
    found = reckoned(lines, changed, later)
    own = {c.line.key: c.parts.fulamt_ownpay_amt for each in found.days for c in each.lines}
    assert {each.key: own[each.key] for each in fresh} == {e.key: e.amount_fen for e in fresh}


def flat_from(day: date) -> RuleSet:
    return RuleSet("", "inpatient", day, "", 0, (Band(None, 5000),))
