"""Rules of recording, recordings and who has listened. Times are real ms, as of call records."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx
from gateway.telephone.directory import Recorded

migrations = Migrations("recordings")
migrate_after = ("call_records",)
# The rule of what is recorded by a key; it is always there.
BY_KEY = 1
# Of what Wardline's own conversations record; it is not switched.
BY_APPLICATION = 2
DAY_MS = 24 * 3_600_000


@migrations()
def m001_recordings(db: Database) -> None:
    db.executescript(
        """
        -- What is recorded: calls of an extension, of a class's phones, of one direction; '' is
        -- any. A rule that was taken away stays, for it says how long its recordings are kept.
        CREATE TABLE recording_rules (
            id INTEGER PRIMARY KEY, extension TEXT NOT NULL, rights TEXT NOT NULL,
            direction TEXT NOT NULL, keep_days INTEGER NOT NULL, added_ms INTEGER NOT NULL,
            removed_ms INTEGER
        );
        INSERT INTO recording_rules VALUES (1, '', '', '', 90, 0, 0), (2, '', '', '', 90, 0, NULL);
        -- channel: of the caller, by which it belongs to a call record. folder and file: in the
        -- exchange's folder. deleted_ms: when its time was over.
        CREATE TABLE recordings (
            id INTEGER PRIMARY KEY, file TEXT NOT NULL UNIQUE, folder TEXT NOT NULL,
            rule INTEGER NOT NULL REFERENCES recording_rules (id), channel TEXT NOT NULL,
            started_ms INTEGER NOT NULL, length_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
            deleted_ms INTEGER
        );
        CREATE INDEX recordings_channel ON recordings (channel);
        CREATE INDEX recordings_kept ON recordings (started_ms) WHERE deleted_ms IS NULL;
        -- When each person heard a part of one last: what follows soon is the same listening.
        CREATE TABLE recording_heard (
            recording INTEGER NOT NULL REFERENCES recordings (id), who TEXT NOT NULL,
            at_ms INTEGER NOT NULL, PRIMARY KEY (recording, who)
        ) WITHOUT ROWID;
        """
    )


def rules(tx: Tx) -> list[Row]:
    """Those in force that somebody made, the oldest first."""
    return tx.all(
        "SELECT * FROM recording_rules WHERE removed_ms IS NULL AND id > ? ORDER BY id",
        (BY_APPLICATION,),
    )


def rule(tx: Tx, id: int) -> Row | None:
    return tx.one("SELECT * FROM recording_rules WHERE id = ?", (id,))


def by_key(tx: Tx) -> bool:
    """Whether phones may record by a key."""
    return bool(tx.value("SELECT removed_ms IS NULL FROM recording_rules WHERE id = ?", (BY_KEY,)))


def wanted(tx: Tx) -> tuple[Recorded, ...]:
    """The rules for the exchange. One whose extension or class is gone waits for it to be back."""
    return tuple(
        Recorded(row["id"], row["extension"], row["rights"], row["direction"])
        for row in tx.all(
            "SELECT * FROM recording_rules r WHERE removed_ms IS NULL AND id > ?"
            " AND direction != 'service'"
            " AND (extension = '' OR extension IN (SELECT number FROM extensions))"
            " AND (rights = '' OR rights IN (SELECT name FROM permission_classes)) ORDER BY id",
            (BY_APPLICATION,),
        )
    )


def conversation(tx: Tx, number: str, device: str) -> bool:
    """Whether a rule has Wardline's own conversations with this extension's telephone recorded."""
    return bool(
        tx.value(
            "SELECT 1 FROM recording_rules WHERE removed_ms IS NULL AND id > :last"
            " AND direction = 'service' AND extension IN ('', :number) AND (rights = ''"
            " OR rights = (SELECT rights FROM phones WHERE device = :device)) LIMIT 1",
            {"last": BY_APPLICATION, "number": number, "device": device},
        )
    )


def known(tx: Tx, file: str) -> bool:
    return tx.one("SELECT 1 FROM recordings WHERE file = ?", (file,)) is not None


def one(tx: Tx, recording: int) -> Row | None:
    return tx.one("SELECT * FROM recordings WHERE id = ?", (recording,))


def over(tx: Tx, channel: str) -> bool:
    """Whether the call of this channel is recorded in the call records."""
    return tx.one("SELECT 1 FROM call_legs WHERE channel = ?", (channel,)) is not None


def of_call(tx: Tx, record: int) -> list[Row]:
    """The recordings of a call record, with their rule's days."""
    return tx.all(
        "SELECT r.*, rules.keep_days FROM recordings r JOIN recording_rules rules"
        " ON rules.id = r.rule WHERE r.channel IN"
        " (SELECT channel FROM call_legs WHERE record = ?) ORDER BY r.started_ms, r.id",
        (record,),
    )


def newest(tx: Tx, extension: str, limit: int, offset: int) -> list[Row]:
    """Recordings that are kept, the newest first, each with its call."""
    return tx.all(
        "SELECT r.*, rules.keep_days, c.id AS call, c.caller, c.called FROM recordings r"
        " JOIN recording_rules rules ON rules.id = r.rule"
        " LEFT JOIN call_legs l ON l.channel = r.channel"
        " LEFT JOIN call_records c ON c.id = l.record"
        " WHERE r.deleted_ms IS NULL AND (:extension = '' OR c.caller = :extension"
        " OR c.called = :extension OR c.id IN"
        " (SELECT record FROM call_legs WHERE number = :extension))"
        " ORDER BY r.started_ms DESC, r.id DESC LIMIT :limit OFFSET :offset",
        {"extension": extension, "limit": limit, "offset": offset},
    )


def due(tx: Tx, now_ms: int, limit: int = 200) -> list[Row]:
    """Recordings whose time is over by their rule, the oldest first."""
    return tx.all(
        "SELECT r.* FROM recordings r JOIN recording_rules rules ON rules.id = r.rule"
        " WHERE deleted_ms IS NULL AND started_ms + keep_days * ? <= ? ORDER BY started_ms LIMIT ?",
        (DAY_MS, now_ms, limit),
    )


def heard_ms(tx: Tx, recording: int, who: str) -> int | None:
    """When somebody heard a part of it last."""
    return tx.value(
        "SELECT at_ms FROM recording_heard WHERE recording = ? AND who = ?", (recording, who)
    )


def hear(tx: Tx, recording: int, who: str, at_ms: int) -> None:
    tx.execute("INSERT OR REPLACE INTO recording_heard VALUES (?, ?, ?)", (recording, who, at_ms))
