"""People who may log in, screens that need not, and failed attempts to."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("console")
migrate_after = ("wards",)


@migrations()
def m001_console(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE users (
            name TEXT PRIMARY KEY, display TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN
            ('nurse', 'head_nurse', 'duty_manager', 'engineer', 'admin')),
            ward TEXT REFERENCES wards (id), password_hash TEXT NOT NULL,
            lang TEXT CHECK (lang IN ('zh', 'en')), disabled INTEGER NOT NULL DEFAULT 0,
            created_ms INTEGER NOT NULL, last_login_ms INTEGER,
            -- Changing it ends every session of the user.
            epoch INTEGER NOT NULL DEFAULT 0
        );
        -- One row per name and per address that failed. `until_ms` in real time.
        CREATE TABLE login_failures (
            subject TEXT PRIMARY KEY, count INTEGER NOT NULL, last_real_ms INTEGER NOT NULL,
            until_real_ms INTEGER NOT NULL
        );
        -- Boards on walls and counters. Only the hash of the token is kept.
        CREATE TABLE device_tokens (
            id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
            ward TEXT NOT NULL REFERENCES wards (id), made_by TEXT NOT NULL,
            made_ms INTEGER NOT NULL, used_ms INTEGER, revoked_ms INTEGER
        );
        """
    )


@migrations()
def m002_ended_sessions(db: Database) -> None:
    db.executescript(
        """
        -- Sessions that were logged out before their time: a copy of the cookie opens nothing.
        CREATE TABLE ended_sessions (sid TEXT PRIMARY KEY, until_s INTEGER NOT NULL);
        """
    )


def user(tx: Tx, name: str) -> Row | None:
    return tx.one("SELECT * FROM users WHERE name = ?", (name,))


def users(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM users ORDER BY disabled, role, name")


def screen(tx: Tx, number: int) -> Row | None:
    """A screen whose token was not revoked."""
    return tx.one("SELECT * FROM device_tokens WHERE id = ? AND revoked_ms IS NULL", (number,))


def screens(tx: Tx) -> list[Row]:
    return tx.all(
        "SELECT * FROM device_tokens ORDER BY revoked_ms IS NOT NULL, ward, id",
    )


def failures(tx: Tx, subject: str) -> Row | None:
    return tx.one("SELECT * FROM login_failures WHERE subject = ?", (subject,))


def session_ended(tx: Tx, sid: str) -> bool:
    return bool(tx.value("SELECT 1 FROM ended_sessions WHERE sid = ?", (sid,)))
