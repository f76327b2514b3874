"""The engineer's page of versions: who runs which, and taking one through the hospital."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.console.context import _, current_user, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.store import Row, Tx
from central.updates import model, service, stages
from gateway.mqtt import kinds

blueprint = Blueprint("updates", __name__, template_folder="templates")
NAVIGATION = [(59, "/updates", N_("Versions"), ("engineer",), "arrow-up-circle")]

MINUTE_MS = 60_000
SOAKS = (0, 10, 60, 24 * 60, 7 * 24 * 60)
DEFAULT_SOAK = "60"
STATES = {
    model.RUNNING: N_("under way"),
    model.STOPPED: N_("stopped"),
    model.DONE: N_("everywhere"),
    model.ENDED: N_("ended early"),
}
BOX_STATES = {
    model.WAITING: N_("its turn comes"),
    model.ASKED: N_("asked"),
    model.TRYING: N_("tests itself"),
    model.KEPT: N_("has it"),
    model.FAILED: N_("does not have it"),
}
PILLS = {model.FAILED: "high", model.TRYING: "medium", model.ASKED: "medium"}
STEPS = {
    "fetching": N_("fetches it"),
    "testing": N_("tests itself as it is"),
    "waiting": N_("waits until it disturbs nobody"),
}
WHY = {
    stages.NO_WORD: N_("It did not tell in time what became of it."),
    service.WENT_BACK: N_("It went back and gave no reason."),
    "withdrawn": N_("The version was withdrawn."),
    "no answer from the node": N_("It gave no answer in time."),
}


@blueprint.get("/updates")
@requires("engineer")
def index() -> Any:
    return _page()


def _page(trouble: FieldError | None = None) -> Any:
    tx = read()
    published = model.versions(tx)
    rollout = model.open_rollout(tx)
    boxes = [dict(row) | {"step": _step(row["health"])} for row in model.boxes(tx)]
    page = render_template(
        "updates/index.html",
        published=published,
        rollout=rollout,
        under_way=_boxes(tx, rollout) if rollout else [],
        boxes=boxes,
        counts=_counts(boxes),
        past=[row for row in model.rollouts(tx) if row["state"] not in model.OPEN],
        failures=[dict(row) | {"words": _why(row["why"])} for row in model.failures(tx)],
        choices=_choices(published, boxes),
        states=STATES,
        why=_why,
        typed=request.form if trouble else {},
        trouble={trouble.field: field_words(trouble)} if trouble else {},
        default_soak=DEFAULT_SOAK,
    )
    return page, 400 if trouble else 200


def _choices(published: list[Row], boxes: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """What the form offers."""
    return {
        "version": [
            (row["version"], f"{row['version']} {row['note']}".strip())
            for row in published
            if row["withdrawn_ms"] is None
        ],
        "canary": [
            (row["id"], f"{row['id']} · {row['firmware'] or '?'}")
            for row in boxes
            if row["updatable"] and row["state"] == kinds.READY
        ],
        "soak": [(str(each), _minutes(each)) for each in SOAKS],
    }


def _minutes(minutes: int) -> str:
    if minutes >= 24 * 60:
        return _("%(n)s days", n=minutes // (24 * 60))
    return _("%(n)s minutes", n=minutes)


def _counts(boxes: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """How many boxes run each version, the most first."""
    found: dict[str, int] = {}
    for row in boxes:
        name = row["firmware"] or "–"
        found[name] = found.get(name, 0) + 1
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def _boxes(tx: Tx, rollout: Row) -> list[dict[str, Any]]:
    """The boxes of the rollout, with words."""
    return [
        dict(row)
        | {
            "words": _(BOX_STATES[row["state"]]),
            "pill": PILLS.get(row["state"], "calm"),
            "why": _why(row["reason"]),
            "step": _step(row["health"]) if row["state"] == model.ASKED else None,
            "here": row["contact"] == kinds.READY,
        }
        for row in model.rollout_boxes(tx, rollout["id"])
    ]


def _step(health: str) -> dict[str, Any] | None:
    """What a box does with the version it takes: in words, and what holds it, as it says."""
    step = service.step_of(health)
    if not step:
        return None
    return {
        "version": step["version"],
        "words": _(STEPS.get(step["step"], step["step"])),
        "held_by": step["held_by"],
    }


def _why(reason: str | None) -> dict[str, str] | None:
    """Words of ours, or else what the box said itself."""
    if not reason:
        return None
    if reason in WHY:
        return {"words": _(WHY[reason]), "said": ""}
    return {"words": "", "said": reason}


@blueprint.get("/updates/failures/<int:number>")
@requires("engineer")
def failure(number: int) -> Any:
    """Why a box gave a version up, with its log."""
    row = model.failure(read(), number)
    if row is None:
        abort(404)
    return render_template("updates/failure.html", row=row, why=_why(row["why"]))


@blueprint.post("/updates/start")
@requires("engineer")
def start() -> Any:
    form = request.form
    soak = form.get("soak", "")
    try:
        with transaction() as tx:
            service.start(
                tx,
                version=form.get("version", ""),
                canary=form.get("canary", ""),
                soak_ms=int(soak) * MINUTE_MS if soak.isdecimal() and len(soak) < 7 else -1,
                by=current_user.name,
            )
    except FieldError as error:
        return _page(trouble=error)
    flash(_("The first box is asked. It takes the version when nobody calls there."), "success")
    return redirect(url_for("updates.index"))


@blueprint.post("/updates/stop")
@requires("engineer")
def stop() -> Any:
    return _change(service.stop, _("Stopped: no more boxes are asked."))


@blueprint.post("/updates/resume")
@requires("engineer")
def resume() -> Any:
    return _change(service.resume, _("It goes on."))


@blueprint.post("/updates/end")
@requires("engineer")
def end() -> Any:
    return _change(service.end, _("Ended. Boxes that have the version keep it."))


def _change(change: Any, said: str) -> Any:
    try:
        with transaction() as tx:
            change(tx, current_user.name)
    except service.NoRolloutError:
        abort(404)
    flash(said, "success")
    return redirect(url_for("updates.index"))
