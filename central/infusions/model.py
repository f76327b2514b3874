"""Bottles and dressings, their append-only rate segments, and their history."""

import json
from typing import Any

from sqlite_utils import Database, Migrations

from central.infusions.drip import DRESSING, Drip, Prompt, Segment
from central.store import Row, Tx

migrations = Migrations("infusions")
migrate_after = ("wards",)


@migrations()
def m001_infusions(db: Database) -> None:
    db.executescript(
        """
        -- A bottle running at a bed, or a dressing to be changed. `label` is the nurse's own note:
        -- shown to her, never spoken. `spoken`: stages said and not to be said again.
        -- `prompted`: the stage said last that nobody has confirmed yet.
        CREATE TABLE infusions (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL, bed TEXT NOT NULL,
            what TEXT NOT NULL CHECK (what IN ('bottle', 'dressing')),
            volume_ml INTEGER, factor INTEGER, due_ms INTEGER, every_min INTEGER,
            state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'done', 'stopped')),
            last_bottle INTEGER NOT NULL DEFAULT 0, bottle_no INTEGER NOT NULL DEFAULT 1,
            of_bottles INTEGER, previous INTEGER REFERENCES infusions (id),
            label TEXT NOT NULL DEFAULT '', started_ms INTEGER NOT NULL, started_by TEXT NOT NULL,
            ended_ms INTEGER, ended_by TEXT, revision INTEGER NOT NULL DEFAULT 0,
            spoken TEXT NOT NULL DEFAULT '[]', prompted TEXT, prompted_ms INTEGER,
            confirmed_ms INTEGER
        );
        CREATE INDEX infusions_running ON infusions (ward, bed) WHERE ended_ms IS NULL;

        -- Rate 0 is a pause; remaining_ml is what a nurse read off the bottle.
        CREATE TABLE infusion_segments (
            id INTEGER PRIMARY KEY, infusion INTEGER NOT NULL REFERENCES infusions (id),
            from_ms INTEGER NOT NULL, gtt_per_min INTEGER NOT NULL, remaining_ml INTEGER,
            by TEXT NOT NULL
        );
        CREATE INDEX infusion_segments_of ON infusion_segments (infusion);
        CREATE TRIGGER infusion_segments_no_update BEFORE UPDATE ON infusion_segments
            BEGIN SELECT RAISE(ABORT, 'the segments of a drip are append-only'); END;
        CREATE TRIGGER infusion_segments_no_delete BEFORE DELETE ON infusion_segments
            BEGIN SELECT RAISE(ABORT, 'the segments of a drip are append-only'); END;

        CREATE TABLE infusion_events (
            id INTEGER PRIMARY KEY, infusion INTEGER NOT NULL REFERENCES infusions (id),
            at_ms INTEGER NOT NULL, what TEXT NOT NULL, by TEXT NOT NULL DEFAULT '',
            revision INTEGER, stage TEXT, detail TEXT NOT NULL DEFAULT '{}'
        );
        CREATE INDEX infusion_events_of ON infusion_events (infusion);
        CREATE TRIGGER infusion_events_no_update BEFORE UPDATE ON infusion_events
            BEGIN SELECT RAISE(ABORT, 'the history of a drip is append-only'); END;
        CREATE TRIGGER infusion_events_no_delete BEFORE DELETE ON infusion_events
            BEGIN SELECT RAISE(ABORT, 'the history of a drip is append-only'); END;
        """
    )


@migrations()
def m002_orders(db: Database) -> None:
    db.executescript(
        """
        -- An infusion that the hospital's system ordered. what, body, stands: as reckoned from all
        -- that was told; stands is what a nurse goes by, settled what she has decided about.
        -- told_ms: since when it stands so. infusion: the drip she started for it.
        CREATE TABLE infusion_orders (
            id INTEGER PRIMARY KEY, sender TEXT NOT NULL, number TEXT NOT NULL,
            patient TEXT NOT NULL, visit TEXT NOT NULL, what TEXT NOT NULL DEFAULT 'new',
            body TEXT NOT NULL DEFAULT '{}', stands TEXT, told_ms INTEGER,
            infusion INTEGER REFERENCES infusions (id), settled TEXT, settled_by TEXT,
            settled_ms INTEGER, UNIQUE (sender, number)
        );
        CREATE INDEX infusion_orders_told ON infusion_orders (told_ms);
        CREATE TABLE infusion_order_facts (
            id INTEGER PRIMARY KEY,
            infusion_order INTEGER NOT NULL REFERENCES infusion_orders (id),
            what TEXT NOT NULL CHECK (what IN ('new', 'change', 'stop', 'cancel')),
            sent_ms INTEGER NOT NULL, ref TEXT NOT NULL, body TEXT NOT NULL,
            UNIQUE (infusion_order, what, sent_ms, body)
        );
        """
    )


def get(tx: Tx, infusion: int) -> Row | None:
    return tx.one("SELECT * FROM infusions WHERE id = ?", (infusion,))


def drip_of(tx: Tx, row: Row) -> Drip:
    """The arithmetic of a bottle as its rows tell it."""
    segments = tx.all(
        "SELECT from_ms, gtt_per_min, remaining_ml FROM infusion_segments WHERE infusion = ?"
        " ORDER BY id",
        (row["id"],),
    )
    return Drip(row["volume_ml"], row["factor"], tuple(Segment(*each) for each in segments))


