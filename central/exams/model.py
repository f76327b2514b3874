"""Examination rooms, what was told of each examination, and where it stands in the queue."""

from collections.abc import Sequence

from sqlite_utils import Database, Migrations

from central.exams.queue import ORDERED, PRESENT, RUNNING
from central.exams.reasons import UNMAPPED_ROOM
from central.store import Row, Tx

migrations = Migrations("exams")
migrate_after = ("wards", "admissions")


@migrations()
def m001_exams(db: Database) -> None:
    db.executescript(
        """
        -- usual_min: how long one takes there. walk_min: the way of wards without a row in
        -- exam_walks. back_places: how many go before somebody who was called and not there.
        -- urge_after_s: so long after the call his ward is urged. margin_min: how much earlier than
        -- the way takes he is told to leave.
        CREATE TABLE exam_rooms (
            code TEXT PRIMARY KEY, name_zh TEXT NOT NULL, name_en TEXT NOT NULL,
            usual_min INTEGER NOT NULL, walk_min INTEGER NOT NULL, back_places INTEGER NOT NULL,
            urge_after_s INTEGER NOT NULL, margin_min INTEGER NOT NULL
        );
        CREATE TABLE exam_walks (
            room TEXT NOT NULL REFERENCES exam_rooms (code) ON DELETE CASCADE,
            ward TEXT NOT NULL REFERENCES wards (id), minutes INTEGER NOT NULL,
            PRIMARY KEY (room, ward)
        );
        -- What a sender calls our rooms. room NULL: known, and none of ours.
        CREATE TABLE exam_room_codes (
            sender TEXT NOT NULL, code TEXT NOT NULL,
            room TEXT REFERENCES exam_rooms (code) ON DELETE CASCADE,
            by TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (sender, code)
        );
        -- One examination. sender, booking: whose number it is. told: the last that the hospital
        -- said of it (ordered, booked, cancelled, absent); state: of queue.py. day: the hospital's,
        -- of starts_ms. turn_*: of queue.Turn. here_ms: checked in. calls: how often called.
        -- urged_ward: where somebody was asked to send the patient, until he is there.
        CREATE TABLE exam_bookings (
            id INTEGER PRIMARY KEY, sender TEXT NOT NULL, booking TEXT NOT NULL,
            patient TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', visit TEXT NOT NULL DEFAULT '',
            order_no TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',
            text TEXT NOT NULL DEFAULT '', room_code TEXT NOT NULL DEFAULT '', room TEXT,
            starts_ms INTEGER, duration_min INTEGER, day TEXT, number INTEGER,
            told TEXT NOT NULL, state TEXT NOT NULL, turn_ms INTEGER, turn_no REAL,
            here_ms INTEGER, called_ms INTEGER, calls INTEGER NOT NULL DEFAULT 0,
            started_ms INTEGER, finished_ms INTEGER, urged_ward TEXT,
            UNIQUE (sender, booking), UNIQUE (room, day, number)
        );
        CREATE INDEX exam_bookings_patient ON exam_bookings (patient);
        CREATE INDEX exam_bookings_running ON exam_bookings (room) WHERE state = 'running';
        -- Each thing that the hospital told of it. sent_ms: the sender's own time, 0 unknown.
        -- body: the fields that were told, JSON.
        CREATE TABLE exam_facts (
            id INTEGER PRIMARY KEY, exam INTEGER NOT NULL REFERENCES exam_bookings (id),
            ref TEXT NOT NULL, what TEXT NOT NULL, sent_ms INTEGER NOT NULL, body TEXT NOT NULL,
            UNIQUE (exam, what, sent_ms, body)
        );
        -- The last number given of a room's day, so that none is given twice.
        CREATE TABLE exam_numbers (
            room TEXT NOT NULL, day TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (room, day)
        );
        """
    )


