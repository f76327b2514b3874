"""The page of addresses that the exchange has locked out for wrong passwords."""

import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from central.console.context import _, current_user, read, requires, transaction
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import TELEPHONE_ADMIN
from central.directory import model as directory
from central.errors import FieldError
from central.store import StoreUnavailableError, Tx
from central.telephone import lockouts

blueprint = Blueprint("telephone", __name__, template_folder="templates")
NAVIGATION = [
    (64, "/telephone/lockouts", N_("Locked addresses"), (TELEPHONE_ADMIN,), "shield-lock"),
]


@blueprint.get("/telephone/lockouts")
@requires(TELEPHONE_ADMIN)
def index() -> Any:
    """Who is locked out, since when and why."""
    tx = read()
    rows = [
        {**dict(row), "phone": _phone(tx, row["account"]), "left_ms": _left_ms(row["until_ms"])}
        for row in lockouts.rows(tx)
    ]
    return render_template("telephone/lockouts.html", rows=rows)


@blueprint.post("/telephone/lockouts/unlock")
@requires(TELEPHONE_ADMIN)
def unlock() -> Any:
    address = request.form.get("address", "")[:64]
    try:
        with transaction() as tx:
            lockouts.unlock(tx, address, current_user.name)
    except FieldError as error:
        flash(field_words(error), "error")
    except StoreUnavailableError:
        flash(store_words(), "error")
    else:
        words = _("%(address)s will be let in again within seconds.", address=address)
        flash(words, "success")
    return redirect(url_for("telephone.index"))


def _phone(tx: Tx, account: str) -> str | None:
    """The name of the telephone that the account is, if it is one of ours."""
    row = directory.phone(tx, account)
    return None if row is None else str(row["label"])


def _left_ms(until_ms: int) -> int:
    return max(0, until_ms - int(time.time() * 1000))
