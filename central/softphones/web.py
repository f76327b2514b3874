"""The log-in of one phone: shown on purpose, and written down; and the file a softphone fetches."""

import logging
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, url_for

from central.audit import model as audit
from central.console.context import (
    _,
    console,
    current_user,
    read,
    requires,
    transaction,
)
from central.console.people import TELEPHONE_ADMIN
from central.directory import changing, model
from central.directory.kinds.phones import spelled
from central.live_calls import settings
from central.softphones import setup
from central.store import Row
from gateway.telephone.exchange import Exchange

log = logging.getLogger("wardline.console")
blueprint = Blueprint(
    "softphones",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/softphones",
)
# Who fetches a file, in the audit.
SOFTPHONE = "softphone"


@blueprint.get("/directory/phones/<device>/log-in")
@requires(TELEPHONE_ADMIN)
def login(device: str) -> Any:
    """All but the password."""
    return _page(_phone(device), None)


@blueprint.post("/directory/phones/<device>/log-in")
@requires(TELEPHONE_ADMIN)
def reveal(device: str) -> Any:
    """With the password and the QR code. That they were shown is written down first."""
    with transaction() as tx:
        row = model.phone(tx, device)
        if row is None:
            abort(404)
        audit.append(tx, current_user.name, "phone.reveal", f"phone/{device}")
    token = setup.token(_secret(), device, row["password"])
    return _page(row, url_for("softphones.fetch", token=token, _external=True))


@blueprint.post("/directory/phones/<device>/password")
@requires(TELEPHONE_ADMIN)
def password(device: str) -> Any:
    _phone(device)
    with transaction() as tx:
        changing.new_password(tx, device, by=current_user.name)
    flash(_("The phone has a new password. It can call and ring again once it is given it."),
          "success")  # fmt: skip
    return redirect(url_for("softphones.login", device=device))


@blueprint.get("/softphone/<token>")
def fetch(token: str) -> Any:
    """The file behind a QR code, for whoever holds it while it lasts."""
    found = setup.device_of(_secret(), token)
    row = None if found is None else model.phone(read(), found[0])
    where = None if row is None else _where(row)
    if found is None or row is None or where is None or not setup.is_of(found[1], row["password"]):
        abort(403)
    with transaction() as tx:
        audit.append(tx, SOFTPHONE, "phone.setup", f"phone/{row['device']}")
    return Response(setup.document(_login(row, where)), mimetype="application/xml")


def _phone(device: str) -> Row:
    row = model.phone(read(), device)
    if row is None:
        abort(404)
    return row


def _secret() -> str | bytes:
    secret: str | bytes = current_app.config["SECRET_KEY"]
    return secret


def _where(row: Row) -> tuple[str, int] | None:
    encrypts = row["encryption"] == "required"
    return settings.registrar(console().config, encrypts=encrypts)


def _login(row: Row, where: tuple[str, int]) -> setup.LogIn:
    host, port = where
    extension = model.extension(read(), row["number"])
    label = "" if extension is None else extension["label"]
    return setup.LogIn(
        host, port, row["device"], row["password"], f"{row['number']} {label}", Exchange.realm,
        encrypts=row["encryption"] == "required",
    )  # fmt: skip


def _page(row: Row, address: str | None) -> str:
    """address: of the file, once it may be shown."""
    where = _where(row)
    shown = address is not None
    return render_template(
        "softphones/login.html",
        row=row,
        hardware=spelled(row["device"]),
        where=where,
        only_here=where is not None and where[0].startswith("127."),
        password=row["password"] if shown else None,
        picture=setup.picture(address) if address and where else None,
        lasts_min=setup.LASTS_S // 60,
    )
