"""Notices to nurse stations, and who has heard them."""

import json

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("notices")
migrate_after = ("wards", "telephone")

# said: by the loudspeaker alone, for the ward has no telephone. unheard: rung for in vain.
OPEN, ACCEPTED, SAID, UNHEARD, WITHDRAWN = "open", "accepted", "said", "unheard", "withdrawn"


@migrations()
def m001_notices(db: Database) -> None:
    db.executescript(
        """
        -- about: what it is about, such as "stay/17"; kind: which of its notices. text: the words
        -- by language, JSON. due_ms: when the telephone rings for it next; round: the last ringing
        -- it was part of; rings: how many there were.
        CREATE TABLE notices (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL REFERENCES wards (id), about TEXT NOT NULL,
            kind TEXT NOT NULL, text TEXT NOT NULL, urgent INTEGER NOT NULL,
            created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, round INTEGER NOT NULL DEFAULT 0,
            rings INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, over_ms INTEGER, by TEXT
        );
        CREATE INDEX notices_ward ON notices (ward, id);
        CREATE INDEX notices_waiting ON notices (ward) WHERE state IN ('open', 'unheard');
        """
    )


def one(tx: Tx, id: int) -> Row | None:
    return tx.one("SELECT * FROM notices WHERE id = ?", (id,))


def latest(tx: Tx, ward: str, limit: int) -> list[Row]:
    """What nobody has accepted first, then the newest."""
    return tx.all(
        "SELECT * FROM notices WHERE ward = ?"
        " ORDER BY state IN ('open', 'unheard') DESC, id DESC LIMIT ?",
        (ward, limit),
    )


def open_(tx: Tx, ward: str) -> list[Row]:
    """What the telephone rings for, the most urgent first."""
    return tx.all(
        "SELECT * FROM notices WHERE ward = ? AND state = 'open' ORDER BY urgent DESC, id", (ward,)
    )


def waiting(tx: Tx, ward: str, about: str) -> list[Row]:
    """What nobody has accepted of one matter."""
    return tx.all(
        "SELECT * FROM notices WHERE ward = ? AND about = ? AND state IN ('open', 'unheard')"
        " ORDER BY id",
        (ward, about),
    )


def of_round(tx: Tx, ward: str, round: int) -> list[Row]:
    """What is still open of one ringing, the most urgent first."""
    return [row for row in open_(tx, ward) if row["round"] == round]


def unheard(tx: Tx, ward: str) -> bool:
    rows = tx.all("SELECT 1 FROM notices WHERE ward = ? AND state = 'unheard' LIMIT 1", (ward,))
    return bool(rows)


def last_round(tx: Tx, ward: str) -> int:
    return tx.value("SELECT max(round) FROM notices WHERE ward = ?", (ward,)) or 0


def text(row: Row, lang: str) -> str:
    return str(json.loads(row["text"])[lang])
