"""Pages: broadcasts past and running, whom one reached, and who may."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.broadcasts import model, service
from central.console.context import _, current_user, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.directory import model as directory
from central.errors import FieldError
from gateway.mqtt import kinds
from gateway.telephone.broadcasting import HEARD, HEARD_IN_CALL
from gateway.telephone.telling import Outcome

blueprint = Blueprint("broadcasts", __name__, template_folder="templates")

MAY = ("duty_manager",)
NAVIGATION = [(63, "/broadcasts", N_("Broadcasts"), MAY, "broadcast")]

STATES = {
    model.RUNNING: N_("being spoken"),
    model.ENDED: N_("ended"),
    model.REFUSED: N_("refused: no right to it"),
    model.OCCUPIED: N_("refused: somebody else was speaking"),
    model.REPLACED: N_("gave way to an urgent one"),
    model.TOO_LONG: N_("ended: too long"),
    model.FAILED: N_("failed"),
    model.CUT: N_("cut off: the system was away"),
}
PHONES = {
    HEARD: N_("heard"),
    HEARD_IN_CALL: N_("heard in a call"),
    model.MULTICAST: N_("by multicast, not confirmed"),
    model.QUIET: N_("left in peace: quiet hours"),
    Outcome.BUSY: N_("left in peace: in a call"),
    Outcome.UNREACHABLE: N_("not there"),
    Outcome.NO_ANSWER: N_("did not answer"),
    Outcome.FAILED: N_("failed"),
}
BOXES = {
    kinds.DONE: N_("heard"),
    kinds.DECLINED: N_("declined"),
    kinds.REFUSED: N_("failed"),
}
# What boxes give as reasons, in words.
REASONS = {
    "other words were spoken until it was over": N_("other words were spoken until it was over"),
    "this box sounds tones and speaks no words": N_("it sounds tones only"),
    "the ward's volume at this hour is 0 for this class": N_("the ward is mute at this hour"),
}
HOLDERS = {model.EXTENSION: N_("Extension"), model.CLASS: N_("Permission class")}
KINDS = {"0": N_("ordinary ones"), "1": N_("ordinary and urgent ones")}


def numbers() -> dict[str, str]:
    """Under which number each is dialled, by purpose."""
    rows = read().all("SELECT number, purpose FROM services WHERE purpose LIKE 'broadcast%'")
    return {row["purpose"]: row["number"] for row in rows}


@blueprint.get("/broadcasts")
@requires(*MAY)
def index() -> Any:
    return render_template(
        "broadcasts/index.html", rows=model.newest(read()), states=STATES, numbers=numbers()
    )


@blueprint.get("/broadcasts/<int:broadcast>")
@requires(*MAY)
def one(broadcast: int) -> Any:
    tx = read()
    row = model.one(tx, broadcast)
    if row is None:
        abort(404)
    return render_template(
        "broadcasts/one.html",
        row=row,
        phones=model.phones(tx, broadcast),
        boxes=model.boxes(tx, broadcast),
        states=STATES,
        phone_words=PHONES,
        box_words=BOXES,
        reasons=REASONS,
    )


@blueprint.get("/broadcasts/rights")
@requires("admin")
def rights() -> Any:
    return _rights_page()


def _rights_page(trouble: dict[str, str] | None = None, status: int = 200) -> Any:
    tx = read()
    page = render_template(
        "broadcasts/rights.html",
        rights=model.rights(tx),
        group=model.group(tx),
        extensions=directory.extensions(tx),
        classes=tx.all("SELECT name, label FROM permission_classes ORDER BY name"),
        holders=HOLDERS,
        kinds=KINDS,
        trouble=trouble or {},
        typed=request.form,
    )
    return page, status


@blueprint.post("/broadcasts/rights")
@requires("admin")
def allow() -> Any:
    holder, _slash, name = request.form.get("holder", "").partition("/")
    try:
        with transaction() as tx:
            urgent = request.form.get("urgent") == "1"
            service.allow(tx, holder, name, urgent, by=current_user.name)
    except FieldError as error:
        return _rights_page({"holder": field_words(error)}, 400)
    return redirect(url_for("broadcasts.rights"))


@blueprint.post("/broadcasts/rights/remove")
@requires("admin")
def forbid() -> Any:
    holder, _slash, name = request.form.get("holder", "").partition("/")
    with transaction() as tx:
        service.forbid(tx, holder, name, by=current_user.name)
    return redirect(url_for("broadcasts.rights"))


@blueprint.post("/broadcasts/group")
@requires("admin")
def set_group() -> Any:
    form = request.form
    try:
        with transaction() as tx:
            service.set_group(
                tx,
                form.get("group", "").strip() or None,
                form.get("network", "").strip() or None,
                form.get("from_phones", 0, type=int),
                by=current_user.name,
            )
    except FieldError as error:
        return _rights_page({error.field: field_words(error)}, 400)
    flash(_("The next broadcast goes that way."), "success")
    return redirect(url_for("broadcasts.rights"))
