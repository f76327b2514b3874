"""Keys of the systems that send facts over HTTP; of each only its hash."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("his_api")
migrate_after = ("hospital",)


@migrations()
def m001_keys(db: Database) -> None:
    db.executescript(
        """
        -- system: the sender of what comes with the key. digest: SHA-256 of the key, which is
        -- random enough that nothing slower is needed. start: its first letters, to tell it by.
        CREATE TABLE api_keys (
            id INTEGER PRIMARY KEY, system TEXT NOT NULL, start TEXT NOT NULL,
            digest TEXT NOT NULL UNIQUE, made_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
            revoked_ms INTEGER, revoked_by TEXT, used_ms INTEGER
        );
        """
    )


def keys(tx: Tx) -> list[Row]:
    """All of them, the revoked last, by system."""
    return tx.all("SELECT * FROM api_keys ORDER BY revoked_ms IS NOT NULL, system, id")


def key(tx: Tx, key_id: int) -> Row | None:
    return tx.one("SELECT * FROM api_keys WHERE id = ?", (key_id,))


def by_digest(tx: Tx, digest: str) -> Row | None:
    """The key of this hash that is not revoked."""
    return tx.one("SELECT * FROM api_keys WHERE digest = ? AND revoked_ms IS NULL", (digest,))


def sent_before(tx: Tx, system: str, control_id: str) -> Row | None:
    """The message that a system's Idempotency-Key was used for; a refused one does not use it."""
    return tx.one(
        "SELECT * FROM his_messages WHERE sender = ? AND control_id = ? AND way = 'http'"
        " AND state != 'refused' ORDER BY id LIMIT 1",
        (system, control_id),
    )


def message_of(tx: Tx, system: str, message_id: int) -> Row | None:
    """A message, if this system sent it."""
    return tx.one(
        "SELECT * FROM his_messages WHERE id = ? AND sender = ? AND way = 'http'",
        (message_id, system),
    )
