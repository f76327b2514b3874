"""The rules of a call. Accepting it ends the sound; only presence at the bed ends the call."""

import json
from collections.abc import Callable
from typing import Any

from central.audit import model as audit
from central.calls import bedside, model, order, steps, types
from central.calls.errors import RemoteEndRefusedError, UnknownWardError
from central.directory import reach
from central.escalation import phones, telling
from central.escalation import service as escalation
from central.events import NodeEvent
from central.faults import service as faults
from central.store import Row, Tx
from central.telephone.service import Ringing, Rung
from central.wards import model as wards
from gateway.mqtt import kinds


def open_call(
    tx: Tx,
    ward: str,
    bed: str | None,
    type: str,
    *,
    at_ms: int | None = None,
    node: str | None = None,
    about: dict[str, Any] | None = None,
    event: NodeEvent | None = None,
) -> int:
    """Open a call, or press once more for the one that is open. Returns its id.

    `at_ms` is when it happened (now when None); `event` the press it comes from, if any.
    """
    kind = types.of(type)
    at_ms = tx.now_ms if at_ms is None else min(at_ms, tx.now_ms)
    if event is not None and event.over is not None and bed is not None:
        # The presence is on its way, too; what it ended must not sound until it is here.
        attend(tx, ward, bed, event.over.happened_ms, event.node, event=event.over)
    attended_ms = order.attended_ms(tx, ward, bed, event)
    if attended_ms is not None:
        return steps.record(tx, kind, ward, bed, at_ms, max(at_ms, attended_ms), event, about)
    known = model.live(tx, ward, bed, type)
    if known is not None:
        _press_again(tx, known, at_ms, event, about)
        return int(known["id"])
    call_id = tx.insert(
        "calls",
        ward=ward,
        bed=bed,
        type=type,
        priority=kind.priority,
        opened_ms=at_ms,
        stored_ms=tx.now_ms,
        node=event.node if event else node,
        boot=event.boot if event else None,
        seq=event.seq if event else None,
        about=json.dumps(about or {}, ensure_ascii=False),
    )
    steps.opened(tx, call_id, at_ms, event.node if event else node, event, about)
    call = steps.get(tx, call_id)
    bedside.tell(tx, call, kinds.REGISTERED, "calls.registered")
    escalation.start(tx, call)
    model.nudge(tx, call)
    return call_id


def heard(tx: Tx, call_id: int, via: str) -> None:
    """A station or a board has sounded the call. The first time counts."""
    call = steps.get(tx, call_id)
    if call["heard_ms"] is None and call["state"] != model.ENDED:
        tx.execute("UPDATE calls SET heard_ms = ? WHERE id = ?", (tx.now_ms, call_id))
        model.add_history(tx, call_id, "heard", via=via)
        model.nudge(tx, call)


def accept(tx: Tx, call_id: int, by: str, via: str) -> None:
    """Take a call on: the sound stops, the bed is told, and it comes back if nobody goes.
    Raises NoSuchCallError or CallEndedError."""
    call = steps.living(tx, call_id)
    if call["state"] == model.ACCEPTED and call["accepted_by"] == by:
        return
    steps.accepted(tx, call, by, via)
    bedside.tell(tx, steps.get(tx, call_id), kinds.ACCEPTED, "calls.accepted")


def on_the_way(tx: Tx, call_id: int, by: str, via: str) -> None:
    """Say that somebody is walking to the bed now; accepts the call where nobody has.
    Raises NoSuchCallError or CallEndedError."""
    call = steps.living(tx, call_id)
    if call["state"] != model.ACCEPTED:
        steps.accepted(tx, call, by, via)
    if call["phase"] == kinds.ON_THE_WAY and call["accepted_by"] == by:
        return
    model.add_history(tx, call_id, "on_the_way", by=by, via=via)
    audit.append(tx, by, "call.on_the_way", f"call/{call_id}")
    steps.arm_unattended(tx, call)
    call = steps.get(tx, call_id)
    bedside.tell(tx, call, kinds.ON_THE_WAY, "calls.on_the_way")
    model.nudge(tx, call)


