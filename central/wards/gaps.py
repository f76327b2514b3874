"""Numbers that are missing: every event of a box has the next number of its start (boot).

A number that is jumped over is noted at once and told as a fault when it has not come after
GRACE_MS, for after an outage new events overtake old ones. The fault ends itself when the missing
ones arrive, or after KEEP_OPEN_MS: nobody can bring them back then. A box numbers what its full
outbox drops, so the missing ones are compared with the drops that its heartbeat tells.
"""

import json
from collections.abc import Callable
from typing import Any

from central import timers
from central.events import NodeEvent
from central.faults import service as faults
from central.store import Row, Tx
from gateway.mqtt import kinds

GRACE_MS = 30_000
KEEP_OPEN_MS = 7 * 24 * 3_600_000
TIMER = "wards.gap"
DEVICE = "events"
LOST, DROPPED = "gap", "gap-dropped"
# So many stretches are named in a fault's detail.
NAMED = 8


def numbered(tx: Tx, event: NodeEvent) -> None:
    """Compare the number of a newly stored event with those that came before."""
    last_seq = tx.value(
        "SELECT last_seq FROM sequences WHERE node = ? AND boot = ?", (event.node, event.boot)
    )
    if event.seq <= (last_seq or 0):
        _arrived_late(tx, event)
        return
    tx.execute(
        "INSERT OR REPLACE INTO sequences (node, boot, last_seq) VALUES (?, ?, ?)",
        (event.node, event.boot, event.seq),
    )
    first = (last_seq or 0) + 1
    if first < event.seq:
        _note(tx, event.node, event.boot, first, event.seq - 1, tx.now_ms)
        _look_soon(tx, event.node)


def missing(tx: Tx, node: str) -> int:
    """How many numbers of a box are missing and may still come or be told."""
    return sum(each["last"] - each["first"] + 1 for each in _open(tx, node))


def _arrived_late(tx: Tx, event: NodeEvent) -> None:
    gap = tx.one(
        "SELECT rowid AS id, * FROM gaps WHERE node = ? AND boot = ? AND first <= ? AND last >= ?",
        (event.node, event.boot, event.seq, event.seq),
    )
    if gap is None:
        return
    tx.execute("DELETE FROM gaps WHERE rowid = ?", (gap["id"],))
    for first, last in ((gap["first"], event.seq - 1), (event.seq + 1, gap["last"])):
        if first <= last:
            _note(tx, event.node, event.boot, first, last, gap["noticed_ms"], gap["over_ms"])
    if _open(tx, event.node):
        _look_soon(tx, event.node)
    else:
        timers.cancel(tx, TIMER, event.node)
        faults.clear_fault(tx, event.node, DEVICE)


def _look_soon(tx: Tx, node: str) -> None:
    timers.cancel(tx, TIMER, node)
    timers.arm(tx, tx.now_ms + GRACE_MS, TIMER, node, {"missing": missing(tx, node)})


def _look(tx: Tx, node: str, body: dict[str, Any], late_ms: int) -> None:
    """Timer: tell what is still missing, unless it is just arriving."""
    tx.execute(
        "UPDATE gaps SET over_ms = ? WHERE node = ? AND over_ms IS NULL AND noticed_ms <= ?",
        (tx.now_ms, node, tx.now_ms - KEEP_OPEN_MS),
    )
    found = _open(tx, node)
    if not found:
        faults.clear_fault(tx, node, DEVICE)
        return
    now_missing = missing(tx, node)
    if now_missing < body["missing"]:
        timers.arm(tx, tx.now_ms + GRACE_MS, TIMER, node, {"missing": now_missing})
        return
    _tell(tx, node, found, now_missing)
    oldest_ms = min(each["noticed_ms"] for each in found)
    timers.arm(tx, oldest_ms + KEEP_OPEN_MS, TIMER, node, {"missing": now_missing})


def _tell(tx: Tx, node: str, found: list[Row], now_missing: int) -> None:
    row = tx.one("SELECT ward, health FROM nodes WHERE id = ?", (node,))
    health = json.loads(row["health"]) if row else {}
    # All that never came, told before or not: the box's count is of all its life, too.
    ever = tx.value("SELECT sum(last - first + 1) FROM gaps WHERE node = ?", (node,))
    explained = ever <= health.get("dropped", 0) + health.get("merged", 0)
    code, other = (DROPPED, LOST) if explained else (LOST, DROPPED)
    faults.clear_fault(tx, node, DEVICE, other)
    faults.raise_fault(
        tx, ward=row["ward"] if row else None, node=node, device=DEVICE, code=code,
        detail=_detail(found, now_missing),
    )  # fmt: skip


def _detail(found: list[Row], now_missing: int) -> str:
    """Such as "3 missing; start 7: 12-13, 19"."""
    by_boot: dict[int, list[str]] = {}
    for each in found[:NAMED]:
        first, last = each["first"], each["last"]
        stretch = str(first) if first == last else f"{first}-{last}"
        by_boot.setdefault(each["boot"], []).append(stretch)
    stretches = "; ".join(f"start {boot}: {', '.join(all)}" for boot, all in by_boot.items())
    return f"{now_missing} missing; {stretches}{' ...' if len(found) > NAMED else ''}"


def _note(
    tx: Tx, node: str, boot: int, first: int, last: int, noticed_ms: int,
    over_ms: int | None = None,
) -> None:  # fmt: skip
    tx.insert(
        "gaps", node=node, boot=boot, first=first, last=last, noticed_ms=noticed_ms,
        over_ms=over_ms,
    )  # fmt: skip


def _open(tx: Tx, node: str) -> list[Row]:
    return tx.all(
        "SELECT * FROM gaps WHERE node = ? AND over_ms IS NULL ORDER BY boot, first", (node,)
    )


EVENTS: dict[str, Callable[[Tx, NodeEvent], None]] = dict.fromkeys(kinds.EVENT_TYPES, numbered)
TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {TIMER: _look}
