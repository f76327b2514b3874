"""Which came first, the press or the nurse: a call that was answered before it arrives is over.

Among the events of one box its own numbers tell before from after exactly; two times may differ by
a slow network, so they count only where the numbers say nothing.
"""

from central.events import NodeEvent
from central.store import Row, Tx
from central.wards import starts


def keep_presence(
    tx: Tx, ward: str, bed: str, at_ms: int, via: str, event: NodeEvent | None
) -> None:
    """Keep that somebody was at the bed, unless a later presence is known."""
    known = tx.one("SELECT * FROM presences WHERE ward = ? AND bed = ?", (ward, bed))
    if known is not None and event is not None and known["node"] == event.node:
        late = starts.before(tx, event.node, numbers(event), numbers(known))
    else:
        late = known is not None and at_ms < known["at_ms"]
    if not late:
        told_by = (event.node, event.boot, event.seq) if event else (None,) * 3
        tx.execute(
            "INSERT OR REPLACE INTO presences (ward, bed, at_ms, via, node, boot, seq)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (ward, bed, at_ms, via, *told_by),
        )


def made_before(tx: Tx, call: Row, at_ms: int, event: NodeEvent | None) -> bool:
    """Whether a call was made before a presence, by the node's own order where it is known."""
    if event is not None and call["node"] == event.node and call["boot"] is not None:
        return starts.before(tx, event.node, numbers(call), numbers(event))
    return bool(call["opened_ms"] <= at_ms)


def attended_ms(tx: Tx, ward: str, bed: str | None, event: NodeEvent | None) -> int | None:
    """When somebody was at the bed after this press, as the node itself says with it, or as was
    taken in before it. Only the node's own order counts: two times may differ by a slow network,
    and a call must not be lost to that."""
    if event is None or bed is None:
        return None
    if event.over is not None:
        return min(event.over.happened_ms, tx.now_ms)
    known = tx.one(
        "SELECT * FROM presences WHERE ward = ? AND bed = ? AND node = ?", (ward, bed, event.node)
    )
    if known is None or not starts.before(tx, event.node, numbers(event), numbers(known)):
        return None
    return int(known["at_ms"])


def newer(tx: Tx, event: NodeEvent, call: Row) -> bool:
    """Whether this press of a call is newer than the newest one known."""
    if call["boot"] is None:
        return True
    if call["node"] != event.node:
        return bool(numbers(event) > numbers(call))
    return starts.before(tx, event.node, numbers(call), numbers(event))


def numbers(of: NodeEvent | Row) -> starts.Start:
    """By what a box orders its own."""
    if isinstance(of, NodeEvent):
        return of.boot, of.seq
    return of["boot"], of["seq"]
