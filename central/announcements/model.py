"""Announcements, each time one was due, and which nodes spoke it."""

import json
from typing import Any

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("announcements")

SCHEDULED = "scheduled"
SENT = "sent"
CANCELLED = "cancelled"
FAILED = "failed"
MISSED = "missed"


@migrations()
def m001_announcements(db: Database) -> None:
    db.executescript(
        """
        -- What is to be said where, and when next. wards: JSON list. lang: NULL is the ward's.
        -- A daily one has minute (of the day), days (JSON, 0 is Monday) and zone, and stays
        -- scheduled until it is cancelled.
        CREATE TABLE announcements (
            id INTEGER PRIMARY KEY, wards TEXT NOT NULL, text TEXT NOT NULL, lang TEXT,
            class TEXT NOT NULL CHECK (class IN ('announcement', 'emergency')),
            created_by TEXT NOT NULL, created_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL,
            minute INTEGER, days TEXT, zone TEXT, state TEXT NOT NULL
        );
        CREATE INDEX announcements_scheduled ON announcements (at_ms) WHERE state = 'scheduled';

        -- One time an announcement was due: sent, missed or failed.
        CREATE TABLE announcement_runs (
            id INTEGER PRIMARY KEY, announcement INTEGER NOT NULL REFERENCES announcements (id),
            due_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL,
            state TEXT NOT NULL
        );
        CREATE INDEX announcement_runs_of ON announcement_runs (announcement, id);

        -- Which node was asked, and what it answered.
        CREATE TABLE announcement_nodes (
            run INTEGER NOT NULL REFERENCES announcement_runs (id), ward TEXT NOT NULL,
            node TEXT NOT NULL, command INTEGER NOT NULL UNIQUE, result TEXT, reason TEXT,
            answered_ms INTEGER, PRIMARY KEY (run, node)
        );
        """
    )


def one(tx: Tx, announcement: int) -> Row | None:
    return tx.one("SELECT * FROM announcements WHERE id = ?", (announcement,))


def coming(tx: Tx) -> list[Row]:
    """Scheduled announcements, the next first."""
    return tx.all("SELECT * FROM announcements WHERE state = 'scheduled' ORDER BY at_ms, id")


def past(tx: Tx, limit: int = 200) -> list[Row]:
    """Each time something was due, newest first, with its announcement's words."""
    return tx.all(
        "SELECT r.id AS run, r.announcement, r.due_ms, r.at_ms, r.late_ms, r.state, a.wards,"
        " a.text, a.class, a.created_by, a.minute FROM announcement_runs r"
        " JOIN announcements a ON a.id = r.announcement ORDER BY r.id DESC LIMIT ?",
        (limit,),
    )


def cancelled(tx: Tx, limit: int = 50) -> list[Row]:
    return tx.all(
        "SELECT * FROM announcements WHERE state = 'cancelled' ORDER BY id DESC LIMIT ?", (limit,)
    )


def runs(tx: Tx, announcement: int, limit: int = 100) -> list[Row]:
    """The times of one announcement, newest first."""
    return tx.all(
        "SELECT id AS run, * FROM announcement_runs WHERE announcement = ?"
        " ORDER BY id DESC LIMIT ?",
        (announcement, limit),
    )


def asked(tx: Tx, run: int) -> list[Row]:
    """The nodes asked to say it, with their answers."""
    return tx.all("SELECT * FROM announcement_nodes WHERE run = ? ORDER BY ward, node", (run,))


def by_command(tx: Tx, command: int) -> Row | None:
    return tx.one(
        "SELECT n.*, r.announcement FROM announcement_nodes n"
        " JOIN announcement_runs r ON r.id = n.run WHERE n.command = ?",
        (command,),
    )


def heard(tx: Tx, run: int) -> list[dict[str, Any]]:
    """Per ward: how many boxes were asked, spoke it, did not, and have not answered yet."""
    rows = tx.all(
        "SELECT ward, count(*) AS asked, sum(result IS 'done') AS spoke,"
        " sum(result IS NULL) AS waiting FROM announcement_nodes WHERE run = ?"
        " GROUP BY ward ORDER BY ward",
        (run,),
    )
    return [dict(row) for row in rows]


def wards_of(row: Row) -> list[str]:
    return list(json.loads(row["wards"]))


def days_of(row: Row) -> list[int]:
    """The days of a daily one, 0 is Monday; empty for one that comes once."""
    return list(json.loads(row["days"])) if row["days"] else []
