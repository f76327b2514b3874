"""Messages of the mailboxes, as rows; their sounds are in the exchange's spool."""

from collections.abc import Iterable

from sqlite_utils import Database, Migrations

from central.store import Row, Tx
from gateway.telephone.messages import Message

migrations = Migrations("voicemail")
migrate_after = ("directory",)
# Of one mailbox, as a page shows them.
MOST_SHOWN = 500


@migrations()
def m001_voicemail(db: Database) -> None:
    db.executescript(
        """
        -- caller: digits, or ''. mail: where to tell of it, or ''; mail_due_ms: when to try next,
        -- NULL once it was told or given up. A deleted one keeps its row; purged: its sound is
        -- gone.
        CREATE TABLE voice_messages (
            id TEXT PRIMARY KEY, number TEXT NOT NULL, caller TEXT NOT NULL,
            came_ms INTEGER NOT NULL, duration_s INTEGER NOT NULL, heard_ms INTEGER,
            deleted_ms INTEGER, mail TEXT NOT NULL, mail_tries INTEGER NOT NULL DEFAULT 0,
            mail_due_ms INTEGER, purged INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX voice_messages_of ON voice_messages (number, came_ms);
        CREATE INDEX voice_messages_mail ON voice_messages (mail_due_ms)
            WHERE mail_due_ms IS NOT NULL;
        CREATE INDEX voice_messages_purge ON voice_messages (deleted_ms)
            WHERE deleted_ms IS NOT NULL AND NOT purged;
        """
    )


def one(tx: Tx, id: str) -> Row | None:
    """A message that was not deleted."""
    return tx.one("SELECT * FROM voice_messages WHERE id = ? AND deleted_ms IS NULL", (id,))


def of(tx: Tx, number: str) -> list[Row]:
    """The messages of a mailbox, newest first."""
    return tx.all(
        "SELECT * FROM voice_messages WHERE number = ? AND deleted_ms IS NULL"
        " ORDER BY came_ms DESC, id DESC LIMIT ?",
        (number, MOST_SHOWN),
    )


def take(tx: Tx, message: Message, mail: str) -> bool:
    """Whether it is new to us; only then it is stored."""
    if tx.one("SELECT 1 FROM voice_messages WHERE id = ?", (message.id,)) is not None:
        return False
    tx.insert(
        "voice_messages", id=message.id, number=message.number, caller=message.caller,
        came_ms=message.came_ms, duration_s=message.duration_s, mail=mail,
        mail_due_ms=tx.now_ms if mail else None,
    )  # fmt: skip
    return True


def heard(tx: Tx, ids: Iterable[str]) -> list[str]:
    """Those of `ids` that were heard."""
    sql = "SELECT 1 FROM voice_messages WHERE id = ? AND heard_ms IS NOT NULL"
    return [id for id in ids if tx.one(sql, (id,)) is not None]


def to_purge(tx: Tx) -> list[str]:
    """Deleted messages whose sound is still there."""
    rows = tx.all("SELECT id FROM voice_messages WHERE deleted_ms IS NOT NULL AND NOT purged")
    return [row["id"] for row in rows]


def purged(tx: Tx, ids: Iterable[str]) -> None:
    for id in ids:
        tx.execute("UPDATE voice_messages SET purged = 1 WHERE id = ?", (id,))


def to_mail(tx: Tx) -> Row | None:
    """The message that is to be told of first, with the label and language of its extension, if
    it is due."""
    return tx.one(
        "SELECT voice_messages.*, extensions.label,"
        " (SELECT lang FROM phones WHERE phones.number = extensions.number ORDER BY device LIMIT 1)"
        " AS lang FROM voice_messages LEFT JOIN extensions USING (number)"
        " WHERE mail_due_ms <= ? AND deleted_ms IS NULL ORDER BY mail_due_ms, id LIMIT 1",
        (tx.now_ms,),
    )
