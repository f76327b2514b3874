"""The rules of proving: a test press asked for, followed leg by leg, judged.

A box is asked by a command. The test press comes back as an event like any press; the command is
answered when the box has seen the receipt. The receipt goes out before the rules act on the
event, so either may be known first. The command's expiry ends what never comes back.
"""

from collections.abc import Callable, Iterable
from typing import Any

from central import commands, timers
from central.audit import model as audit
from central.calls import model as calls
from central.calls import types
from central.events import NodeEvent
from central.proving import judging, model, reach, turns
from central.store import Row, Tx
from central.wards import model as wards
from gateway.mqtt import kinds

ROUND = "proving.round"
TTL_MS = 30_000
# Pressed again within this time, a bed is no better proved than it was.
PRESS_FRESH_MS = 3_600_000
# What was receipted and not acted on by then never will be.
STUCK_MS = 10 * TTL_MS
# In a demo hospital time runs fast, and the real clock decides: so that a round is not held for
# nothing a thousand times, it is put off by the pace of the last one, by an hour at most.
LONGEST_LEAP_MS = 3_600_000
# Codes of what goes wrong here; those of the box stand in the contract.
LOST = "lost"
NO_ANSWER = "no-answer"
NOT_ACTED = "not-acted"
# Where the box or its bed's hardware gave up, by the code of its answer.
_LEG_OF = {kinds.NO_RECEIPT: model.RECEIPT, kinds.NOT_KEPT: model.BOX}


class NoSuchBedError(LookupError):
    """There is no bed with a box of this name."""

    error_id = "no-such-bed"


def prove_now(tx: Tx, ward: str, beds: Iterable[str], by: str) -> int:
    """Prove these beds at once, one after the other. Returns how many. Raises NoSuchBedError."""
    known = {row["bed"] for row in model.beds(tx, ward)}
    wanted, running = list(dict.fromkeys(beds)), model.under_way(tx, ward)
    for bed in wanted:
        if bed not in known:
            raise NoSuchBedError(f"{ward}/{bed}")
        if running is None or running["bed"] != bed:
            model.want(tx, ward, bed, by)
    audit.append(tx, by, "bed.prove", f"ward/{ward}", detail={"beds": wanted})
    tx.changed(ward, "proofs")
    _go_on(tx, ward)
    return len(wanted)


# --- one proof ---


def _go_on(tx: Tx, ward: str) -> None:
    """Begin the next proof that somebody asked for, unless one is under way."""
    while model.under_way(tx, ward) is None:
        wanted = model.next_wanted(tx, ward)
        if wanted is None:
            return
        found = model.beds(tx, ward, wanted["bed"])
        if found:
            _begin(tx, found[0], wanted["by"])


def _begin(tx: Tx, bed: Row, by: str | None) -> None:
    where = {"ward": bed["ward"], "bed": bed["bed"], "node": bed["node"], "by": by}
    proof = tx.insert("proofs_under_way", **where, at_ms=tx.now_ms, at_real_ms=tx.clock.real_ms())
    tx.changed(bed["ward"], "proofs")
    running = _running(tx, proof)
    assert running is not None
    if calls.at_bed(tx, bed["ward"], bed["bed"]):
        _end(tx, running, model.BUSY, reason=f"{kinds.BUSY}: a call is open")
    elif bed["node_state"] != kinds.READY:
        _end(tx, running, model.FAILED, model.BOX, f"{LOST}: box {bed['node']}")
    else:
        command = commands.send(
            tx, bed["ward"], bed["node"], kinds.PROVE, {"proof": str(proof)}, bed=bed["bed"],
            ttl_ms=TTL_MS,
        )  # fmt: skip
        tx.execute("UPDATE proofs_under_way SET command = ? WHERE id = ?", (command, proof))


def _running(tx: Tx, proof: int) -> Row | None:
    return tx.one("SELECT * FROM proofs_under_way WHERE id = ?", (proof,))


def _on_test_press(tx: Tx, event: NodeEvent) -> None:
    """Stored and acted on, as a press would be."""
    number = str(event.about.get("proof"))
    running = model.under_way(tx, event.ward)
    if running is None or str(running["id"]) != number or running["node"] != event.node:
        return  # of a proof that was given up
    stored_ms = tx.clock.real_ms() - running["at_real_ms"]
    pressed_ms = max(0, stored_ms - max(0, event.stored_ms - event.happened_ms))
    tx.execute(
        "UPDATE proofs_under_way SET pressed_ms = ?, stored_ms = ?, hole = ? WHERE id = ?",
        (pressed_ms, stored_ms, reach.hole(tx, event.ward, running["bed"]), running["id"]),
    )
    _end_if_whole(tx, running["id"])


def _on_answer(tx: Tx, command: Row, result: str, reason: str | None) -> None:
    if command["type"] != kinds.PROVE:
        return
    running = tx.one("SELECT * FROM proofs_under_way WHERE command = ?", (command["id"],))
    if running is None:
        return
    code = (reason or "").partition(":")[0]
    if result == kinds.DONE:
        receipt_ms = tx.clock.real_ms() - running["at_real_ms"]
        tx.execute(
            "UPDATE proofs_under_way SET receipt_ms = ? WHERE id = ?", (receipt_ms, running["id"])
        )
        _end_if_whole(tx, running["id"])
    elif result == kinds.DECLINED:
        put_off = model.OVERTAKEN if code == kinds.OVERTAKEN else model.BUSY
        _end(tx, running, put_off, reason=reason)
    elif result == kinds.REFUSED or code == kinds.NO_RECEIPT:
        _end(tx, running, model.FAILED, _LEG_OF.get(code, model.BED), reason)
    elif running["stored_ms"] is not None:
        _end(tx, running, model.FAILED, model.RECEIPT, kinds.NO_RECEIPT)
    else:
        _end(tx, running, model.FAILED, model.BOX, NO_ANSWER)


