"""Messages as they came and what became of them, whose location is which bed, and how each sender
writes. `central.admissions` made these tables when it was alone with them."""

import json
from collections.abc import Collection

from sqlite_utils import Database, Migrations

from central.hospital.told import Reason
from central.store import Row, Tx

migrations = Migrations("hospital")
migrate_after = ("admissions",)

DONE, REFUSED, WAITING, SET_ASIDE = "done", "refused", "waiting", "set_aside"
STATES = (WAITING, REFUSED, DONE, SET_ASIDE)


@migrations()
def m001_ways(db: Database) -> None:
    db.executescript(
        """
        -- way: how it came, a key of `ways.READERS`. about: what it tells of, of ABOUT in `taking`.
        ALTER TABLE his_messages ADD COLUMN way TEXT NOT NULL DEFAULT 'mllp';
        ALTER TABLE his_messages ADD COLUMN about TEXT NOT NULL DEFAULT 'stay';
        UPDATE timers SET kind = 'hospital.purge' WHERE kind = 'admissions.purge';
        """
    )


def location(tx: Tx, sender: str, code: str) -> Row | None:
    return tx.one("SELECT * FROM his_locations WHERE sender = ? AND code = ?", (sender, code))


def locations(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM his_locations ORDER BY sender, ward IS NULL, ward, bed, code")


def unmapped(tx: Tx) -> list[Row]:
    """(sender, code, messages): locations that messages wait for."""
    return tx.all(
        "SELECT m.sender, m.location AS code, count(*) AS messages FROM his_messages m"
        " LEFT JOIN his_locations l ON l.sender = m.sender AND l.code = m.location"
        " WHERE m.state = 'waiting' AND l.code IS NULL AND m.location != ''"
        " GROUP BY m.sender, m.location ORDER BY min(m.id)"
    )


def encoding_of(tx: Tx, peer: str) -> str | None:
    return tx.value("SELECT encoding FROM his_peers WHERE peer = ?", (peer,))


def peers(tx: Tx) -> list[Row]:
    """(peer, messages, encoding): every address that sent HL7 or was given an encoding; JSON
    tells its own."""
    return tx.all(
        "SELECT p.peer, e.encoding, (SELECT count(*) FROM his_messages m WHERE m.peer = p.peer)"
        " AS messages FROM (SELECT peer FROM his_messages WHERE way = 'mllp'"
        " UNION SELECT peer FROM his_peers) p"
        " LEFT JOIN his_peers e ON e.peer = p.peer ORDER BY p.peer"
    )


def message(tx: Tx, message_id: int) -> Row | None:
    return tx.one("SELECT * FROM his_messages WHERE id = ?", (message_id,))


_LISTED = (
    "SELECT id, peer, way, sender, control_id, received_ms, last_ms, repeats, type, about, patient,"
    " visit, location, encoding, state, reason FROM his_messages WHERE {} AND (? = 0 OR id < ?)"
    " ORDER BY id DESC LIMIT ?"
)


def messages(tx: Tx, state: str | None = None, limit: int = 200, before: int = 0) -> list[Row]:
    """Messages without their text: those that wait first, then the refused, then the rest, each
    the newest first. With `state` only those; `before` goes on below that id."""
    if state is not None:
        return tx.all(_LISTED.format("state = ?"), (state, before, before, limit))
    rows: list[Row] = []
    for which in ("state = 'waiting'", "state = 'refused'", "state NOT IN ('waiting', 'refused')"):
        rows += tx.all(_LISTED.format(which), (before, before, limit - len(rows)))
    return rows


def counts(tx: Tx) -> dict[str, int]:
    """How many messages there are of each state."""
    rows = tx.all("SELECT state, count(*) AS n FROM his_messages GROUP BY state")
    return dict.fromkeys(STATES, 0) | {row["state"]: row["n"] for row in rows}


def to_retry(tx: Tx, sender: str, code: str, held_for: Collection[str]) -> list[int]:
    """Messages that wait for one of these reasons, or for the location `code` of `sender`."""
    marks = ", ".join("?" * len(held_for))
    rows = tx.all(
        "SELECT id FROM his_messages WHERE state = 'waiting' AND ((sender = ? AND location = ?)"
        f" OR json_extract(reason, '$[0][0]') IN ({marks})) ORDER BY id",
        (sender, code, *held_for),
    )
    return [row["id"] for row in rows]


def waiting_before(tx: Tx, message: int, about: str, patient: str, visit: str) -> list[int]:
    """Older messages of this kind about the visit that still wait."""
    rows = tx.all(
        "SELECT id FROM his_messages WHERE state = 'waiting' AND patient = ? AND visit = ?"
        " AND about = ? AND id < ?",
        (patient, visit, about, message),
    )
    return [row["id"] for row in rows]


def count_refused(tx: Tx, peer: str, day: str) -> int:
    """Count one more refused message of `peer` on `day`. Returns how many there are."""
    return int(
        tx.value(
            "INSERT INTO his_refused_days (peer, day, messages, last_ms) VALUES (?, ?, 1, ?)"
            " ON CONFLICT (peer, day) DO UPDATE SET messages = messages + 1,"
            " last_ms = excluded.last_ms RETURNING messages",
            (peer, day, tx.now_ms),
        )
    )


def keep_first_refused(tx: Tx, peer: str, day: str, message: int) -> None:
    """The refused messages of the day up to this one stay."""
    tx.execute(
        "UPDATE his_refused_days SET first_kept = ? WHERE peer = ? AND day = ?",
        (message, peer, day),
    )


def drop_refused(tx: Tx, peer: str, day: str) -> None:
    """Let the oldest refused message go that came after those which stay, and count it."""
    tx.execute(
        "DELETE FROM his_messages WHERE id = (SELECT min(m.id) FROM his_messages m"
        " JOIN his_refused_days d ON d.peer = m.peer AND d.day = ?"
        " WHERE m.peer = ? AND m.state = 'refused' AND m.id > d.first_kept)",
        (day, peer),
    )
    tx.execute(
        "UPDATE his_refused_days SET dropped = dropped + 1 WHERE peer = ? AND day = ?", (peer, day)
    )


def dropped_days(tx: Tx) -> list[Row]:
    """Days on which refused messages were let go, the newest first."""
    return tx.all("SELECT * FROM his_refused_days WHERE dropped > 0 ORDER BY day DESC, peer")


def forget_refused_days(tx: Tx, before_ms: int) -> None:
    tx.execute("DELETE FROM his_refused_days WHERE last_ms < ?", (before_ms,))


def reasons(row: Row) -> list[Reason]:
    """Why a message waits, was refused, or was taken with a remark: (text, values) each."""
    return [(text, values) for text, values in json.loads(row["reason"])]
