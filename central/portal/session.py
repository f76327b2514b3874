"""Who a patient's cookie stands for, and until when. No staff log-in is looked at here."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, redirect, request, session, url_for

from central.console import model as console_model
from central.console import service as console_service
from central.console.context import read
from central.patients import model
from central.store import Tx

# A patient's phone is lent and left lying about.
LONGEST_S = 3600
IDLE_S = 10 * 60
# Written back only so often, so that not every answer sets a cookie.
REFRESH_S = 30

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Patient:
    """Whose page it is. Every look-up of the portal begins with this id and none other."""

    id: str
    name: str
    card: str


def begin(card: str, lang: str | None) -> None:
    """Start the session of a card whose PIN was right. It ends with the browser at the latest.
    `lang`: of the patient, unless another was chosen on the log-in page."""
    chosen = session.get("lang") or lang
    session.clear()
    row = model.card(read(), card)
    if row is None:
        return
    if chosen:
        session["lang"] = chosen
    session["card"], session["card_epoch"] = row["number"], row["epoch"]
    session["sid"] = secrets.token_urlsafe(16)
    session["began_s"] = session["seen_s"] = int(time.time())


def end(tx: Tx) -> None:
    """Log out: from the commit of `tx` on the cookie opens nothing, copies of it included."""
    if "sid" in session:
        console_service.end_session(tx, session["sid"], session["began_s"] + LONGEST_S)
    forget()


def forget() -> None:
    """Take the cookie's content away; the language stays."""
    chosen = session.get("lang")
    session.clear()
    if chosen:
        session["lang"] = chosen


def patient() -> Patient | None:
    """The patient who asks, or None. A page that renews itself (?again=1) is no sign of life."""
    if "portal_patient" not in g:
        g.portal_patient = _patient()
    return cast(Patient | None, g.portal_patient)


def _patient() -> Patient | None:
    card, now_s = session.get("card"), int(time.time())
    if card is None or now_s - session.get("began_s", 0) > LONGEST_S:
        return None
    if now_s - session.get("seen_s", 0) > IDLE_S:
        return None
    tx = read()
    row = model.card(tx, card)
    if row is None or row["state"] != model.ACTIVE or row["epoch"] != session.get("card_epoch"):
        return None
    if console_model.session_ended(tx, session.get("sid", "")):
        return None
    who = model.patient(tx, row["patient"])
    if who is None:
        return None
    if now_s - session["seen_s"] > REFRESH_S and "again" not in request.args:
        session["seen_s"] = now_s
    return Patient(who["id"], who["name"], row["number"])


def own(view: View) -> View:
    """Only for a patient with a session; others are led to the log-in."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if patient() is None:
            over = "card" in session
            forget()
            return redirect(url_for("portal.login", over=1 if over else None))
        return view(*args, **kwargs)

    return cast(View, checked)