def _end_if_whole(tx: Tx, proof: int) -> None:
    running = _running(tx, proof)
    if running is None or running["stored_ms"] is None or running["receipt_ms"] is None:
        return
    if running["hole"] is not None:
        _end(tx, running, model.FAILED, model.POLICY, running["hole"])
    else:
        _end(tx, running, model.PROVEN)
        judging.heard(tx, running["ward"])


def _end(
    tx: Tx, running: Row, result: str, leg: str | None = None, reason: str | None = None
) -> None:
    """Into the book; then judge what it means, and go on to the next."""
    tx.execute("DELETE FROM proofs_under_way WHERE id = ?", (running["id"],))
    keys = ("ward", "bed", "node", "by", "at_ms", "pressed_ms", "stored_ms")
    tx.insert(
        "proofs", **{key: running[key] for key in keys}, ended_real_ms=tx.clock.real_ms(),
        result=result, leg=leg, reason=reason, took_ms=running["receipt_ms"],
    )  # fmt: skip
    tx.changed(running["ward"], "proofs")
    judging.proved(tx, running["ward"], running["bed"])
    _go_on(tx, running["ward"])


def _on_press(tx: Tx, event: NodeEvent) -> None:
    """Whoever presses has proved the bed, and its button too."""
    if event.bed is not None and model.add_press(
        tx, event.ward, event.bed, event.node, event.happened_ms, PRESS_FRESH_MS
    ):
        judging.pressed(tx, event.node, event.bed)


# --- the rounds of a ward ---


def _on_round(tx: Tx, ward: str, body: dict[str, Any], late_ms: int) -> None:
    """Prove the bed whose turn it is, and arm the next round."""
    model.watch(tx, ward)
    real_ms = tx.clock.real_ms()
    running = model.under_way(tx, ward)
    if running is not None and real_ms - running["at_real_ms"] > STUCK_MS:
        _end(tx, running, model.FAILED, model.CENTRE, NOT_ACTED)
    rows = model.beds(tx, ward)
    judging.overdue(tx, ward, rows)
    again_ms = turns.GAP_MS
    if model.under_way(tx, ward) is None:
        last_real_ms = model.last_test_real_ms(tx, ward)
        turn = turns.choose(
            [_facts(tx, row) for row in rows], _is_quiet(tx, ward),
            None if last_real_ms is None else real_ms - last_real_ms,
        )  # fmt: skip
        again_ms = turn.again_ms
        for row in rows:
            if row["bed"] == turn.bed:
                _begin(tx, row, None)
    _arm(tx, ward, again_ms, body)


def _facts(tx: Tx, row: Row) -> turns.Bed:
    real_ms = tx.clock.real_ms()
    return turns.Bed(
        bed=row["bed"],
        age_ms=judging.age_ms(tx, row) or 0,
        ever=row["good_ms"] is not None,
        failures=row["failures"],
        tried_ago_ms=None if row["last_real_ms"] is None else real_ms - row["last_real_ms"],
        able=row["node_state"] == kinds.READY and not row["troubled"],
        calling=bool(calls.at_bed(tx, row["ward"], row["bed"])),
    )


def _is_quiet(tx: Tx, ward: str) -> bool:
    open_now = [row for row in calls.open_calls(tx, ward) if row["type"] not in types.TECHNICAL]
    lately = calls.find(tx, ward=ward, since_ms=tx.now_ms - turns.QUIET_MS, limit=1)
    return not open_now and not lately


def _arm(tx: Tx, ward: str, again_ms: int, before: dict[str, Any]) -> None:
    real_ms = tx.clock.real_ms()
    passed_ms = real_ms - before.get("real_ms", real_ms)
    pace = (tx.now_ms - before["now_ms"]) / passed_ms if passed_ms > 0 else 1
    put_off_ms = min(int(again_ms * max(1, pace)), max(again_ms, LONGEST_LEAP_MS))
    body = {"now_ms": tx.now_ms, "real_ms": real_ms}
    timers.arm(tx, tx.now_ms + put_off_ms, ROUND, ward, body)


def _on_birth(tx: Tx, node: str) -> None:
    """A ward whose box lives has its rounds."""
    row = wards.node(tx, node)
    if row is not None and timers.pending_ms(tx, ROUND, row["ward"]) is None:
        model.watch(tx, row["ward"])
        _arm(tx, row["ward"], turns.FIRST_AFTER_MS, {})


def overdue(tx: Tx) -> int:
    """How many beds of the hospital are overdue."""
    return sum(judging.is_overdue(tx, row) for row in model.beds(tx))


EVENTS: dict[str, Callable[[Tx, NodeEvent], None]] = {
    kinds.TEST_PRESS: _on_test_press,
    kinds.PRESS: _on_press,
    kinds.HOLD: _on_press,
}
TIMERS = {ROUND: _on_round}
ACKS = [_on_answer]
BIRTHS = [_on_birth]
