"""The console's pages of what the hospital tells everybody: sections, entries, their versions, and
tables of them. What everybody sees of it is `public.py`."""

import asyncio
import io
import json
import wave
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.console.context import _, console, current_user, lang, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.console.people import DUTY_MANAGER, REGISTRY, TELEPHONE_ADMIN
from central.console.sheet import decoded, download
from central.directory.present import ChangedMeanwhileError, different, mark
from central.errors import FieldError
from central.flows import parts
from central.information import editing, importing, model, public, saying, service
from central.information.kinds import IN, KINDS, LANGS, fields
from central.store import Row, Tx
from gateway.speech.library import SpeechUnavailableError, from_config

blueprint = Blueprint(
    "information",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/information/static",
)
# Entries change daily; which sections there are is for whoever answers for the telephone.
EDITORS = (REGISTRY, TELEPHONE_ADMIN, DUTY_MANAGER)
DECIDERS = (TELEPHONE_ADMIN, DUTY_MANAGER)
NAVIGATION = [(37, "/contents", N_("Public information"), EDITORS, "info-circle")]
public.add_to(blueprint)

PAGE = 100
# So many rows of an import are shown; the numbers above are of all.
SHOWN = 200
DEEDS = {
    editing.ADDED: N_("added"),
    editing.CHANGED: N_("changed"),
    editing.IMPORTED: N_("imported"),
    editing.REMOVED: N_("removed"),
}
CHANGED_MEANWHILE = N_(
    "Not saved: somebody else changed it meanwhile. Look at what stands there now, and save again"
    " to put yours in its place."
)
REMOVED_MEANWHILE = N_("Not saved: somebody else removed it meanwhile. Save again to put it back.")


def _section(id: str) -> Row:
    row = model.section(read(), id)
    if row is None:
        abort(404)
    return row


def _today() -> str:
    return service.today(read().now_ms, console().timezone)


def _typed() -> dict[str, str]:
    return {key: value for key, value in request.form.items() if key not in ("csrf_token", "seen")}


# --- sections ---


@blueprint.get("/contents")
@requires(*EDITORS)
def sections() -> Any:
    """All sections, whether callers have them, and what is missing in them."""
    return _sections_page()


def _sections_page(trouble: dict[str, str] | None = None) -> str:
    tx, day = read(), _today()
    counts = model.counts(tx, day)
    return render_template(
        "information/sections.html",
        rows=[(row, counts.get(row["id"])) for row in model.sections(tx)],
        kinds=KINDS,
        may_decide=current_user.role in (*DECIDERS, "admin"),
        numbers=public.numbers(tx),
        typed=_typed() if trouble else {"kind": "plain"},
        trouble=trouble or {},
    )


@blueprint.post("/contents")
@requires(*DECIDERS)
def add_section() -> Any:
    try:
        wanted = editing.checked_section(_typed(), None)
        with transaction() as tx:
            id = editing.save_section(tx, None, wanted, mark(editing.NOTHING), current_user.name)
    except FieldError as error:
        return _sections_page({error.field: field_words(error)}), 400
    flash(_("The section is there. Callers hear of it as soon as it has an entry."), "success")
    return redirect(url_for("information.entries", section=id))


@blueprint.route("/contents/<section>/name", methods=["GET", "POST"])
@requires(*DECIDERS)
def name(section: str) -> Any:
    """What a section is called and where it stands."""
    row = _section(section)
    stands = editing.section_values(row)
    if request.method == "GET":
        return _name_page(row, stands, {key: str(value) for key, value in stands.items()}, {})
    try:
        wanted = editing.checked_section(_typed(), row)
        with transaction() as tx:
            now = model.section(tx, section)
            editing.save_section(tx, now, wanted, request.form.get("seen", ""), current_user.name)
    except FieldError as error:
        return _name_page(row, None, _typed(), {error.field: field_words(error)}), 400
    except ChangedMeanwhileError as error:
        return _name_page(row, error.now or {}, _typed(), {"store": _(CHANGED_MEANWHILE)}), 409
    flash(_("Saved."), "success")
    return redirect(url_for("information.entries", section=section))


def _name_page(
    row: Row, stands: editing.Values | None, typed: dict[str, str], trouble: dict[str, str]
) -> str:
    return render_template(
        "information/name.html",
        section=row,
        typed=typed,
        seen=request.form.get("seen", "") if stands is None else mark(stands),
        now=stands if "store" in trouble else None,
        trouble=trouble,
    )


@blueprint.post("/contents/<section>/switch")
@requires(*DECIDERS)
def switch(section: str) -> Any:
    row = _section(section)
    is_on = request.form.get("on") == "1"
    with transaction() as tx:
        editing.switch(tx, row, is_on, current_user.name)
    flash(
        _("Callers and the public page have it from now on.")
        if is_on
        else _("Callers and the public page do not have it any more."),
        "success",
    )
    return redirect(url_for("information.sections"))


