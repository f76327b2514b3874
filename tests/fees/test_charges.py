"""What the hospital tells of charges, deposits and settlements, in whatever order and how often."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from central.clock import FakeClock
from central.fees import reasons, service
from central.fees.taking import day_of, today
from central.hospital.told import HeldError, Told
from central.patients import accounts
from central.store import Store
from gateway.his.events import AccountEvent
from tests.fees.conftest import SENT, ZONE, Tell, charge, charged, fees, settled


def test_a_summary_tells_what_is_covered_and_what_is_left_of_the_deposit(
    entered: Store, tell: Tell
) -> None:
    with entered.transaction() as tx:
        tx.insert("patients", id="p1", name="王", sex="F", birth="", updated_ms=0)
        tx.insert("stays", patient="p1", visit="v1", kind="", admitted_ms=0)
        paid = AccountEvent("1", "HIS", "p1", "v1", "1", None, None, 100_000, False, SENT)
        accounts.take(tx, paid, Told("his/1", "HIS", ZONE))
    yesterday = SENT - timedelta(days=1)
    assert not tell(
        charged(
            charge("1", 50_000, service_at=yesterday),
            charge("2", 12_000, "scan"),
            charge("3", 3_000, "comfort"),
            charge("4", 700, "unheard-of", text="新耗材"),
        )
    )
    found = fees(entered)
    assert (found.total_fen, found.today_fen) == (65_700, 15_700)
    # 500 and, of the scan's limit of 100, nine tenths; 100 are the deductible.
    assert (found.in_scope_fen, found.out_of_scope_fen) == (59_000, 6_700)
    assert (found.insured_fen, found.own_fen) == (39_200, 26_500)
    assert (found.deposit_fen, found.deposit_left_fen) == (100_000, 73_500)
    assert found.is_estimate
    assert [day.shares.hifp_pay for day in found.by_day] == [32_000, 7_200]
    assert [(each.text, each.kind) for each in found.items] == [
        ("Drug", "A"), ("Scan", "B"), ("Comfort", "C"), ("新耗材", None),
    ]  # fmt: skip
    outpatient = charged(charge("5", 60_000), patient="p2", visit="v2")
    assert tell(outpatient) == [(reasons.UNKNOWN_PATIENT, {"patient": "p2"})]
    found = fees(entered, "p2", "v2")
    assert (found.insured_fen, found.deposit_fen) == (25_000, None)


def test_the_same_told_twice_or_in_another_order_is_the_same(entered: Store, tell: Tell) -> None:
    later = SENT + timedelta(minutes=1)
    told = (
        charged(charge("1", 50_000), charge("2", 1_000)),
        charged(charge("c", -20_000, original="1"), control_id="2", sent_at=later),
        charged(charge("1", 40_000), control_id="3", sent_at=later),
    )
    outcomes = set()
    for visit, order in enumerate(permutations(told)):
        for event in (*order, order[0]):
            numbered = tuple(
                replace(e, id=f"{visit}-{e.id}", original=e.original and f"{visit}-{e.original}")
                for e in event.charges
            )
            tell(replace(event, charges=numbered, patient_id=f"p{visit}"))
        found = fees(entered, f"p{visit}")
        assert not found.waiting
        outcomes.add((found.total_fen, found.own_fen))
    assert outcomes == {(21_000, 15_500)}


def test_a_credit_waits_for_its_charge_and_one_that_names_none_for_a_person(
    entered: Store, tell: Tell
) -> None:
    waits = tell(charged(charge("c", -3_000, original="1")))
    assert (reasons.WAITS, {"id": "c", "original": "1"}) in waits
    found = fees(entered)
    assert found.total_fen == 0
    assert [each.key for each in found.waiting] == [("HIS", "c")]
    tell(charged(charge("1", 10_000)))
    assert fees(entered).total_fen == 7_000
    nameless = charged(charge("2", 5_000), charge("d", -1_000))
    with pytest.raises(HeldError) as held:
        tell(nameless)
    assert held.value.reason == (reasons.NO_ORIGINAL, {"id": "d", "amount": "¥10.00"})
    assert fees(entered).total_fen == 7_000, "nothing of a message that is held is kept"
    tell(nameless, force=True)
    assert fees(entered).total_fen == 11_000
    tell(nameless, force=True)
    assert fees(entered).total_fen == 11_000
    too_much = tell(charged(charge("e", -8_000, original="1")))
    assert (reasons.TOO_MUCH, {"id": "1"}) in too_much
    assert fees(entered).total_fen == 3_000


def test_a_charge_of_another_patient_is_held_and_his_charge_is_not_taken_back(
    entered: Store, tell: Tell
) -> None:
    tell(charged(charge("1", 10_000)))
    other = charged(charge("1", 10_000), patient="p2")
    with pytest.raises(HeldError) as held:
        tell(other)
    assert held.value.reason == (reasons.OTHER_PATIENT, {"id": "1", "patient": "p1"})
    not_his = tell(charged(charge("c", -10_000, original="1"), patient="p2"))
    assert (reasons.NOT_HIS, {"id": "c", "original": "1"}) in not_his
    assert (fees(entered).total_fen, fees(entered, "p2").total_fen) == (10_000, 0)
    tell(other, force=True)
    assert (fees(entered).total_fen, fees(entered, "p2").total_fen) == (0, 0)


def test_an_older_message_changes_nothing(entered: Store, tell: Tell) -> None:
    tell(charged(charge("1", 10_000)))
    older = charged(charge("1", 9_000), sent_at=SENT - timedelta(minutes=1))
    assert (reasons.OLDER, {"id": "1"}) in tell(older)
    assert fees(entered).total_fen == 10_000
    newer = charged(charge("1", 9_000), sent_at=SENT + timedelta(minutes=1))
    assert (reasons.REPLACED, {"id": "1"}) in tell(newer)
    assert fees(entered).total_fen == 9_000


def test_a_plan_that_nobody_entered_pays_nothing_and_is_named(entered: Store, tell: Tell) -> None:
    tell(charged(charge("1", 50_000, plan="worker"), charge("2", 50_000)))
    found = fees(entered)
    assert (found.insured_fen, found.unknown_plans) == (20_000, ("worker",))


def test_the_hospitals_settlement_takes_the_place_of_the_estimate_until_it_is_taken_back(
    entered: Store, tell: Tell
) -> None:
    tell(charged(charge("1", 50_000)))
    tell(settled(50_000, 12_345, fulamt_ownpay_amt=500, hifp_pay=37_000, psn_cash_pay=10_000))
    found = fees(entered)
    assert not found.is_estimate
    assert (found.total_fen, found.insured_fen, found.own_fen) == (50_000, 37_655, 12_345)
    assert (found.shares.hifp_pay, found.shares.psn_cash_pay) == (37_000, 10_000)
    assert (found.in_scope_fen, found.out_of_scope_fen) == (49_500, 500)
    tomorrow = SENT + timedelta(days=1)
    tell(charged(charge("2", 1_000, "comfort", service_at=tomorrow)))
    found = fees(entered)
    assert found.is_estimate, "what came later is not settled"
    assert (found.total_fen, found.own_fen) == (51_000, 13_345)
    tell(settled(50_000, 12_345, sent_at=SENT + timedelta(minutes=2)))
    assert fees(entered).out_of_scope_fen == 1_000, "what it does not tell is as reckoned here"
    tell(settled(0, 0, is_cancelled=True, sent_at=SENT + timedelta(minutes=5)))
    assert fees(entered).insured_fen == 20_000
    assert (reasons.OLDER, {"id": "s1"}) in tell(settled(50_000, 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"own": 60_000},
        {"own": 10_000, "hifp_pay": 40_001},
        {"own": 10_000, "psn_cash_pay": 10_001},
        {"own": 10_000, "inscp_scp_amt": 50_001},
        {"own": 10_000, "overlmt_selfpay": -1},
        {
            "own": 10_000, "inscp_scp_amt": 40_000, "fulamt_ownpay_amt": 1_000,
            "overlmt_selfpay": 0, "preselfpay_amt": 0,
        },
    ],
)  # fmt: skip
def test_a_settlement_that_does_not_sum_is_held_and_the_estimate_stands(
    entered: Store, tell: Tell, wrong: dict[str, Any]
) -> None:
    tell(charged(charge("1", 50_000)))
    with pytest.raises(HeldError) as held:
        tell(settled(50_000, **wrong))
    assert held.value.reason[0] == reasons.NOT_A_SUM
    assert fees(entered).is_estimate


def test_a_settlement_of_another_patient_is_held(entered: Store, tell: Tell) -> None:
    tell(settled(50_000, 10_000))
    with pytest.raises(HeldError) as held:
        tell(settled(50_000, 10_000, patient="p2"))
    assert held.value.reason == (reasons.SETTLED_OTHER, {"id": "s1", "patient": "p1"})
    assert fees(entered).total_fen == 50_000


# --- days ---

CAIRO = ZoneInfo("Africa/Cairo")  # on 2026-04-24 its clocks go from 00:00 to 01:00


def test_today_changes_at_the_hospitals_midnight_where_its_clocks_are_changed_then() -> None:
    midnight = datetime(2026, 4, 23, 22, 0, tzinfo=UTC)
    ms = int(midnight.timestamp() * 1000)
    assert today(ms - 1, CAIRO) == date(2026, 4, 23)
    assert today(ms, CAIRO) == date(2026, 4, 24)
    assert day_of(midnight - timedelta(seconds=1), CAIRO) == date(2026, 4, 23)
    assert day_of(midnight, CAIRO) == date(2026, 4, 24)
    # An hour that the clock never showed, as a sender that knows no summer time writes it.
    assert day_of(datetime(2026, 4, 24, 0, 30), CAIRO) == date(2026, 4, 24)
    # In autumn the hour before midnight comes twice; both are the old day.
    back = datetime(2026, 10, 29, 20, 30, tzinfo=UTC)
    assert {
        today(int(at.timestamp() * 1000), CAIRO) for at in (back, back + timedelta(hours=1))
    } == {date(2026, 10, 29)}
    assert today(int(back.timestamp() * 1000) + 5_400_000, CAIRO) == date(2026, 10, 30)


def test_a_charge_belongs_to_the_hospitals_day_whatever_zone_it_was_told_in(
    entered: Store, tell: Tell, clock: FakeClock
) -> None:
    late = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)  # half past midnight in Shanghai
    tell(charged(charge("1", 100, service_at=late), charge("2", 10, service_at=None)))
    assert fees(entered).today_fen == 110
    tell(charged(charge("3", 1, service_at=None), sent_at=None))
    days = [each.day for each in fees(entered).by_day]
    assert days == [date(2026, 3, 2), today(clock.now_ms(), ZONE)]
    again = charged(charge("2", 11, service_at=None), sent_at=SENT + timedelta(days=1))
    tell(again)
    clock.advance(86_400_000)
    tell(charged(charge("3", 2, service_at=None), sent_at=None))
    assert fees(entered).today_fen == 111, "told again on a later day, it is no later charge"
    assert [each.day for each in fees(entered).by_day] == days


def test_the_newest_visit_is_found(entered: Store, tell: Tell) -> None:
    assert service.newest_visit(entered.read(), "p1") is None
    tell(charged(charge("1", 100)))
    tell(charged(charge("2", 100, service_at=SENT + timedelta(days=9)), visit="v2"))
    assert service.newest_visit(entered.read(), "p1") == "v2"
