"""The pages of escalation policies: a form with its trial, the versions, JSON to take along."""

import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.calls import types
from central.console.context import (
    _,
    at_time,
    current_user,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.escalation import forms, model, plan, policy, service, wording
from central.escalation.steps import TARGETS
from central.store import Tx
from central.wards import model as wards

blueprint = Blueprint(
    "escalation",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/escalation",
)
DECIDERS = ("head_nurse", "duty_manager")
NAVIGATION = [(40, "/policies", N_("Escalation"), DECIDERS, "diagram-3")]
REPLAY_MS = 30 * 24 * 3_600_000
VERSIONS_SHOWN = 20
UNITS = {forms.SECONDS: N_("seconds"), forms.MINUTES: N_("minutes")}


@blueprint.get("/policies")
@requires(*DECIDERS)
def policies() -> Any:
    """Every ward with its active policy and how many holes it has as things stand today."""
    tx = read()
    rows = []
    for ward in wards.wards(tx):
        if current_user.ward not in (None, ward["id"]):
            continue
        newest = model.versions(tx, ward["id"])[:1]
        active = model.active(tx, ward["id"])
        rows.append(
            {
                "ward": ward["id"],
                "name": active["name"],
                "version": newest[0] if newest else None,
                "holes": _holes(service.courses(tx, ward["id"], active)),
            }
        )
    return render_template("escalation/policies.html", rows=rows)


@blueprint.get("/policies/<ward>")
@requires(*DECIDERS)
def edit(ward: str) -> Any:
    """The form of the active policy, or of an earlier version with `?version=`."""
    require_ward(ward)
    document = _asked_for(ward)
    return _page(Asked(ward, forms.shown(document), replay=True))


@blueprint.post("/policies/<ward>")
@requires(*DECIDERS)
def save(ward: str) -> Any:
    """`action=save` saves, `do` changes the form (see `forms.change`), else it is only tried."""
    _require_own(ward)
    given = forms.typed(request.form)
    based_on = request.form.get("based_on", type=int)
    if "do" in request.form:
        given, focus = forms.change(given, request.form["do"])
        return _page(Asked(ward, given, based_on, focus=focus))
    if request.form.get("action") != "save":
        return _page(Asked(ward, given, based_on, replay=request.form.get("action") == "try"))
    try:
        document = forms.document(given)
        with transaction() as tx:
            number = service.save_policy(tx, ward, document, current_user.name, based_on=based_on)
    except FieldError as error:
        where, _place = wording.place(error.field)
        flash(_("Not saved. In %(where)s: %(what)s", where=where, what=field_words(error)), "error")
        return _page(Asked(ward, given, based_on)), 400
    except service.PolicyHoleError:
        flash(_("Not saved: some calls would reach nobody, or too late. Each hole is marked"
                " at its step; mend them and save again."), "error")  # fmt: skip
        return _page(Asked(ward, given, based_on)), 409
    except service.PolicyChangedError as error:
        flash(_("Not saved: somebody saved version %(n)s meanwhile. What differs stands under"
                " Versions; save again to put yours in its place.", n=error.newest),
              "error")  # fmt: skip
        return _page(Asked(ward, given)), 409
    flash(_("Saved as version %(n)s. It is used from the next call on.", n=number), "success")
    return redirect(url_for("escalation.edit", ward=ward))


@blueprint.post("/policies/<ward>/restore/<int:number>")
@requires(*DECIDERS)
def restore(ward: str, number: int) -> Any:
    """Make an earlier version the active one again."""
    _require_own(ward)
    try:
        with transaction() as tx:
            fresh = service.restore(tx, ward, number, current_user.name)
    except service.UnknownVersionError:
        abort(404)
    except service.PolicyHoleError:
        flash(_("Not restored: version %(n)s has holes as things stand today. It is in the form"
                " now; mend them and save it.", n=number), "error")  # fmt: skip
        return redirect(url_for("escalation.edit", ward=ward, version=number))
    flash(_("Version %(n)s is active again, as version %(m)s.", n=number, m=fresh), "success")
    return redirect(url_for("escalation.edit", ward=ward))


@blueprint.get("/policies/<ward>/export")
@requires(*DECIDERS)
def export(ward: str) -> Any:
    """The active policy, or the one of `?version=`, as a JSON file."""
    require_ward(ward)
    text = json.dumps(_asked_for(ward), ensure_ascii=False, indent=2)
    answer = Response(text + "\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = "attachment; filename=policy.json"
    return answer


@blueprint.post("/policies/<ward>/import")
@requires(*DECIDERS)
def take_in(ward: str) -> Any:
    """Put a JSON document into the form; nothing is saved by it."""
    _require_own(ward)
    file = request.files.get("file")
    text = request.form.get("document", "").strip()
    if file is not None and file.filename:
        text = file.read().decode("utf-8-sig", errors="replace")
    try:
        document = policy.parse(text)
    except FieldError as error:
        flash(_("Not taken in. In %(where)s: %(what)s", where=error.field, what=field_words(error)),
              "error")  # fmt: skip
        active = forms.shown(model.active(read(), ward))
        return _page(Asked(ward, active, text=text)), 400
    flash(_("The policy is in the form and not saved yet: look at it, then save it."), "info")
    return _page(Asked(ward, forms.shown(document), replay=True))


def _asked_for(ward: str) -> policy.Policy:
    number = request.args.get("version", type=int)
    if number is None:
        return model.active(read(), ward)
    row = model.version(read(), ward, number)
    if row is None:
        abort(404)
    document: policy.Policy = json.loads(row["document"])
    return document


def _may_change(ward: str) -> bool:
    """A head nurse decides for her own ward only, though she may look at her neighbour's."""
    return current_user.ward in (None, ward)


def _require_own(ward: str) -> None:
    require_ward(ward)
    if not _may_change(ward):
        abort(403)


@dataclass(frozen=True)
class Asked:
    """What the page is to show: the form as typed; the version it was made from (None: the
    newest); the id of what has the focus; whether past calls are played; the JSON `text` that
    could not be taken in."""

    ward: str
    given: forms.Typed
    based_on: int | None = None
    focus: str = ""
    replay: bool = False
    text: str = ""


def _page(asked: Asked) -> str:
    tx, ward = read(), asked.ward
    known = wording.reach(tx, ward)
    beds = [str(row["bed"]) for row in wards.beds(tx, ward)]
    document, trouble = None, None
    try:
        document = forms.document(asked.given)
        policy.check(document)
    except FieldError as error:
        document, trouble = None, error
    courses = [] if document is None else service.courses(tx, ward, document)
    past = document if asked.replay else None
    return render_template(
        "escalation/policy.html",
        ward=ward,
        may_change=_may_change(ward),
        form=asked.given,
        focus=asked.focus,
        based_on=model.newest(tx, ward) if asked.based_on is None else asked.based_on,
        types=types.TYPES,
        targets=TARGETS,
        choices=known.choices(),
        units=UNITS,
        orders=wording.ORDERS,
        defaults=policy,
        beds=beds,
        trouble=None if trouble is None else (trouble.field, field_words(trouble)),
        where=None if trouble is None else wording.place(trouble.field),
        courses=[wording.course(each, document, len(beds), known) for each in courses if document],
        holes=_holes(courses),
        at_steps=_at_steps(courses),
        moment=None if document is None else _moment(courses, document, beds, known),
        replay=None if past is None else service.replay(tx, ward, past, tx.now_ms - REPLAY_MS),
        versions=_versions(tx, ward),
        text=asked.text,
    )


def _holes(courses: list[plan.Course]) -> int:
    return sum(len(each.holes) for each in courses)


def _at_steps(courses: list[plan.Course]) -> dict[tuple[int, int], list[str]]:
    """The words of the holes by (rule, step), each once, for the form itself."""
    found: dict[tuple[int, int], list[str]] = {}
    for course in courses:
        for each in course.holes:
            if course.rule is not None and each[0] is not None:
                words = found.setdefault((course.rule, each[0]), [])
                if wording.hole(each) not in words:
                    words.append(wording.hole(each))
    return found


def _moment(
    courses: list[plan.Course], document: policy.Policy, beds: list[str], known: wording.Reach
) -> dict[str, Any]:
    """What each call would do at one time of day at one bed, in one line each."""
    bed = request.values.get("try_bed", "")
    if bed not in beds:
        bed = beds[0] if beds else ""
    at = request.values.get("try_at", "")
    try:
        minute = policy.minute(at)
    except ValueError:
        at = at_time(read().now_ms)
        minute = policy.minute(at)
    lines = [
        {"title": one["title"], "priority": one["priority"], "words": wording.in_one_line(one)}
        for each in courses
        if plan.at_moment(each, minute) and (bed in each.beds or each.beds == (None,))
        for one in [wording.course(each, document, len(beds), known)]
    ]
    return {"at": at, "bed": bed, "lines": lines}


def _versions(tx: Tx, ward: str) -> list[dict[str, Any]]:
    """The newest versions first, each with what differs from the one before it."""
    rows = model.versions(tx, ward)
    documents = [json.loads(row["document"]) for row in rows] + [model.default(tx, ward)]
    return [
        {
            "version": row["version"],
            "saved_ms": row["saved_ms"],
            "by": row["by"],
            "difference": wording.difference(documents[place + 1], documents[place]),
        }
        for place, row in enumerate(rows[:VERSIONS_SHOWN])
    ]