@blueprint.post("/contents/<section>/remove")
@requires(*DECIDERS)
def remove_section(section: str) -> Any:
    row = _section(section)
    try:
        with transaction() as tx:
            seen = request.form.get("seen", "")
            editing.remove_section(tx, row, seen, current_user.name)
    except FieldError as error:
        flash(field_words(error), "error")
        return redirect(url_for("information.name", section=section))
    except ChangedMeanwhileError:
        flash(_(CHANGED_MEANWHILE), "error")
        return redirect(url_for("information.name", section=section))
    flash(_("The section is gone."), "success")
    return redirect(url_for("information.sections"))


# --- entries ---


@blueprint.get("/contents/<section>")
@requires(*EDITORS)
def entries(section: str) -> Any:
    """The entries of a section, those that are not in force, too."""
    row, tx, day = _section(section), read(), _today()
    text = request.args.get("find", "").strip()[:64]
    page = min(max(0, request.args.get("page", 0, type=int)), editing.MOST_ENTRIES // PAGE)
    found = model.entries(tx, section, service.searchable(text), PAGE + 1, page * PAGE)
    shown = [
        {
            "row": each,
            "title": each["title_en"] if lang() == "en" and each["title_en"] else each["title_zh"],
            "in_force": service.is_in_force(each, day),
            "is_over": bool(each["valid_to"] and each["valid_to"] < day),
        }
        for each in found[:PAGE]
    ]
    return render_template(
        "information/entries.html",
        section=row,
        shown=shown,
        text=text,
        page=page,
        more=len(found) > PAGE,
        removed=model.removed(tx, section),
        kinds=KINDS,
        may_decide=current_user.role in (*DECIDERS, "admin"),
    )


@blueprint.route("/contents/<section>/new", methods=["GET", "POST"])
@requires(*EDITORS)
def new(section: str) -> Any:
    row = _section(section)
    if request.method == "POST":
        return _take(row, None)
    return _form(row, None, {}, editing.NOTHING)


@blueprint.route("/contents/<section>/<int:id>", methods=["GET", "POST"])
@requires(*EDITORS)
def entry(section: str, id: int) -> Any:
    """One entry; ?version= fills the form with what it was."""
    row, tx = _section(section), read()
    found = model.entry_of(tx, section, id)
    if found is None:
        abort(404)
    if request.method == "POST":
        return _take(row, id)
    stands = editing.values(tx, row, id)
    number = request.args.get("version", type=int)
    old = editing.version(tx, row, id, number) if number is not None else None
    shown = old or stands or model.values_of(found, row["kind"])
    return _form(
        row, id, editing.typed(row["kind"], shown), stands, version=number if old else None
    )


def _take(section: Row, id: int | None) -> Any:
    typed = _typed()
    try:
        wanted = editing.checked(section["kind"], typed)
        with transaction() as tx:
            seen = request.form.get("seen", "")
            id_now = editing.save(tx, section, id, wanted, seen, current_user.name)
    except FieldError as error:
        return _form(section, id, typed, None, {error.field: field_words(error)}), 400
    except ChangedMeanwhileError as error:
        words = CHANGED_MEANWHILE if error.now else REMOVED_MEANWHILE
        return _form(section, id, typed, error.now or {}, {"store": _(words)}), 409
    flash(_("Saved: the next caller hears it."), "success")
    return redirect(url_for("information.entry", section=section["id"], id=id_now))


def _form(
    section: Row,
    id: int | None,
    typed: dict[str, str],
    stands: editing.Values | None,
    trouble: dict[str, str] | None = None,
    *,
    version: int | None = None,
) -> str:
    """stands: what stands there now; None: what did when the form was opened."""
    tx = read()
    trouble = trouble or {}
    row = None if id is None else model.entry_of(tx, section["id"], id)
    theirs = []
    if "store" in trouble and stands:
        shown = editing.typed(section["kind"], stands)
        theirs = [
            (importing.label(section["kind"], key, lang()), value)
            for key, value in shown.items()
            if typed.get(key, "").strip() != value
        ]
    return render_template(
        "information/entry.html",
        section=section,
        id=id,
        row=row,
        typed=typed,
        fields=fields(section["kind"]),
        langs=LANGS,
        names=IN,
        seen=request.form.get("seen", "") if stands is None else mark(stands),
        theirs=theirs,
        trouble=trouble,
        version=version,
        is_removed=row is not None and row["removed_ms"] is not None,
        heard=_heard(tx, section, id),
        has_voice="cache" in (console().config.get("speech") or {}),
        versions=_versions(tx, section, id),
    )


def _heard(tx: Tx, section: Row, id: int | None) -> list[tuple[str, list[parts.Texts]]]:
    """What callers hear of an entry as it is saved, by language, in its parts."""
    row = None if id is None else model.entry_of(tx, section["id"], id)
    if row is None or row["removed_ms"] is not None:
        return []
    entry = service.as_entry(row, section["kind"])
    return [(each, parts.cut(saying.whole(entry, each).texts)) for each in LANGS]


@blueprint.get("/contents/<section>/<int:id>/sound/<of>/<int:part>")
@requires(*EDITORS)
def sound(section: str, id: int, of: str, part: int) -> Any:
    """A part of what callers in a language hear, as it sounds."""
    heard = dict(_heard(read(), _section(section), id)).get(of, [])
    if not part < len(heard):
        abort(404)

    async def render() -> list[Path]:
        library = from_config(console().config["speech"])
        try:
            return [(await library.audio(*each)).path for each in heard[part]]
        finally:
            await library.close()

    try:
        return Response(_one_after_the_other(asyncio.run(render())), mimetype="audio/wav")
    except SpeechUnavailableError:
        abort(503)


def _one_after_the_other(files: list[Path]) -> bytes:
    """Sounds of the library, which are alike, as one."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as out:
        for each in files:
            with wave.open(str(each), "rb") as file:
                if not out.getnframes():
                    out.setparams(file.getparams())
                out.writeframes(file.readframes(file.getnframes()))
    return whole.getvalue()


def _versions(tx: Tx, section: Row, id: int | None) -> list[dict[str, Any]]:
    """The newest first, each with what it changed."""
    if id is None:
        return []
    rows = model.versions(tx, id)
    bodies = [json.loads(row["body"]) for row in rows]
    told = []
    for n, row in enumerate(rows):
        before = bodies[n + 1] if n + 1 < len(rows) else bodies[n]
        told.append(
            {
                "row": row,
                "deed": DEEDS[row["what"]],
                "changed": [
                    importing.label(section["kind"], key, lang())
                    for key in importing.all_columns(section["kind"])
                    if key in different(before, bodies[n])
                ],
            }
        )
    return told


@blueprint.post("/contents/<section>/<int:id>/remove")
@requires(*EDITORS)
def remove(section: str, id: int) -> Any:
    row = _section(section)
    try:
        with transaction() as tx:
            editing.remove(tx, row, id, request.form.get("seen", ""), current_user.name)
    except ChangedMeanwhileError:
        flash(_(CHANGED_MEANWHILE), "error")
        return redirect(url_for("information.entries", section=section))
    flash(_("The entry is gone; its versions are kept, and one can be put back."), "success")
    return redirect(url_for("information.entries", section=section))


# --- tables ---


@blueprint.get("/contents/<section>/table.csv")
@requires(*EDITORS)
def table(section: str) -> Any:
    """All entries, as the import takes them."""
    row = _section(section)
    heading = [
        importing.label(row["kind"], each, lang()) for each in importing.all_columns(row["kind"])
    ]
    return download(f"{section}.csv", heading, importing.as_rows(read(), row, _))


@blueprint.route("/contents/<section>/import", methods=["GET", "POST"])
@requires(*EDITORS)
def take_in(section: str) -> Any:
    """A table: first what it would change, row by row, then that."""
    row = _section(section)
    if request.method == "GET":
        return _import_form(row)
    try:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise FieldError("file", N_("Choose a CSV file."))
        text = decoded(file.read())
        found = importing.read(read(), row, text)
        with transaction() as tx:
            draft = importing.keep_draft(tx, section, text, current_user.name)
    except FieldError as error:
        return _import_form(row, {error.field: field_words(error)}), 400
    return _import_seen(row, draft, *found)


def _import_form(section: Row, trouble: dict[str, str] | None = None) -> str:
    kind = section["kind"]
    columns = [importing.label(kind, each, lang()) for each in importing.all_columns(kind)]
    return render_template(
        "information/import.html", section=section, columns=columns, trouble=trouble or {}
    )


def _import_seen(
    section: Row, draft: int, found: importing.Read, wanted: list[importing.Change],
    trouble: str = "",
) -> str:  # fmt: skip
    kind = section["kind"]
    return render_template(
        "information/import_seen.html",
        section=section,
        draft=draft,
        seen=_digest(wanted),
        fresh=sum(not each.before for each in wanted),
        changed=sum(bool(each.before) for each in wanted),
        same=len(found.rows) - len(wanted),
        wanted=[
            (each, [importing.label(kind, key, lang()) for key in importing.all_columns(kind)
                    if key in each.fields])
            for each in wanted[:SHOWN]
        ],
        more=max(0, len(wanted) - SHOWN),
        problems=[(each, field_words(each.error)) for each in found.problems[:SHOWN]],
        bad=len(found.problems),
        trouble=trouble,
    )  # fmt: skip


def _digest(wanted: list[importing.Change]) -> str:
    return mark({"changes": [[each.values, each.before, each.id] for each in wanted]})


@blueprint.post("/contents/<section>/import/<int:draft>")
@requires(*EDITORS)
def put(section: str, draft: int) -> Any:
    """Put what was seen; where the section was changed meanwhile, show it anew."""
    row = _section(section)
    try:
        with transaction() as tx:
            text = importing.draft(tx, draft, section, current_user.name)
            if text is None:
                abort(404)
            found, wanted = importing.read(tx, row, text)
            is_seen = _digest(wanted) == request.form.get("seen")
            if is_seen:
                importing.put(tx, row, draft, wanted, current_user.name)
    except FieldError as error:
        return _import_form(row, {"file": field_words(error)}), 400
    if not is_seen:
        return _import_seen(row, draft, found, wanted, _(CHANGED_MEANWHILE)), 409
    flash(_("%(n)s entries are put: the next caller hears them.", n=len(wanted)), "success")
    return redirect(url_for("information.entries", section=section))