def moments(tx: Tx, row: Row) -> list[Prompt]:
    """Every prompt of a bottle or dressing that is on; none while paused or over."""
    if row["state"] != "running":
        return []
    if row["what"] == "dressing":
        return [Prompt(DRESSING, row["due_ms"], final=True)]
    return drip_of(tx, row).moments()


def active(tx: Tx, ward: str | None = None, bed: str | None = None) -> list[Row]:
    """What is running or paused, by ward and bed; of all wards when `ward` is None."""
    return tx.all(
        "SELECT i.* FROM infusions i LEFT JOIN beds b ON b.ward = i.ward AND b.bed = i.bed"
        " WHERE i.ended_ms IS NULL AND (:ward IS NULL OR i.ward = :ward)"
        " AND (:bed IS NULL OR i.bed = :bed) ORDER BY i.ward, b.position, i.bed, i.id",
        {"ward": ward, "bed": bed},
    )


def at_node(tx: Tx, node: str) -> list[Row]:
    """What is running or paused at the beds of a node."""
    return tx.all(
        "SELECT i.* FROM infusions i JOIN beds b ON b.ward = i.ward AND b.bed = i.bed"
        " WHERE i.ended_ms IS NULL AND b.node = ? ORDER BY i.id",
        (node,),
    )


def described(tx: Tx, row: Row) -> dict[str, Any]:
    """A row with what follows from it at `tx.now_ms`: gtt_per_min, remaining_ml (None for a
    dressing), ends_ms (None while paused), next_ms and next_stage (None when nothing is left
    to be said)."""
    found = dict(row) | {"gtt_per_min": None, "remaining_ml": None, "ends_ms": row["due_ms"]}
    if row["what"] == "bottle":
        drip = drip_of(tx, row)
        now_ms = row["ended_ms"] or tx.now_ms
        found |= {
            "gtt_per_min": drip.gtt_per_min,
            "remaining_ml": drip.remaining_ml(now_ms),
            "ends_ms": drip.ends_ms(),
        }
    spoken = json.loads(row["spoken"])
    ahead = [
        prompt
        for prompt in moments(tx, row)
        if prompt.stage not in spoken and prompt.at_ms > tx.now_ms
    ]
    first = ahead[0] if ahead else None
    return found | {
        "next_ms": first.at_ms if first else None,
        "next_stage": first.stage if first else None,
    }


def running(tx: Tx, ward: str | None = None) -> list[dict[str, Any]]:
    """What is running or paused, described; see `described`."""
    return [described(tx, row) for row in active(tx, ward)]


def over(tx: Tx, limit: int = 50) -> list[Row]:
    """The bottles and dressings that ended last, newest first."""
    return tx.all(
        "SELECT * FROM infusions WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC LIMIT ?",
        (limit,),
    )


def add_segment(
    tx: Tx, infusion: int, from_ms: int, gtt_per_min: int, by: str, remaining_ml: int | None = None
) -> None:
    tx.insert(
        "infusion_segments",
        infusion=infusion,
        from_ms=from_ms,
        gtt_per_min=gtt_per_min,
        remaining_ml=remaining_ml,
        by=by,
    )


def last_rate(tx: Tx, infusion: int) -> int:
    """The rate before the pause."""
    return int(
        tx.value(
            "SELECT gtt_per_min FROM infusion_segments WHERE infusion = ? AND gtt_per_min > 0"
            " ORDER BY id DESC LIMIT 1",
            (infusion,),
        )
    )


def note(
    tx: Tx, infusion: int, what: str, *, by: str = "", at_ms: int | None = None,
    revision: int | None = None, stage: str | None = None, **detail: Any,
) -> None:  # fmt: skip
    """Add a line to the history of a bottle."""
    tx.insert(
        "infusion_events",
        infusion=infusion,
        at_ms=tx.now_ms if at_ms is None else at_ms,
        what=what,
        by=by,
        revision=revision,
        stage=stage,
        detail=json.dumps(detail, ensure_ascii=False),
    )


def history(tx: Tx, infusion: int) -> list[Row]:
    return tx.all("SELECT * FROM infusion_events WHERE infusion = ? ORDER BY id", (infusion,))


def noted(tx: Tx, infusion: int, what: str, revision: int, stage: str) -> bool:
    """Whether the history holds this for this revision and stage."""
    return bool(
        tx.value(
            "SELECT 1 FROM infusion_events WHERE infusion = ? AND what = ? AND revision = ?"
            " AND stage = ?",
            (infusion, what, revision, stage),
        )
    )


def supersede(tx: Tx, infusion: int, node: str) -> None:
    """Close schedules the node has not answered yet: their times count from when they were
    written, so a box that comes back must never be given an old one."""
    tx.execute(
        "UPDATE commands SET result = 'expired', reason = 'a newer schedule follows'"
        " WHERE result IS NULL AND type = 'reminders' AND node = ?"
        " AND json_extract(body, '$.infusion') = ?",
        (node, str(infusion)),
    )
