"""Which came first, the press or the nurse: a call that was answered before it arrives is over.

Among the events of one box its own numbers tell before from after exactly; two times may differ by
a slow network, so they count only where the numbers say nothing.
"""

from central.events import NodeEvent
from central.store import Row, Tx


def keep_presence(
    tx: Tx, ward: str, bed: str, at_ms: int, via: str, event: NodeEvent | None
) -> None:
    """Keep that somebody was at the bed, unless a later presence is known."""
    tx.execute(
        "INSERT INTO presences (ward, bed, at_ms, via, node, boot, seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ward, bed) DO UPDATE"
        " SET at_ms = excluded.at_ms, via = excluded.via,"
        " node = excluded.node, boot = excluded.boot, seq = excluded.seq"
        " WHERE CASE WHEN excluded.node = presences.node"
        " THEN (excluded.boot, excluded.seq) >= (presences.boot, presences.seq)"
        " ELSE excluded.at_ms >= presences.at_ms END",
        (ward, bed, at_ms, via, *((event.node, event.boot, event.seq) if event else (None,) * 3)),
    )


def made_before(call: Row, at_ms: int, event: NodeEvent | None) -> bool:
    """Whether a call was made before a presence, by the node's own order where it is known."""
    if event is not None and call["node"] == event.node and call["boot"] is not None:
        return bool((call["boot"], call["seq"]) < (event.boot, event.seq))
    return bool(call["opened_ms"] <= at_ms)


def attended_ms(tx: Tx, ward: str, bed: str | None, event: NodeEvent | None) -> int | None:
    """When somebody was at the bed after this press, as the node itself says with it, or as was
    taken in before it. Only the node's own order counts: two times may differ by a slow network,
    and a call must not be lost to that."""
    if event is None or bed is None:
        return None
    if event.over is not None:
        return min(event.over.happened_ms, tx.now_ms)
    return tx.value(
        "SELECT at_ms FROM presences WHERE ward = ? AND bed = ? AND node = ?"
        " AND (boot, seq) > (?, ?)",
        (ward, bed, event.node, event.boot, event.seq),
    )
