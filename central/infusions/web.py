"""The pages of drips and dressings: what runs, and one of them with all that is done to it."""

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for

from central.console.context import (
    _,
    console,
    current_user,
    note_patient_read,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.infusions import chart, forms, model, orders, service
from central.infusions.forms import STAFF, row_of
from central.infusions.shown import STAGES, STATES, live, told
from central.wards import model as wards

blueprint = Blueprint(
    "infusions",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/infusions",
)
NAVIGATION = [(20, "/infusions", N_("Infusions"), STAFF, "droplet")]

forms.add_to(blueprint)


@blueprint.app_context_processor
def _names() -> dict[str, Any]:
    return {
        "drip_stages": STAGES,
        "drip_states": STATES,
        "may_see_drips": current_user.is_authenticated and current_user.role in (*STAFF, "admin"),
    }


# --- lists ---


@blueprint.get("/infusions")
@requires(*STAFF)
def index() -> Any:
    tx = read()
    ward = _ward_asked()
    rows = [live(each, tx.now_ms) for each in model.running(tx, ward)]
    ordered = orders.waiting(tx, ward)
    if ordered:
        note_patient_read(f"infusions/{ward or 'all'}")
    ended = [row for row in model.over(tx) if ward in (None, row["ward"])]
    return render_template(
        "infusions/index.html",
        rows=rows,
        ordered=ordered,
        ended=ended,
        ward=ward,
        wards=[row["id"] for row in wards.wards(tx)] if current_user.ward is None else [],
    )


@blueprint.get("/infusions/levels")
@requires(*STAFF)
def levels() -> Any:
    """What moves on the pages, by id, in the user's words."""
    tx = read()
    only = request.args.get("id", type=int)
    rows = [model.described(tx, row_of(tx, only))] if only else model.running(tx, _ward_asked())
    return jsonify({str(row["id"]): live(row, tx.now_ms)["live"] for row in rows})


def _ward_asked() -> str | None:
    """The ward to show: the user's own, or the one asked for; None: all of them."""
    ward = request.args.get("ward") or current_user.ward
    if ward is not None:
        require_ward(ward)
    return ward


# --- what is ordered ---


@blueprint.post("/infusions/orders/<int:order>/<any(rate, stop, seen):what>")
@requires(*STAFF)
def order(order: int, what: str) -> Any:
    """A nurse decides about an order: sets the drip as it says now, stops it, or has seen it."""
    by, wrong = current_user.name, None
    try:
        with transaction() as tx:
            for found in orders.waiting(tx, None, order):
                require_ward(found["ward"])
            found = orders.settle(tx, order, by)
            if what == "rate":
                service.set_rate(tx, found["infusion"], request.form.get("gtt_per_min"), by)
            elif what == "stop":
                service.stop(tx, found["infusion"], by, _("stopped by the order"))
    except FieldError as error:
        wrong = field_words(error)
    except (orders.UnknownOrderError, service.UnknownInfusionError, service.InfusionOverError):
        wrong = _("This order is settled already.")
    flash(wrong or _("Noted."), "error" if wrong else "success")
    return redirect(url_for("infusions.index", ward=request.args.get("ward")))


# --- one drip ---


@blueprint.get("/infusions/<int:infusion>")
@requires(*STAFF)
def one(infusion: int) -> Any:
    return _one(infusion, {}, {})


def _one(infusion: int, given: dict[str, Any], wrong: dict[str, str]) -> Any:
    tx = read()
    row = row_of(tx, infusion)
    picture = None
    if row["what"] == "bottle":
        until_ms = row["ended_ms"] or tx.now_ms
        prompts = [(_(STAGES[each.stage]), each.at_ms) for each in model.moments(tx, row)]
        picture = chart.draw(
            model.drip_of(tx, row),
            until_ms,
            console().timezone,
            prompts,
            over=row["ended_ms"] is not None,
        )
    page = render_template(
        "infusions/one.html",
        row=live(model.described(tx, row), tx.now_ms),
        chart=picture,
        history=[told(each) for each in reversed(model.history(tx, infusion))],
        follows=tx.value("SELECT id FROM infusions WHERE previous = ?", (infusion,)),
        given=given,
        wrong=wrong,
        size=(chart.WIDTH, chart.HEIGHT, chart.LEFT, chart.RIGHT, chart.TOP, chart.BOTTOM),
    )
    return page, 422 if wrong else 200


@blueprint.post("/infusions/<int:infusion>/<any(rate, pause, resume, level, finish, stop):what>")
@requires(*STAFF)
def change(infusion: int, what: str) -> Any:
    given, by = request.form.to_dict(), current_user.name
    try:
        with transaction() as tx:
            row_of(tx, infusion)
            if what == "rate":
                service.set_rate(tx, infusion, given.get("gtt_per_min"), by)
            elif what == "pause":
                service.pause(tx, infusion, by)
            elif what == "resume":
                service.resume(tx, infusion, by)
            elif what == "level":
                service.rebaseline(
                    tx, infusion, by, remaining_ml=given.get("remaining_ml") or None,
                    gtt_per_min=given.get("counted") or None,
                )  # fmt: skip
            elif what == "finish":
                service.finish(tx, infusion, by)
            else:
                service.stop(tx, infusion, by, given.get("why", "").strip()[:200])
    except FieldError as error:
        field = "counted" if what == "level" and error.field == "gtt_per_min" else error.field
        return _one(infusion, given, {field: field_words(error)})
    except (service.InfusionOverError, service.UnknownInfusionError):
        flash(_("This drip is over; nothing about it can be changed."), "error")
    return redirect(url_for("infusions.one", infusion=infusion))