def attend(
    tx: Tx, ward: str, bed: str, at_ms: int, via: str, *, event: NodeEvent | None = None
) -> list[int]:
    """Somebody of the staff is at the bed: ends every call of the bed that was made before.
    Returns the ids of the calls ended."""
    at_ms = min(at_ms, tx.now_ms)
    order.keep_presence(tx, ward, bed, at_ms, via, event)
    ended = []
    for call in model.at_bed(tx, ward, bed):
        if order.made_before(tx, call, at_ms, event):
            steps.end(tx, call, at_ms, via)
            ended.append(int(call["id"]))
    return ended


def end_remotely(tx: Tx, call_id: int, by: str) -> None:
    """Refused: raises RemoteEndRefusedError, since no two-way speech took place. The refusal
    undoes the transaction, so the attempt is kept by `note_refusal` in one of its own."""
    steps.living(tx, call_id)
    raise RemoteEndRefusedError(
        f"call {call_id} ends when somebody presses presence at the bed:"
        f" {by} has not spoken with the patient"
    )


def note_refusal(tx: Tx, call_id: int, by: str) -> None:
    """Keep that somebody tried to end a call from afar."""
    model.add_history(tx, call_id, "end_refused", by=by)
    audit.append(tx, by, "call.end_refused", f"call/{call_id}")


def resolve(tx: Tx, call_id: int, by: str) -> None:
    """End a call that belongs to no bed, such as that of a faulty box: there is no button to
    press for it. Raises RemoteEndRefusedError for a call of a bed."""
    call = steps.living(tx, call_id)
    if call["bed"] is not None:
        end_remotely(tx, call_id, by)
    audit.append(tx, by, "call.resolve", f"call/{call_id}")
    steps.end(tx, call, tx.now_ms, by, what="resolved")
    if call["type"] in types.TECHNICAL:
        faults.look_again(tx, call["ward"])


def recovered(tx: Tx, call_id: int, via: str) -> None:
    """The equipment works again: its call ends by itself. Raises ValueError for a patient's."""
    call = steps.get(tx, call_id)
    if call["type"] not in types.TECHNICAL:
        raise ValueError(f"call {call_id} is a patient's")
    if call["state"] != model.ENDED:
        steps.end(tx, call, tx.now_ms, via, what="recovered")


def hand_over(tx: Tx, call_id: int, to_ward: str, by: str) -> None:
    """Show and announce a call in another ward as well; its own ward keeps it too.
    Raises UnknownWardError."""
    call = steps.living(tx, call_id)
    if wards.ward(tx, to_ward) is None:
        raise UnknownWardError(to_ward)
    model.add_target(tx, call_id, "neighbour", ward=to_ward)
    reached = 0
    phones.silence(tx, call_id)  # somebody has seen it, and the other ward hears of it
    if call["state"] == model.OPEN:
        reached = telling.announce(tx, call, to_ward, telling.NEIGHBOUR)
    model.add_history(tx, call_id, "handed_over", by=by, to=to_ward, reached=reached)
    audit.append(tx, by, "call.hand_over", f"call/{call_id}", detail={"to": to_ward})
    model.nudge(tx, call)


# --- inside ---


def _press_again(
    tx: Tx, call: Row, at_ms: int, event: NodeEvent | None, about: dict[str, Any] | None
) -> None:
    """The bed hears once more what is true now; nothing starts anew."""
    steps.count(tx, call, at_ms, event, about)
    told = {
        kinds.REGISTERED: "calls.registered",
        kinds.ACCEPTED: "calls.accepted_still",
        kinds.ON_THE_WAY: "calls.on_the_way",
        kinds.DELAYED: "calls.still_calling",
    }
    bedside.tell(tx, steps.get(tx, call["id"]), call["phase"], told[call["phase"]])
    model.nudge(tx, call)


