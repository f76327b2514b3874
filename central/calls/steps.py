"""The steps of a call, each with its line of history: opened, repeated, accepted, ended."""

import json
from typing import Any

from central import timers
from central.audit import model as audit
from central.calls import bedside, model, order, types
from central.calls.errors import CallEndedError, NoSuchCallError
from central.escalation import service as escalation
from central.events import NodeEvent
from central.store import Row, Tx
from gateway.mqtt import kinds

UNATTENDED = "calls.unattended"
MENDING_S = 3600


def get(tx: Tx, call_id: int) -> Row:
    """The call as it stands. Raises NoSuchCallError."""
    call = model.one(tx, call_id)
    if call is None:
        raise NoSuchCallError(str(call_id))
    return call


def living(tx: Tx, call_id: int) -> Row:
    """The call, which must not be over. Raises NoSuchCallError or CallEndedError."""
    call = get(tx, call_id)
    if call["state"] == model.ENDED:
        raise CallEndedError(str(call_id))
    return call


def opened(
    tx: Tx,
    call_id: int,
    at_ms: int,
    via: str | None,
    event: NodeEvent | None,
    about: dict[str, Any] | None,
) -> None:
    """The first line of a call's history."""
    detail = dict(about or {})
    if event is not None and not event.age_known:
        detail["age_known"] = False  # the power failed since: it was opened then, or earlier
    model.add_history(tx, call_id, "opened", via=via, at_ms=at_ms, **detail)


def record(
    tx: Tx,
    kind: types.CallType,
    ward: str,
    bed: str | None,
    at_ms: int,
    attended_ms: int,
    event: NodeEvent | None,
    about: dict[str, Any] | None,
) -> int:
    """A call that was over before it arrived: it enters the history, and nothing sounds, lights
    up or escalates. Presses that one presence answered are one call, as they would have been."""
    assert event is not None
    known = tx.one(
        "SELECT * FROM calls WHERE ward = ? AND bed = ? AND type = ? AND attended_ms = ?"
        " AND node = ? AND (boot, seq) < (?, ?) ORDER BY id DESC",
        (ward, bed, kind.id, attended_ms, event.node, event.boot, event.seq),
    )
    if known is not None:
        count(tx, known, at_ms, event, about)
        return int(known["id"])
    call_id = tx.insert(
        "calls",
        ward=ward,
        bed=bed,
        type=kind.id,
        priority=kind.priority,
        state=model.ENDED,
        phase=kinds.ENDED,
        opened_ms=at_ms,
        stored_ms=tx.now_ms,
        attended_ms=attended_ms,
        ended_ms=attended_ms,
        node=event.node,
        boot=event.boot,
        seq=event.seq,
        about=json.dumps(about or {}, ensure_ascii=False),
    )
    opened(tx, call_id, at_ms, event.node, event, about)
    model.add_history(tx, call_id, "attended", via=event.node, at_ms=attended_ms)
    tx.changed(ward, "board")
    return call_id


def count(
    tx: Tx, call: Row, at_ms: int, event: NodeEvent | None, about: dict[str, Any] | None
) -> None:
    """One press more for a call that is known; the newest press decides what came first."""
    tx.execute(
        "UPDATE calls SET repeated = repeated + 1, about = json_patch(about, ?) WHERE id = ?",
        (json.dumps(about or {}, ensure_ascii=False), call["id"]),
    )
    if event is not None and order.newer(tx, event, call):
        tx.execute(
            "UPDATE calls SET node = ?, boot = ?, seq = ? WHERE id = ?",
            (event.node, event.boot, event.seq, call["id"]),
        )
    via = event.node if event else None
    model.add_history(tx, call["id"], "repeated", via=via, at_ms=at_ms)


def accepted(tx: Tx, call: Row, by: str, via: str) -> None:
    """Somebody has taken the call on: all that sounds or escalates for it stops."""
    tx.execute(
        "UPDATE calls SET state = 'accepted', accepted_by = :by, exhausted_ms = NULL,"
        " accepted_ms = ifnull(accepted_ms, :now), heard_ms = ifnull(heard_ms, :now)"
        " WHERE id = :id",
        {"by": by, "now": tx.now_ms, "id": call["id"]},
    )
    model.add_history(tx, call["id"], "accepted", by=by, via=via)
    audit.append(tx, by, "call.accept", f"call/{call['id']}", detail={"via": via})
    escalation.cancel(tx, call["id"])
    bedside.silence(tx, call)
    arm_unattended(tx, call)
    model.nudge(tx, call)


def arm_unattended(tx: Tx, call: Row) -> None:
    """Bring the call back if nobody has been at the bed in time."""
    timers.cancel(tx, UNATTENDED, call["id"])
    again_s = escalation.unattended_s(tx, call["ward"])
    if call["type"] in types.TECHNICAL:
        again_s = MENDING_S  # nobody mends a line in three minutes
    due_ms = tx.now_ms + again_s * 1000
    timers.arm(tx, due_ms, UNATTENDED, call["id"])


def end(tx: Tx, call: Row, at_ms: int, via: str, *, what: str = "attended") -> None:
    """The call is over: nothing sounds, lights up or waits for it any more."""
    # A presence that arrived late keeps its own time, but no clock runs backwards.
    at_ms = max(at_ms, *(call[f"{each}_ms"] or 0 for each in ("opened", "heard", "accepted")))
    tx.execute(
        "UPDATE calls SET state = 'ended', ended_ms = :at,"
        " attended_ms = CASE :what WHEN 'attended' THEN :at END WHERE id = :id",
        {"at": at_ms, "what": what, "id": call["id"]},
    )
    model.add_history(tx, call["id"], what, via=via, at_ms=at_ms)
    timers.cancel(tx, UNATTENDED, call["id"])
    escalation.cancel(tx, call["id"])
    bedside.tell(tx, call, kinds.ENDED)
    bedside.silence(tx, call)
    model.nudge(tx, call)
