"""Keys of the programs that read the figures (scrapers); of each only its hash."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("fleet")


@migrations()
def m001_scraper_keys(db: Database) -> None:
    db.executescript(
        """
        -- digest: SHA-256 of the key, which is random enough that nothing slower is needed.
        -- Moments in real time, ms.
        CREATE TABLE scraper_keys (
            id INTEGER PRIMARY KEY, label TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
            made_ms INTEGER NOT NULL, made_by TEXT NOT NULL, used_ms INTEGER,
            revoked_ms INTEGER, revoked_by TEXT
        );
        """
    )


def keys(tx: Tx) -> list[Row]:
    """All of them, the revoked last."""
    return tx.all("SELECT * FROM scraper_keys ORDER BY revoked_ms IS NOT NULL, id")


def key(tx: Tx, key_id: int) -> Row | None:
    return tx.one("SELECT * FROM scraper_keys WHERE id = ?", (key_id,))


def by_digest(tx: Tx, digest: str) -> Row | None:
    """The key of this hash that is not revoked."""
    return tx.one("SELECT * FROM scraper_keys WHERE digest = ? AND revoked_ms IS NULL", (digest,))
