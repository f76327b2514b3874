"""What a nurse does with a drip or dressing. Every change is a new segment or state, a line of
history, an audit entry, and a new schedule for the bed."""

from collections.abc import Callable
from typing import Any

from central.audit import model as audit
from central.events import NodeEvent
from central.hospital.told import Reason, Told
from central.infusions import answers, checks, model, orders, prompts
from central.infusions.checks import Bottle
from central.store import Row, Tx
from gateway.his.events import InfusionOrderEvent
from gateway.mqtt import kinds


class UnknownInfusionError(Exception):
    """There is no drip or dressing of this number."""

    error_id = "infusion-unknown"


class InfusionOverError(Exception):
    """This drip or dressing is over; nothing about it can be changed."""

    error_id = "infusion-over"


def start(
    tx: Tx,
    *,
    ward: str,
    bed: str,
    volume_ml: Any,
    factor: Any,
    gtt_per_min: Any,
    by: str,
    last_bottle: bool = False,
    started_ms: int | None = None,
    start_confirmed: bool = False,
    of_bottles: Any = None,
    label: str = "",
) -> int:
    """Start a bottle: mL, gtt/mL, gtt/min. Returns its id. Raises FieldError for the first field
    that is wrong; `checks.bottle` names them all."""
    given = {
        "ward": ward,
        "bed": bed,
        "volume_ml": volume_ml,
        "factor": factor,
        "gtt_per_min": gtt_per_min,
        "last_bottle": last_bottle,
        "started_ms": started_ms,
        "start_confirmed": start_confirmed,
        "of_bottles": of_bottles,
        "label": label,
    }
    bottle, wrong = checks.bottle(tx, given)
    if bottle is None:
        raise wrong[0]
    return start_checked(tx, bottle, by)


def start_checked(tx: Tx, bottle: Bottle, by: str, previous: Row | None = None) -> int:
    """Start a bottle that `checks.bottle` has passed, after `previous` if it follows one."""
    infusion = tx.insert(
        "infusions",
        ward=bottle.ward,
        bed=bottle.bed,
        what="bottle",
        volume_ml=bottle.volume_ml,
        factor=bottle.factor,
        state="running",
        last_bottle=int(bottle.last_bottle),
        bottle_no=previous["bottle_no"] + 1 if previous else 1,
        of_bottles=bottle.of_bottles,
        previous=previous["id"] if previous else None,
        label=bottle.label,
        started_ms=bottle.started_ms,
        started_by=by,
    )
    model.add_segment(tx, infusion, bottle.started_ms, bottle.gtt_per_min, by)
    detail = {
        "volume_ml": bottle.volume_ml,
        "factor": bottle.factor,
        "gtt_per_min": bottle.gtt_per_min,
    }
    _changed(tx, infusion, "started", by, **detail)
    return infusion


def set_rate(tx: Tx, infusion: int, gtt_per_min: Any, by: str) -> None:
    """A new rate from now on, as set or as counted. A paused drip runs again with it."""
    row = _bottle(tx, infusion)
    rate = checks.rate(gtt_per_min)
    _segment(tx, row, rate, by)
    _changed(tx, infusion, "rate", by, gtt_per_min=rate)


def pause(tx: Tx, infusion: int, by: str) -> None:
    row = _bottle(tx, infusion)
    if row["state"] == "running":
        _segment(tx, row, 0, by)
        _changed(tx, infusion, "paused", by)


def resume(tx: Tx, infusion: int, by: str, gtt_per_min: Any = None) -> None:
    """Run again, at the rate from before the pause unless another is given."""
    row = _bottle(tx, infusion)
    if row["state"] == "paused":
        rate = model.last_rate(tx, infusion) if gtt_per_min is None else checks.rate(gtt_per_min)
        _segment(tx, row, rate, by)
        _changed(tx, infusion, "resumed", by, gtt_per_min=rate)


def rebaseline(
    tx: Tx, infusion: int, by: str, *, remaining_ml: Any = None, gtt_per_min: Any = None
) -> None:
    """Set the computed level right by what is seen: mL left in the bottle, drops counted in a
    minute, or both. Raises FieldError."""
    row = _bottle(tx, infusion)
    left = rate = None
    if gtt_per_min is not None:
        rate = checks.rate(gtt_per_min)
    if remaining_ml is not None or rate is None:
        left = checks.remaining(remaining_ml, row["volume_ml"])
    now_rate = model.drip_of(tx, row).gtt_per_min
    _segment(tx, row, now_rate if rate is None else rate, by, left)
    _changed(tx, infusion, "rebaselined", by, remaining_ml=left, gtt_per_min=rate)


def next_bottle(tx: Tx, infusion: int, bottle: Bottle, by: str) -> int:
    """A nurse has hung the next bottle: this one is done, that one starts. Returns its id."""
    row = _bottle(tx, infusion)
    _end(tx, row, "done", "next_bottle", by)
    return start_checked(tx, bottle, by, previous=row)


