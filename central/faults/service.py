"""Faults are events for people: shown on the board and pages; what a dead device means for the
ward becomes a technical call (`central.technical`), which is spoken and escalated.

Node faults arrive as events; a silent node is noticed by the bridge's supervision.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from central import timers
from central.audit import model as audit
from central.events import NodeEvent
from central.faults import model
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from central.wards import starts
from gateway.mqtt import kinds

# The timer that lets `central.technical` look at the faults of a ward (its ref).
JUDGE = "technical.judge"
# All boxes of a ward that is cut off are found silent within this time: one call, not twelve.
TOGETHER_MS = 500
DAY_MS = 24 * 60 * 60_000


def raise_fault(
    tx: Tx, *, ward: str | None, node: str, device: str, code: str, detail: str = "",
    known_after_ms: int | None = None,
) -> int:  # fmt: skip
    """Open a fault, or count one more on the open one. `known_after_ms`: how long it had been so
    by then, where that can be told. Returns the fault's id."""
    known = model.find_open(tx, node, device, code)
    if known is not None:
        tx.execute(
            "UPDATE faults SET count = count + 1, last_ms = ?, detail = ? WHERE id = ?",
            (tx.now_ms, detail, known["id"]),
        )
        tx.changed(ward or HOSPITAL, "faults")
        return int(known["id"])
    fault = tx.insert(
        "faults",
        ward=ward,
        node=node,
        device=device,
        code=code,
        detail=detail,
        raised_ms=tx.now_ms,
        last_ms=tx.now_ms,
        known_after_ms=known_after_ms,
    )
    look_again(tx, ward)
    return fault


def clear_fault(tx: Tx, node: str, device: str, code: str | None = None) -> bool:
    """Close the open fault (all of the device when `code` is None). False if none was open."""
    rows = tx.all(
        "UPDATE faults SET cleared_ms = :now WHERE node = :node AND device = :device"
        " AND (:code IS NULL OR code = :code) AND cleared_ms IS NULL RETURNING ward",
        {"now": tx.now_ms, "node": node, "device": device, "code": code},
    )
    for row in rows:
        look_again(tx, row["ward"])
    return bool(rows)


def acknowledge(tx: Tx, fault: int, by: str) -> None:
    """Note that somebody is seeing to it; the fault itself ends only when it is over."""
    tx.execute(
        "UPDATE faults SET acknowledged_by = ?, acknowledged_ms = ? WHERE id = ?"
        " AND acknowledged_by IS NULL",
        (by, tx.now_ms, fault),
    )
    row = tx.one("SELECT ward FROM faults WHERE id = ?", (fault,))
    if row is not None:
        tx.changed(row["ward"] or HOSPITAL, "faults")
        audit.append(tx, by, "fault.acknowledge", f"fault/{fault}")


def look_again(tx: Tx, ward: str | None) -> None:
    """Boards and pages look again, and so does whoever turns faults into calls."""
    tx.changed(ward or HOSPITAL, "faults")
    if ward is None:
        return
    # Never put off what is due sooner: a device that fails without end may not keep it waiting.
    soon_ms = tx.now_ms + TOGETHER_MS
    pending_ms = timers.pending_ms(tx, JUDGE, ward)
    if pending_ms is None or pending_ms > soon_ms:
        timers.cancel(tx, JUDGE, ward)
        timers.arm(tx, soon_ms, JUDGE, ward)


def _device(event: NodeEvent) -> str:
    """Names the bed rather than the bus address when the node told which bed it is."""
    return f"bed {event.bed}" if event.bed else str(event.about.get("device", "box"))


def _overtaken(tx: Tx, event: NodeEvent, by: str) -> bool:
    """Whether what the box told later of the same device and trouble is known already: after an
    outage events may come in any order, and the last one is true."""
    later = tx.all(
        "SELECT boot, seq, about FROM events WHERE node = ? AND (boot, seq) > (?, ?) AND type = ?"
        " AND bed IS ?",
        (event.node, event.boot, event.seq, by, event.bed),
    )
    code, number = event.about.get("code"), (event.boot, event.seq)
    for row in later:
        about = json.loads(row["about"])
        same = _device(replace(event, about=about)) == _device(event)
        after = starts.before(tx, event.node, number, (row["boot"], row["seq"]))
        if same and after and about.get("code") in (code, None):
            return True
    return False


def _on_fault(tx: Tx, event: NodeEvent) -> None:
    if _overtaken(tx, event, kinds.RECOVERED):
        return
    about = event.about
    raise_fault(
        tx,
        ward=event.ward,
        node=event.node,
        device=_device(event),
        code=str(about.get("code", "unknown")),
        detail=str(about.get("detail", "")),
        known_after_ms=_known_after_ms(event),
    )


def _known_after_ms(event: NodeEvent) -> int | None:
    """How long it had been so when the box saw it, and how long the telling took."""
    if not event.age_known:
        return None
    seen_ms = event.about.get("for_ms")
    seen_ms = seen_ms if type(seen_ms) is int and 0 <= seen_ms < DAY_MS else 0
    return seen_ms + max(0, event.stored_ms - event.happened_ms)


def _on_recovered(tx: Tx, event: NodeEvent) -> None:
    if _overtaken(tx, event, kinds.FAULT):
        return
    code = event.about.get("code")
    clear_fault(tx, event.node, _device(event), None if code is None else str(code))


def _on_answer(tx: Tx, command: Row, result: str, reason: str | None) -> None:
    """A node that refuses what central sent has a story to tell on the fleet page; a bed that
    could not be proved has one of its own."""
    if command["type"] == kinds.PROVE:
        return
    if result == kinds.REFUSED and wards.node(tx, command["node"]) is not None:
        raise_fault(
            tx,
            ward=command["ward"],
            node=command["node"],
            device="messages",
            code="refused",
            detail=reason or "",
        )


EVENTS: dict[str, Callable[[Tx, NodeEvent], None]] = {
    kinds.FAULT: _on_fault,
    kinds.RECOVERED: _on_recovered,
}
ACKS = [_on_answer]
