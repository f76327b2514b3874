"""What the hospital tells of examinations, in any order and twice."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.exams import model, reasons, rooms
from central.hospital.told import HeldError
from central.store import Store
from gateway.his import events
from tests.exams.conftest import CODE, SENDER, Department, event


def test_a_booking_is_given_a_number_and_moves_to_another_day(department: Department) -> None:
    assert department.take(event(at_min=60)) == []
    department.take(event("b2", at_min=30, patient="P2"))
    row = department.exam()
    assert (row["number"], row["state"], row["day"]) == (1, "booked", "2026-09-21")
    assert department.exam("b2")["number"] == 2
    department.take(event(what=events.MOVED, sent_min=5, at_min=60, days=1))
    row = department.exam()
    assert (row["number"], row["day"]) == (1, "2026-09-22")
    department.take(event("b3", at_min=90, patient="P3"))
    assert department.exam("b3")["number"] == 3, "the number that was left is not given again"


def test_a_change_of_the_hour_keeps_the_number_and_changes_the_turn(
    department: Department,
) -> None:
    department.take(event(at_min=0), event("b2", at_min=30, patient="P2"))
    department.take(event(what=events.CHANGED, sent_min=5, at_min=45))
    assert department.exam()["number"] == 1
    queue = model.queue(department.store.read(), "us", "2026-09-21")
    assert [row["number"] for row in queue] == [2, 1]


def test_the_same_again_changes_nothing(department: Department) -> None:
    department.take(event(at_min=0))
    department.deed(1, "check_in")
    assert department.take(event(at_min=0)) == [(reasons.NOTHING_NEW, {})]
    assert department.exam()["state"] == "checked_in"


def test_an_order_that_becomes_a_booking_is_one_examination(department: Department) -> None:
    department.take(event("ord7", events.ORDERED, room="", order="ord7"))
    (place,) = department.places()
    assert (place.state, place.room, place.wait_min, place.number) == ("ordered", "", None, None)
    department.take(event("apt1", at_min=60, order="ord7"))
    (place,) = department.places()
    assert (place.state, place.room, place.number) == ("booked", "us", 1)


def test_an_unmapped_room_is_held_and_nothing_is_kept_of_it(department: Department) -> None:
    with pytest.raises(HeldError) as held:
        department.take(event(at_min=0, room="CT^9"))
    assert held.value.reason == (reasons.UNMAPPED_ROOM, {"code": "CT^9"})
    assert model.exam_of(department.store.read(), SENDER, "b1") is None
    department.do(rooms.map_code, SENDER, "CT^9", None, "e")
    assert department.take(event(at_min=0, room="CT^9")) == [
        (reasons.NOT_OUR_ROOM, {"code": "CT^9"})
    ]
    assert [place.room for place in department.places()] == [""]


def test_a_booking_of_another_patient_is_held_until_a_person_decides(
    department: Department,
) -> None:
    department.take(event(at_min=0))
    theirs = event(at_min=0, patient="P2", sent_min=5)
    with pytest.raises(HeldError, match="belongs to patient P1"):
        department.take(theirs)
    department.take(theirs, force=True)
    assert department.exam()["patient"] == "P2"
    with pytest.raises(HeldError, match="neither a booking nor an order"):
        department.take(event("", at_min=0))


def test_what_is_under_way_is_not_cancelled_from_afar(department: Department) -> None:
    department.take(event(at_min=0))
    department.deed(1, "call", "start")
    cancel = event(what=events.CANCELLED, sent_min=5)
    assert department.take(cancel) == [(reasons.GONE_ON, {})]
    assert department.exam()["state"] == "running"


def test_who_did_not_come_is_absent_unless_he_has_checked_in(department: Department) -> None:
    department.take(event(at_min=0), event(what=events.ABSENT, sent_min=5))
    assert department.exam()["state"] == "absent"
    department.take(event("b2", at_min=0, patient="P2"))
    department.deed(2, "check_in")
    absent = event("b2", events.ABSENT, patient="P2", sent_min=5)
    assert department.take(absent) == [(reasons.GONE_ON, {})]
    assert department.exam("b2")["state"] == "checked_in"


def test_a_room_that_turns_out_to_be_another_takes_its_bookings_along(
    department: Department,
) -> None:
    department.take(event(at_min=0))
    department.do(rooms.put, replace(rooms.Room("ct", "CT室", "CT")), "e")
    department.do(rooms.map_code, SENDER, CODE, "ct", "e")
    assert department.exam()["room"] == "ct"
    assert department.exam()["number"] == 1


WHATS = [
    events.ORDERED, events.BOOKED, events.MOVED, events.CHANGED, events.CANCELLED, events.ABSENT,
]  # fmt: skip
TOLD = st.lists(
    st.builds(
        event,
        what=st.sampled_from(WHATS),
        sent_min=st.integers(0, 3),
        at_min=st.none() | st.integers(0, 600),
        days=st.integers(0, 2),
        room=st.sampled_from(["", CODE]),
        duration_min=st.none() | st.integers(5, 30),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TOLD, st.randoms(use_true_random=False))
def test_the_order_of_the_messages_does_not_matter(
    store: Store, department: Department, told: list[events.ExamEvent], dice: Random
) -> None:
    outcomes = []
    shuffled = [*told, *told[:2]]
    dice.shuffle(shuffled)
    for order in (told, shuffled):
        with store.transaction() as tx:
            for table in ("exam_facts", "exam_bookings", "exam_numbers"):
                tx.execute(f"DELETE FROM {table}")
        department.take(*order)
        row = department.exam()
        kept = ["state", "told", "starts_ms", "duration_min", "room_code"]
        if row["state"] != "cancelled":
            kept += ["room", "day"]
            outcomes.append([row[key] for key in kept] + [row["number"] is None])
        else:
            outcomes.append([row[key] for key in kept])
    assert outcomes[0] == outcomes[1]
