"""Excerpts: who asked for which lines, and the portions that came."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("box_logs")
migrate_after = ("wards",)

WAITING, WHOLE, FAILED = "waiting", "whole", "failed"


@migrations()
def m001_box_logs(db: Database) -> None:
    db.executescript(
        """
        -- command: of the row in commands. reason: a code of `service.WHY` or the box's own words.
        -- Moments in real time, ms.
        CREATE TABLE box_logs (
            id INTEGER PRIMARY KEY, node TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL,
            command INTEGER NOT NULL, lines INTEGER NOT NULL, grave INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'whole', 'failed')),
            parts INTEGER, reason TEXT, ended_ms INTEGER
        );
        CREATE INDEX box_logs_node ON box_logs (node, id);
        CREATE INDEX box_logs_command ON box_logs (command);
        CREATE TABLE box_log_parts (
            log INTEGER NOT NULL REFERENCES box_logs (id), part INTEGER NOT NULL,
            text TEXT NOT NULL, PRIMARY KEY (log, part)
        ) WITHOUT ROWID;
        """
    )


def one(tx: Tx, log: int) -> Row | None:
    return tx.one("SELECT * FROM box_logs WHERE id = ?", (log,))


def of_node(tx: Tx, node: str) -> list[Row]:
    """The newest first."""
    return tx.all("SELECT * FROM box_logs WHERE node = ? ORDER BY id DESC", (node,))


def waiting(tx: Tx, node: str, command: int) -> Row | None:
    """What `node` was asked by this command and has not told to the end."""
    return tx.one(
        "SELECT * FROM box_logs WHERE node = ? AND command = ? AND state = 'waiting'",
        (node, command),
    )


def text(tx: Tx, log: int) -> str:
    """All that came, in its order."""
    rows = tx.all("SELECT text FROM box_log_parts WHERE log = ? ORDER BY part", (log,))
    return "\n".join(row["text"] for row in rows if row["text"])


def drop_but(tx: Tx, node: str, kept: int) -> None:
    """Keep the newest `kept` excerpts of a box."""
    old = "SELECT id FROM box_logs WHERE node = ? ORDER BY id DESC LIMIT -1 OFFSET ?"
    tx.execute(f"DELETE FROM box_log_parts WHERE log IN ({old})", (node, kept))
    tx.execute(f"DELETE FROM box_logs WHERE id IN ({old})", (node, kept))
