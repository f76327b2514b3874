"""Pages: announcements to come and past, a new one, and how loud a ward is."""

import asyncio
import json
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.announcements import forms, model, service
from central.announcements.rules import checked_text, lang_of
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
    ward_name,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.console.sheet import download
from central.errors import FieldError
from central.store import Row, Tx
from central.wards import model as wards
from gateway.mqtt import kinds
from gateway.speech.library import SpeechUnavailableError, from_config

blueprint = Blueprint(
    "announcements",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/announcements",
)

SPEAKERS = ("nurse", "head_nurse", "duty_manager")
NAVIGATION = [(30, "/announcements", N_("Announcements"), SPEAKERS, "megaphone")]

STATES = {
    model.SCHEDULED: N_("to come"),
    model.SENT: N_("said"),
    model.CANCELLED: N_("cancelled"),
    model.FAILED: N_("not heard"),
    model.MISSED: N_("missed: the system was away at that time"),
}
CLASSES = {kinds.ANNOUNCEMENT: N_("Announcement"), kinds.EMERGENCY: N_("Emergency")}
NO_VOICE = N_("These words cannot be spoken just now: no speech engine answers. Tell the engineer.")
COLUMNS = (
    N_("Due"),
    N_("Wards"),
    N_("Kind"),
    N_("Words"),
    N_("By"),
    N_("State"),
    N_("Late, s"),
    N_("Boxes that spoke it"),
)
DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def _my_wards(tx: Tx) -> list[Row]:
    """The wards the user may speak to: her own and those she looks after."""
    mine = current_user.ward
    return [row for row in wards.wards(tx) if mine in (None, row["id"], row["neighbour"])]


def _is_mine(tx: Tx, names: list[str]) -> bool:
    return set(names) <= {row["id"] for row in _my_wards(tx)}


def _no_screens() -> None:
    """A screen on the wall has no person who answers for what is said."""
    if current_user.kiosk:
        abort(403)


def _mine_or_stop(tx: Tx, announcement: int) -> Row:
    row = model.one(tx, announcement)
    if row is None:
        abort(404)
    if not _is_mine(tx, model.wards_of(row)):
        abort(403)
    return row


def _heard(tx: Tx, run: int) -> str:
    """Heard in ward 3 (2 of 2 boxes); in ward 5 (1 of 2 boxes)."""
    parts = []
    for each in model.heard(tx, run):
        name = ward_name(each["ward"])
        numbers = {"spoke": each["spoke"], "asked": each["asked"]}
        words = _("%(ward)s: %(spoke)s of %(asked)s boxes", ward=name, **numbers)
        if each["waiting"]:
            words += _(", %(waiting)s not answered yet", waiting=each["waiting"])
        parts.append(words)
    return _("; ").join(parts)


def _past(tx: Tx) -> list[dict[str, Any]]:
    mine = {row["id"] for row in _my_wards(tx)}
    return [
        dict(row) | {"wards": model.wards_of(row), "heard": _heard(tx, row["run"])}
        for row in model.past(tx)
        if mine & set(model.wards_of(row))
    ]


def _repeat(row: Row) -> str:
    """Every day, or the days by name; nothing for one that comes once."""
    days = model.days_of(row)
    if not days:
        return ""
    if len(days) == len(DAYS):
        return _("every day")
    return " ".join(_(DAYS[day]) for day in days)


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {"announcement_states": STATES, "announcement_classes": CLASSES}


@blueprint.get("/announcements")
@requires(*SPEAKERS)
def announcements() -> Any:
    tx = read()
    mine = {row["id"] for row in _my_wards(tx)}
    coming = [
        dict(row) | {"wards": model.wards_of(row), "repeat": _repeat(row)}
        for row in model.coming(tx)
        if mine & set(model.wards_of(row))
    ]
    return render_template(
        "announcements/list.html", coming=coming, past=_past(tx), wards=_my_wards(tx)
    )


@blueprint.route("/announcements/new", methods=["GET", "POST"])
@requires(*SPEAKERS)
def new() -> Any:
    _no_screens()
    if request.method == "POST":
        return _take(None)
    tx = read()
    asked = request.args.get("ward") or current_user.ward
    mine: list[str] = [row["id"] for row in _my_wards(tx)]
    chosen = [asked] if asked and asked in mine else mine if len(mine) == 1 else []
    return _form(None, forms.fresh(chosen, local(tx.now_ms)), {})


@blueprint.get("/announcements/<int:announcement>")
@requires(*SPEAKERS)
def one(announcement: int) -> Any:
    tx = read()
    row = model.one(tx, announcement)
    if row is None:
        abort(404)
    if not {each["id"] for each in _my_wards(tx)} & set(model.wards_of(row)):
        abort(403)
    runs = [
        dict(run) | {"heard": _heard(tx, run["run"]), "nodes": model.asked(tx, run["run"])}
        for run in model.runs(tx, announcement)
    ]
    return render_template(
        "announcements/one.html",
        row=row,
        wards=model.wards_of(row),
        repeat=_repeat(row),
        runs=runs,
        may_change=row["state"] == model.SCHEDULED and _is_mine(tx, model.wards_of(row)),
    )


