"""Proofs in the words of a ward: how a bed stands, and where a proof failed."""

from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.proving import judging, model, reach, service
from central.proving.book import Day
from central.store import Row, Tx
from gateway.mqtt import kinds

# By code of the reason: what failed. Unknown codes are told with the box's own words.
WHY = {
    service.LOST: N_("The box of this bed is out of contact."),
    service.NO_ANSWER: N_("The box of this bed gave no answer."),
    service.NOT_ACTED: N_("The centre stored the test press and did not act on it."),
    kinds.NOT_KEPT: N_("The box could not keep the test press: its outbox is full."),
    kinds.NOT_COUNTED: N_("The bed felt no press: the input of its button is broken."),
    kinds.BUTTON_DOWN: N_("The red button is down, or its cable is shorted."),
    kinds.NO_RECEIPT: N_("The box saw no receipt of the centre."),
    "silent": N_("The bedside unit does not answer."),
    "garbled": N_("The bedside unit answers unreadably."),
    "gone": N_("The bedside line is cut."),
    "pin-lost": N_("The pin of the button is taken by something else."),
    reach.NO_RULE: N_("No escalation rule fits a call of this bed."),
    reach.NOBODY: N_("A call of this bed would be heard by nobody: no station is in contact."),
    kinds.BUSY: N_("Put off: somebody calls or is spoken to there."),
    kinds.OVERTAKEN: N_("Put off: the patient called meanwhile."),
}
OTHER = N_("It failed: %(why)s.")
LEGS = {
    model.BOX: N_("to the box"),
    model.BED: N_("at the bed"),
    model.CENTRE: N_("in the centre"),
    model.POLICY: N_("to a person"),
    model.RECEIPT: N_("receipt"),
}
RESULTS = {
    model.PROVEN: N_("proven"),
    model.PRESSED: N_("patient pressed"),
    model.FAILED: N_("failed"),
    model.BUSY: N_("put off"),
    model.OVERTAKEN: N_("put off"),
}
# How a bed stands, worst first.
RUNNING, FAILING, OVERDUE, NEVER, WELL = "running", "failing", "overdue", "never", "well"
STATES = {
    RUNNING: N_("being proved"),
    FAILING: N_("failed"),
    OVERDUE: N_("overdue"),
    NEVER: N_("not proved yet"),
    WELL: N_("proven"),
}


def why(reason: str | None) -> str:
    """What a reason means, "" for none."""
    if not reason:
        return ""
    code = reason.partition(":")[0]
    return _(WHY[code]) if code in WHY else _(OTHER, why=reason)


def bed(tx: Tx, row: Row) -> dict[str, Any]:
    """A row of `model.beds` with its `standing`, the time since it was `proven`, and what went
    wrong at the last try."""
    good_ms = row["good_real_ms"]
    standing = WELL
    if row["under_way"] or row["wanted"]:
        standing = RUNNING
    elif row["failures"]:
        standing = FAILING
    elif judging.is_overdue(tx, row):
        standing = OVERDUE
    elif good_ms is None:
        standing = NEVER
    put_off = row["last_result"] in (model.BUSY, model.OVERTAKEN)
    return dict(row) | {
        "standing": standing,
        "words": _(STATES[standing]),
        "proven_ago_ms": None if good_ms is None else max(0, tx.clock.real_ms() - good_ms),
        "took": took(row["good_took_ms"]),
        "how": "" if row["good_result"] is None else _(RESULTS[row["good_result"]]),
        "leg": _(LEGS[row["last_leg"]]) if row["failures"] and row["last_leg"] else "",
        "why": why(row["last_reason"]) if row["failures"] or put_off else "",
        "finger_silent": row["finger_ms"] is None,
    }


def entry(row: Row) -> dict[str, Any]:
    """A row of the book."""
    return dict(row) | {
        "words": _(RESULTS[row["result"]]),
        "leg_words": _(LEGS[row["leg"]]) if row["leg"] else "",
        "why": why(row["reason"]),
        "by_words": row["by"]
        or (_("patient") if row["result"] == model.PRESSED else _("schedule")),
        "pressed": took(row["pressed_ms"]),
        "stored": took(row["stored_ms"]),
        "took": took(row["took_ms"]),
    }


# One sign for what happened on a day, in letters that every Chinese font has.
SIGNS = (("proven", "√"), ("pressed", "●"), ("failed", "▲"))
LEGEND = N_("√ proven by a test call · ● pressed by a patient · ▲ failed · empty: not proven")


def day_signs(day: Day) -> str:
    """What happened at a bed on one day, such as √●."""
    return "".join(sign for what, sign in SIGNS if getattr(day, what))


def took(ms: int | None) -> str:
    """85 ms; 1.2 s; or a dash."""
    if ms is None:
        return "–"
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
