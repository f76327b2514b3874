"""Calls, their append-only history, and who has been told of them.

Three clocks, hospital ms: `heard_ms` (a station or board sounded it), `accepted_ms` (the first
time somebody took it on), `attended_ms` (somebody was at the bed, which alone ends it).
"""

import json
import statistics
from typing import Any

from sqlite_utils import Database, Migrations

from central.calls import types
from central.console.marks import N_
from central.store import HOSPITAL, Row, Tx

migrations = Migrations("calls")
migrate_after = ("wards",)

OPEN, ACCEPTED, ENDED = "open", "accepted", "ended"
STATES = {OPEN: N_("open"), ACCEPTED: N_("accepted"), ENDED: N_("ended")}
_RANKED = "CASE c.priority WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, c.opened_ms, c.id"


@migrations()
def m001_calls(db: Database) -> None:
    db.executescript(
        """
        -- boot and seq are the newest event of the node that pressed for this call: among the
        -- events of one node they tell before from after exactly, where two times cannot.
        CREATE TABLE calls (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL, bed TEXT, type TEXT NOT NULL,
            priority TEXT NOT NULL CHECK (priority IN ('high', 'medium', 'low')),
            state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'ended')),
            phase TEXT NOT NULL DEFAULT 'registered', opened_ms INTEGER NOT NULL,
            stored_ms INTEGER NOT NULL, heard_ms INTEGER, accepted_ms INTEGER, accepted_by TEXT,
            attended_ms INTEGER, ended_ms INTEGER, level INTEGER NOT NULL DEFAULT 0,
            repeated INTEGER NOT NULL DEFAULT 0, returned INTEGER NOT NULL DEFAULT 0,
            exhausted_ms INTEGER, node TEXT, boot INTEGER, seq INTEGER,
            about TEXT NOT NULL DEFAULT '{}'
        );
        CREATE UNIQUE INDEX calls_live ON calls (ward, ifnull(bed, ''), type)
            WHERE state != 'ended';
        CREATE INDEX calls_opened ON calls (opened_ms);

        CREATE TABLE call_history (
            id INTEGER PRIMARY KEY, call INTEGER NOT NULL REFERENCES calls (id),
            at_ms INTEGER NOT NULL, what TEXT NOT NULL, by TEXT, via TEXT,
            detail TEXT NOT NULL DEFAULT '{}'
        );
        CREATE INDEX call_history_call ON call_history (call);
        CREATE TRIGGER call_history_no_update BEFORE UPDATE ON call_history
            BEGIN SELECT RAISE(ABORT, 'the history of a call is append-only'); END;
        CREATE TRIGGER call_history_no_delete BEFORE DELETE ON call_history
            BEGIN SELECT RAISE(ABORT, 'the history of a call is append-only'); END;

        -- Whose boards show the call besides its own ward's.
        CREATE TABLE call_targets (
            call INTEGER NOT NULL REFERENCES calls (id), kind TEXT NOT NULL,
            ward TEXT NOT NULL DEFAULT '', role TEXT NOT NULL DEFAULT '', at_ms INTEGER NOT NULL,
            PRIMARY KEY (call, kind, ward, role)
        ) WITHOUT ROWID;

        -- The newest presence at each bed, to see that a press which arrives late was answered.
        CREATE TABLE presences (
            ward TEXT NOT NULL, bed TEXT NOT NULL, at_ms INTEGER NOT NULL, via TEXT NOT NULL,
            node TEXT, boot INTEGER, seq INTEGER, PRIMARY KEY (ward, bed)
        ) WITHOUT ROWID;
        """
    )


def one(tx: Tx, call_id: int) -> Row | None:
    return tx.one("SELECT * FROM calls WHERE id = ?", (call_id,))


def live(tx: Tx, ward: str, bed: str | None, type: str) -> Row | None:
    """The call of this ward, bed and type that has not ended."""
    return tx.one(
        "SELECT * FROM calls WHERE ward = ? AND ifnull(bed, '') = ? AND type = ?"
        " AND state != 'ended'",
        (ward, bed or "", type),
    )


def at_bed(tx: Tx, ward: str, bed: str) -> list[Row]:
    """The calls of a bed that have not ended, most urgent first; of equals the unaccepted."""
    return tx.all(
        "SELECT c.* FROM calls c WHERE ward = ? AND ifnull(bed, '') = ? AND state != 'ended'"
        " ORDER BY CASE c.priority WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END,"
        " c.state = 'accepted', c.opened_ms, c.id",
        (ward, bed),
    )


def open_calls(tx: Tx, ward: str | None = None) -> list[Row]:
    """Calls that have not ended, by priority, then age; of every ward when `ward` is None."""
    return tx.all(
        "SELECT c.* FROM calls c WHERE c.state != 'ended' AND (:ward IS NULL OR c.ward = :ward)"
        f" ORDER BY {_RANKED}",
        {"ward": ward},
    )


