"""The pages of calls, and what a board asks: accept, on the way, hand over."""

import json
from datetime import datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)

from central.calls import chart, errors, model, rights, service, types
from central.calls.rights import STAFF
from central.console import model as people
from central.console.context import (
    _,
    at_date,
    console,
    current_user,
    lang,
    local,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.errors import wants_json
from central.console.marks import N_
from central.console.sheet import download
from central.errors import FieldError
from central.escalation import phones, steps
from central.store import Row, Tx
from central.wards import model as wards

blueprint = Blueprint("calls", __name__, template_folder="templates")
NAVIGATION = [(15, "/calls", N_("Calls"), STAFF, "clock-history")]
SHOWN_MOST = 500
SHOWN_DAYS = 7

HISTORY = {
    "opened": N_("Opened"),
    "repeated": N_("Pressed again"),
    "heard": N_("Heard at the station or a board"),
    "accepted": N_("Accepted"),
    "on_the_way": N_("On the way"),
    "step": N_("Told to the next step"),
    "came_back": N_("Came back: nobody was at the bed"),
    "exhausted": N_("Nobody left to tell: alarm"),
    "attended": N_("Somebody is at the bed"),
    "resolved": N_("Seen to"),
    "recovered": N_("It works again"),
    "spread": N_("More equipment is concerned"),
    "cord_reset": N_("The cord was put back"),
    "plugged": N_("The handset was plugged in"),
    "handed_over": N_("Handed over to another ward"),
    "end_refused": N_("Ending from afar was refused"),
    "rang": N_("Phones rang"),
}
PRIORITIES = {"high": N_("high"), "medium": N_("medium"), "low": N_("low")}
COLUMNS = (
    N_("Call"), N_("Ward"), N_("Bed"), N_("Type"), N_("Priority"), N_("State"), N_("Opened"),
    N_("Heard"), N_("Accepted"), N_("Accepted by"), N_("Attended"),
)  # fmt: skip


@blueprint.get("/calls")
@requires(*STAFF)
def calls() -> Any:
    """Past and present calls with filters; CSV with `?format=csv`."""
    tx = read()
    ward = request.args.get("ward") or current_user.ward
    if ward:
        require_ward(ward)
    since_ms = _day_ms(request.args.get("from"))
    until_ms = _day_ms(request.args.get("to"), days_later=1)
    if since_ms is None:
        since_ms = tx.now_ms - SHOWN_DAYS * 24 * 3_600_000
    as_csv = request.args.get("format") == "csv"
    rows = model.find(
        tx,
        ward=ward,
        bed=request.args.get("bed", "").strip() or None,
        type=request.args.get("type") or None,
        since_ms=since_ms,
        until_ms=until_ms,
        limit=-1,
    )
    if as_csv:
        heading = [_(each) for each in COLUMNS]
        return download("calls.csv", heading, [_line(row) for row in rows])
    times = model.response_times(tx, ward, since_ms, until_ms or tx.now_ms + 1)
    return render_template(
        "calls/calls.html",
        rows=rows[:SHOWN_MOST],
        more=len(rows) > SHOWN_MOST,
        hours=chart.by_hour(rows, lambda ms: local(ms).hour),
        kinds=chart.by_type(rows),
        size=chart,
        ward=ward,
        wards=wards.wards(tx),
        times=times,
        names=people.displays(tx),
        shown_most=SHOWN_MOST,
        days=SHOWN_DAYS,
        **_names(),
    )


@blueprint.get("/calls/<int:call_id>")
@requires(*STAFF, "engineer")
def call(call_id: int) -> Any:
    """One call: its clocks and its history."""
    tx = read()
    row = _visible(tx, call_id)
    names = people.displays(tx)
    entries = [
        dict(each)
        | {
            "by": names.get(each["by"], each["by"]),
            "via": _where(each["via"], names),
            "detail": json.loads(each["detail"]),
        }
        for each in model.history(tx, call_id)
    ]
    others = [each for each in wards.wards(tx) if each["id"] != row["ward"]]
    return render_template(
        "calls/call.html",
        call=row,
        entries=entries,
        others=others,
        names=names,
        next=steps.next_step(tx, row, lang()),
        phones=phones.state(tx, row, lang()),
        told=lambda target: steps.target_words(target, lang()),
        rang=lambda outcomes: phones.outcome_words(outcomes, lang()),
        **_names(),
    )


def _where(via: str | None, names: dict[str, str]) -> str:
    """What a line of the history came through: a box, a person, or somebody's board."""
    if via is None:
        return "–"
    if via.startswith("board"):
        who = via.removeprefix("board").strip()
        return _("board") + (f" · {names.get(who, who)}" if who else "")
    if via.startswith("phone "):
        return _("phone %(number)s", number=via.removeprefix("phone "))
    return _("centre") if via == "central" else names.get(via, via)


@blueprint.post("/calls/<int:call_id>/accept")
@requires(*STAFF, "engineer")
def accept(call_id: int) -> Any:
    return _do(call_id, lambda tx: service.accept(tx, call_id, current_user.name, "board"))


@blueprint.post("/calls/<int:call_id>/on-the-way")
@requires(*STAFF)
def on_the_way(call_id: int) -> Any:
    return _do(call_id, lambda tx: service.on_the_way(tx, call_id, current_user.name, "board"))


@blueprint.post("/calls/<int:call_id>/hand-over")
@requires(*STAFF)
def hand_over(call_id: int) -> Any:
    ward = str(request.form.get("ward") or (request.get_json(silent=True) or {}).get("ward", ""))
    return _do(
        call_id, lambda tx: service.hand_over(tx, call_id, ward, current_user.name), ward=ward
    )


@blueprint.post("/calls/<int:call_id>/end")
@requires(*STAFF, "engineer")
def end(call_id: int) -> Any:
    """Refused for the call of a bed; ends one that belongs to no bed."""
    return _do(call_id, lambda tx: service.resolve(tx, call_id, current_user.name))


# What happened and what to do, by the error that says so.
_REFUSALS: dict[type[Exception], str] = {
    errors.CallEndedError: N_("Somebody has been at the bed already: call %(id)s is over."),
    errors.RemoteEndRefusedError: N_(
        "Call %(id)s cannot be ended from here: nobody has spoken with the patient."
        " Go to the bed and press presence."
    ),
    errors.UnknownWardError: N_("There is no ward %(ward)s. Choose one from the list."),
}


def _do(call_id: int, rule: Any, **values: Any) -> Any:
    """Run a rule on a call and answer the board in JSON, a form with the call's page."""
    _visible(read(), call_id)
    try:
        with transaction() as tx:
            rule(tx)
    except tuple(_REFUSALS) as error:
        words = _(_REFUSALS[type(error)], id=call_id, **values)
        if isinstance(error, errors.RemoteEndRefusedError):
            with transaction() as tx:
                service.note_refusal(tx, call_id, current_user.name)
        if not wants_json():
            flash(words, "error")
            return redirect(url_for("calls.call", call_id=call_id))
        error_id = error.error_id  # type: ignore[attr-defined]
        return jsonify(error=words, error_id=error_id), 409
    if not wants_json():
        return redirect(url_for("calls.call", call_id=call_id))
    fresh = model.one(read(), call_id)
    assert fresh is not None
    return jsonify(ok=True, call=model.as_json(read(), fresh))


def _visible(tx: Tx, call_id: int) -> Row:
    """The call, when it belongs to the user's ward or was sent there; 404 or 403 otherwise."""
    row = model.one(tx, call_id)
    if row is None:
        abort(404)
    if not rights.sees(tx, row, current_user.role, current_user.ward):
        abort(403)
    return row


def _names() -> dict[str, Any]:
    return {
        "types": types.TYPES,
        "history": HISTORY,
        "targets": steps.TARGETS,
        "states": model.STATES,
        "priorities": PRIORITIES,
    }


def _day_ms(text: str | None, days_later: int = 0) -> int | None:
    """The beginning of a day of the hospital, in ms. Raises FieldError."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d") + timedelta(days=days_later)
    except ValueError:
        raise FieldError("date", N_("Dates are written as 2026-11-24.")) from None
    return int(day.replace(tzinfo=console().timezone).timestamp() * 1000)


def _line(row: Row) -> list[Any]:
    clocks = [at_date(row[f"{each}_ms"]) for each in ("opened", "heard", "accepted", "attended")]
    kind, priority, state = types.of(row["type"]).title, row["priority"], row["state"]
    what = [_(kind), _(PRIORITIES[priority]), _(model.STATES[state])]
    return [row["id"], row["ward"], row["bed"], *what, *clocks[:3], row["accepted_by"], clocks[3]]