def _on_unattended(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    """Accepted, and nobody has been at the bed: it is an open call again."""
    call = steps.get(tx, int(ref))
    if call["state"] != model.ACCEPTED:
        return
    tx.execute(
        "UPDATE calls SET state = 'open', returned = returned + 1, level = 0 WHERE id = ?",
        (call["id"],),
    )
    model.add_history(tx, call["id"], "came_back", late_ms=late_ms, accepted_by=call["accepted_by"])
    call = steps.get(tx, call["id"])
    bedside.tell(tx, call, kinds.DELAYED, "calls.still_calling")
    escalation.start(tx, call)
    model.nudge(tx, call)


def _opens(type: str) -> Callable[[Tx, NodeEvent], None]:
    def rule(tx: Tx, event: NodeEvent) -> None:
        open_call(tx, event.ward, event.bed, type, at_ms=event.happened_ms, event=event)

    return rule


def _on_press(tx: Tx, event: NodeEvent) -> None:
    # A press that answers a drip reminder belongs to the infusions.
    if "infusion" not in event.about:
        _opens(types.NURSE)(tx, event)


def _notes(type: str) -> Callable[[Tx, NodeEvent], None]:
    """Writes the event into the open call's history and changes nothing: a nurse must look."""

    def rule(tx: Tx, event: NodeEvent) -> None:
        call = model.live(tx, event.ward, event.bed, type)
        if call is not None:
            model.add_history(tx, call["id"], event.type, via=event.node, at_ms=event.happened_ms)

    return rule


def _on_presence(tx: Tx, event: NodeEvent) -> None:
    if event.bed is not None:
        attend(tx, event.ward, event.bed, event.happened_ms, event.node, event=event)


def _on_answer(tx: Tx, command: Row, result: str, reason: str | None) -> None:
    """A station that has spoken the call has made it heard."""
    if command["type"] != kinds.SPEAK or result != kinds.DONE:
        return
    call_id = bedside.call_of(json.loads(command["body"])["utterance"])
    node = wards.node(tx, command["node"])
    if call_id is not None and node is not None and node["role"] == "station":
        heard(tx, call_id, command["node"])


def _on_rung(tx: Tx, ref: str, rung: Rung) -> None:
    """Whoever pressed 1 at a telephone has accepted the call as at the board; if nobody did, the
    next one is told at once."""
    call_id, level = phones.about(ref)
    call = steps.get(tx, call_id)
    if call["state"] != model.OPEN:
        return
    phones.note(tx, call, level, {number: str(each) for number, each in rung.outcomes.items()})
    if rung.taken_by is not None:
        accept(tx, call_id, reach.holder(tx, rung.taken_by), f"phone {rung.taken_by}")
        return
    escalation.go_on(tx, call, level)
    model.nudge(tx, call)


def _on_birth(tx: Tx, node: str) -> None:
    """A box that was restarted learns what its beds' calls have come to."""
    for bed in tx.all("SELECT ward, bed FROM beds WHERE node = ?", (node,)):
        # The most urgent last, for it decides the lamp.
        for call in reversed(model.at_bed(tx, bed["ward"], bed["bed"])):
            bedside.again(tx, call)


EVENTS: dict[str, Callable[[Tx, NodeEvent], None]] = {
    kinds.PRESS: _on_press,
    kinds.HOLD: _opens(types.EMERGENCY),
    kinds.CORD: _opens(types.TOILET),
    kinds.CORD_RESET: _notes(types.TOILET),
    kinds.PRESENCE: _on_presence,
    kinds.UNPLUGGED: _opens(types.UNPLUGGED),
    kinds.PLUGGED: _notes(types.UNPLUGGED),
}
TIMERS = {steps.UNATTENDED: _on_unattended}
ACKS = [_on_answer]
BIRTHS = [_on_birth]
RINGINGS = {phones.KIND: Ringing(phones.words, _on_rung)}
