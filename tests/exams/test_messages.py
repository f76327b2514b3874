"""The public samples of scheduling messages, through the door of the messages, in any order."""

from itertools import permutations
from pathlib import Path

import pytest

from central.exams import rooms
from central.hospital import taking
from gateway.his.message import parse
from tests.exams.conftest import ZONE, Department

SAMPLES = Path(__file__).parents[1] / "data" / "hl7"
SENDER = "SCHApp/GHHSFacility"
BOOKED, MOVED, ROOM_2, ABSENT = "S12", "S13", "S14", "S26"


def send(department: Department, *events: str) -> None:
    for each in events:
        raw = (SAMPLES / f"SIU-{each}-01.hl7").read_bytes()
        department.do(taking.take_message, "10.1.2.3", raw, parse(raw, None), ZONE)


def states(department: Department) -> list[str]:
    rows = department.store.read().all("SELECT state FROM his_messages ORDER BY id")
    return [row["state"] for row in rows]


def outcome(department: Department) -> tuple[str, str, str]:
    (row,) = department.store.read().all("SELECT * FROM exam_bookings")
    return row["state"], row["room"], row["day"]


@pytest.fixture
def mapped(department: Department) -> Department:
    department.do(rooms.put, rooms.Room("ct", "CT室", "CT"), "e")
    for code, room in (("055^Room01^^GH Clinic", "us"), ("055^Room02^^GH Clinic", "ct")):
        department.do(rooms.map_code, SENDER, code, room, "e", ZONE)
    return department


def test_the_samples_tell_of_one_examination_in_any_order(mapped: Department) -> None:
    for order in permutations((BOOKED, MOVED, ABSENT)):
        with mapped.store.transaction() as tx:
            for table in ("exam_facts", "exam_bookings", "exam_numbers", "his_messages"):
                tx.execute(f"DELETE FROM {table}")
        send(mapped, *order, order[0])
        assert states(mapped) == ["done"] * 3, order
        assert outcome(mapped) == ("absent", "us", "2021-09-24"), order


def test_a_change_of_the_room_gives_a_number_there(mapped: Department) -> None:
    send(mapped, BOOKED, ROOM_2)
    assert outcome(mapped) == ("booked", "ct", "2021-09-24")
    assert mapped.numbered(1, "ct", "2021-09-24")["text"] == "Biopsy of colon (procedure)"
    send(mapped, "S15")
    assert outcome(mapped)[0] == "cancelled"


def test_what_waits_for_its_room_is_applied_in_order_when_it_is_mapped(
    department: Department,
) -> None:
    send(department, BOOKED, ABSENT)
    assert states(department) == ["waiting", "waiting"]
    done = department.do(rooms.map_code, SENDER, "055^Room01^^GH Clinic", "us", "e", ZONE)
    assert done == 2
    assert outcome(department)[0] == "absent"
