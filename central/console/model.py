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


@migrations()
def m003_known_places(db: Database) -> None:
    db.executescript(
        """
        -- Devices and addresses from which somebody has logged in under a name. `place`:
        -- "device:" and the hash of its secret, or "address:" and the address. In real time.
        CREATE TABLE known_places (
            name TEXT NOT NULL, place TEXT NOT NULL, last_real_ms INTEGER NOT NULL,
            PRIMARY KEY (name, place)
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m004_telephone_admin(db: Database) -> None:
    _let_role_in(db, "telephone_admin", after="engineer")


@migrations()
def m005_registry(db: Database) -> None:
    _let_role_in(db, "registry", after="telephone_admin")


def _let_role_in(db: Database, role: str, *, after: str) -> None:
    # A check cannot be altered, and other tables point at this one: SQLite's own documents
    # (ALTER TABLE, section 7) name this way for a check that only lets in more than before.
    version = db.execute("PRAGMA schema_version").fetchone()[0]
    db.execute("PRAGMA writable_schema = ON")
    db.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'users'",
        (f"'{after}', 'admin'", f"'{after}', '{role}', 'admin'"),
    )
    db.execute(f"PRAGMA schema_version = {version + 1}")
    db.execute("PRAGMA writable_schema = OFF")


@migrations()
def m006_technicians_and_room_screens(db: Database) -> None:
    _let_role_in(db, "technician", after="registry")
    db.executescript(
        """
        -- Of a ward's board, or of the examination room before which it hangs.
        ALTER TABLE device_tokens RENAME TO old_tokens;
        CREATE TABLE device_tokens (
            id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
            ward TEXT REFERENCES wards (id), made_by TEXT NOT NULL,
            made_ms INTEGER NOT NULL, used_ms INTEGER, revoked_ms INTEGER, room TEXT,
            CHECK ((ward IS NULL) != (room IS NULL))
        );
        INSERT INTO device_tokens SELECT *, NULL FROM old_tokens;
        DROP TABLE old_tokens;
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


def set_failures(tx: Tx, subject: str, count: int, now_ms: int, until_ms: int) -> None:
    """Note `count` failures; the next try is heard at `until_ms`. Both in real time."""
    tx.execute(
        "INSERT OR REPLACE INTO login_failures (subject, count, last_real_ms, until_real_ms)"
        " VALUES (?, ?, ?, ?)",
        (subject, count, now_ms, until_ms),
    )


def forgive(tx: Tx, subject: str, *, all_of_it: bool) -> None:
    """Take back one failure, or all of them."""
    tx.execute(
        "DELETE FROM login_failures WHERE subject = ?"
        if all_of_it
        else "UPDATE login_failures SET count = count - 1, until_real_ms = 0 WHERE subject = ?",
        (subject,),
    )


def is_known(tx: Tx, name: str, place: str) -> bool:
    return bool(tx.value("SELECT 1 FROM known_places WHERE name = ? AND place = ?", (name, place)))


def know(tx: Tx, name: str, places: tuple[str, ...], for_ms: int, most: int) -> None:
    """Remember from where `name` logged in: the newest `most` places, none unused `for_ms`."""
    now_ms = tx.clock.real_ms()
    for place in places:
        tx.execute("INSERT OR REPLACE INTO known_places VALUES (?, ?, ?)", (name, place, now_ms))
    tx.execute("DELETE FROM known_places WHERE last_real_ms < ?", (now_ms - for_ms,))
    tx.execute(
        "DELETE FROM known_places WHERE name = ? AND place NOT IN (SELECT place FROM known_places"
        " WHERE name = ? ORDER BY last_real_ms DESC LIMIT ?)",
        (name, name, most),
    )


def forget_name(tx: Tx, name: str) -> None:
    """Failures and known places of a name are gone."""
    own = f"own:{name}@"
    tx.execute(
        "DELETE FROM login_failures WHERE subject = ? OR substr(subject, 1, ?) = ?",
        (f"name:{name}", len(own), own),
    )
    tx.execute("DELETE FROM known_places WHERE name = ?", (name,))


def session_ended(tx: Tx, sid: str) -> bool:
    return bool(tx.value("SELECT 1 FROM ended_sessions WHERE sid = ?", (sid,)))


def displays(tx: Tx) -> dict[str, str]:
    """The names colleagues know, of people and of board screens, by log-in name."""
    known = {row["name"]: row["display"] for row in tx.all("SELECT name, display FROM users")}
    screens = tx.all("SELECT id, label FROM device_tokens")
    return known | {f"screen-{row['id']}": row["label"] for row in screens}
