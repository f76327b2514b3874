"""What a node reported: stored first, then acted on by central's rules."""

import json
from dataclasses import dataclass, replace
from typing import Any

from central.store import Row, Tx
from gateway.mqtt import kinds


@dataclass(frozen=True)
class NodeEvent:
    """One event of a node. Times in hospital ms: `happened_ms` is the arrival less the age
    that the node measured on its own steady clock, so no node's wall clock is trusted; without
    `age_known` (the power failed since) it is the latest moment that can be true. `over`: the
    presence at the bed that has answered it since, where the node knows of one."""

    id: str
    node: str
    ward: str
    bed: str | None
    boot: int
    seq: int
    type: str
    about: dict[str, Any]
    happened_ms: int
    stored_ms: int
    age_known: bool = True
    over: "NodeEvent | None" = None


def from_message(message: dict[str, Any], arrived_ms: int, now_ms: int) -> NodeEvent:
    """The event of a valid event message that arrived at hospital time `arrived_ms`."""
    event = NodeEvent(
        id=message["id"],
        node=message["node"],
        ward=message["ward"],
        bed=message.get("bed"),
        boot=message["boot"],
        seq=message["seq"],
        type=message["type"],
        about=message.get("about", {}),
        # A nonsensical age loses no press, and breaks no page that shows its time.
        happened_ms=max(0, arrived_ms - int(message["age_ms"])),
        stored_ms=now_ms,
        age_known=message.get("age_known", True),
    )
    over = message.get("over")
    if over is None:
        return event
    over_ms = max(0, arrived_ms - int(over["age_ms"]))
    return _answered(event, over["boot"], over["seq"], over_ms)


def _answered(event: NodeEvent, boot: int, seq: int, happened_ms: int) -> NodeEvent:
    """The event with the presence that has answered it since."""
    presence = replace(
        event,
        id=kinds.event_id(event.node, boot, seq),
        boot=boot,
        seq=seq,
        type=kinds.PRESENCE,
        about={},
        happened_ms=happened_ms,
    )
    return replace(event, over=presence)


def store(tx: Tx, event: NodeEvent) -> bool:
    """Keep an event, for the rules to act on. False when it is a repeat of one already kept."""
    key = (event.node, event.boot, event.seq)
    cursor = tx.execute(
        "INSERT OR IGNORE INTO events (node, boot, seq, ward, bed, type, about, happened_ms,"
        " stored_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            event.ward,
            event.bed,
            event.type,
            json.dumps(event.about, ensure_ascii=False),
            event.happened_ms,
            event.stored_ms,
        ),
    )
    if cursor.rowcount != 1:
        return False
    over = event.over
    details = {
        "age_known": event.age_known,
        "over": (over.boot, over.seq, over.happened_ms) if over else None,
    }
    tx.execute(
        "INSERT INTO events_waiting (node, boot, seq, details) VALUES (?, ?, ?, ?)",
        (*key, json.dumps(details)),
    )
    return True


def any_waiting(tx: Tx) -> bool:
    """Whether an event is stored that no rule has acted on yet."""
    return bool(tx.value("SELECT 1 FROM events_waiting LIMIT 1"))


def waiting(tx: Tx, limit: int) -> list[NodeEvent]:
    """The stored events that no rule has acted on yet, in the order they came."""
    rows = tx.all(
        "SELECT e.*, w.details FROM events_waiting w JOIN events e USING (node, boot, seq)"
        " ORDER BY w.id LIMIT ?",
        (limit,),
    )
    return [_kept(row) for row in rows]


def _kept(row: Row) -> NodeEvent:
    details = json.loads(row["details"])
    event = NodeEvent(
        id=kinds.event_id(row["node"], row["boot"], row["seq"]),
        node=row["node"],
        ward=row["ward"],
        bed=row["bed"],
        boot=row["boot"],
        seq=row["seq"],
        type=row["type"],
        about=json.loads(row["about"]),
        happened_ms=row["happened_ms"],
        stored_ms=row["stored_ms"],
        age_known=details.get("age_known", True),
    )
    over = details.get("over")
    return event if over is None else _answered(event, *over)


def acted(tx: Tx, events: list[NodeEvent]) -> None:
    """The rules have acted on these."""
    tx.connection.executemany(
        "DELETE FROM events_waiting WHERE node = ? AND boot = ? AND seq = ?",
        [(event.node, event.boot, event.seq) for event in events],
    )


def note_failure(tx: Tx, event: NodeEvent, failure: str) -> None:
    """Remember that a rule failed on this event, for the engineer."""
    tx.execute(
        "UPDATE events SET failure = ? WHERE node = ? AND boot = ? AND seq = ?",
        (failure, event.node, event.boot, event.seq),
    )
