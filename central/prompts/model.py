"""Recorded prompts as rows, sounds and all: whatever copies the database copies them."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("prompts")


@migrations()
def m001_prompts(db: Database) -> None:
    db.executescript(
        """
        -- slot: of `flows.doing.slot`. words: those that were said; it is played only where the
        -- menu has the same. sound: a WAV file. name: of the file that was uploaded, '' for one
        -- spoken by telephone.
        CREATE TABLE recorded_prompts (
            slot TEXT NOT NULL, lang TEXT NOT NULL, words TEXT NOT NULL, name TEXT NOT NULL,
            by TEXT NOT NULL, at_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
            sha256 TEXT NOT NULL, sound BLOB NOT NULL, PRIMARY KEY (slot, lang)
        );
        -- Given out for one recording by telephone, until until_ms. recording: of what was said;
        -- NULL until it is, and gone with its row once it is a prompt.
        CREATE TABLE prompt_codes (
            code TEXT PRIMARY KEY, slot TEXT NOT NULL, lang TEXT NOT NULL, words TEXT NOT NULL,
            by TEXT NOT NULL, until_ms INTEGER NOT NULL, recording TEXT, said_by TEXT
        );
        """
    )


_ALL_BUT_SOUND = "slot, lang, words, name, by, at_ms, duration_ms, sha256"


def of_flow(tx: Tx, flow: str) -> list[Row]:
    """Without their sounds."""
    return tx.all(
        f"SELECT {_ALL_BUT_SOUND} FROM recorded_prompts WHERE slot LIKE ? || '/%'"
        " ORDER BY slot, lang",
        (flow,),
    )


def one(tx: Tx, slot: str, lang: str) -> Row | None:
    return tx.one("SELECT * FROM recorded_prompts WHERE slot = ? AND lang = ?", (slot, lang))


def current(tx: Tx, slot: str, lang: str, words: str) -> str | None:
    """The sha256 of the sound that says these very words at this place."""
    found = tx.value(
        "SELECT sha256 FROM recorded_prompts WHERE slot = ? AND lang = ? AND words = ?",
        (slot, lang, words),
    )
    return None if found is None else str(found)


def sound(tx: Tx, sha256: str) -> bytes:
    """Raises KeyError: it was replaced a moment ago."""
    found = tx.value("SELECT sound FROM recorded_prompts WHERE sha256 = ? LIMIT 1", (sha256,))
    if found is None:
        raise KeyError(sha256)
    return bytes(found)


def code(tx: Tx, code: str) -> Row | None:
    """One that may still be used."""
    return tx.one(
        "SELECT * FROM prompt_codes WHERE code = ? AND until_ms > ?", (code, tx.clock.real_ms())
    )


def said(tx: Tx) -> list[Row]:
    """Codes by which something was said that is no prompt yet."""
    return tx.all("SELECT * FROM prompt_codes WHERE recording IS NOT NULL ORDER BY code")
