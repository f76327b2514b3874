"""The pages of recordings: what is kept and can be heard, and by which rules calls are recorded."""

from pathlib import Path
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for

from central.call_records.web import MAY_HEAR, note, words
from central.console.context import _, console, current_user, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.recordings import model, service
from central.store import Row

blueprint = Blueprint("recordings", __name__, template_folder="templates")
NAVIGATION = [(63, "/recordings", N_("Recordings"), MAY_HEAR, "record-circle")]
PAGE = 50


@blueprint.get("/recordings")
@requires(*MAY_HEAR)
def index() -> Any:
    """What is kept, the newest first."""
    tx = read()
    extension = request.args.get("extension", "").strip()[:16]
    page = max(0, request.args.get("page", 0, type=int))
    rows = model.newest(tx, extension, PAGE + 1, page * PAGE)
    note("recording.list", detail={"extension": extension} if extension else None)
    return render_template(
        "recordings/index.html",
        rows=[described(row) for row in rows[:PAGE]],
        more=len(rows) > PAGE,
        page=page,
        extension=extension,
        **words(tx),
    )


def described(row: Row) -> dict[str, Any]:
    """A recording for a page: until when it is kept, and how it came to be."""
    return {
        **dict(row),
        "until_ms": row["started_ms"] + row["keep_days"] * model.DAY_MS,
        "by": {model.BY_KEY: _("by key"), model.BY_APPLICATION: _("by Wardline")}.get(
            row["rule"], _("rule %(n)s", n=row["rule"])
        ),
    }


@blueprint.get("/recordings/<int:recording>/sound.wav")
@requires(*MAY_HEAR)
def sound(recording: int) -> Any:
    """The voices, or the part that is asked for."""
    return played(recording)


def played(recording: int) -> Any:
    """The answer with its sound. Each listening is in the audit before anything is heard, and where
    that cannot be written nothing is."""
    row = model.one(read(), recording)
    path = _path(row) if row is not None else None
    if row is None or path is None or not path.is_file():
        abort(404)
    if request.range and request.range.range_for_length(path.stat().st_size) is None:
        abort(416)
    with transaction() as tx:
        service.listen(tx, row, current_user.name, request.remote_addr or "?")
    return send_file(path, mimetype="audio/wav", conditional=True, etag=False, max_age=0)


def _path(row: Row) -> Path | None:
    """Where it lies; None when its time was over, or no exchange is here."""
    folder = (console().config.get("exchange") or {}).get("folder")
    if row["deleted_ms"] is not None or not folder:
        return None
    return Path(folder) / row["folder"] / row["file"]


# --- rules ---


@blueprint.get("/recordings/rules")
@requires("admin")
def rules() -> Any:
    return _rules_page()


def _rules_page(trouble: dict[str, str] | None = None, status: int = 200) -> Any:
    tx = read()
    page = render_template(
        "recordings/rules.html",
        rules=model.rules(tx),
        by_key=model.by_key(tx),
        standing=[
            (_("By key during a call"), model.rule(tx, model.BY_KEY)),
            (_("Conversations with Wardline"), model.rule(tx, model.BY_APPLICATION)),
        ],
        choices=service.DIRECTIONS,
        trouble=trouble or {},
        typed=request.form,
        **words(tx),
    )
    return page, status


@blueprint.post("/recordings/rules")
@requires("admin")
def add_rule() -> Any:
    form = request.form
    try:
        with transaction() as tx:
            service.add_rule(
                tx,
                extension=form.get("extension", "").strip(),
                rights=form.get("rights", ""),
                direction=form.get("direction", ""),
                keep_days=_days(),
                by=current_user.name,
            )
    except FieldError as error:
        return _rules_page({error.field: field_words(error)}, 400)
    flash(_("Calls that fit are recorded from now on; the caller hears so before."), "success")
    return redirect(url_for("recordings.rules"))


@blueprint.post("/recordings/rules/<int:rule>/remove")
@requires("admin")
def remove_rule(rule: int) -> Any:
    return _change(
        rule,
        lambda tx: service.remove_rule(tx, rule, by=current_user.name),
        _("Nothing is recorded by this rule any more; what it recorded stays for its days."),
    )


@blueprint.post("/recordings/rules/<int:rule>/keep")
@requires("admin")
def keep(rule: int) -> Any:
    return _change(
        rule,
        lambda tx: service.keep(tx, rule, _days(), by=current_user.name),
        _("Recordings are kept so long now."),
    )


def _change(rule: int, job: Any, done: str) -> Any:
    if model.rule(read(), rule) is None:
        abort(404)
    try:
        with transaction() as tx:
            job(tx)
    except FieldError as error:
        return _rules_page({f"{error.field}-{rule}": field_words(error)}, 400)
    flash(done, "success")
    return redirect(url_for("recordings.rules"))


@blueprint.post("/recordings/key")
@requires("admin")
def key() -> Any:
    on = request.form.get("on") == "1"
    with transaction() as tx:
        service.switch_key(tx, on, by=current_user.name)
    said = (
        N_("Phones may record by a key now.") if on else N_("No phone records by a key any more.")
    )
    flash(_(said), "success")
    return redirect(url_for("recordings.rules"))


def _days() -> int:
    """0, which is refused, for what is no number."""
    return request.form.get("keep_days", 0, type=int)
