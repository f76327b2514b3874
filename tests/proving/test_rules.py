"""A proof's way through central: each leg, each failure, and what becomes of it."""

import sqlite3

import pytest

from central.bridge import intake
from central.calls import model as calls
from central.proving import model, service, turns
from central.wards import service as fleet
from gateway.mqtt import kinds
from tests.proving.conftest import Proved

HOUR_S = 3600


def test_a_bed_is_proved_when_its_press_was_acted_on_and_its_receipt_seen(ward: Proved) -> None:
    ward.prove("1")
    order = ward.order()
    assert (order["node"], order["bed"]) == ("3-bedside", "1")
    ward.clock.advance(100)
    ward.take(ward.event(kinds.TEST_PRESS, "1", age_ms=20, proof=order["proof"]))
    assert ward.bed()["good_ms"] is None
    ward.clock.advance(50)
    ward.answer(order)
    (row,) = model.of_bed(ward.store.read(), "3", "1")
    assert (row["result"], row["by"]) == (model.PROVEN, "zhang")
    assert (row["pressed_ms"], row["stored_ms"], row["took_ms"]) == (80, 100, 150)
    assert ward.bed()["good_took_ms"] == 150
    assert ward.calls() == []
    assert ward.sent(kinds.SPEAK) == ward.sent(kinds.CALL) == []
    assert calls.response_times(ward.store.read(), "3", 0, ward.clock.now_ms() + 1) == {}
    assert ward.failures() == []


def test_the_receipt_may_be_seen_before_the_rules_act(ward: Proved) -> None:
    ward.prove("1")
    order = ward.order()
    ward.answer(order)
    assert ward.book() == []
    ward.test_press(order)
    assert ward.book() == [("1", "proven", None)]


def test_a_ward_is_proved_one_bed_after_the_other(ward: Proved) -> None:
    ward.prove("1", "2", "3")
    ward.prove("3")
    done = []
    while ward.orders():
        done.append(ward.order()["bed"])
        ward.carry_out()
    assert done == ["1", "2", "3"]
    assert ward.book() == [(bed, "proven", None) for bed in "123"]
    (entry,) = ward.store.read().all("SELECT * FROM audit WHERE what = 'bed.prove' LIMIT 1")
    assert entry["who"] == "zhang"


def test_only_beds_that_are_there_can_be_proved(ward: Proved) -> None:
    with pytest.raises(service.NoSuchBedError):
        ward.prove("1", "99")
    assert ward.orders() == []


def test_where_somebody_calls_it_is_put_off(ward: Proved) -> None:
    ward.operate(kinds.CORD, "1")
    ward.prove("1", "2")
    assert [order["bed"] for order in ward.orders()] == ["2"]
    assert ward.book() == [("1", "busy", None)]
    ward.answer(ward.order(), kinds.DECLINED, "overtaken: called at bed 2")
    assert ward.book("2") == [("2", "overtaken", None)]
    assert ward.faults() == []


def test_a_patient_who_presses_meanwhile_calls_and_has_proved_the_bed(ward: Proved) -> None:
    ward.prove("1")
    ward.operate(kinds.PRESS, "1")
    assert ward.call()["type"] == "nurse"
    ward.answer(ward.order(), kinds.DECLINED, "overtaken: called at bed 1")
    assert ward.book() == [("1", "pressed", None), ("1", "overtaken", None)]
    assert ward.bed()["good_result"] == "pressed"
    assert ward.bed()["finger_ms"] == ward.clock.now_ms()


