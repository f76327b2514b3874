"""What a node reported, as central's rules are given it."""

import json
from dataclasses import dataclass, replace
from typing import Any

from central.store import Tx
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
        happened_ms=arrived_ms - message["age_ms"],
        stored_ms=now_ms,
        age_known=message.get("age_known", True),
    )
    over = message.get("over")
    if over is None:
        return event
    presence = replace(
        event,
        id=kinds.event_id(event.node, over["boot"], over["seq"]),
        boot=over["boot"],
        seq=over["seq"],
        type=kinds.PRESENCE,
        about={},
        happened_ms=arrived_ms - over["age_ms"],
    )
    return replace(event, over=presence)


def store(tx: Tx, event: NodeEvent) -> bool:
    """Keep an event. False when it is a repeat of one already kept."""
    cursor = tx.execute(
        "INSERT OR IGNORE INTO events (node, boot, seq, ward, bed, type, about, happened_ms,"
        " stored_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.node,
            event.boot,
            event.seq,
            event.ward,
            event.bed,
            event.type,
            json.dumps(event.about, ensure_ascii=False),
            event.happened_ms,
            event.stored_ms,
        ),
    )
    return cursor.rowcount == 1


def note_failure(tx: Tx, event: NodeEvent, failure: str) -> None:
    """Remember that a rule failed on this event, for the engineer."""
    tx.execute(
        "UPDATE events SET failure = ? WHERE node = ? AND boot = ? AND seq = ?",
        (failure, event.node, event.boot, event.seq),
    )
