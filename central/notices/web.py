"""The page of a ward's notices: what nobody has confirmed yet, and what was."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for

from central.console import model as people
from central.console.context import (
    current_user,
    lang,
    read,
    require_ward,
    requires,
    transaction,
    ward_name,
)
from central.console.marks import N_
from central.notices import model, service
from central.wards import model as wards

blueprint = Blueprint("notices", __name__, template_folder="templates")
NURSES = ("nurse", "head_nurse", "duty_manager")
NAVIGATION = [(22, "/notices", N_("Notices"), NURSES, "person-check")]
SHOWN = 100
STATES = {
    model.OPEN: N_("told again until somebody confirms it"),
    model.ACCEPTED: N_("confirmed"),
    model.SAID: N_("said by the loudspeaker"),
    model.UNHEARD: N_("nobody has confirmed it"),
    model.WITHDRAWN: N_("taken back"),
}


@blueprint.get("/notices")
@requires(*NURSES)
def index() -> Any:
    """Of one's own ward, or of the ward asked for."""
    tx = read()
    every = wards.wards(tx)
    ward = request.args.get("ward") or current_user.ward or (every[0]["id"] if every else None)
    if ward is not None:
        require_ward(ward)
    names = people.displays(tx)
    rows = [
        dict(row) | {"text": model.text(row, lang()), "by": names.get(row["by"], row["by"])}
        for row in (model.latest(tx, ward, SHOWN) if ward is not None else ())
    ]
    return render_template(
        "notices/index.html",
        ward=ward,
        name=ward_name(ward) if ward else "",
        rows=rows,
        states=STATES,
        waiting=(model.OPEN, model.UNHEARD),
        wards=[each for each in every if current_user.ward in (None, each["id"])],
    )


@blueprint.post("/notices/<int:notice>/accept")
@requires(*NURSES)
def accept(notice: int) -> Any:
    """Somebody has read it: the telephone rings no more for it."""
    row = model.one(read(), notice)
    if row is None:
        abort(404)
    require_ward(row["ward"])
    with transaction() as tx:
        service.accept(tx, notice, current_user.name)
    return redirect(url_for("notices.index", ward=row["ward"]))