def test_presses_count_as_proofs_once_an_hour_and_only_of_the_beds_own_box(ward: Proved) -> None:
    for _ in range(3):
        ward.operate(kinds.PRESS, "1")
    ward.pass_s(HOUR_S)
    ward.operate(kinds.HOLD, "1")
    ward.take(ward.event(kinds.PRESS, "2"))
    stranger = ward.event(kinds.PRESS, "3")
    ward.do(lambda tx: service._on_press(tx, stranger.__class__(**vars(stranger) | {"node": "x"})))
    assert [each[:2] for each in ward.book()] == [
        ("1", "pressed"), ("1", "pressed"), ("2", "pressed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "reason", "leg"),
    [
        (kinds.REFUSED, "silent: no answer at address 1", model.BED),
        (kinds.REFUSED, "not-counted: waited 5000 ms", model.BED),
        (kinds.REFUSED, "not-kept: the outbox is full", model.BOX),
        (kinds.REFUSED, "bed 1 is not at this box", model.BED),
        (kinds.EXPIRED, "the command expired 5 ms ago", model.BOX),
    ],
)
def test_what_the_box_says_names_the_leg(ward: Proved, result: str, reason: str, leg: str) -> None:
    ward.prove("1")
    ward.answer(ward.order(), result, reason)
    assert ward.book() == [("1", "failed", leg)]
    assert ward.faults() == [], "once may be chance"


def test_a_box_that_never_answers_or_saw_no_receipt_is_found_by_the_expiry(ward: Proved) -> None:
    ward.prove("1", "2")
    ward.clock.advance(service.TTL_MS)
    ward.do(intake.expire_commands, ward.rules)
    ward.test_press(ward.order())
    ward.clock.advance(service.TTL_MS)
    ward.do(intake.expire_commands, ward.rules)
    assert ward.book() == [("1", "failed", model.BOX), ("2", "failed", model.RECEIPT)]


def test_a_box_out_of_contact_fails_at_once(ward: Proved) -> None:
    ward.do(lambda tx: fleet.lost(tx, "3-bedside"))
    ward.prove("1", "2")
    ward.prove("1")
    assert ward.book() == [("1", "failed", "box"), ("2", "failed", "box"), ("1", "failed", "box")]
    assert ("bed 1", "proof-failed") not in ward.faults(), "the lost box is known already"


def test_what_failed_twice_is_a_technical_call_until_a_proof_succeeds(ward: Proved) -> None:
    for _ in range(2):
        ward.prove("1")
        ward.fail()
        ward.pass_s(1)
    assert ward.faults() == [("bed 1", "proof-failed")]
    (call,) = calls.open_calls(ward.store.read())
    assert (call["type"], call["bed"]) == ("outage", None)
    assert "试呼没有送达" in ward.sent(kinds.SPEAK, "3-station")[0]["words"]["text"]
    ward.pass_s(181)
    told = [each["role"] for each in calls.targets(ward.store.read(), call["id"])]
    assert "engineer" in told
    ward.prove("1")
    ward.carry_out()
    ward.pass_s(1)
    assert ward.faults() == []
    assert calls.open_calls(ward.store.read()) == []
    assert ward.failures() == []


def test_a_real_press_ends_the_fault_too(ward: Proved) -> None:
    for _ in range(2):
        ward.prove("1")
        ward.fail()
    ward.operate(kinds.PRESS, "1")
    assert ward.faults() == []


def test_a_call_that_nobody_would_hear_is_no_proof(ward: Proved) -> None:
    for station in ("3-station", "5-station"):
        ward.do(lambda tx, station=station: fleet.lost(tx, station))
    ward.prove("1")
    ward.carry_out()
    assert ward.book() == [("1", "failed", model.POLICY)]
    assert ("ward 3", "call-unheard") in ward.faults()
    ward.do(lambda tx: tx.execute("UPDATE nodes SET state = 'ready' WHERE id = '5-station'"))
    ward.prove("2")
    ward.carry_out()
    assert ward.book("2") == [("2", "proven", None)], "next door hears it"
    assert ("ward 3", "call-unheard") not in ward.faults()


def test_a_test_press_of_an_earlier_proof_or_another_box_counts_for_nothing(ward: Proved) -> None:
    ward.prove("1")
    order = ward.order()
    ward.answer(order, kinds.DECLINED, "busy: bed 1")
    ward.prove("1")
    ward.test_press(order)
    ward.operate(kinds.TEST_PRESS, "1")
    ward.answer(ward.order())
    assert ward.bed()["good_ms"] is None


def test_a_press_that_was_receipted_and_not_acted_on_is_found(ward: Proved) -> None:
    ward.born()
    ward.prove("1")
    ward.answer(ward.order())
    ward.pass_s(service.STUCK_MS // 1000 + HOUR_S)
    assert ward.book("1")[0] == ("1", "failed", model.CENTRE)


def test_the_rounds_of_a_day_prove_every_bed_and_none_with_a_call(ward: Proved) -> None:
    ward.born()
    ward.born()
    ward.operate(kinds.CORD, "4")
    for _ in range(24 * 12):
        ward.pass_s(300)
        ward.carry_out()
    proven = [bed for bed, result, _leg in ward.book() if result == model.PROVEN]
    assert set(proven) == {"1", "2", "3"}
    assert all(proven.count(bed) <= 3 for bed in "123")
    assert ward.failures() == []
    # Its call is told by itself; that it cannot be proved meanwhile is, too.
    ward.pass_s(3 * HOUR_S)
    assert ("bed 4", "proof-overdue") in ward.faults()
    assert service.overdue(ward.store.read()) == 1
    ward.operate(kinds.PRESENCE, "4")
    for _ in range(3):
        ward.pass_s(turns.QUIET_MS / 1000)
        ward.carry_out()
    assert ward.book("4")[-1] == ("4", "proven", None)
    assert ("bed 4", "proof-overdue") not in ward.faults()


def test_a_fast_clock_floods_nobody(ward: Proved) -> None:
    """Hospital time at 600 times its pace, as in the demo: the real clock decides."""
    ward.born()
    real_ms = ward.clock.real_ms()
    ward.clock.real_ms = lambda: real_ms + (ward.clock.value_ms - began_ms) // 600  # type: ignore[method-assign]
    began_ms = ward.clock.value_ms
    for _ in range(600):
        ward.pass_s(600)  # one real second
        ward.carry_out()
    proven = [bed for bed, _result, _leg in ward.book()]
    assert sorted(proven) == ["1", "2", "3", "4"], "ten real minutes: once each"
    rounds = ward.store.read().value("SELECT count(*) FROM timers WHERE kind = ?", (service.ROUND,))
    assert rounds < 300


def test_the_book_is_append_only(ward: Proved) -> None:
    ward.operate(kinds.PRESS, "1")
    for sql in ("UPDATE proofs SET result = 'proven'", "DELETE FROM proofs"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            ward.do(lambda tx, sql=sql: tx.execute(sql))
