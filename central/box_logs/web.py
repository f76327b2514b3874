"""The log of a box: asked for on its page, read on one of its own, taken away as a text."""

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.box_logs import model, service
from central.console.context import _, current_user, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.store import Row

blueprint = Blueprint(
    "box_logs",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/box_logs",
)
STATES = {
    model.WAITING: N_("asked for"),
    model.WHOLE: N_("arrived"),
    model.FAILED: N_("did not arrive"),
}


@blueprint.app_context_processor
def _for_other_pages() -> dict[str, Any]:
    """`logs_of(node)`: the excerpts of a box for its page; None where the user may not."""

    def logs_of(node: str) -> list[dict[str, Any]] | None:
        role = current_user.role if current_user.is_authenticated else ""
        if role not in ("engineer", "admin"):
            return None
        return [_shown(row) for row in model.of_node(read(), node)]

    return {"logs_of": logs_of, "log_choices": service.CHOICES}


def _shown(row: Row) -> dict[str, Any]:
    why = row["reason"]
    return dict(row) | {
        "words": _(STATES[row["state"]]),
        "why": _(service.WHY[why]) if why in service.WHY else why or "",
    }


def _found(node: str, log: int) -> Row:
    row = model.one(read(), log)
    if row is None or row["node"] != node:
        abort(404)
    return row


@blueprint.post("/nodes/<node>/logs")
@requires("engineer")
def ask(node: str) -> Any:
    """Form fields: lines, one of the choices, and grave."""
    wanted = request.form.get("lines", "")
    lines = int(wanted) if wanted.isdecimal() and len(wanted) < 6 else 0
    try:
        with transaction() as tx:
            log = service.ask(tx, node, current_user.name, lines, "grave" in request.form)
    except service.UnknownBoxError:
        abort(404)
    except FieldError as error:
        flash(field_words(error), "error")
        return redirect(url_for("faults.story", node=node))
    return redirect(url_for("box_logs.excerpt", node=node, log=log))


@blueprint.get("/nodes/<node>/logs/<int:log>")
@requires("engineer")
def excerpt(node: str, log: int) -> Any:
    row = _found(node, log)
    return render_template("box_logs/excerpt.html", log=_shown(row), text=model.text(read(), log))


@blueprint.get("/nodes/<node>/logs/<int:log>.txt")
@requires("engineer")
def download(node: str, log: int) -> Any:
    _found(node, log)
    answer = Response(model.text(read(), log) + "\n", content_type="text/plain; charset=utf-8")
    name = "".join(each if each.isalnum() and each.isascii() else "-" for each in node)
    answer.headers["Content-Disposition"] = f"attachment; filename=log-{name}-{log}.txt"
    return answer