@blueprint.route("/announcements/<int:announcement>/edit", methods=["GET", "POST"])
@requires(*SPEAKERS)
def edit(announcement: int) -> Any:
    _no_screens()
    row = _mine_or_stop(read(), announcement)
    if request.method == "POST":
        return _take(announcement)
    return _form(announcement, forms.of_row(row, local(row["at_ms"])), {})


@blueprint.post("/announcements/<int:announcement>/cancel")
@requires(*SPEAKERS)
def cancel(announcement: int) -> Any:
    _no_screens()
    try:
        with transaction() as tx:
            _mine_or_stop(tx, announcement)
            service.cancel(tx, announcement, current_user.name)
    except FieldError as error:
        flash(field_words(error), "error")
    else:
        flash(_("It will not be said."), "success")
    return redirect(url_for("announcements.announcements"))


def _take(announcement: int | None) -> Any:
    typed = forms.typed(request.form)
    try:
        when = forms.when(request.form, str(console().timezone))
        with transaction() as tx:
            known = {row["id"] for row in wards.wards(tx)} & set(typed["wards"])
            if not _is_mine(tx, list(known)):
                raise FieldError("wards", N_("You may speak only to your own ward."))
            given = (tx, typed["wards"], typed["text"], typed["class"])
            if announcement is not None:
                service.edit(
                    *given[:1], announcement, *given[1:], current_user.name,
                    at_ms=when.at_ms, daily=when.daily,
                )  # fmt: skip
            elif when.at_ms is None and when.daily is None:
                announcement = service.announce_now(*given, current_user.name)
            else:
                announcement = service.schedule(
                    *given, current_user.name, at_ms=when.at_ms, daily=when.daily
                )
    except FieldError as error:
        field = {"at": "time", "minute": "time"}.get(error.field, error.field)
        return _form(announcement, typed, {field: field_words(error)}), 400
    return redirect(url_for("announcements.one", announcement=announcement))


def _form(announcement: int | None, typed: dict[str, Any], trouble: dict[str, str]) -> str:
    return render_template(
        "announcements/form.html",
        announcement=announcement,
        typed=typed,
        trouble=trouble,
        wards=_my_wards(read()),
        days=DAYS,
    )


@blueprint.post("/announcements/preview")
@requires(*SPEAKERS)
def preview() -> Any:
    """The words as a WAV, so that they can be heard before the ward hears them."""
    text = checked_text(request.form.get("text", ""))

    async def render() -> bytes:
        library = from_config(console().config["speech"])
        try:
            audio = await library.audio(lang_of(text) or lang(), text)
            return audio.path.read_bytes()
        finally:
            await library.close()

    try:
        sound = asyncio.run(render())
    except SpeechUnavailableError:
        flash(_(NO_VOICE), "error")
        return redirect(url_for("announcements.new"))
    return Response(sound, mimetype="audio/wav")


@blueprint.get("/announcements.csv")
@requires(*SPEAKERS)
def table() -> Response:
    """What was said, as a table for other programs."""
    lines = [
        [
            at_date(row["due_ms"]),
            " ".join(row["wards"]),
            _(CLASSES[row["class"]]),
            row["text"],
            row["created_by"],
            _(STATES[row["state"]]),
            row["late_ms"] // 1000,
            row["heard"],
        ]
        for row in _past(read())
    ]
    return download("announcements.csv", [_(each) for each in COLUMNS], lines)


@blueprint.get("/announcements/volume")
@requires(*SPEAKERS, "engineer")
def volumes() -> Any:
    tx = read()
    rows = [
        {"id": row["id"]} | forms.volume_shown(json.loads(row["settings"])) for row in _my_wards(tx)
    ]
    return render_template("announcements/volumes.html", rows=rows)


@blueprint.route("/announcements/volume/<ward>", methods=["GET", "POST"])
@requires(*SPEAKERS, "engineer")
def volume(ward: str) -> Any:
    """How loud the ward is by time of day."""
    require_ward(ward)
    _no_screens()
    trouble: dict[str, str] = {}
    shown = forms.volume_shown(wards.settings(read(), ward))
    if request.method == "POST":
        shown = forms.volume_typed(request.form)
        try:
            day_volume, bands, floor = forms.volume(shown)
            with transaction() as tx:
                service.set_volume(tx, ward, day_volume, bands, floor, current_user.name)
        except FieldError as error:
            trouble[error.field] = field_words(error)
        else:
            flash(_("The volume is set; the ward's boxes have it within seconds."), "success")
            return redirect(url_for("announcements.volume", ward=ward))
    page = render_template("announcements/volume.html", ward=ward, shown=shown, trouble=trouble)
    return page, 400 if trouble else 200
