"""The engineer's page on which a hospital is set up from one spreadsheet."""

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.console.context import _, current_user, lang, read, requires, transaction
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import ADMIN, ENGINEER, TELEPHONE_ADMIN
from central.errors import FieldError
from central.setup import model, service, sheets
from central.setup.service import ADDED, CHANGED, SAME, Outcome
from central.setup.sheets import Line
from central.store import StoreUnavailableError

blueprint = Blueprint("setup", __name__, template_folder="templates")
# Who may give a telephone its rights sets up telephones.
MAY = {"phones": TELEPHONE_ADMIN}
ROLES = (ENGINEER, TELEPHONE_ADMIN)
NAVIGATION = [(68, "/setup", N_("Set up wards"), ROLES, "file-earmark-spreadsheet")]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 200
DID = {ADDED: N_("New"), CHANGED: N_("Changed"), SAME: N_("As they stand already")}


@blueprint.route("/setup", methods=["GET", "POST"])
@requires(*ROLES)
def take_in() -> Any:
    """A workbook: first what it would do, row by row."""
    from central.setup import workbook

    if request.method == "GET":
        return _form()
    try:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise FieldError("file", N_("Choose an XLSX file."))
        lines = workbook.read(file.read())
        for line in lines:
            if current_user.role not in (ADMIN, MAY.get(line.sheet, ENGINEER)):
                message = N_("Your log-in may not set up the sheet %(sheet)s.")
                sheet = sheets.BY_KEY[line.sheet].names[lang()]
                raise FieldError("file", message, sheet=sheet)
        with transaction() as tx:
            draft = model.keep_draft(tx, file.filename, lines, current_user.name)
            outcome = service.look(tx, lines)
    except FieldError as error:
        return _form({error.field: field_words(error)}), 400
    except StoreUnavailableError:
        return _form({"store": store_words()}), 503
    return _seen(draft, lines, outcome)


@blueprint.post("/setup/<int:draft>")
@requires(*ROLES)
def put(draft: int) -> Any:
    """Do what was seen. What has come in its way meanwhile is told, and nothing is done."""
    try:
        with transaction() as tx:
            kept = model.draft(tx, draft, current_user.name)
            if kept is None:
                abort(404)
            lines = model.lines(kept)
            outcome = service.put(tx, lines, current_user.name, kept["name"])
            if not outcome.problems:
                model.forget_draft(tx, draft)
    except StoreUnavailableError:
        return _form({"store": store_words()}), 503
    if outcome.problems:
        return _seen(draft, lines, outcome), 409
    flash(_("The wards are set up as in the file."), "success")
    return redirect(url_for("setup.take_in"))


@blueprint.get("/setup/empty.xlsx")
@requires(*ROLES)
def empty() -> Response:
    return _template("empty")


@blueprint.get("/setup/example.xlsx")
@requires(*ROLES)
def example() -> Response:
    return _template("example")


def _template(kind: str) -> Response:
    from central.setup import workbook

    said = {column.about: _(column.about) for sheet in sheets.SHEETS for column in sheet.columns}
    made = workbook.template(lang(), said, examples=kind == "example")
    answer = Response(made, mimetype=XLSX)
    answer.headers["Content-Disposition"] = f"attachment; filename=wardline-{kind}.xlsx"
    return answer


def _form(trouble: dict[str, str] | None = None) -> str:
    return render_template(
        "setup/form.html", trouble=trouble or {}, sheets=sheets.SHEETS, shown_in=lang()
    )


def _seen(draft: int, lines: list[Line], outcome: Outcome) -> str:
    tx = read()
    wanted = [(line, did) for line, did in outcome.lines if did != SAME]
    columns = {
        (sheet.key, column.key): column.names[lang()]
        for sheet in sheets.SHEETS for column in sheet.columns
    }  # fmt: skip
    return render_template(
        "setup/seen.html",
        draft=draft,
        name=(model.draft(tx, draft, current_user.name) or {"name": ""})["name"],
        sheets=[(sheet.key, sheet.names[lang()]) for sheet in sheets.SHEETS],
        names={sheet.key: sheet.names[lang()] for sheet in sheets.SHEETS},
        columns=columns,
        count=outcome.count,
        dids=DID,
        wanted=wanted[:SHOWN],
        more=max(0, len(wanted) - SHOWN),
        problems=[(each, field_words(each.error)) for each in outcome.problems[:SHOWN]],
        bad=len(outcome.problems),
        rows=len(lines),
    )
