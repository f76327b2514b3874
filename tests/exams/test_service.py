"""Numbers, places, calls and the ward that is urged."""

import threading
from datetime import datetime, timedelta

import pytest

from central.audit.web import DONE
from central.errors import FieldError
from central.exams import model, rooms, service
from central.exams.queue import DEEDS, NotNowError
from central.exams.rooms import Room
from central.notices import service as notices
from tests.exams.conftest import MORNING, US, ZONE, Department, event

MINUTE_MS = 60_000


def four(department: Department) -> None:
    """Four who are booked for eight o'clock, P1 to P4."""
    for n in range(1, 5):
        department.take(event(f"b{n}", at_min=0, patient=f"P{n}"))


def test_no_number_is_given_twice_whoever_asks_at_once(department: Department) -> None:
    def book(thread: int) -> None:
        for n in range(8):
            department.do(service.book, "us", f"T{thread}-{n}", "chen", zone=ZONE)

    threads = [threading.Thread(target=book, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    rows = model.of_day(department.store.read(), "us", "2026-09-21")
    assert sorted(row["number"] for row in rows) == list(range(1, 33))


def test_a_patient_hears_his_place_how_long_and_when_to_leave(department: Department) -> None:
    four(department)
    department.lies("P3", "3", "1")
    department.lies("P4", "5", "2")
    now_ms = department.clock.now_ms()
    third, fourth = department.place("P3"), department.place("P4")
    assert (third.number, third.ahead, third.wait_min, third.room) == (3, 2, 20, "us")
    assert third.names == {"zh": "超声一室", "en": "Ultrasound 1"}
    # Eight minutes' way and five to spare; ward 5 has twelve.
    assert third.leave_at_ms == now_ms + (20 - 8 - 5) * MINUTE_MS
    assert fourth.leave_at_ms == now_ms + (30 - 12 - 5) * MINUTE_MS
    assert department.place("P1").leave_at_ms is None, "in no bed of ours"
    department.lies("P1", "3", "2")
    assert department.place("P1").leave_at_ms == now_ms, "now, and not in the past"
    department.deed(3, "check_in")
    assert department.place("P3").leave_at_ms is None, "he is there already"


def test_what_is_finished_and_what_still_runs_change_the_wait(department: Department) -> None:
    four(department)
    department.deed(1, "call", "start")
    department.pass_min(6)
    assert department.place("P2").wait_min == 4
    department.pass_min(14)
    slow = department.place("P2").wait_min
    assert slow is not None
    assert slow >= 3, "longer than usual and still not over"
    behind = department.place("P4").wait_min
    assert behind is not None
    assert behind > slow + 20, "the next ones will be slower, too"
    department.deed(1, "finish")
    department.deed(2, "call")
    assert department.place("P2").wait_min == 0
    assert department.place("P3").wait_min == 14  # (2 * 10 + 20) / 3, rounded up


def test_the_last_days_tell_how_long_a_morning_will_be(department: Department) -> None:
    for n in range(3):
        department.take(event(f"old{n}", at_min=0, patient="old"))
        department.deed(n + 1, "call", "start")
        department.pass_min(20)
        department.deed(n + 1, "finish")
    department.pass_min(23 * 60)
    for n in (1, 2):
        department.take(event(f"b{n}", at_min=0, days=1, patient=f"P{n}"))
    department.take(event("ct", at_min=0, days=1, patient="P3", code="OTHER"))
    assert department.place("P2").wait_min == 20
    assert department.place("P3").wait_min == 40, "of another kind nothing is known"


def test_an_appointment_is_not_expected_before_its_time(department: Department) -> None:
    department.take(event("b1", at_min=0), event("b2", at_min=120, patient="P2"))
    assert department.place("P2").wait_min == 120
    department.take(event("b3", at_min=60, days=1, patient="P3"))
    tomorrow = department.place("P3")
    assert (tomorrow.day, tomorrow.wait_min) == ("2026-09-22", 25 * 60)


def test_who_is_called_and_not_there_goes_back_and_is_called_again(
    department: Department,
) -> None:
    department.do(rooms.put, Room("us", "超声", "US", back_places=2), "e")
    four(department)
    called = []
    for _ in range(5):
        row = department.do(service.call_next, "us", "chen", ZONE)
        called.append(row["number"])
        department.do(service.do, row["id"], "miss" if row["number"] == 1 else "start", "c", ZONE)
        if row["number"] != 1:
            department.do(service.do, row["id"], "finish", "c", ZONE)
        if called.count(1) == 2:
            break
    assert called == [1, 2, 3, 1]
    assert department.numbered(1)["calls"] == 2


def test_only_one_runs_and_what_does_not_fit_is_refused(department: Department) -> None:
    four(department)
    department.deed(1, "start")
    with pytest.raises(FieldError, match="Number 1 is still being examined"):
        department.deed(2, "start")
    with pytest.raises(NotNowError):
        department.deed(2, "finish")
    department.deed(1, "finish")
    department.deed(2, "start")
    with pytest.raises(FieldError, match="Number 2"):
        department.deed(1, "take_back")


def test_who_was_only_ordered_checks_in_and_is_given_a_number(department: Department) -> None:
    four(department)
    department.take(event("o1", "ordered", patient="P9", at_min=None))
    row = department.do(service.do, department.exam("o1")["id"], "check_in", "chen", ZONE)
    assert (row["number"], row["state"]) == (5, "checked_in")
    assert department.place("P9").ahead == 4


def test_the_ward_is_urged_until_somebody_accepts_it(department: Department) -> None:
    four(department)
    department.lies("P1", "3", "2")
    department.deed(1, "call")
    department.pass_min(1.9)
    assert department.spoken() == []
    department.rules.add(notices)
    department.deed(1, "miss")
    department.pass_min(0.2)
    said = "三病区二床,检查已叫到一号,病人还没有到,请马上送病人去检查。"
    assert department.spoken() == [said]
    assert "超声" not in said, "nobody in the ward hears what is examined"
    department.pass_min(1)
    assert len(department.spoken()) > 1, "it is said again"
    again = len(department.spoken())
    department.do(notices.accept, 1, "li")
    department.pass_min(30)
    assert len(department.spoken()) == again
    assert department.notices() == ["accepted"]


def test_whoever_comes_silences_the_ward(department: Department) -> None:
    four(department)
    department.rules.add(notices)
    for patient, bed in (("P1", "1"), ("P2", "2"), ("P3", "3")):
        department.lies(patient, "3", bed)
    department.deed(1, "call", "check_in")
    department.deed(2, "call")
    department.pass_min(3)
    assert len(set(department.spoken())) == 1, "who checked in after the call is there"
    department.deed(2, "start")
    assert department.notices() == ["withdrawn"]
    department.deed(3, "call")
    department.take(event("b3", "cancelled", patient="P3", sent_min=30))
    department.pass_min(3)
    assert department.notices() == ["withdrawn"]


def test_at_midnight_numbers_begin_anew_and_nobody_is_urged_for_yesterday(
    department: Department,
) -> None:
    late = datetime(2026, 9, 21, 23, 55).astimezone()
    department.clock.value_ms = int(late.timestamp() * 1000)
    zone = late.tzinfo
    department.rules.add(notices)
    department.lies("P1", "3", "1")
    first = department.do(service.book, "us", "P1", "chen")
    department.do(service.do, first["id"], "call", "chen")
    department.do(service.do, first["id"], "miss", "chen")
    department.pass_min(3)
    assert department.notices() == ["open"]
    department.pass_min(5)
    assert department.notices() == ["withdrawn"]
    fresh = department.do(service.book, "us", "P2", "chen")
    assert (fresh["number"], fresh["day"]) == (1, "2026-09-22")
    assert service.places(department.store.read(), "P1", department.clock.now_ms(), zone) == []


def test_one_that_runs_over_midnight_still_holds_the_room(department: Department) -> None:
    department.clock.value_ms = int((MORNING + timedelta(hours=15, minutes=55)).timestamp() * 1000)
    first = department.do(service.book, "us", "P1", "chen", zone=ZONE)
    department.do(service.do, first["id"], "start", "chen", ZONE)
    department.pass_min(8)
    department.do(service.book, "us", "P2", "chen", zone=ZONE)
    assert department.place("P2").wait_min == 3
    assert [place.state for place in department.places("P1")] == ["running"]


def test_whatever_is_done_is_in_the_audit_in_words(department: Department) -> None:
    assert {f"exam.{deed}" for deed in DEEDS} <= DONE.keys()
    four(department)
    department.deed(2, "call")
    last = department.store.read().one("SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert (last["who"], last["what"], last["ref"]) == ("chen", "exam.call", "exam/2")


def test_a_room_says_what_is_wrong_with_it(department: Department) -> None:
    for field, room in (
        ("code", Room("no room!", "室", "Room")),
        ("name_zh", Room("ct", " ", "CT")),
        ("usual_min", Room("ct", "室", "CT", usual_min=0)),
        ("walks", Room("ct", "室", "CT", walks={"77": 3})),
        ("walk-5", Room("ct", "室", "CT", walks={"5": -3})),
    ):
        with pytest.raises(FieldError) as wrong:
            department.do(rooms.put, room, "e")
        assert wrong.value.field == field
    department.take(event(at_min=0))
    with pytest.raises(FieldError, match="1 examinations are still booked"):
        department.do(rooms.remove, "us", "e", ZONE)
    department.take(event(what="cancelled", sent_min=5))
    department.do(rooms.remove, US.code, "e", ZONE)
    assert model.rooms(department.store.read()) == []
    assert model.room_codes(department.store.read()) == []
