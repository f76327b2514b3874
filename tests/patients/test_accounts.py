"""Deposits as the hospital tells them: the newest counts, however messages come."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from central.clock import FakeClock
from central.hospital.told import Told
from central.patients import accounts
from central.patients.model import m001_cards_and_accounts
from central.patients.service import HOSPITAL
from central.store import Store, Tx, connect
from gateway.his.events import AccountEvent
from tests.patients.conftest import ZHAO

ZONE = timezone(timedelta(hours=8))
TOLD = Told("his/1", "HIS/H", ZONE)
AT = datetime(2026, 11, 28, 9, 0)
PAID = AccountEvent(
    control_id="m1", sender="HIS/H", patient_id="P9", visit="V1", account="A1", balance_fen=100_000,
    charged_fen=0, paid_fen=100_000, is_closed=False, sent_at=AT,
)  # fmt: skip
MORE = replace(
    PAID, control_id="m2", paid_fen=150_000, balance_fen=None, sent_at=AT.replace(hour=10)
)
SPENT = replace(
    PAID, control_id="m3", paid_fen=None, balance_fen=90_000, charged_fen=60_000,
    sent_at=datetime(2026, 11, 28, 11, 0, tzinfo=ZONE),
)  # fmt: skip


def take(tx: Tx, *events: AccountEvent) -> None:
    for each in events:
        HOSPITAL[AccountEvent](tx, each, TOLD)


def test_the_newest_of_each_figure_counts_in_any_order_and_doubled(store: Store) -> None:
    for order in permutations((PAID, MORE, SPENT)):
        with store.transaction() as tx:
            tx.execute("DELETE FROM account_facts")
            take(tx, *order, order[0])
        found = accounts.account(store.read(), "P9", "V1")
        assert found == accounts.Account(90_000, 60_000, 150_000)
        assert accounts.deposit_fen(store.read(), "P9", "V1") == 150_000


def test_of_a_patient_not_known_yet_it_is_kept_and_said_so(desk: Store) -> None:
    with desk.transaction() as tx:
        remarks = HOSPITAL[AccountEvent](tx, PAID, TOLD)
        assert [values for _, values in remarks] == [{"patient": "P9"}]
        assert HOSPITAL[AccountEvent](tx, replace(PAID, patient_id=ZHAO), TOLD) == []
    assert accounts.deposit_fen(desk.read(), "P9", "V1") == 100_000


def test_nobody_told_is_not_nothing_paid(store: Store) -> None:
    assert accounts.deposit_fen(store.read(), "P9", "V1") is None
    with store.transaction() as tx:
        take(tx, replace(PAID, paid_fen=None))
    assert accounts.deposit_fen(store.read(), "P9", "V1") is None
    with store.transaction() as tx:
        take(tx, replace(PAID, paid_fen=0, control_id="m4"))
    assert accounts.deposit_fen(store.read(), "P9", "V1") == 0


def test_accounts_of_a_visit_are_added_and_those_of_other_visits_are_not(store: Store) -> None:
    with store.transaction() as tx:
        take(tx, PAID, replace(PAID, account="A2", paid_fen=50_000))
        take(tx, replace(PAID, visit="V2", account="A3", paid_fen=7_000))
        take(tx, replace(PAID, patient_id="P8", paid_fen=9_000))
    assert accounts.deposit_fen(store.read(), "P9", "V1") == 150_000
    assert accounts.deposit_fen(store.read(), "P9", "V2") == 7_000


def test_a_deposit_without_a_visit_is_the_patients(store: Store) -> None:
    with store.transaction() as tx:
        take(tx, replace(PAID, visit=""))
    assert accounts.deposit_fen(store.read(), "P9", "V1") == 100_000
    with store.transaction() as tx:
        take(tx, replace(PAID, paid_fen=30_000))
    assert accounts.deposit_fen(store.read(), "P9", "V1") == 30_000


def test_a_closed_account_holds_nothing_until_it_is_open_again(store: Store) -> None:
    closed = replace(PAID, control_id="m5", is_closed=True, sent_at=AT.replace(hour=12))
    for order in ((PAID, closed), (closed, PAID)):
        with store.transaction() as tx:
            tx.execute("DELETE FROM account_facts")
            take(tx, *order)
        assert accounts.account(store.read(), "P9", "V1") is None
    with store.transaction() as tx:
        take(tx, replace(PAID, control_id="m6", paid_fen=1, sent_at=AT.replace(hour=13)))
    assert accounts.deposit_fen(store.read(), "P9", "V1") == 1


def test_without_a_time_of_its_own_an_event_is_as_new_as_its_coming(
    store: Store, clock: FakeClock
) -> None:
    for number, paid in enumerate((5, 3)):
        with store.transaction() as tx:
            take(tx, replace(PAID, control_id=f"z{9 - number}", paid_fen=paid, sent_at=None))
        clock.advance(1000)
    assert accounts.deposit_fen(store.read(), "P9", "V1") == 3


_EVENTS = st.lists(
    st.builds(
        replace, st.just(PAID), control_id=st.sampled_from("abc"),
        account=st.sampled_from(("A1", "A2")), paid_fen=st.none() | st.integers(0, 10**9),
        is_closed=st.booleans(),
        sent_at=st.integers(0, 3).map(lambda hours: AT + timedelta(hours=hours)),
    ),
    max_size=6, unique_by=lambda each: (each.account, each.sent_at, each.control_id),
)  # fmt: skip


@settings(max_examples=25)
@given(events=_EVENTS, order=st.randoms(use_true_random=False))
def test_the_order_of_messages_makes_no_difference(events: list[AccountEvent], order: Any) -> None:
    mixed = events + events[:2]
    order.shuffle(mixed)
    found = []
    for each in (events, mixed):
        tx = _alone()
        take(tx, *each)
        found.append(accounts.account(tx, "P9", "V1"))
    assert found[0] == found[1]


@cache
def _in_memory() -> Tx:
    tx = Tx(connect(":memory:"), FakeClock())
    tx.execute("CREATE TABLE patients (id TEXT)")
    m001_cards_and_accounts(Database(tx.connection))
    return tx


def _alone() -> Tx:
    _in_memory().execute("DELETE FROM account_facts")
    return _in_memory()
