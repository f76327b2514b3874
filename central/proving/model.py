"""Proofs of beds: an append-only book, the proofs under way, and those asked for by hand.

`at_ms` is hospital time, for people. Ages and legs are counted on the real clock, for a demo's
fast clock ages no button; legs are ms since the proof was asked for.
"""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("proving")
migrate_after = ("wards", "faults")

PROVEN, PRESSED, FAILED = "proven", "pressed", "failed"
BUSY, OVERTAKEN = "busy", "overtaken"

# The legs of a proof, in the order in which they can fail.
BOX = "box"  # the order reached the box
BED = "bed"  # the bed's hardware felt the press and the box saw it
CENTRE = "centre"  # stored here and acted on
POLICY = "policy"  # a call of this bed would be heard by somebody
RECEIPT = "receipt"  # the box saw the receipt
LEGS = (BOX, BED, CENTRE, POLICY, RECEIPT)

# Faults that people know of already and that explain why a bed cannot be proved.
_EXPLAINS = "('lost', 'gone', 'silent', 'garbled', 'address_clash', 'stuck')"


@migrations()
def m001_proofs(db: Database) -> None:
    db.executescript(
        """
        -- proven: a test press went the whole way. pressed: a patient's press did, which proves
        -- more. failed: at `leg`. busy, overtaken: put off, somebody called or was spoken to.
        CREATE TABLE proofs (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL, bed TEXT NOT NULL, node TEXT NOT NULL,
            by TEXT, at_ms INTEGER NOT NULL, ended_real_ms INTEGER NOT NULL,
            result TEXT NOT NULL CHECK (result IN
            ('proven', 'pressed', 'failed', 'busy', 'overtaken')),
            leg TEXT, reason TEXT, pressed_ms INTEGER, stored_ms INTEGER, took_ms INTEGER
        );
        CREATE INDEX proofs_results ON proofs (ward, bed, result, id);
        CREATE INDEX proofs_newest ON proofs (ward, bed, id);
        CREATE INDEX proofs_tests ON proofs (ward, bed, id) WHERE result != 'pressed';
        CREATE TRIGGER proofs_no_update BEFORE UPDATE ON proofs
            BEGIN SELECT RAISE(ABORT, 'the book of proofs is append-only'); END;
        CREATE TRIGGER proofs_no_delete BEFORE DELETE ON proofs
            BEGIN SELECT RAISE(ABORT, 'the book of proofs is append-only'); END;

        -- Never two at once in a ward. Its number goes with the test press, and none comes twice.
        CREATE TABLE proofs_under_way (
            id INTEGER PRIMARY KEY AUTOINCREMENT, ward TEXT NOT NULL UNIQUE, bed TEXT NOT NULL,
            node TEXT NOT NULL, by TEXT, at_ms INTEGER NOT NULL, at_real_ms INTEGER NOT NULL,
            command INTEGER, pressed_ms INTEGER, stored_ms INTEGER, receipt_ms INTEGER, hole TEXT
        );

        -- Asked for by hand, one after the other.
        CREATE TABLE proofs_wanted (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL, bed TEXT NOT NULL, by TEXT NOT NULL,
            UNIQUE (ward, bed)
        );

        -- Since when a bed is to be proved at all: overdue counts from here at first.
        CREATE TABLE proofs_since (
            ward TEXT NOT NULL, bed TEXT NOT NULL, real_ms INTEGER NOT NULL,
            PRIMARY KEY (ward, bed)
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m002_by_time(db: Database) -> None:
    # The book of a ward is read by the month.
    db.execute("CREATE INDEX proofs_ward_at ON proofs (ward, at_ms)")


def beds(tx: Tx, ward: str | None = None, bed: str | None = None) -> list[Row]:
    """Every bed that has a box, the longest unproved first, with what is known of its proofs:
    `good_*` of the last one that counts, `last_*` of the last try, `failures` since the good
    one, `troubled` by a fault that explains a failure, `under_way`, `wanted`."""
    asked = {"ward": ward, "bed": bed}
    # Only what is asked for, so that one bed is found by its key: every press looks for its own.
    where = " AND ".join(f"b.{key} = :{key}" for key, value in asked.items() if value is not None)
    return tx.all(
        "SELECT b.ward, b.bed, b.node, b.position, n.state AS node_state,"
        " s.real_ms AS since_real_ms,"
        " g.at_ms AS good_ms, g.ended_real_ms AS good_real_ms, g.result AS good_result,"
        " g.took_ms AS good_took_ms, l.at_ms AS last_ms, l.ended_real_ms AS last_real_ms,"
        " l.result AS last_result, l.leg AS last_leg, l.reason AS last_reason,"
        " (SELECT count(*) FROM proofs f WHERE f.ward = b.ward AND f.bed = b.bed"
        "  AND f.result = 'failed' AND f.id > ifnull(g.id, 0)) AS failures,"
        " (SELECT at_ms FROM proofs p WHERE p.ward = b.ward AND p.bed = b.bed"
        "  AND p.result = 'pressed' ORDER BY p.id DESC LIMIT 1) AS finger_ms,"
        " EXISTS (SELECT 1 FROM faults t WHERE t.node = b.node AND t.cleared_ms IS NULL"
        f"  AND t.code IN {_EXPLAINS} AND t.device IN ('box', 'bus', 'bed ' || b.bed)) AS troubled,"
        " EXISTS (SELECT 1 FROM proofs_under_way u WHERE u.ward = b.ward AND u.bed = b.bed)"
        "  AS under_way,"
        " EXISTS (SELECT 1 FROM proofs_wanted w WHERE w.ward = b.ward AND w.bed = b.bed) AS wanted"
        " FROM beds b JOIN nodes n ON n.id = b.node"
        " LEFT JOIN proofs_since s ON s.ward = b.ward AND s.bed = b.bed"
        " LEFT JOIN proofs g ON g.id = (SELECT max(id) FROM proofs"
        "  WHERE ward = b.ward AND bed = b.bed AND result IN ('proven', 'pressed'))"
        " LEFT JOIN proofs l ON l.id = (SELECT max(id) FROM proofs"
        "  WHERE ward = b.ward AND bed = b.bed AND result != 'pressed')"
        + (f" WHERE {where}" if where else "")
        + " ORDER BY g.ended_real_ms, b.ward, b.position",
        asked,
    )


def of_bed(tx: Tx, ward: str, bed: str, limit: int = 100) -> list[Row]:
    """The book of one bed, newest first."""
    return tx.all(
        "SELECT * FROM proofs WHERE ward = ? AND bed = ? ORDER BY id DESC LIMIT ?",
        (ward, bed, limit),
    )


def of_ward(tx: Tx, ward: str, from_ms: int, to_ms: int) -> list[Row]:
    """The book of a ward between two moments of hospital time, oldest first."""
    return tx.all(
        "SELECT * FROM proofs WHERE ward = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms, id",
        (ward, from_ms, to_ms),
    )


def under_way(tx: Tx, ward: str) -> Row | None:
    """The proof that runs in a ward."""
    return tx.one("SELECT * FROM proofs_under_way WHERE ward = ?", (ward,))


def last_test_real_ms(tx: Tx, ward: str) -> int | None:
    """When the last test press of a ward ended, by real clock."""
    return tx.value(
        "SELECT max(l) FROM (SELECT (SELECT ended_real_ms FROM proofs p WHERE p.ward = b.ward"
        " AND p.bed = b.bed AND p.result = r.value ORDER BY p.id DESC LIMIT 1) AS l"
        " FROM beds b, (SELECT 'proven' AS value UNION SELECT 'failed' UNION SELECT 'overtaken') r"
        " WHERE b.ward = ?)",
        (ward,),
    )


def next_wanted(tx: Tx, ward: str) -> Row | None:
    """Take the next proof that somebody asked for."""
    return tx.one(
        "DELETE FROM proofs_wanted WHERE id = (SELECT min(id) FROM proofs_wanted WHERE ward = ?)"
        " RETURNING *",
        (ward,),
    )


def want(tx: Tx, ward: str, bed: str, by: str) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO proofs_wanted (ward, bed, by) VALUES (?, ?, ?)", (ward, bed, by)
    )


def watch(tx: Tx, ward: str) -> None:
    """From now on every bed of the ward that has a box is to be proved."""
    tx.execute(
        "INSERT OR IGNORE INTO proofs_since (ward, bed, real_ms)"
        " SELECT ward, bed, ? FROM beds WHERE ward = ? AND node IS NOT NULL",
        (tx.clock.real_ms(), ward),
    )


def add_press(tx: Tx, ward: str, bed: str, node: str, at_ms: int, fresh_ms: int) -> bool:
    """A patient pressed, so the bed is proved. Kept unless the last entry says as much and is
    younger than `fresh_ms`. False when it was not kept."""
    real_ms = tx.clock.real_ms() - max(0, tx.now_ms - at_ms)
    cursor = tx.execute(
        "INSERT INTO proofs (ward, bed, node, at_ms, ended_real_ms, result)"
        " SELECT :ward, :bed, :node, :at, :real, 'pressed' WHERE EXISTS"
        " (SELECT 1 FROM beds WHERE ward = :ward AND bed = :bed AND node = :node) AND NOT EXISTS"
        " (SELECT 1 FROM proofs WHERE id = (SELECT max(id) FROM proofs WHERE ward = :ward"
        "  AND bed = :bed) AND result = 'pressed' AND ended_real_ms > :real - :fresh)",
        {"ward": ward, "bed": bed, "node": node, "at": at_ms, "real": real_ms, "fresh": fresh_ms},
    )
    return cursor.rowcount == 1
