"""Policies in all their versions, and how far each call has been escalated."""

import json
from functools import lru_cache
from typing import Any

from sqlite_utils import Database, Migrations

from central.directory import reach
from central.escalation import policy
from central.store import Row, Tx

migrations = Migrations("escalation")
migrate_after = ("wards", "calls", "directory")


@migrations()
def m001_escalation(db: Database) -> None:
    db.executescript(
        """
        -- The newest version of a ward is the active one.
        CREATE TABLE policies (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL REFERENCES wards (id),
            version INTEGER NOT NULL, document TEXT NOT NULL, by TEXT NOT NULL,
            saved_ms INTEGER NOT NULL, UNIQUE (ward, version)
        );
        CREATE TRIGGER policies_no_update BEFORE UPDATE ON policies
            BEGIN SELECT RAISE(ABORT, 'a version of a policy is never changed'); END;
        CREATE TRIGGER policies_no_delete BEFORE DELETE ON policies
            BEGIN SELECT RAISE(ABORT, 'a version of a policy is never deleted'); END;

        -- The rule a call goes by, as it stood when the call was opened.
        CREATE TABLE escalations (
            call INTEGER PRIMARY KEY REFERENCES calls (id), rule TEXT NOT NULL,
            started_ms INTEGER NOT NULL
        );
        """
    )


@migrations()
def m002_ward_phones(db: Database) -> None:
    # Each call asks whether its ward's nurse station has a telephone.
    db.execute("CREATE INDEX extensions_ward ON extensions (ward)")


@lru_cache(maxsize=64)
def _parsed(id: int, document: str) -> dict[str, Any]:
    return json.loads(document)


def active(tx: Tx, ward: str) -> dict[str, Any]:
    """The ward's policy, or the default one. Not to be changed by the caller."""
    row = tx.one(
        "SELECT id, document FROM policies WHERE ward = ? ORDER BY version DESC LIMIT 1", (ward,)
    )
    return default(tx, ward) if row is None else _parsed(row["id"], row["document"])


def default(tx: Tx, ward: str) -> dict[str, Any]:
    """The policy that serves until the ward has one of its own."""
    return policy.default(bool(reach.of_ward(tx, ward)))


def versions(tx: Tx, ward: str) -> list[Row]:
    """Every saved version of a ward's policy, newest first."""
    return tx.all("SELECT * FROM policies WHERE ward = ? ORDER BY version DESC", (ward,))


def version(tx: Tx, ward: str, number: int) -> Row | None:
    return tx.one("SELECT * FROM policies WHERE ward = ? AND version = ?", (ward, number))


def newest(tx: Tx, ward: str) -> int:
    """The number of the active version; 0 where the default policy serves."""
    return tx.value("SELECT max(version) FROM policies WHERE ward = ?", (ward,)) or 0


def add_version(tx: Tx, ward: str, document: dict[str, Any], by: str) -> int:
    """Keep a new version, from now the active one. Returns its number."""
    number = 1 + newest(tx, ward)
    text = json.dumps(document, ensure_ascii=False)
    tx.insert("policies", ward=ward, version=number, document=text, by=by, saved_ms=tx.now_ms)
    return number


def set_rule(tx: Tx, call_id: int, rule: dict[str, Any]) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO escalations (call, rule, started_ms) VALUES (?, ?, ?)",
        (call_id, json.dumps(rule, ensure_ascii=False), tx.now_ms),
    )


def rule_of(tx: Tx, call_id: int) -> tuple[dict[str, Any], int]:
    """The rule a call goes by, and when it began (hospital ms)."""
    row = tx.one("SELECT rule, started_ms FROM escalations WHERE call = ?", (call_id,))
    if row is None:
        raise LookupError(f"call {call_id} was never escalated")
    return json.loads(row["rule"]), row["started_ms"]


def people(tx: Tx, role: str, ward: str) -> int:
    """How many may answer for `role` in this ward: its own, and those of the whole hospital."""
    return len(holders(tx, role, ward))


def holders(tx: Tx, role: str, ward: str) -> list[str]:
    """Their names as colleagues know them."""
    rows = tx.all(
        "SELECT display FROM users WHERE role = ? AND NOT disabled"
        " AND (ward IS NULL OR ward = ?) ORDER BY display",
        (role, ward),
    )
    return [row["display"] for row in rows]
