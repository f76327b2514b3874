"""Records of calls, what they cost, and the exchange's events that they are made of.

Times are real ms since the Unix epoch, as the exchange's clock tells them; hospital time may run
apart from it in the demo.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database, Migrations

from central.call_records import joining
from central.call_records.joining import Joined, Leg
from central.store import Row, Tx
from gateway.telephone.cel import CallEvent

migrations = Migrations("call_records")
migrate_after = ("directory",)


@migrations()
def m001_call_records(db: Database) -> None:
    db.executescript(
        """
        -- linked: the exchange's name of the call. caller, called: extensions or numbers outside;
        -- purpose: of the service that was called; route: the way outside; rights: the permission
        -- class of the caller's phone. duration from the beginning, talk while somebody spoke with
        -- somebody. events: how many it was made of. cut: the exchange died in the middle.
        CREATE TABLE call_records (
            id INTEGER PRIMARY KEY, linked TEXT NOT NULL UNIQUE, direction TEXT NOT NULL,
            result TEXT NOT NULL, caller TEXT NOT NULL, called TEXT NOT NULL,
            purpose TEXT NOT NULL, route TEXT NOT NULL, rights TEXT NOT NULL,
            started_ms INTEGER NOT NULL, answered_ms INTEGER, ended_ms INTEGER NOT NULL,
            duration_ms INTEGER NOT NULL, talk_ms INTEGER NOT NULL, transfers INTEGER NOT NULL,
            cost_fen INTEGER NOT NULL, cut INTEGER NOT NULL, events INTEGER NOT NULL
        );
        CREATE INDEX call_records_started ON call_records (started_ms);
        -- device: of a phone; trunk: the line to the world. by: the extension that made a leg to
        -- the outside, which it is charged to.
        CREATE TABLE call_legs (
            record INTEGER NOT NULL REFERENCES call_records (id) ON DELETE CASCADE,
            place INTEGER NOT NULL, channel TEXT NOT NULL, number TEXT NOT NULL,
            device TEXT NOT NULL, trunk TEXT NOT NULL, dialled TEXT NOT NULL,
            route TEXT NOT NULL, started_ms INTEGER NOT NULL, answered_ms INTEGER,
            ended_ms INTEGER NOT NULL, talk_ms INTEGER NOT NULL, cause INTEGER NOT NULL,
            cost_fen INTEGER NOT NULL, PRIMARY KEY (record, place)
        ) WITHOUT ROWID;
        CREATE INDEX call_legs_number ON call_legs (number);
        CREATE INDEX call_legs_channel ON call_legs (channel);
        -- What a route costs from a moment on: fen for each unit that was begun.
        CREATE TABLE call_rates (
            route TEXT NOT NULL REFERENCES routes (name) ON DELETE CASCADE,
            from_ms INTEGER NOT NULL, unit_s INTEGER NOT NULL, fen INTEGER NOT NULL,
            PRIMARY KEY (route, from_ms)
        ) WITHOUT ROWID;
        -- What the exchange wrote down of calls that are not over, or were not long ago.
        CREATE TABLE call_events (
            id INTEGER PRIMARY KEY, channel TEXT NOT NULL, linked TEXT NOT NULL,
            at_us INTEGER NOT NULL, event TEXT NOT NULL, UNIQUE (channel, at_us, event)
        );
        CREATE INDEX call_events_linked ON call_events (linked);
        -- One row: how far what it writes was read, and when it was started last.
        CREATE TABLE call_reading (
            id INTEGER PRIMARY KEY CHECK (id = 1), cursor TEXT NOT NULL, torn INTEGER NOT NULL,
            exchange_started_ms INTEGER NOT NULL
        );
        INSERT INTO call_reading VALUES (1, '{}', 0, 0);
        """
    )


@migrations()
def m002_old_events(db: Database) -> None:
    # Looked for each minute; without it every event there is would be read.
    db.execute("CREATE INDEX call_events_at ON call_events (at_us)")
    # All that is counted stands in it: a year is counted without reading the records themselves.
    db.execute(
        "CREATE INDEX call_records_counted ON call_records"
        " (started_ms, direction, result, rights, route, talk_ms, cost_fen)"
    )
    db.execute("DROP INDEX call_records_started")


# --- what is read ---


def cursor(tx: Tx) -> dict[str, int]:
    return json.loads(tx.value("SELECT cursor FROM call_reading"))


def read_to(tx: Tx, cursor: Mapping[str, int], torn: int) -> None:
    """Remember how far was read, and how many lines were torn."""
    tx.execute("UPDATE call_reading SET cursor = ?, torn = torn + ?", (json.dumps(cursor), torn))


def exchange_started_ms(tx: Tx) -> int:
    return tx.value("SELECT exchange_started_ms FROM call_reading")


def keep(tx: Tx, event: CallEvent) -> bool:
    """False when it is kept already."""
    said = {key: value for key, value in vars(event).items() if key != "extra"}
    text = json.dumps({**said, "extra": dict(event.extra)}, sort_keys=True)
    return tx.execute(
        "INSERT OR IGNORE INTO call_events (channel, linked, at_us, event) VALUES (?, ?, ?, ?)",
        (event.unique, event.linked, event.at_us, text),
    ).rowcount == 1  # fmt: skip


def connected(tx: Tx, events: Sequence[CallEvent]) -> list[CallEvent]:
    """These events, and all others of the same calls. Calls may become one by an event that
    names another's channel."""
    calls = {each.linked for each in events}
    channels = {each.unique for each in events}
    found: dict[int, CallEvent] = {}
    asked: tuple[set[str], set[str]] = (set(), set())
    while (fresh := calls - asked[0]) or channels - asked[1]:
        others = channels - asked[1]
        asked = (asked[0] | fresh, asked[1] | others)
        rows = [
            row
            for name, wanted in (("linked", fresh), ("channel", others))
            for each in wanted
            for row in tx.all(f"SELECT id, event FROM call_events WHERE {name} = ?", (each,))
        ]
        for row in rows:
            event = found[row["id"]] = CallEvent(**json.loads(row["event"]))
            calls.add(event.linked)
            channels |= {event.unique, *joining.others(event)}
    return list(found.values())


