"""Taking a version through the hospital: box by box, on as long as each keeps it."""

import json
from collections.abc import Callable
from typing import Any

from central import commands, timers
from central.audit import model as audit
from central.calls import model as calls
from central.calls import types
from central.console.marks import N_
from central.errors import FieldError
from central.events import NodeEvent
from central.store import HOSPITAL, Row, Tx
from central.updates import model, stages
from central.wards import model as wards
from gateway.mqtt import kinds, versions

LOOK = "updates.look"
CHANGED = "updates"
# So long a box may wait for a moment in which it disturbs nobody.
ASK_TTL_MS = 12 * 3_600_000
MOST_SOAK_MS = 14 * 24 * 3_600_000
MOST_WHY, MOST_LOG = 500, 64 * 1024
# Why it stopped, where a box gave no reason of its own.
WENT_BACK = "went-back"


class NoRolloutError(LookupError):
    """No version is being taken through the hospital."""

    error_id = "no-rollout"


# --- versions ---


def published(tx: Tx, version: str, note: str, by: str) -> None:
    """A version was signed and put into the repository."""
    tx.execute(
        "INSERT INTO box_versions (version, note, published_ms, published_by) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (version) DO UPDATE SET note = excluded.note, withdrawn_ms = NULL,"
        " withdrawn_by = NULL",
        (version, note, tx.clock.real_ms(), by),
    )
    audit.append(tx, by, "update.publish", f"version/{version}", detail={"note": note})
    tx.changed(HOSPITAL, CHANGED)


def withdrawn(tx: Tx, version: str, by: str) -> None:
    """A version is no more in the repository; a rollout of it stops."""
    tx.execute(
        "UPDATE box_versions SET withdrawn_ms = ?, withdrawn_by = ? WHERE version = ?",
        (tx.clock.real_ms(), by, version),
    )
    audit.append(tx, by, "update.withdraw", f"version/{version}")
    rollout = model.open_rollout(tx)
    if rollout is not None and rollout["version"] == version:
        end(tx, by, "withdrawn")
    tx.changed(HOSPITAL, CHANGED)


# --- a rollout ---


def start(tx: Tx, *, version: str, canary: str, soak_ms: int, by: str) -> int:
    """Take `version` through the hospital, box `canary` first; its number. Raises FieldError."""
    row = model.version(tx, version)
    if row is None or row["withdrawn_ms"] is not None:
        raise FieldError("version", N_("Choose a version that is published."))
    if model.open_rollout(tx) is not None:
        raise FieldError("version", N_("Another version is under way. End that first."))
    boxes = [each for each in model.boxes(tx) if each["updatable"]]
    first = next((each for each in boxes if each["id"] == canary), None)
    if first is None:
        raise FieldError("canary", N_("Choose a box that takes versions."))
    if runs(first, version):
        raise FieldError("canary", N_("This box runs that version, or a newer one, already."))
    if first["state"] != kinds.READY:
        raise FieldError("canary", N_("This box is out of contact. Choose another one."))
    if not 0 <= soak_ms <= MOST_SOAK_MS:
        raise FieldError("soak", N_("From 0 minutes to 14 days."))
    rollout = tx.insert(
        "rollouts", version=version, canary=canary, state=model.RUNNING, soak_ms=soak_ms,
        made_ms=tx.now_ms, made_by=by, changed_ms=tx.now_ms,
    )  # fmt: skip
    order = [first["ward"], *(each["ward"] for each in boxes)]
    for each in boxes:
        stage = 0 if each["id"] == canary else 1 + list(dict.fromkeys(order)).index(each["ward"])
        tx.insert(
            "rollout_boxes", rollout=rollout, node=each["id"], ward=each["ward"], stage=stage,
            before=each["firmware"], state=model.KEPT if runs(each, version) else model.WAITING,
            changed_ms=tx.now_ms,
        )  # fmt: skip
    audit.append(tx, by, "update.start", f"version/{version}", detail={"canary": canary})
    _go_on(tx)
    return rollout


def runs(box: Row, version: str) -> bool:
    """Whether a box has kept this version, or a newer one."""
    try:
        newest = versions.order(box["firmware"] or "")
    except ValueError:
        return False
    return newest >= versions.order(version) and not box["trial"]


def stop(tx: Tx, by: str, why: str = "", node: str | None = None) -> None:
    """Ask no more boxes; those that were asked go on. Raises NoRolloutError."""
    rollout = _open(tx)
    if rollout["state"] == model.RUNNING:
        model.set_rollout(tx, rollout["id"], model.STOPPED, why)
        timers.cancel(tx, LOOK, rollout["id"])
        detail: dict[str, object] = {"node": node} if node else {}
        audit.append(tx, by, "update.stop", f"version/{rollout['version']}", why=why, detail=detail)
        tx.changed(HOSPITAL, CHANGED)


def resume(tx: Tx, by: str) -> None:
    """Go on; boxes that failed are asked once more. Raises NoRolloutError."""
    rollout = _open(tx)
    tx.execute(
        "UPDATE rollout_boxes SET state = 'waiting', changed_ms = ?, reason = NULL, again = 1"
        " WHERE rollout = ? AND state = 'failed'",
        (tx.now_ms, rollout["id"]),
    )
    model.set_rollout(tx, rollout["id"], model.RUNNING)
    audit.append(tx, by, "update.resume", f"version/{rollout['version']}")
    _go_on(tx)


