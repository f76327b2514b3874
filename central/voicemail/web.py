"""The page of one's own messages: heard in the browser, with seek, and deleted."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for

from central.audit import model as audit
from central.console.context import _, console, current_user, read, requires, transaction
from central.console.marks import N_
from central.console.people import ROLES
from central.directory import model as directory
from central.store import Row, Tx
from central.telephone.settings import from_config
from central.voicemail import model, service
from gateway.telephone.messages import Spool

blueprint = Blueprint("voicemail", __name__, template_folder="templates")
NAVIGATION = [(35, "/messages", N_("Voice messages"), tuple(ROLES), "voicemail")]


def shown() -> bool:
    """Only who has a mailbox has use for the page."""
    return bool(_mine(read()))


def _mine(tx: Tx) -> list[Row]:
    """The mailboxes of the extensions of the one who is logged in."""
    return directory.mailboxes_of(tx, current_user.name)


def _my_message(tx: Tx, id: str) -> Row:
    """404 for one that is not there, or is somebody else's: who asks learns nothing by it."""
    message = model.one(tx, id)
    if message is None or message["number"] not in {row["number"] for row in _mine(tx)}:
        abort(404)
    return message


@blueprint.get("/messages")
@requires()
def page() -> Any:
    tx = read()
    boxes = [(box, model.of(tx, box["number"])) for box in _mine(tx)]
    return render_template("voicemail/messages.html", boxes=boxes)


@blueprint.get("/messages/<id>/sound")
@requires()
def sound(id: str) -> Any:
    """Its sound, whole or in parts. From its beginning it counts as heard."""
    message = _my_message(read(), id)
    exchange = from_config(console().config)
    folder = None if exchange is None else exchange.folder
    path = None if folder is None else Spool(folder).path(id)
    if path is None or not path.is_file():
        abort(404)
    if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        with transaction() as tx:
            service.heard(tx, id)
            audit.append(
                tx, current_user.name, "message.play", f"mailbox/{message['number']}",
                detail={"caller": message["caller"]},
            )  # fmt: skip
    return send_file(path, mimetype="audio/wav", conditional=True, max_age=0)


@blueprint.post("/messages/<id>/delete")
@requires()
def delete(id: str) -> Any:
    with transaction() as tx:
        _my_message(tx, id)
        service.delete(tx, id, by=current_user.name)
    flash(_("The message is deleted."), "success")
    return redirect(url_for("voicemail.page"))
