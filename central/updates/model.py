"""Versions, taking one through the hospital (a rollout), and what was given up on the way."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("updates")
migrate_after = ("wards",)

# States of a rollout. Stopped: something is to be looked at first.
RUNNING, STOPPED, DONE, ENDED = "running", "stopped", "done", "ended"
OPEN = (RUNNING, STOPPED)

# Of a box in it. Asked: it fetches, or waits until it disturbs nobody. Trying: it tests itself.
WAITING, ASKED, TRYING, KEPT, FAILED = "waiting", "asked", "trying", "kept", "failed"


@migrations()
def m001_updates(db: Database) -> None:
    db.executescript(
        """
        -- As the box says at its birth.
        ALTER TABLE nodes ADD COLUMN trial INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE nodes ADD COLUMN updatable INTEGER NOT NULL DEFAULT 0;
        -- What was signed and published; the files stand in the repository.
        CREATE TABLE box_versions (
            version TEXT PRIMARY KEY, note TEXT NOT NULL, published_ms INTEGER NOT NULL,
            published_by TEXT NOT NULL, withdrawn_ms INTEGER, withdrawn_by TEXT
        );
        -- soak_ms: so long the canary runs it before the others. why: it was stopped or ended.
        CREATE TABLE rollouts (
            id INTEGER PRIMARY KEY, version TEXT NOT NULL, canary TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'done', 'ended')),
            soak_ms INTEGER NOT NULL, made_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
            changed_ms INTEGER NOT NULL, why TEXT
        );
        CREATE UNIQUE INDEX rollouts_open ON rollouts ((1)) WHERE state IN ('running', 'stopped');
        -- stage: 0 for the canary, 1 for the rest of its ward, then a ward each. again: it may be
        -- taken although it was given up once.
        CREATE TABLE rollout_boxes (
            rollout INTEGER NOT NULL REFERENCES rollouts (id), node TEXT NOT NULL,
            ward TEXT NOT NULL, stage INTEGER NOT NULL, before TEXT,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'asked', 'trying', 'kept', 'failed')),
            changed_ms INTEGER NOT NULL, command INTEGER, reason TEXT,
            again INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (rollout, node)
        );
        -- What boxes gave up, with the end of what they said meanwhile.
        CREATE TABLE update_failures (
            id INTEGER PRIMARY KEY, node TEXT NOT NULL, ward TEXT, version TEXT NOT NULL,
            at_ms INTEGER NOT NULL, why TEXT NOT NULL, log TEXT NOT NULL
        );
        CREATE INDEX update_failures_node ON update_failures (node);
        """
    )


def versions(tx: Tx) -> list[Row]:
    """As they were published, the newest first."""
    return tx.all("SELECT * FROM box_versions ORDER BY published_ms DESC, version DESC")


def version(tx: Tx, version: str) -> Row | None:
    return tx.one("SELECT * FROM box_versions WHERE version = ?", (version,))


def boxes(tx: Tx) -> list[Row]:
    """Every box with what it runs."""
    return tx.all(
        "SELECT id, ward, role, state, firmware, trial, updatable, health FROM nodes"
        " ORDER BY ward, role, id"
    )


def open_rollout(tx: Tx) -> Row | None:
    """The one that runs or is stopped; never two."""
    return tx.one("SELECT * FROM rollouts WHERE state IN ('running', 'stopped')")


def rollouts(tx: Tx, limit: int = 20) -> list[Row]:
    """The newest first, with how many boxes have `kept` it of `boxes`."""
    return tx.all(
        "SELECT r.*, count(b.node) AS boxes, sum(b.state = 'kept') AS kept FROM rollouts r"
        " LEFT JOIN rollout_boxes b ON b.rollout = r.id GROUP BY r.id ORDER BY r.id DESC LIMIT ?",
        (limit,),
    )


def rollout_boxes(tx: Tx, rollout: int) -> list[Row]:
    """In their order, each with the `contact` and `health` of its box."""
    return tx.all(
        "SELECT b.*, n.state AS contact, n.health, n.trial FROM rollout_boxes b"
        " JOIN nodes n ON n.id = b.node WHERE b.rollout = ? ORDER BY b.stage, n.role, b.node",
        (rollout,),
    )


def set_box(
    tx: Tx, rollout: int, node: str, state: str, *, reason: str | None = None,
    command: int | None = None,
) -> None:  # fmt: skip
    """Where a box stands from now on."""
    tx.execute(
        "UPDATE rollout_boxes SET state = ?, changed_ms = ?, reason = ?,"
        " command = ifnull(?, command) WHERE rollout = ? AND node = ?",
        (state, tx.now_ms, reason, command, rollout, node),
    )


def set_rollout(tx: Tx, rollout: int, state: str, why: str | None = None) -> None:
    tx.execute(
        "UPDATE rollouts SET state = ?, changed_ms = ?, why = ? WHERE id = ?",
        (state, tx.now_ms, why, rollout),
    )


def failures(tx: Tx, limit: int = 50) -> list[Row]:
    """The newest first, without their logs."""
    return tx.all(
        "SELECT id, node, ward, version, at_ms, why FROM update_failures ORDER BY id DESC LIMIT ?",
        (limit,),
    )


def failure(tx: Tx, number: int) -> Row | None:
    return tx.one("SELECT * FROM update_failures WHERE id = ?", (number,))