def rooms(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM exam_rooms ORDER BY code")


def room(tx: Tx, code: str) -> Row | None:
    return tx.one("SELECT * FROM exam_rooms WHERE code = ?", (code,))


def walks(tx: Tx, room: str) -> dict[str, int]:
    """Minutes by ward, of the wards that have their own."""
    rows = tx.all("SELECT ward, minutes FROM exam_walks WHERE room = ?", (room,))
    return {row["ward"]: row["minutes"] for row in rows}


def room_code(tx: Tx, sender: str, code: str) -> Row | None:
    return tx.one("SELECT * FROM exam_room_codes WHERE sender = ? AND code = ?", (sender, code))


def room_codes(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM exam_room_codes ORDER BY sender, room IS NULL, room, code")


def unmapped(tx: Tx) -> list[Row]:
    """(sender, code, messages): rooms that messages wait for."""
    return tx.all(
        "SELECT sender, json_extract(reason, '$[0][1].code') AS code, count(*) AS messages"
        " FROM his_messages WHERE state = 'waiting' AND json_extract(reason, '$[0][0]') = ?"
        " GROUP BY 1, 2 ORDER BY min(id)",
        (UNMAPPED_ROOM,),
    )


def exam(tx: Tx, id: int) -> Row | None:
    return tx.one("SELECT * FROM exam_bookings WHERE id = ?", (id,))


def exam_of(tx: Tx, sender: str, booking: str) -> Row | None:
    return tx.one("SELECT * FROM exam_bookings WHERE sender = ? AND booking = ?", (sender, booking))


def facts(tx: Tx, exam: int) -> list[Row]:
    return tx.all("SELECT * FROM exam_facts WHERE exam = ? ORDER BY id", (exam,))


def queue(tx: Tx, room: str, day: str) -> list[Row]:
    """Who is in the room, called or waiting there on a day, in the order of their turns. Whoever
    is in the room since another day still is."""
    marks = ", ".join("?" * len(PRESENT))
    return tx.all(
        f"SELECT * FROM exam_bookings WHERE room = ? AND ((day = ? AND state IN ({marks}))"
        f" OR state = '{RUNNING}') ORDER BY turn_ms, turn_no, id",
        (room, day, *PRESENT),
    )


def of_day(tx: Tx, room: str, day: str) -> list[Row]:
    """Everything of a day, also what is over."""
    return tx.all(
        "SELECT * FROM exam_bookings WHERE room = ? AND day = ? ORDER BY number IS NULL, turn_ms,"
        " turn_no, id",
        (room, day),
    )


def of_patient(tx: Tx, patient: str, day: str) -> list[Row]:
    """What a patient still has before him from `day` on, and what was only ordered so far; an order
    that became a booking is that booking."""
    marks = ", ".join("?" * len(PRESENT))
    return tx.all(
        f"SELECT * FROM exam_bookings b WHERE patient = ? AND ((state IN ({marks})"
        f" AND (day IS NULL OR day >= ? OR state = '{RUNNING}'))"
        f" OR (state = '{ORDERED}' AND NOT EXISTS (SELECT 1 FROM exam_bookings o"
        " WHERE o.patient = b.patient AND o.id != b.id"
        f" AND o.order_no != '' AND o.order_no IN (b.order_no, b.booking)"
        f" AND o.state != '{ORDERED}'))) ORDER BY day IS NULL, day, turn_ms, id",
        (patient, *PRESENT, day),
    )


def lasted(tx: Tx, room: str, first_day: str, last_day: str) -> list[Row]:
    """(day, code, ms) of the examinations that were finished in a room."""
    return tx.all(
        "SELECT day, code, finished_ms - started_ms AS ms FROM exam_bookings WHERE room = ?"
        " AND day BETWEEN ? AND ? AND state = 'done' AND finished_ms > started_ms",
        (room, first_day, last_day),
    )


def next_number(tx: Tx, room: str, day: str) -> int:
    """The next number of a room's day. Inside a transaction that has begun to write (as the store's
    do, BEGIN IMMEDIATE), so nobody else is given the same one."""
    return int(
        tx.value(
            "INSERT INTO exam_numbers (room, day, last) VALUES (?, ?, 1) ON CONFLICT (room, day)"
            " DO UPDATE SET last = last + 1 RETURNING last",
            (room, day),
        )
    )


def bed_of(tx: Tx, patient: str) -> Row | None:
    """(ward, bed) where a patient lies now; None: in no bed of ours."""
    return tx.one(
        "SELECT ward, bed FROM stays WHERE patient = ? AND ward IS NOT NULL"
        " AND discharged_ms IS NULL AND cancelled_ms IS NULL ORDER BY admitted_ms DESC LIMIT 1",
        (patient,),
    )


def beds_of(tx: Tx, patients: Sequence[str]) -> dict[str, Row]:
    """The same of many, by patient."""
    found = {each: bed_of(tx, each) for each in set(patients)}
    return {patient: bed for patient, bed in found.items() if bed is not None}
