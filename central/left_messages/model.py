"""Messages that callers left, as rows; their sounds are recordings like others."""

from sqlite_utils import Database, Migrations

from central.recordings.model import DAY_MS
from central.store import Row, Tx

migrations = Migrations("left_messages")
migrate_after = ("recordings",)
MOST_SHOWN = 500
# Those that are done are shown for so long.
DONE_SHOWN_MS = 30 * DAY_MS


@migrations()
def m001_left_messages(db: Database) -> None:
    db.executescript(
        """
        -- file: of its recording, which is taken up some seconds after the call. number: of the
        -- telephone in the house it was left from, else ''; caller: the number that was shown, or
        -- ''. patient: who had logged in, or ''. came_ms: real.
        CREATE TABLE left_messages (
            id INTEGER PRIMARY KEY, file TEXT NOT NULL UNIQUE, number TEXT NOT NULL,
            caller TEXT NOT NULL, patient TEXT NOT NULL, lang TEXT NOT NULL,
            came_ms INTEGER NOT NULL, done_ms INTEGER, done_by TEXT
        );
        CREATE INDEX left_messages_open ON left_messages (came_ms) WHERE done_ms IS NULL;
        CREATE INDEX left_messages_done ON left_messages (done_ms) WHERE done_ms IS NOT NULL;
        """
    )


_WITH_SOUND = (
    "SELECT m.*, r.id AS recording, r.length_ms, r.deleted_ms, r.started_ms"
    " FROM left_messages m LEFT JOIN recordings r ON r.file = m.file"
)


def open_ones(tx: Tx) -> list[Row]:
    """The oldest first, each with its recording, which is NULL until that is taken up."""
    return tx.all(
        f"{_WITH_SOUND} WHERE done_ms IS NULL ORDER BY came_ms, m.id LIMIT ?", (MOST_SHOWN,)
    )


def done_ones(tx: Tx, now_ms: int) -> list[Row]:
    """Of the last days, the latest first."""
    return tx.all(
        f"{_WITH_SOUND} WHERE done_ms >= ? ORDER BY done_ms DESC, m.id DESC LIMIT ?",
        (now_ms - DONE_SHOWN_MS, MOST_SHOWN),
    )


def one(tx: Tx, id: int) -> Row | None:
    return tx.one(f"{_WITH_SOUND} WHERE m.id = ?", (id,))
