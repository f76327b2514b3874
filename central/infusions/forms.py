"""Starting a drip or a dressing reminder: by form, as the next bottle, or by another program."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for

from central.console.context import (
    _,
    at_time,
    current_user,
    lasted,
    local,
    note_patient_read,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.infusions import checks, drip, model, orders, service
from central.infusions.drip import Drip, Segment
from central.infusions.shown import STAGES
from central.store import Row, Tx
from central.wards import model as wards

STAFF = ("nurse", "head_nurse")
# What another program is told of the bottle it started.
ANSWER = (
    "id", "ward", "bed", "state", "revision", "remaining_ml", "ends_ms", "next_stage", "next_ms",
)  # fmt: skip


def add_to(blueprint: Blueprint) -> None:
    """Let `blueprint` answer for these pages."""
    pages = (("/new", new), ("/dressing", dressing), ("/<int:infusion>/next", next_bottle))
    for path, view in pages:
        blueprint.add_url_rule("/infusions" + path, view_func=view, methods=["GET", "POST"])
    blueprint.add_url_rule("/infusions/preview", view_func=preview)
    blueprint.add_url_rule("/api/infusions", view_func=api_start, methods=["POST"])


def row_of(tx: Tx, infusion: int) -> Row:
    """A drip the user may see, or the page that says why not."""
    row = model.get(tx, infusion)
    if row is None:
        abort(404)
    require_ward(row["ward"])
    return row


@requires(*STAFF)
def new() -> Any:
    given: dict[str, Any] = request.form.to_dict() if request.method == "POST" else _proposal()
    wrong: dict[str, str] = {}
    order: dict[str, Any] | None = None
    if (asked := request.values.get("order", type=int)) is not None:
        try:
            order = orders.proposal(read(), asked)
        except orders.UnknownOrderError:
            flash(_("This order needs no bottle any more."), "error")
            return redirect(url_for("infusions.index"))
        require_ward(order["ward"])
        note_patient_read(f"infusion_order/{asked}")
        if request.method == "GET":
            given = orders.as_form(order)
    if request.method == "POST":
        infusion, wrong = _start(_placed(given), order=order)
        if infusion is not None:
            flash(_("The drip is started; the bed will speak in time."), "success")
            return redirect(url_for("infusions.one", infusion=infusion))
    return _form(given, wrong, order=order)


def _proposal() -> dict[str, Any]:
    ward, bed = request.args.get("ward"), request.args.get("bed")
    place = f"{ward}/{bed}" if ward and bed else ""
    return {"place": place, "factor": "20", "volume_ml": "", "gtt_per_min": ""}


def _form(
    given: dict[str, Any],
    wrong: dict[str, str],
    previous: Row | None = None,
    order: dict[str, Any] | None = None,
) -> Any:
    tx = read()
    ward, _slash, bed = str(given.get("place", "")).partition("/")
    also = [] if previous else model.active(tx, ward, bed) if bed else []
    page = render_template(
        "infusions/new.html",
        given=given,
        wrong=wrong,
        places=_places(tx),
        factors=drip.FACTORS,
        previous=previous,
        also=also,
        order=order,
    )
    return page, 422 if wrong else 200


def _places(tx: Tx) -> list[tuple[str, list[str]]]:
    """(ward, beds) of the wards the user may see."""
    return [
        (row["id"], [bed["bed"] for bed in wards.beds(tx, row["id"])])
        for row in wards.wards(tx)
        if current_user.ward in (None, row["id"])
    ]


def _placed(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of the form as the checks know them: one choice is a ward and a bed."""
    ward, _slash, bed = str(given.get("place", "")).partition("/")
    return given | {"ward": ward, "bed": bed}


def _start(
    given: dict[str, Any], previous: int | None = None, order: dict[str, Any] | None = None
) -> tuple[int | None, dict[str, str]]:
    """Start a bottle. (its id, {}) or (None, what is wrong by field)."""
    with transaction() as tx:
        before = None if previous is None else row_of(tx, previous)
        given = given | {"started_ms": given.get("started_ms") or None}
        late: list[FieldError] = []
        if given.get("started"):
            try:
                given["started_ms"] = _clock_ms(tx, str(given["started"]))
            except FieldError as error:
                late.append(error)
        if given.get("ward") and wards.ward(tx, str(given["ward"])) is not None:
            require_ward(str(given["ward"]))
        bottle, wrong = checks.bottle(tx, given, before["bottle_no"] + 1 if before else 1)
        wrong = wrong + late
        if bottle and order and (bottle.ward, bottle.bed) != (order["ward"], order["bed"]):
            wrong.append(FieldError("bed", N_("The order is for bed %(bed)s."), bed=order["bed"]))
            bottle = None
        if bottle is None or late:
            return None, {error.field: field_words(error) for error in wrong}
        if before is not None:
            return service.next_bottle(tx, before["id"], bottle, current_user.name), {}
        infusion = service.start_checked(tx, bottle, current_user.name)
        if order is not None:
            orders.confirmed(tx, order["id"], infusion, current_user.name)
        return infusion, {}