def forget(tx: Tx, before_ms: int) -> int:
    """Let go of events of calls whose every event is older than `before_ms`. How many."""
    return tx.execute(
        "DELETE FROM call_events WHERE linked IN (SELECT DISTINCT linked FROM call_events old"
        " WHERE at_us < :before AND NOT EXISTS (SELECT 1 FROM call_events young"
        " WHERE young.linked = old.linked AND young.at_us >= :before) LIMIT 200)",
        {"before": before_ms * 1000},
    ).rowcount


def unfinished(tx: Tx, before_ms: int) -> list[CallEvent]:
    """Events before `before_ms` of calls of which there is no record."""
    rows = tx.all(
        "SELECT event FROM call_events WHERE at_us < ? AND linked NOT IN"
        " (SELECT linked FROM call_records) ORDER BY id LIMIT 5000",
        (before_ms * 1000,),
    )
    return [CallEvent(**json.loads(row["event"])) for row in rows]


# --- records ---


@dataclass(frozen=True)
class About:
    """What the directory adds to a call."""

    caller: str
    called: str
    purpose: str = ""
    route: str = ""
    rights: str = ""


def write(tx: Tx, call: Joined, about: About, legs: Sequence[tuple[Leg, str, int]]) -> int | None:
    """Keep a record, each leg with its route and its cost in fen. One that was made of fewer
    events is replaced, and those of calls that turned out to be a part of this one go; None when
    what is there knows more."""
    name, *others = call.linked
    for other in others:
        tx.execute("DELETE FROM call_records WHERE linked = ?", (other,))
    known = tx.one("SELECT id, events FROM call_records WHERE linked = ?", (name,))
    if known is not None and known["events"] >= call.events:
        return None
    values: dict[str, Any] = {
        "linked": name, "direction": call.direction, "result": call.result, **vars(about),
        "started_ms": call.started_ms, "answered_ms": call.answered_ms,
        "ended_ms": call.ended_ms, "duration_ms": call.ended_ms - call.started_ms,
        "talk_ms": call.talk_ms, "transfers": call.transfers,
        "cost_fen": sum(fen for _, _, fen in legs), "cut": int(call.cut), "events": call.events,
    }  # fmt: skip
    if known is not None:
        tx.execute("DELETE FROM call_records WHERE id = ?", (known["id"],))
        values["id"] = known["id"]
    record = tx.insert("call_records", **values)
    for place, (leg, route, fen) in enumerate(legs):
        tx.insert(
            "call_legs", record=record, place=place, channel=leg.unique, number=leg.number,
            device="" if leg.trunk else leg.endpoint, trunk=leg.trunk or "", dialled=leg.dialled,
            route=route, started_ms=leg.started_ms, answered_ms=leg.answered_ms,
            ended_ms=leg.ended_ms, talk_ms=leg.talk_ms, cause=leg.cause, cost_fen=fen,
        )  # fmt: skip
    return record


def one(tx: Tx, record: int) -> Row | None:
    return tx.one("SELECT * FROM call_records WHERE id = ?", (record,))


def legs(tx: Tx, record: int) -> list[Row]:
    return tx.all("SELECT * FROM call_legs WHERE record = ? ORDER BY place", (record,))


# --- what calls cost ---


def rates(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM call_rates ORDER BY route, from_ms")


def rate(tx: Tx, route: str, at_ms: int) -> Row | None:
    """The rate of a route at a moment."""
    return tx.one(
        "SELECT * FROM call_rates WHERE route = ? AND from_ms <= ? ORDER BY from_ms DESC LIMIT 1",
        (route, at_ms),
    )
