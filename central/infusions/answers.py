"""What the bed reports about a drip, and who looks when it does not.

A press, a nurse at the bed, nobody at all, or silence: each ends at the bedside with a nurse.
"""

import json
from typing import Any

from central import say, timers
from central.calls import service as calls
from central.events import NodeEvent
from central.infusions import drip, model
from central.infusions.prompts import NOT_SPOKEN, UNCONFIRMED_AFTER_MS, plan, watch_pause
from central.store import Row, Tx
from gateway.mqtt import kinds

# How long after its moment the node's report may come: in hospital time, and, because a node
# speaks in real time even when the demo's hospital time runs faster, in real time too.
GRACE_MS = 30_000
GRACE_REAL_MS = 10_000

NOT_ANSWERED = "infusions.unconfirmed"


def _about(tx: Tx, event: NodeEvent) -> tuple[Row | None, int, str]:
    """(drip, revision, stage) an event speaks of; the drip is None when it is unknown or of
    another bed."""
    number, revision = str(event.about.get("infusion")), event.about.get("revision")
    row = model.get(tx, int(number)) if number.isdecimal() and len(number) < 16 else None
    if row is not None and (row["ward"], row["bed"]) != (event.ward, event.bed):
        row = None
    return (
        row,
        revision if isinstance(revision, int) else 0,
        str(event.about.get("stage") or ""),
    )


def on_prompted(tx: Tx, event: NodeEvent) -> None:
    """The bed has spoken."""
    row, revision, stage = _about(tx, event)
    if row is None:
        return
    repeated = model.noted(tx, row["id"], "prompted", revision, stage)
    model.note(
        tx, row["id"], "prompted", at_ms=event.happened_ms, revision=revision, stage=stage
    )  # fmt: skip
    tx.changed(row["ward"], "infusions")
    if row["ended_ms"] is not None:
        return
    # The report may cross a change by the nurse on its way. It then counts unless the change has
    # moved this stage far away; the bed gets a schedule without it.
    fresh = revision == row["revision"]
    far = {each.stage for each in model.moments(tx, row) if drip.again(each, tx.now_ms)}
    if not fresh and stage in far:
        return
    _said(tx, row, stage, event.happened_ms)
    if stage in (drip.DUE, drip.DRESSING) and not repeated:
        due_ms = event.happened_ms + UNCONFIRMED_AFTER_MS
        timers.cancel(tx, NOT_ANSWERED, row["id"])
        timers.arm(tx, due_ms, NOT_ANSWERED, row["id"], {"revision": revision, "stage": stage})
    if not fresh:
        tx.execute("UPDATE infusions SET revision = revision + 1 WHERE id = ?", (row["id"],))
        plan(tx, row["id"])


def on_press(tx: Tx, event: NodeEvent) -> None:
    """The patient pressed after a prompt: a call, not a proof, so nothing about the drip itself
    changes. A press about a drip that central does not know is a nurse call: never lost."""
    if "infusion" not in event.about:
        return
    row, revision, stage = _about(tx, event)
    if row is None:
        calls.open_call(
            tx, event.ward, event.bed, "nurse", at_ms=event.happened_ms, about=event.about,
            event=event,
        )  # fmt: skip
        return
    model.note(
        tx, row["id"], "confirmed", at_ms=event.happened_ms, revision=revision, stage=stage
    )  # fmt: skip
    _looked_at(tx, row, event.happened_ms)
    words = "station_dressing" if row["what"] == "dressing" else "station_confirmed"
    about = {"infusion": row["id"], "confirmed": True, "unconfirmed": False, "stage": stage}
    _call(tx, row, about | {"words": f"infusions.{words}"}, event)


def on_unconfirmed(tx: Tx, event: NodeEvent) -> None:
    """The bed spoke to the end and nobody pressed."""
    row, revision, stage = _about(tx, event)
    if row is None:
        about = {"confirmed": False, "unconfirmed": True, "words": "infusions.station_unconfirmed"}
        calls.open_call(
            tx, event.ward, event.bed, "infusion", at_ms=event.happened_ms, about=about, event=event
        )  # fmt: skip
        return
    if row["prompted"] is None and (
        row["ended_ms"] is not None or (row["confirmed_ms"] or 0) >= (row["prompted_ms"] or 0)
    ):
        return  # a nurse has been there, or has seen to it, since
    _nobody_confirmed(tx, row, revision, stage, event)


def on_presence(tx: Tx, event: NodeEvent) -> None:
    """A nurse is at the bed: what was asked there is looked at."""
    if event.bed is None:
        return
    for row in model.active(tx, event.ward, event.bed):
        if row["prompted"] is not None and row["prompted_ms"] <= event.happened_ms:
            model.note(
                tx, row["id"], "looked_at", at_ms=event.happened_ms, stage=row["prompted"]
            )  # fmt: skip
            _looked_at(tx, row, event.happened_ms)


def _said(tx: Tx, row: Row, stage: str, at_ms: int) -> None:
    spoken = sorted({*json.loads(row["spoken"]), *drip.up_to(stage)}, key=drip.STAGES.index)
    tx.execute("UPDATE infusions SET spoken = ? WHERE id = ?", (json.dumps(spoken), row["id"]))
    if (row["confirmed_ms"] or 0) <= at_ms:
        tx.execute(
            "UPDATE infusions SET prompted = ?, prompted_ms = ? WHERE id = ?",
            (stage, at_ms, row["id"]),
        )