def finish(tx: Tx, infusion: int, by: str) -> None:
    """The bottle is through and the needle out, or the dressing is changed. A dressing with an
    interval is due again after it."""
    row = _open(tx, infusion)
    _end(tx, row, "done", "done", by)
    if row["what"] == "dressing" and row["every_min"]:
        remind_dressing(
            tx, ward=row["ward"], bed=row["bed"], in_min=row["every_min"],
            every_min=row["every_min"], label=row["label"], by=by,
        )  # fmt: skip


def stop(tx: Tx, infusion: int, by: str, why: str = "") -> None:
    """End it before its time."""
    _end(tx, _open(tx, infusion), "stopped", "stopped", by, why=why)


def stop_at_bed(tx: Tx, ward: str, bed: str, by: str, why: str) -> int:
    """The patient has left the bed: nothing more is said there. Returns how many were on."""
    rows = model.active(tx, ward, bed)
    for row in rows:
        _end(tx, row, "stopped", "stopped", by, why=why)
    return len(rows)


def move(tx: Tx, ward: str, bed: str, to_ward: str, to_bed: str, by: str) -> int:
    """The patient moves with what is running. Returns how many moved."""
    rows = model.active(tx, ward, bed)
    for row in rows:
        prompts.clear(tx, row)
        tx.execute(
            "UPDATE infusions SET ward = ?, bed = ? WHERE id = ?", (to_ward, to_bed, row["id"])
        )
        tx.changed(ward, "infusions")
        _changed(tx, row["id"], "moved", by, ward=to_ward, bed=to_bed)
    return len(rows)


def remind_dressing(
    tx: Tx, *, ward: str, bed: str, in_min: Any, by: str, every_min: Any = None, label: str = ""
) -> int:
    """Remind of a dressing change in `in_min` minutes, and every `every_min` after each change
    that a nurse reports done. Returns its id. Raises FieldError."""
    ward, bed = checks.place(tx, ward, bed)
    minutes = checks.dressing_in(in_min)
    every = None if every_min in (None, "") else checks.dressing_in(every_min, "every_min")
    infusion = tx.insert(
        "infusions",
        ward=ward,
        bed=bed,
        what="dressing",
        due_ms=tx.now_ms + minutes * 60_000,
        every_min=every,
        state="running",
        label=label.strip()[: checks.MAX_LABEL],
        started_ms=tx.now_ms,
        started_by=by,
    )
    _changed(tx, infusion, "started", by, in_min=minutes, every_min=every)
    return infusion


def _open(tx: Tx, infusion: int) -> Row:
    row = model.get(tx, infusion)
    if row is None:
        raise UnknownInfusionError(str(infusion))
    if row["ended_ms"] is not None:
        raise InfusionOverError(str(infusion))
    return row


def _bottle(tx: Tx, infusion: int) -> Row:
    row = _open(tx, infusion)
    if row["what"] != "bottle":
        raise UnknownInfusionError(str(infusion))
    return row


def _segment(tx: Tx, row: Row, rate: int, by: str, remaining_ml: int | None = None) -> None:
    """A new segment from now; one entered late may not begin before the last."""
    newest_ms = model.drip_of(tx, row).segments[-1].from_ms
    model.add_segment(tx, row["id"], max(tx.now_ms, newest_ms), rate, by, remaining_ml)
    state = "running" if rate else "paused"
    tx.execute("UPDATE infusions SET state = ? WHERE id = ?", (state, row["id"]))
    prompts.watch_pause(tx, row["id"], paused=not rate)


def _end(tx: Tx, row: Row, state: str, what: str, by: str, **detail: Any) -> None:
    tx.execute(
        "UPDATE infusions SET state = ?, ended_ms = ?, ended_by = ? WHERE id = ?",
        (state, tx.now_ms, by, row["id"]),
    )
    prompts.watch_pause(tx, row["id"], paused=False)
    _changed(tx, row["id"], what, by, **detail)


def _changed(tx: Tx, infusion: int, what: str, by: str, **detail: Any) -> None:
    """Write it down, and tell the bed what follows from it. Whoever changes a drip has looked at
    it, so what the bed asked before is answered."""
    revision = tx.value(
        "UPDATE infusions SET revision = revision + 1, prompted = NULL, confirmed_ms = ?"
        " WHERE id = ? RETURNING revision",
        (tx.now_ms, infusion),
    )
    model.note(tx, infusion, what, by=by, revision=revision, **detail)
    audit.append(tx, by, f"infusion.{what}", f"infusion/{infusion}", detail=detail)
    prompts.plan(tx, infusion)


EVENTS: dict[str, Callable[[Tx, NodeEvent], None]] = {
    kinds.PROMPTED: answers.on_prompted,
    kinds.PRESS: answers.on_press,
    kinds.UNCONFIRMED: answers.on_unconfirmed,
    kinds.PRESENCE: answers.on_presence,
}
TIMERS = {
    prompts.NOT_SPOKEN: answers.not_spoken,
    answers.NOT_ANSWERED: answers.not_answered,
    prompts.STILL_PAUSED: answers.still_paused,
}
BIRTHS = [prompts.resend]
HOSPITAL: dict[type[InfusionOrderEvent], Callable[[Tx, InfusionOrderEvent, Told], list[Reason]]] = {
    InfusionOrderEvent: orders.take
}
resend = prompts.resend
recover = prompts.recover
