"""Workbooks that were uploaded and not applied yet, kept for a day at most."""

import json
from collections.abc import Sequence

from sqlite_utils import Database, Migrations

from central.setup.sheets import Line
from central.store import Row, Tx

migrations = Migrations("setup")
DAY_MS = 86_400_000


@migrations()
def m001_drafts(db: Database) -> None:
    # lines: of all sheets, as JSON.
    db.execute(
        "CREATE TABLE setup_drafts (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " lines TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL)"
    )


def keep_draft(tx: Tx, name: str, lines: Sequence[Line], by: str) -> int:
    tx.execute("DELETE FROM setup_drafts WHERE at_ms < ?", (tx.now_ms - DAY_MS,))
    text = json.dumps([[each.sheet, each.row, each.cells] for each in lines], ensure_ascii=False)
    return tx.insert("setup_drafts", name=name, lines=text, by=by, at_ms=tx.now_ms)


def draft(tx: Tx, draft: int, by: str) -> Row | None:
    """Of the same person only."""
    return tx.one("SELECT * FROM setup_drafts WHERE id = ? AND by = ?", (draft, by))


def lines(row: Row) -> list[Line]:
    return [Line(*each) for each in json.loads(row["lines"])]


def forget_draft(tx: Tx, draft: int) -> None:
    tx.execute("DELETE FROM setup_drafts WHERE id = ?", (draft,))
