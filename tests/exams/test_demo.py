"""The demo's examination room has a queue, and loading it again changes nothing."""

from central.exams import service
from central.exams.model import of_day, room_code
from central.store import Store
from provisioning import demo_patient, hospital
from provisioning.layout import WardPlan


def test_the_demos_patient_has_a_place_in_the_queue(store: Store) -> None:
    plans = (WardPlan("3", "三病区", "Ward 3", "bus", ("1", "2")),)
    with store.transaction() as tx:
        hospital.load(tx, plans)
        hospital.load(tx, plans)
    for _ in range(2):
        demo_patient.enter(store)
    tx = store.read()
    (place,) = service.places(tx, demo_patient.PATIENT, tx.now_ms)
    assert (place.room, place.number, place.state) == ("201", 4, "booked")
    assert place.wait_min == demo_patient.EXAM_IN_MIN
    days = {row["day"] for row in tx.all("SELECT day FROM exam_bookings")}
    states = [row["state"] for day in sorted(days) for row in of_day(tx, "201", day)]
    assert states == ["running", "checked_in", "booked", "booked"]
    assert room_code(tx, "HIS", hospital.EXAM_CODE) is not None
