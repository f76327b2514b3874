"""Messages to alarm managers, until they are taken; and up to where the calls were told."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("alarms")
migrate_after = ("calls",)

WAITING, SENT, REFUSED, LAPSED = "waiting", "sent", "refused", "lapsed"


@migrations()
def m001_alarms(db: Database) -> None:
    db.executescript(
        """
        -- The last row of call_history that was made into messages for a manager.
        CREATE TABLE alarm_managers (name TEXT PRIMARY KEY, told INTEGER NOT NULL) WITHOUT ROWID;
        -- lapsed: the call was over before its start was ever sent, so nobody need know.
        -- trouble: why the last try failed. due_ms: when it is tried again.
        CREATE TABLE alarm_messages (
            id INTEGER PRIMARY KEY, manager TEXT NOT NULL, call INTEGER NOT NULL,
            phase TEXT NOT NULL, raw BLOB NOT NULL, encoding TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'sent', 'refused', 'lapsed')),
            tries INTEGER NOT NULL DEFAULT 0, made_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,
            settled_ms INTEGER, trouble TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX alarm_messages_waiting ON alarm_messages (manager, id)
            WHERE state = 'waiting';
        CREATE INDEX alarm_messages_call ON alarm_messages (call);
        """
    )


def told(tx: Tx, manager: str) -> int | None:
    return tx.value("SELECT told FROM alarm_managers WHERE name = ?", (manager,))


def set_told(tx: Tx, manager: str, told: int) -> None:
    tx.execute("INSERT OR REPLACE INTO alarm_managers (name, told) VALUES (?, ?)", (manager, told))


def message(tx: Tx, message_id: int) -> Row | None:
    return tx.one("SELECT * FROM alarm_messages WHERE id = ?", (message_id,))


def of_call(tx: Tx, manager: str, call: int) -> list[Row]:
    return tx.all(
        "SELECT * FROM alarm_messages WHERE manager = ? AND call = ? ORDER BY id", (manager, call)
    )


def next_due(tx: Tx, manager: str) -> Row | None:
    """The oldest message whose moment has come and before which none of its call waits."""
    return tx.one(
        "SELECT * FROM alarm_messages m WHERE manager = ? AND state = 'waiting' AND due_ms <= ?"
        " AND NOT EXISTS (SELECT 1 FROM alarm_messages e WHERE e.manager = m.manager"
        " AND e.call = m.call AND e.id < m.id AND e.state = 'waiting') ORDER BY id LIMIT 1",
        (manager, tx.now_ms),
    )


def counts(tx: Tx) -> dict[tuple[str, str], int]:
    """How many messages there are by manager and state."""
    rows = tx.all("SELECT manager, state, count(*) AS n FROM alarm_messages GROUP BY 1, 2")
    return {(row["manager"], row["state"]): row["n"] for row in rows}


def latest(tx: Tx, limit: int) -> list[Row]:
    """Those that wait or were refused first, then the others, the newest first."""
    return tx.all(
        "SELECT * FROM alarm_messages ORDER BY state NOT IN ('waiting', 'refused'), id DESC"
        " LIMIT ?",
        (limit,),
    )
