"""The page of messages that callers left: heard, and marked as done."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for

from central.call_records.web import note
from central.console.context import _, current_user, read, requires, transaction
from central.console.marks import N_
from central.console.people import DUTY_MANAGER, REGISTRY
from central.directory import model as directory
from central.left_messages import model, service
from central.patients import model as patients
from central.recordings import web as recordings
from central.store import Row, Tx

blueprint = Blueprint("left_messages", __name__, template_folder="templates")
# Who sees to what callers want.
MAY = (REGISTRY, DUTY_MANAGER)
NAVIGATION = [(9, "/left-messages", N_("Messages left"), MAY, "chat-left-text")]


@blueprint.get("/left-messages")
@requires(*MAY)
def page() -> Any:
    """What nobody has seen to, the oldest first; then what is done."""
    tx = read()
    note("left_message.list")
    return render_template(
        "left_messages/page.html",
        waiting=[_described(tx, row) for row in model.open_ones(tx)],
        done=[_described(tx, row) for row in model.done_ones(tx, tx.clock.real_ms())],
        labels={row["number"]: row["label"] for row in directory.extensions(tx)},
        links=current_user.role in (REGISTRY, "admin"),
    )


def _described(tx: Tx, row: Row) -> dict[str, Any]:
    patient = patients.patient(tx, row["patient"]) if row["patient"] else None
    return {**dict(row), "name": patient["name"] if patient is not None else ""}


def _or_404(tx: Tx, message: int) -> Row:
    row = model.one(tx, message)
    if row is None:
        abort(404)
    return row


@blueprint.get("/left-messages/<int:message>/sound.wav")
@requires(*MAY)
def sound(message: int) -> Any:
    """What was said; each listening is in the audit, as of any recording."""
    row = _or_404(read(), message)
    if row["recording"] is None:
        abort(404)
    return recordings.played(row["recording"])


@blueprint.post("/left-messages/<int:message>/done")
@requires(*MAY)
def done(message: int) -> Any:
    with transaction() as tx:
        service.done(tx, _or_404(tx, message), by=current_user.name)
    flash(_("The message is done."), "success")
    return redirect(url_for("left_messages.page"))


@blueprint.post("/left-messages/<int:message>/reopen")
@requires(*MAY)
def reopen(message: int) -> Any:
    with transaction() as tx:
        service.reopen(tx, _or_404(tx, message), by=current_user.name)
    flash(_("The message waits again."), "success")
    return redirect(url_for("left_messages.page"))
