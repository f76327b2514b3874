"""Menus that the hospital has changed or made, in all their versions.

Version 0 of a menu is what is shipped and no row. Versions are live in the order of `live_from_ms`,
whatever their numbers: one that was planned comes at its time although another was saved since.
"""

import hashlib

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("flows")
# In place of a menu's text: from then on there is no such menu.
GONE = ""


@migrations()
def m001_flows(db: Database) -> None:
    db.executescript(
        """
        -- text: YAML, '' for a menu that was removed. live_from_ms: hospital time, NULL for a
        -- draft.
        CREATE TABLE flow_versions (
            flow TEXT NOT NULL, number INTEGER NOT NULL CHECK (number > 0), text TEXT NOT NULL,
            digest TEXT NOT NULL, note TEXT NOT NULL, by TEXT NOT NULL, saved_ms INTEGER NOT NULL,
            live_from_ms INTEGER, PRIMARY KEY (flow, number)
        );
        CREATE TRIGGER flow_versions_no_update
            BEFORE UPDATE OF flow, number, text, digest, note, by, saved_ms ON flow_versions
            BEGIN SELECT RAISE(ABORT, 'a version of a menu is never changed'); END;
        CREATE TRIGGER flow_versions_no_delete BEFORE DELETE ON flow_versions
            BEGIN SELECT RAISE(ABORT, 'a version of a menu is never deleted'); END;
        """
    )


@migrations()
def m002_begun(db: Database) -> None:
    # Each call asks which versions are live: with this no text is read for it.
    db.execute(
        "CREATE INDEX flow_versions_begun ON flow_versions (flow, live_from_ms, number, digest)"
    )


def versions(tx: Tx, flow: str) -> list[Row]:
    """All of a menu, newest first."""
    return tx.all("SELECT * FROM flow_versions WHERE flow = ? ORDER BY number DESC", (flow,))


def version(tx: Tx, flow: str, number: int) -> Row | None:
    return tx.one("SELECT * FROM flow_versions WHERE flow = ? AND number = ?", (flow, number))


def newest(tx: Tx, flow: str) -> Row | None:
    """The one saved last, live or not."""
    return tx.one(
        "SELECT * FROM flow_versions WHERE flow = ? ORDER BY number DESC LIMIT 1", (flow,)
    )


def begun(tx: Tx, now_ms: int) -> list[Row]:
    """(flow, number) of all whose time has come, by menu, the last to come at its end."""
    return tx.all(
        "SELECT flow, number FROM flow_versions WHERE live_from_ms <= ?"
        " ORDER BY flow, live_from_ms, number",
        (now_ms,),
    )


def begun_key(tx: Tx, now_ms: int) -> tuple[tuple[str, str, int, int], ...]:
    """Stands for what `begun` answers; each call through a menu asks for it."""
    rows = tx.execute(
        # SQLite takes the digest of the row that has the maximum.
        "SELECT flow, digest, max(live_from_ms * 1000000 + number), count(*) FROM flow_versions"
        " WHERE live_from_ms <= ? GROUP BY flow",
        (now_ms,),
    )
    return tuple(map(tuple, rows))


def planned(tx: Tx, now_ms: int) -> list[Row]:
    """Those whose time is still to come, the next first."""
    return tx.all(
        "SELECT * FROM flow_versions WHERE live_from_ms > ? ORDER BY live_from_ms, flow, number",
        (now_ms,),
    )


def drafts(tx: Tx) -> list[Row]:
    return tx.all(
        "SELECT * FROM flow_versions WHERE live_from_ms IS NULL ORDER BY flow, number DESC"
    )


def text(tx: Tx, flow: str, number: int) -> str:
    found: str = tx.value(
        "SELECT text FROM flow_versions WHERE flow = ? AND number = ?", (flow, number)
    )
    return found


def add(tx: Tx, flow: str, text: str, note: str, by: str, live_from_ms: int | None) -> int:
    """Keep a new version; returns its number."""
    last = newest(tx, flow)
    number = 1 if last is None else last["number"] + 1
    tx.insert(
        "flow_versions", flow=flow, number=number, text=text, note=note, by=by,
        digest=hashlib.sha256(text.encode()).hexdigest(), saved_ms=tx.now_ms,
        live_from_ms=live_from_ms,
    )  # fmt: skip
    return number


def set_live_from(tx: Tx, flow: str, number: int, live_from_ms: int | None) -> None:
    """None: it is a draft (again)."""
    tx.execute(
        "UPDATE flow_versions SET live_from_ms = ? WHERE flow = ? AND number = ?",
        (live_from_ms, flow, number),
    )