def _looked_at(tx: Tx, row: Row, at_ms: int) -> None:
    tx.execute(
        "UPDATE infusions SET confirmed_ms = max(coalesce(confirmed_ms, 0), :at),"
        " prompted = CASE WHEN prompted_ms <= :at THEN NULL ELSE prompted END WHERE id = :id",
        {"at": at_ms, "id": row["id"]},
    )
    tx.changed(row["ward"], "infusions")


# --- when the bed is silent ---


def not_spoken(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    """The bed should have spoken and has not said so: the station is told to look."""
    row = model.get(tx, int(ref))
    if row is None or row["state"] != "running" or row["revision"] != body["revision"]:
        return
    if model.noted(tx, row["id"], "prompted", body["revision"], body["stage"]):
        return
    if _wait(tx, NOT_SPOKEN, ref, body, late_ms):
        return
    model.note(
        tx, row["id"], "not_spoken", revision=body["revision"], stage=body["stage"]
    )  # fmt: skip
    _said(tx, row, body["stage"], tx.now_ms)
    words = "infusions.station_not_spoken"
    asked = 0
    if not body["final"]:
        asked = say.to_station(
            tx, row["ward"], f"infusion-{row['id']}-{body['stage']}", words, klass=kinds.CALLING,
            ward=row["ward"], bed=row["bed"],
        )  # fmt: skip
    if not asked:
        about = {
            "infusion": row["id"],
            "confirmed": False,
            "unconfirmed": True,
            "stage": body["stage"],
            "words": words,
        }
        _call(tx, row, about)


def still_paused(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    """Nobody has let the drip run again: the station is reminded, and again while the pause lasts.
    From the second time on it is a call, which somebody must accept."""
    row = model.get(tx, int(ref))
    if row is None or row["state"] != "paused":
        return
    model.note(tx, row["id"], "pause_reminded")
    words = "infusions.station_paused"
    asked = 0
    if not body["reminders"]:
        asked = say.to_station(
            tx, row["ward"], f"infusion-{row['id']}-paused-{tx.now_ms}", words,
            klass=kinds.CALLING, ward=row["ward"], bed=row["bed"],
        )  # fmt: skip
    if not asked:
        _call(tx, row, {"infusion": row["id"], "words": words})
    watch_pause(tx, row["id"], paused=True, reminders=body["reminders"] + 1)


def not_answered(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    """The bed spoke its last prompt and then nothing came from it, neither a press nor that
    nobody pressed: the box may have died in between."""
    row = model.get(tx, int(ref))
    if row is None or row["ended_ms"] is not None or row["prompted"] != body["stage"]:
        return
    if model.noted(tx, row["id"], "unconfirmed", body["revision"], body["stage"]):
        return
    if not _wait(tx, NOT_ANSWERED, ref, body, late_ms):
        _nobody_confirmed(tx, row, body["revision"], body["stage"], None)


def _nobody_confirmed(tx: Tx, row: Row, revision: int, stage: str, event: NodeEvent | None) -> None:
    if model.noted(tx, row["id"], "unconfirmed", revision, stage):
        return
    at_ms = event.happened_ms if event else None
    model.note(tx, row["id"], "unconfirmed", at_ms=at_ms, revision=revision, stage=stage)
    what = "dressing_unconfirmed" if row["what"] == "dressing" else "unconfirmed"
    about = {
        "infusion": row["id"],
        "confirmed": False,
        "unconfirmed": True,
        "stage": stage,
        "words": f"infusions.station_{what}",
    }
    _call(tx, row, about, event)


def _call(tx: Tx, row: Row, about: dict[str, Any], event: NodeEvent | None = None) -> None:
    at_ms = event.happened_ms if event else None
    calls.open_call(
        tx, row["ward"], row["bed"], "infusion", at_ms=at_ms, about=about, event=event
    )  # fmt: skip


def _wait(tx: Tx, kind: str, ref: str, body: dict[str, Any], late_ms: int) -> bool:
    """True, with the timer armed again, while the node may still report in time."""
    real_ms = tx.clock.real_ms()
    since_ms, since_real_ms = body.get("since_ms"), body.get("since_real_ms")
    if since_ms is None or since_real_ms is None:
        since_ms, since_real_ms = tx.now_ms - late_ms, real_ms
        wait_ms = max(0, GRACE_MS - late_ms)
    else:
        ran_ms, ran_real_ms = tx.now_ms - since_ms, real_ms - since_real_ms
        if ran_ms >= GRACE_MS and ran_real_ms >= GRACE_REAL_MS:
            return False
        # Hospital time for the real time that is left, at the pace seen so far.
        pace = ran_ms / max(1, ran_real_ms)
        left_real_ms = max(0, GRACE_REAL_MS - ran_real_ms)
        wait_ms = max(GRACE_MS - ran_ms, int(left_real_ms * pace), 1)
    again = body | {"since_ms": since_ms, "since_real_ms": since_real_ms}
    timers.arm(tx, tx.now_ms + wait_ms, kind, ref, again)
    return True
