"""The pages of escalation policies: try, see the holes, save, compare with past calls."""

import json
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.calls import types
from central.calls.web import TARGETS
from central.console.context import _, current_user, read, require_ward, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.escalation import model, policy, service
from central.escalation.policy import Hole
from central.wards import model as wards

blueprint = Blueprint("escalation", __name__, template_folder="templates")
DECIDERS = ("head_nurse", "duty_manager")
NAVIGATION = [(40, "/policies", N_("Escalation"), DECIDERS, "diagram-3")]
REPLAY_MS = 30 * 24 * 3_600_000


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
        rows.append(
            {
                "ward": ward["id"],
                "name": model.active(tx, ward["id"])["name"],
                "version": newest[0] if newest else None,
                "holes": len(service.simulate(tx, ward["id"], model.active(tx, ward["id"]))),
            }
        )
    return render_template("escalation/policies.html", rows=rows)


@blueprint.get("/policies/<ward>")
@requires(*DECIDERS)
def edit(ward: str) -> Any:
    require_ward(ward)
    tx = read()
    document = model.active(tx, ward)
    number = request.args.get("version", type=int)
    if number is not None:
        row = model.version(tx, ward, number)
        if row is None:
            abort(404)
        document = json.loads(row["document"])
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return _page(ward, text, document)


@blueprint.post("/policies/<ward>")
@requires(*DECIDERS)
def save(ward: str) -> Any:
    """Save, or with `action=try` only show what the trial finds."""
    _require_own(ward)
    text = request.form.get("document", "").replace("\r\n", "\n")
    try:
        document = policy.parse(text)
        if request.form.get("action") == "try":
            return _page(ward, text, document, tried=True)
        with transaction() as tx:
            number = service.save_policy(tx, ward, document, current_user.name)
    except FieldError as error:
        words = field_words(error)
        flash(_("Not saved. In %(where)s: %(what)s", where=error.field, what=words), "error")
        return _page(ward, text, None), 400
    except service.PolicyHoleError as error:
        words = _("Not saved: %(n)s holes. They are listed below; mend them and save again.",
                  n=len(error.holes))  # fmt: skip
        flash(words, "error")
        return _page(ward, text, document, tried=True), 409
    flash(_("Saved as version %(n)s. It is used from the next call on.", n=number), "success")
    return redirect(url_for("escalation.edit", ward=ward))


def _require_own(ward: str) -> None:
    """A head nurse decides for her own ward only, though she may look at her neighbour's."""
    require_ward(ward)
    if current_user.ward not in (None, ward):
        abort(403)


def _page(ward: str, text: str, document: policy.Policy | None, tried: bool = False) -> Any:
    tx = read()
    holes = None if document is None else service.simulate(tx, ward, document)
    replay = None
    if document is not None:
        replay = service.replay(tx, ward, document, tx.now_ms - REPLAY_MS)
    return render_template(
        "escalation/policy.html",
        ward=ward,
        text=text,
        tried=tried,
        holes=holes,
        table=None if holes is None else _table(ward, holes),
        replay=replay,
        types=types.TYPES,
        targets=TARGETS,
        versions=model.versions(tx, ward),
    )


def _table(ward: str, holes: list[Hole]) -> list[dict[str, Any]]:
    """Per bed, the words of its holes by call type."""
    beds: list[str | None] = [row["bed"] for row in wards.beds(read(), ward)]
    return [
        {
            "bed": bed,
            "types": {
                type: [
                    {"hours": _hours(hole.hours), "words": _(hole.reason, **dict(hole.values))}
                    for hole in holes
                    if (hole.bed, hole.type) == (bed, type)
                ]
                for type in types.TYPES
                if (bed is None) == (type in types.TECHNICAL)
            },
        }
        for bed in [None, *beds]
    ]


def _hours(hours: tuple[int, ...]) -> str:
    """(22, 23, 0, 1) sorted as 00:00-02:00, 22:00-24:00; all of them as the whole day."""
    if len(hours) == 24:
        return _("whole day")
    spans: list[list[int]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return ", ".join(f"{start:02}:00–{end:02}:00" for start, end in spans)
