"""Sections and their entries, every version that an entry has had, and tables that somebody has
uploaded. Days as "2026-11-29" in the hospital's zone, "" for open; money in fen."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database, Migrations

from central.information.kinds import columns, lacks_english
from central.store import Row, Tx

migrations = Migrations("information")

# Field: its value; by the columns of `kinds`, and code, position, valid_from, valid_to.
Values = Mapping[str, Any]


@migrations()
def m001_information(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE info_sections (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, title_zh TEXT NOT NULL, title_en TEXT NOT NULL,
            is_on INTEGER NOT NULL DEFAULT 1, position INTEGER NOT NULL,
            is_own INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        -- details: what entries of its kind hold beside these, as JSON. find: in what is searched.
        CREATE TABLE info_entries (
            id INTEGER PRIMARY KEY, section TEXT NOT NULL REFERENCES info_sections (id),
            code TEXT NOT NULL, position INTEGER NOT NULL, valid_from TEXT NOT NULL,
            valid_to TEXT NOT NULL, title_zh TEXT NOT NULL, title_en TEXT NOT NULL,
            text_zh TEXT NOT NULL, text_en TEXT NOT NULL, details TEXT NOT NULL, find TEXT NOT NULL,
            removed_ms INTEGER
        );
        CREATE UNIQUE INDEX info_entries_code ON info_entries (section, code)
            WHERE removed_ms IS NULL;
        CREATE TABLE info_versions (
            entry INTEGER NOT NULL REFERENCES info_entries (id), number INTEGER NOT NULL,
            what TEXT NOT NULL CHECK (what IN ('added', 'changed', 'imported', 'removed')),
            body TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL,
            PRIMARY KEY (entry, number)
        ) WITHOUT ROWID;
        CREATE TABLE info_drafts (
            id INTEGER PRIMARY KEY, section TEXT NOT NULL, text TEXT NOT NULL, by TEXT NOT NULL,
            at_ms INTEGER NOT NULL
        );
        INSERT INTO info_sections (id, kind, title_zh, title_en, position) VALUES
            ('experts', 'expert', '专家介绍', 'Experts', 10),
            ('hospital', 'plain', '医院介绍', 'The hospital', 20),
            ('policy', 'plain', '医保政策', 'Insurance policy', 30),
            ('new-drugs', 'medicine', '新药介绍', 'New drugs', 40),
            ('medicines', 'medicine', '药品查询', 'Medicines by number', 50),
            ('advice', 'plain', '保健常识', 'Health advice', 60);
        """
    )


@migrations()
def m002_order(db: Database) -> None:
    """What long sections are asked for, at hand."""
    db.executescript(
        """
        CREATE INDEX info_entries_order ON info_entries
            (section, position, code, valid_from, valid_to) WHERE removed_ms IS NULL;
        ALTER TABLE info_entries ADD COLUMN lacks_en INTEGER NOT NULL DEFAULT 0;
        """
    )
    kinds = {row["id"]: row["kind"] for row in db["info_sections"].rows}
    for row in list(db["info_entries"].rows):
        kind = kinds[row["section"]]
        lacking = int(lacks_english(kind, values_of(row, kind)))
        db.execute("UPDATE info_entries SET lacks_en = ? WHERE id = ?", (lacking, row["id"]))


def sections(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM info_sections ORDER BY position, id")


def section(tx: Tx, id: str) -> Row | None:
    return tx.one("SELECT * FROM info_sections WHERE id = ?", (id,))


_ORDER = " ORDER BY e.position, length(e.code), e.code"
# In force on :day.
_NOW = "e.removed_ms IS NULL AND e.valid_from <= :day AND (e.valid_to = '' OR e.valid_to >= :day)"


def entries(tx: Tx, section: str, find: str = "", limit: int = -1, offset: int = 0) -> list[Row]:
    """Those that were not removed, whether in force or not. find: in what is searched."""
    return tx.all(
        "SELECT * FROM info_entries e WHERE e.section = ? AND e.removed_ms IS NULL"
        f" AND (? = '' OR instr(e.find, ?)){_ORDER} LIMIT ? OFFSET ?",
        (section, find, find, limit, offset),
    )


def codes(tx: Tx, section: str, day: str) -> list[str]:
    """The numbers of those in force, in their order."""
    rows = tx.all(
        f"SELECT e.code FROM info_entries e WHERE e.section = :section AND {_NOW}{_ORDER}",
        {"section": section, "day": day},
    )
    return [row["code"] for row in rows]


def of_codes(tx: Tx, section: str, codes: Sequence[str]) -> list[Row]:
    """Those that are still there, in this order."""
    rows = tx.all(
        "SELECT * FROM info_entries WHERE section = ? AND removed_ms IS NULL"
        " AND code IN (SELECT value FROM json_each(?))",
        (section, json.dumps(list(codes))),
    )
    known = {row["code"]: row for row in rows}
    return [known[code] for code in codes if code in known]


def counts(tx: Tx, day: str) -> dict[str, Row]:
    """(n, told, lacking) by section: entries, how many of them are in force, and without their
    English."""
    rows = tx.all(
        f"SELECT e.section, count(*) AS n, sum({_NOW}) AS told, sum(e.lacks_en) AS lacking"
        " FROM info_entries e WHERE e.removed_ms IS NULL GROUP BY e.section",
        {"day": day},
    )
    return {row["section"]: row for row in rows}


def entry(tx: Tx, section: str, code: str) -> Row | None:
    return tx.one(
        "SELECT * FROM info_entries WHERE section = ? AND code = ? AND removed_ms IS NULL",
        (section, code),
    )


def entry_of(tx: Tx, section: str, id: int) -> Row | None:
    """One that may have been removed."""
    return tx.one("SELECT * FROM info_entries WHERE section = ? AND id = ?", (section, id))


def removed(tx: Tx, section: str) -> list[Row]:
    return tx.all(
        "SELECT * FROM info_entries WHERE section = ? AND removed_ms IS NOT NULL"
        " ORDER BY removed_ms DESC LIMIT 50",
        (section,),
    )


def found(tx: Tx, words: list[str], day: str, limit: int) -> list[Row]:
    """Entries in force, of sections that are on, that hold all words; those whose title does
    first."""
    each = " AND ".join(f"instr(e.find, :w{n})" for n in range(len(words)))
    values: dict[str, Any] = {f"w{n}": word for n, word in enumerate(words)}
    return tx.all(
        "SELECT e.*, s.kind FROM info_entries e JOIN info_sections s ON s.id = e.section"
        f" WHERE s.is_on AND {_NOW} AND {each}"
        " ORDER BY instr(lower(e.title_zh || ' ' || e.title_en || ' ' || e.code), :w0) = 0,"
        " s.position, e.position, e.code LIMIT :limit",
        values | {"day": day, "limit": limit},
    )


def values_of(row: Row | Mapping[str, Any], kind: str) -> dict[str, Any]:
    """All that is entered of an entry."""
    details = json.loads(row["details"])
    kept = {key: row[key] for key in ("code", "position", "valid_from", "valid_to")}
    for column, field in columns(kind):
        nothing = None if field.is_money else ""
        own = field.name in ("title", "text")
        kept[column] = row[column] if own else details.get(column, nothing)
    return kept


def versions(tx: Tx, entry: int) -> list[Row]:
    """The newest first."""
    return tx.all("SELECT * FROM info_versions WHERE entry = ? ORDER BY number DESC", (entry,))
