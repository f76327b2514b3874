"""A morning in the ultrasound room: what the hospital tells, and what the room's people do."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from central import timers
from central.bridge import intake
from central.capabilities import Rules
from central.clock import FakeClock
from central.exams import model, rooms, service
from central.exams.rooms import Room
from central.hospital.told import Reason, Told
from central.store import Row, Store
from central.wards import model as wards
from gateway.his import events
from gateway.his.events import ExamEvent

SENDER = "RIS/总院"
CODE = "US^R1^^总院"
US = Room("us", "超声一室", "Ultrasound 1", usual_min=10, walk_min=8, walks={"5": 12})
ZONE = timezone(timedelta(hours=8))
# The day that FakeClock is set to.
MORNING = datetime(2026, 9, 21, 8, 0, tzinfo=ZONE)


def event(
    booking: str = "b1",
    what: str = events.BOOKED,
    *,
    sent_min: int = 0,
    at_min: int | None = None,
    patient: str = "P1",
    room: str = CODE,
    order: str = "",
    code: str = "US01",
    duration_min: int | None = None,
    days: int = 0,
) -> ExamEvent:
    """Something told at `sent_min` minutes past seven about an examination `at_min` minutes past
    eight."""
    starts = None if at_min is None else MORNING + timedelta(days=days, minutes=at_min)
    return ExamEvent(
        control_id="c", sender=SENDER, patient_id=patient, visit="v", name="张三", what=what,
        booking=booking, order=order, code=code, text="腹部超声", room=room, starts_at=starts,
        duration_min=duration_min, location="", sent_at=MORNING - timedelta(minutes=60 - sent_min),
    )  # fmt: skip


class Department:
    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.rules = Rules()
        self.rules.add(service)

    def do(self, rule: Any, *args: Any, **kwargs: Any) -> Any:
        with self.store.transaction() as tx:
            return rule(tx, *args, **kwargs)

    def take(self, *told: ExamEvent, force: bool = False) -> list[Reason]:
        notes: list[Reason] = []
        for each in told:
            notes = self.do(service.take, each, Told("his/1", SENDER, ZONE, force))
        return notes

    def deed(self, number: int, *deeds: str, room: str = "us") -> Row:
        """What the technician does with a number of today."""
        row = self.numbered(number, room)
        for deed in deeds:
            row = self.do(service.do, row["id"], deed, "chen", ZONE)
        return row

    def numbered(self, number: int, room: str = "us", day: str = "2026-09-21") -> Row:
        row = self.store.read().one(
            "SELECT * FROM exam_bookings WHERE room = ? AND day = ? AND number = ?",
            (room, day, number),
        )
        assert row is not None
        return row

    def exam(self, booking: str = "b1") -> Row:
        row = model.exam_of(self.store.read(), SENDER, booking)
        assert row is not None
        return row

    def place(self, patient: str = "P1") -> service.Place:
        (found,) = self.places(patient)
        return found

    def places(self, patient: str = "P1") -> list[service.Place]:
        return service.places(self.store.read(), patient, self.clock.now_ms(), ZONE)

    def lies(self, patient: str, ward: str, bed: str) -> None:
        self.do(
            lambda tx: tx.insert(
                "stays", patient=patient, visit="v", ward=ward, bed=bed, kind="I", admitted_ms=0
            )
        )

    def pass_min(self, minutes: float) -> None:
        """Let hospital time pass, firing every timer at its moment."""
        end_ms = self.clock.now_ms() + int(minutes * 60_000)
        while (due_ms := timers.next_due_ms(self.store.read())) is not None and due_ms <= end_ms:
            self.clock.value_ms = max(due_ms, self.clock.value_ms)
            with self.store.transaction() as tx:
                intake.fire_due(tx, self.rules)
        self.clock.value_ms = end_ms

    def spoken(self) -> list[str]:
        rows = self.store.read().all(
            "SELECT json_extract(body, '$.words.text') AS text FROM commands"
            " WHERE type = 'speak' ORDER BY id"
        )
        return [row["text"] for row in rows]

    def notices(self) -> list[str]:
        return [row["state"] for row in self.store.read().all("SELECT state FROM notices")]


@pytest.fixture
def department(store: Store, clock: FakeClock) -> Department:
    clock.value_ms = int(MORNING.timestamp() * 1000)
    with store.transaction() as tx:
        for ward in ("3", "5"):
            wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
            wards.add_node(tx, f"{ward}-station", ward, "station")
            wards.add_node(tx, f"{ward}-box", ward, "bedside")
            for bed in "1234":
                wards.add_bed(tx, ward, bed, f"{ward}-box")
        tx.execute("UPDATE nodes SET state = 'ready'")
        rooms.put(tx, US, "e")
        rooms.map_code(tx, SENDER, CODE, "us", "e")
    return Department(store, clock)
