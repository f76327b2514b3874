"""Faults: one open row per node, device and kind of trouble; repeats are counted."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("faults")


@migrations()
def m001_faults(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE faults (
            id INTEGER PRIMARY KEY, ward TEXT, node TEXT NOT NULL, device TEXT NOT NULL,
            code TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', raised_ms INTEGER NOT NULL,
            last_ms INTEGER NOT NULL, cleared_ms INTEGER, count INTEGER NOT NULL DEFAULT 1,
            acknowledged_by TEXT, acknowledged_ms INTEGER
        );
        CREATE UNIQUE INDEX faults_open ON faults (node, device, code) WHERE cleared_ms IS NULL;
        """
    )


@migrations()
def m002_known_after(db: Database) -> None:
    db.execute("ALTER TABLE faults ADD COLUMN known_after_ms INTEGER")


def open_faults(tx: Tx, ward: str | None = None) -> list[Row]:
    """Faults not cleared, the oldest first; of all wards when `ward` is None."""
    return tx.all(
        "SELECT * FROM faults WHERE cleared_ms IS NULL AND (:ward IS NULL OR ward = :ward)"
        " ORDER BY raised_ms, id",
        {"ward": ward},
    )


def cleared_faults(tx: Tx, limit: int = 200) -> list[Row]:
    """The faults cleared last, newest first."""
    return tx.all(
        "SELECT * FROM faults WHERE cleared_ms IS NOT NULL ORDER BY cleared_ms DESC LIMIT ?",
        (limit,),
    )


def of_node(tx: Tx, node: str, limit: int = 100) -> list[Row]:
    """A node's faults, open ones first, then the newest."""
    return tx.all(
        "SELECT * FROM faults WHERE node = ? ORDER BY cleared_ms IS NOT NULL, raised_ms DESC"
        " LIMIT ?",
        (node, limit),
    )


def find_open(tx: Tx, node: str, device: str, code: str) -> Row | None:
    return tx.one(
        "SELECT * FROM faults WHERE node = ? AND device = ? AND code = ? AND cleared_ms IS NULL",
        (node, device, code),
    )