def _clock_ms(tx: Tx, text: str) -> int:
    """14:05 as hospital ms: today's, or yesterday's when that is nearer."""
    try:
        time = datetime.strptime(text.strip()[:5], "%H:%M").time()
    except ValueError as error:
        raise FieldError(
            "started_ms", "“%(value)s” is not a time of day.", value=text[:20]
        ) from error
    now = local(tx.now_ms)
    found = datetime.combine(now.date(), time, now.tzinfo)
    if found - now > timedelta(hours=12):
        found -= timedelta(days=1)
    return int(found.timestamp() * 1000)


@requires(*STAFF)
def preview() -> Any:
    """End and prompts of a bottle as it is being typed."""
    tx, given = read(), request.args
    try:
        volume_ml = checks.volume(given.get("volume_ml"))
        factor = checks.factor(given.get("factor"))
        rate = checks.rate(given.get("gtt_per_min"))
    except FieldError as error:
        return jsonify(field=error.field, error=field_words(error))
    try:
        began_ms = _clock_ms(tx, given["started"]) if given.get("started") else tx.now_ms
    except FieldError as error:
        return jsonify(field=error.field, error=field_words(error))
    bottle = Drip(volume_ml, factor, (Segment(began_ms, rate),))
    ends_ms = bottle.ends_ms() or began_ms
    return jsonify(
        ends_ms=ends_ms,
        ends=_(
            "Runs for %(time)s and ends at %(end)s.",
            time=lasted(ends_ms - began_ms),
            end=at_time(ends_ms),
        ),
        prompts=[
            {
                "stage": each.stage,
                "at_ms": each.at_ms,
                "at": at_time(each.at_ms),
                "words": _(STAGES[each.stage]),
            }
            for each in bottle.moments()
        ],
    )  # fmt: skip


@requires(*STAFF)
def dressing() -> Any:
    given = request.form.to_dict() if request.method == "POST" else _proposal()
    wrong: dict[str, str] = {}
    if request.method == "POST":
        placed = _placed(given)
        try:
            with transaction() as tx:
                ward, bed = checks.place(tx, placed["ward"], placed["bed"])
                require_ward(ward)
                infusion = service.remind_dressing(
                    tx, ward=ward, bed=bed, in_min=given.get("in_min"), by=current_user.name,
                    every_min=given.get("every_min"), label=given.get("label", ""),
                )  # fmt: skip
            flash(_("The bed will remind of the dressing change."), "success")
            return redirect(url_for("infusions.one", infusion=infusion))
        except FieldError as error:
            wrong = {error.field: field_words(error)}
    page = render_template(
        "infusions/dressing.html", given=given, wrong=wrong, places=_places(read())
    )
    return page, 422 if wrong else 200


@requires(*STAFF)
def next_bottle(infusion: int) -> Any:
    tx = read()
    row = row_of(tx, infusion)
    if row["ended_ms"] is not None or row["what"] != "bottle":
        flash(_("This drip is over; nothing about it can be changed."), "error")
        return redirect(url_for("infusions.one", infusion=infusion))
    place = f"{row['ward']}/{row['bed']}"
    wrong: dict[str, str] = {}
    if request.method == "POST":
        given: dict[str, Any] = request.form.to_dict() | {"place": place}
        started, wrong = _start(_placed(given), infusion)
        if started is not None:
            flash(_("The next bottle is started; the bed will speak in time."), "success")
            return redirect(url_for("infusions.one", infusion=started))
    else:
        given = {
            "place": place,
            "volume_ml": row["volume_ml"],
            "factor": str(row["factor"]),
            "gtt_per_min": model.last_rate(tx, infusion),
            "of_bottles": row["of_bottles"] or "",
        }
    return _form(given, wrong, previous=row)


# --- for other programs ---


@requires(*STAFF)
def api_start() -> Any:
    """Start a bottle: JSON with the fields of `service.start`; answers ANSWER, or 422
    with {"errors": {field: message}}."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        return jsonify(errors={"": _("The request must be a JSON object.")}), 422
    infusion, wrong = _start(given)
    if infusion is None:
        return jsonify(errors=wrong), 422
    tx = read()
    row = model.described(tx, row_of(tx, infusion))
    return jsonify({key: row[key] for key in ANSWER}), 201
