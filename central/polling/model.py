"""How far each table of the hospital's database was read, and who lay where by its last picture."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlite_utils import Database, Migrations

from central.store import Row, Tx
from gateway.his.poller.differing import Known

migrations = Migrations("polling")
migrate_after = ("hospital",)


@migrations()
def m001_polling(db: Database) -> None:
    db.executescript(
        """
        -- One row for each feed. place: ISO time up to which rows were read. read_ms: when the
        -- last reading was whole; trouble: why it is not, since trouble_ms. held: stays that the
        -- picture lost which is not believed; believe: an engineer says that it is so.
        CREATE TABLE poll_feeds (
            source TEXT NOT NULL, feed TEXT NOT NULL, place TEXT, read_ms INTEGER,
            trouble TEXT NOT NULL DEFAULT '', trouble_ms INTEGER, held INTEGER NOT NULL DEFAULT 0,
            believe INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (source, feed)
        ) WITHOUT ROWID;
        -- Rows inside the overlap that were read already, by their id; digest of their content.
        CREATE TABLE poll_rows (
            source TEXT NOT NULL, feed TEXT NOT NULL, row TEXT NOT NULL, digest TEXT NOT NULL,
            time TEXT NOT NULL, PRIMARY KEY (source, feed, row)
        ) WITHOUT ROWID;
        CREATE TABLE poll_stays (
            source TEXT NOT NULL, feed TEXT NOT NULL, stay TEXT NOT NULL, body TEXT NOT NULL,
            missing INTEGER NOT NULL, PRIMARY KEY (source, feed, stay)
        ) WITHOUT ROWID;
        """
    )


def feed(tx: Tx, source: str, feed: str) -> Row | None:
    return tx.one("SELECT * FROM poll_feeds WHERE source = ? AND feed = ?", (source, feed))


def feeds(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM poll_feeds ORDER BY source, feed")


def know_feed(tx: Tx, source: str, feed: str) -> None:
    tx.execute("INSERT OR IGNORE INTO poll_feeds (source, feed) VALUES (?, ?)", (source, feed))


def set_place(tx: Tx, source: str, feed: str, place: datetime, forget_before: datetime) -> None:
    """Rows were read up to `place`; those before `forget_before` do not come again."""
    tx.execute(
        "UPDATE poll_feeds SET place = ? WHERE source = ? AND feed = ?",
        (place.isoformat(), source, feed),
    )
    tx.execute(
        "DELETE FROM poll_rows WHERE source = ? AND feed = ? AND time < ?",
        (source, feed, forget_before.isoformat()),
    )


def is_new(tx: Tx, source: str, feed: str, row: str, digest: str, time: datetime) -> bool:
    """Note a row; False when it was read before with this content."""
    return bool(
        tx.execute(
            "INSERT INTO poll_rows (source, feed, row, digest, time) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (source, feed, row) DO UPDATE SET digest = excluded.digest,"
            " time = excluded.time WHERE digest != excluded.digest",
            (source, feed, row, digest, time.isoformat()),
        ).rowcount
    )


def stays(tx: Tx, source: str, feed: str) -> dict[str, Known]:
    rows = tx.all("SELECT * FROM poll_stays WHERE source = ? AND feed = ?", (source, feed))
    return {row["stay"]: Known(json.loads(row["body"]), row["missing"]) for row in rows}


def set_stays(
    tx: Tx, source: str, feed: str, before: Mapping[str, Known], now: Mapping[str, Known]
) -> None:
    for stay in before.keys() - now.keys():
        tx.execute(
            "DELETE FROM poll_stays WHERE source = ? AND feed = ? AND stay = ?",
            (source, feed, stay),
        )
    for stay, known in now.items():
        if before.get(stay) != known:
            tx.execute(
                "INSERT OR REPLACE INTO poll_stays (source, feed, stay, body, missing)"
                " VALUES (?, ?, ?, ?, ?)",
                (source, feed, stay, json.dumps(known.body, ensure_ascii=False), known.missing),
            )