def end(tx: Tx, by: str, why: str = "") -> None:
    """Leave it at that: boxes that have the version keep it. Raises NoRolloutError."""
    rollout = _open(tx)
    timers.cancel(tx, LOOK, rollout["id"])
    for box in model.rollout_boxes(tx, rollout["id"]):
        if box["state"] == model.ASKED:
            commands.take_back(tx, box["ward"], kinds.UPDATE, "version", rollout["version"])
    model.set_rollout(tx, rollout["id"], model.ENDED, why)
    audit.append(tx, by, "update.end", f"version/{rollout['version']}", why=why)
    tx.changed(HOSPITAL, CHANGED)


def _open(tx: Tx) -> Row:
    rollout = model.open_rollout(tx)
    if rollout is None:
        raise NoRolloutError
    return rollout


def _go_on(tx: Tx) -> None:
    """Do what is to be done now."""
    rollout = model.open_rollout(tx)
    if rollout is None or rollout["state"] != model.RUNNING:
        return
    rows = model.rollout_boxes(tx, rollout["id"])
    quiet = {ward: _is_quiet(tx, ward) for ward in {row["ward"] for row in rows}}
    facts = [
        stages.Box(
            row["node"], row["ward"], row["stage"], row["state"], tx.now_ms - row["changed_ms"],
            row["contact"] == kinds.READY, quiet[row["ward"]],
        )
        for row in rows
    ]  # fmt: skip
    turn = stages.turn(facts, rollout["soak_ms"])
    for row in rows:
        if row["node"] in turn.ask:
            _ask(tx, rollout, row)
    timers.cancel(tx, LOOK, rollout["id"])
    if turn.lost is not None:
        _failed(tx, rollout, turn.lost, stages.NO_WORD)
    elif turn.done:
        model.set_rollout(tx, rollout["id"], model.DONE)
        audit.append(tx, "system", "update.done", f"version/{rollout['version']}")
    elif turn.again_ms is not None:
        timers.arm(tx, tx.now_ms + turn.again_ms, LOOK, rollout["id"])
    tx.changed(HOSPITAL, CHANGED)


def _is_quiet(tx: Tx, ward: str) -> bool:
    return all(row["type"] in types.TECHNICAL for row in calls.open_calls(tx, ward))


def _ask(tx: Tx, rollout: Row, box: Row) -> None:
    body = {"version": rollout["version"], "again": bool(box["again"])}
    command = commands.send(
        tx, box["ward"], box["node"], kinds.UPDATE, body, ttl_ms=ASK_TTL_MS
    )  # fmt: skip
    model.set_box(tx, rollout["id"], box["node"], model.ASKED, command=command)


def _failed(tx: Tx, rollout: Row, node: str, why: str) -> None:
    model.set_box(tx, rollout["id"], node, model.FAILED, reason=why)
    stop(tx, "system", why, node)


# --- what boxes tell ---


def _box(tx: Tx, node: str) -> tuple[Row, Row] | None:
    """The rollout under way and the box in it."""
    rollout = model.open_rollout(tx)
    if rollout is None:
        return None
    for row in model.rollout_boxes(tx, rollout["id"]):
        if row["node"] == node:
            return rollout, row
    return None


def _on_answer(tx: Tx, command: Row, result: str, reason: str | None) -> None:
    if command["type"] != kinds.UPDATE:
        return
    found = _box(tx, command["node"])
    if found is None or found[1]["command"] != command["id"] or found[1]["state"] != model.ASKED:
        return
    rollout, box = found
    if result == kinds.DONE:
        row = wards.node(tx, box["node"])
        kept = row is not None and runs(row, rollout["version"])
        model.set_box(tx, rollout["id"], box["node"], model.KEPT if kept else model.TRYING)
        _go_on(tx)
    else:
        _failed(tx, rollout, box["node"], (reason or result)[:MOST_WHY])


def _on_birth(tx: Tx, node: str) -> None:
    """A box is back, perhaps in the version that it was to take."""
    found = _box(tx, node)
    if found is None:
        return
    rollout, box = found
    row = wards.node(tx, node)
    if row is not None and box["state"] != model.KEPT and runs(row, rollout["version"]):
        model.set_box(tx, rollout["id"], node, model.KEPT)
    _go_on(tx)


def _on_failure(tx: Tx, event: NodeEvent) -> None:
    """A box gave a version up and is what it was before."""
    version, why, log = (str(event.about.get(key) or "") for key in ("version", "why", "log"))
    tx.insert(
        "update_failures", node=event.node, ward=event.ward, version=version[:40],
        at_ms=event.happened_ms, why=why[:MOST_WHY], log=log[-MOST_LOG:],
    )  # fmt: skip
    found = _box(tx, event.node)
    if found is not None and found[0]["version"] == version and found[1]["state"] != model.KEPT:
        _failed(tx, found[0], event.node, why[:MOST_WHY] or WENT_BACK)
    tx.changed(HOSPITAL, CHANGED)


def _on_look(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    _go_on(tx)


def step_of(health: str) -> dict[str, Any]:
    """What a box says of the version that it takes: step and held_by, or nothing."""
    found = json.loads(health).get("update")
    return found if isinstance(found, dict) else {}


EVENTS: dict[str, Callable[[Tx, NodeEvent], None]] = {kinds.UPDATE_FAILED: _on_failure}
TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {LOOK: _on_look}
ACKS = [_on_answer]
BIRTHS = [_on_birth]