def history(tx: Tx, call_id: int) -> list[Row]:
    """What happened to a call, in the order it was written down."""
    return tx.all("SELECT * FROM call_history WHERE call = ? ORDER BY id", (call_id,))


def add_history(
    tx: Tx,
    call_id: int,
    what: str,
    *,
    by: str | None = None,
    via: str | None = None,
    at_ms: int | None = None,
    **detail: Any,
) -> None:
    text = json.dumps(detail, ensure_ascii=False)
    when = tx.now_ms if at_ms is None else at_ms
    tx.insert("call_history", call=call_id, at_ms=when, what=what, by=by, via=via, detail=text)


def add_target(tx: Tx, call_id: int, kind: str, *, ward: str = "", role: str = "") -> None:
    """Show the call on the boards of `ward` or of everybody with `role`."""
    tx.execute(
        "INSERT OR IGNORE INTO call_targets (call, kind, ward, role, at_ms) VALUES (?, ?, ?, ?, ?)",
        (call_id, kind, ward, role, tx.now_ms),
    )


def targets(tx: Tx, call_id: int) -> list[Row]:
    return tx.all("SELECT * FROM call_targets WHERE call = ? ORDER BY at_ms, kind", (call_id,))


def nudge(tx: Tx, call: Row) -> None:
    """Every board that shows this call looks again."""
    tx.changed(call["ward"], "board")
    for target in targets(tx, call["id"]):
        tx.changed(target["ward"] or HOSPITAL, "board")


def board(tx: Tx, ward: str | None = None, role: str | None = None) -> list[dict[str, Any]]:
    """Rows of a board, ready for JSON, most urgent first. Those of `ward` and what other wards
    sent there, together with what was escalated to `role`; all calls when both are None."""
    rows = tx.all(
        "SELECT c.* FROM calls c WHERE c.state != 'ended' AND ((:ward IS NULL AND :role IS NULL)"
        " OR c.ward = :ward OR EXISTS (SELECT 1 FROM call_targets t WHERE t.call = c.id"
        " AND (t.ward = :ward OR t.role = :role)))"
        f" ORDER BY {_RANKED}",
        {"ward": ward, "role": role},
    )
    return [as_json(tx, row, ward) for row in rows]


def as_json(tx: Tx, call: Row, ward: str | None = None) -> dict[str, Any]:
    """A call for the pages. `from_ward` is set when the board is another ward's than the bed's."""
    keys = (
        "id", "ward", "bed", "type", "priority", "state", "phase", "opened_ms", "heard_ms",
        "accepted_ms", "accepted_by", "attended_ms", "level", "repeated", "returned",
    )  # fmt: skip
    row = {key: call[key] for key in keys}
    told = targets(tx, call["id"])
    row["targets"] = [
        {"kind": each["kind"], "ward": each["ward"], "role": each["role"], "at_ms": each["at_ms"]}
        for each in told
    ]
    row["beds"] = json.loads(call["about"]).get("beds", [])  # that a technical call concerns
    row["exhausted"] = call["exhausted_ms"] is not None
    row["from_ward"] = call["ward"] if ward is not None and ward != call["ward"] else None
    row["title"] = types.of(call["type"]).title
    return row


def find(
    tx: Tx,
    *,
    ward: str | None = None,
    bed: str | None = None,
    type: str | None = None,
    since_ms: int = 0,
    until_ms: int | None = None,
    limit: int = 500,
) -> list[Row]:
    """Past and present calls, newest first."""
    return tx.all(
        "SELECT * FROM calls WHERE (:ward IS NULL OR ward = :ward) AND (:bed IS NULL OR bed = :bed)"
        " AND (:type IS NULL OR type = :type) AND opened_ms >= :since"
        " AND (:until IS NULL OR opened_ms < :until) ORDER BY opened_ms DESC, id DESC LIMIT :limit",
        {
            "ward": ward,
            "bed": bed,
            "type": type,
            "since": since_ms,
            "until": until_ms,
            "limit": limit,
        },
    )


def response_times(
    tx: Tx, ward: str | None, since_ms: int, until_ms: int
) -> dict[str, dict[str, Any]]:
    """By call type: how many, and per clock how many reached it with the median and the
    longest time from the press, in ms (None where nobody did)."""
    rows = find(tx, ward=ward, since_ms=since_ms, until_ms=until_ms, limit=-1)
    answer: dict[str, dict[str, Any]] = {}
    for type in {row["type"] for row in rows}:
        of_type = [row for row in rows if row["type"] == type]
        answer[type] = {"calls": len(of_type)}
        for clock in ("heard", "accepted", "attended"):
            took = [
                row[f"{clock}_ms"] - row["opened_ms"]
                for row in of_type
                if row[f"{clock}_ms"] is not None
            ]
            answer[type][clock] = {
                "count": len(took),
                "median_ms": int(statistics.median(took)) if took else None,
                "longest_ms": max(took, default=None),
            }
    return answer
