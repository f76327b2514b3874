"""The patient's pages. Nothing in an address names a patient: who it is, the session says."""

import logging
import secrets
from datetime import date
from typing import Any, cast

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)

from central.audit import model as audit
from central.call_records.chart import HEIGHT, LEFT, WIDTH
from central.console.context import _, console, lasted, local, read, transaction
from central.console.limits import LockedOutError
from central.console.marks import N_
from central.console.sessions import PATIENTS
from central.patients import cards, model
from central.patients.cards import Caller, CardLockedError, PinsLostError
from central.portal import places, session, spending
from central.portal.places import Shown
from central.portal.session import Patient
from central.store import StoreUnavailableError

log = logging.getLogger("wardline.portal")
blueprint = Blueprint(
    "portal",
    __name__,
    url_prefix=PATIENTS,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)
# Tells a telephone that has logged in before from a stranger's; it opens nothing.
DEVICE_COOKIE = "wardline_patient_device"
DEVICE_LASTS_S = 180 * 24 * 3600
SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT}
WRONG = N_("Card number or PIN is wrong. Check both and try again.")
LOCKED = N_(
    "This card is locked, because a wrong PIN was entered five times. Take the card and an identity"
    " paper to the registry desk: it unlocks the card or sets a new PIN."
)
LOST = N_("PINs cannot be checked just now. Ask at the registry desk.")
OVER = N_("You were logged out because nothing was done for some time, or the card was changed.")


@blueprint.app_template_filter()
def day_time(ms: int) -> str:
    """11-29 14:05"""
    return local(ms).strftime("%m-%d %H:%M")


@blueprint.get("")
@session.own
def home() -> Any:
    who = _who()
    tx = read()
    visits = spending.visits(tx, who.id)
    fees = spending.of(tx, who.id, visits[0], _today()) if visits else None
    _note("fees")
    return render_template("portal/home.html", who=who, spent=fees, places=_places(who))


@blueprint.get("/fees")
@session.own
def fees() -> Any:
    """Of the visit asked for by its place among the patient's own, the newest first."""
    who = _who()
    tx = read()
    visits = spending.visits(tx, who.id)
    place = request.args.get("visit", 0, type=int)
    if place and not 0 <= place < len(visits):
        abort(404)
    found = spending.of(tx, who.id, visits[place], _today()) if visits else None
    _note("fees")
    return render_template(
        "portal/fees.html", who=who, spent=found, visits=visits, place=place, size=SIZE
    )


@blueprint.get("/places")
@session.own
def queue() -> Any:
    who = _who()
    if "again" not in request.args:
        _note("places")
    return render_template("portal/places.html", who=who, places=_places(who))


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Any:
    card = cards.tidy(request.form.get("card", ""))
    trouble, status = (_(OVER) if "over" in request.args else ""), 200
    is_told = bool(trouble)
    if request.method == "POST":
        is_told = False
        device = request.cookies.get(DEVICE_COOKIE, "") or secrets.token_urlsafe(24)
        caller = Caller(f"address/{request.remote_addr or '?'}", device)
        try:
            patient = cards.check(console().store, card, request.form.get("pin", ""), caller)
        except CardLockedError:
            status, trouble = 429, _(LOCKED)
        except LockedOutError as error:
            status = 429
            trouble = _(
                "Too many wrong tries from this address. Wait %(time)s, then try again.",
                time=lasted(error.wait_ms + 999),
            )
        except (PinsLostError, OSError) as error:
            log.error("PINs of patients cannot be checked: %s", error or "the secret file is new")
            status, trouble = 503, _(LOST)
        else:
            if patient is not None:
                return _let_in(patient, card, device)
            status, trouble = 401, _(WRONG)
    page = render_template("portal/login.html", card=card, trouble=trouble, is_told=is_told)
    return page, status


@blueprint.post("/logout")
def logout() -> Any:
    who = session.patient()
    try:
        with transaction() as tx:
            if who is not None:
                audit.append(tx, "patient", "portal.logout", f"patient/{who.id}")
            session.end(tx)
    except StoreUnavailableError as error:
        log.error("a patient's log-out is not in the audit: %s", error)
        session.forget()
    return redirect(url_for("portal.login"))


def _let_in(patient: str, card: str, device: str) -> Response:
    where = {"address": request.remote_addr or "?"}
    with transaction() as tx:
        audit.append(tx, "patient", "portal.login", f"patient/{patient}", detail=dict(where))
    kept = model.details(read(), patient)
    session.begin(card, kept["lang"] if kept is not None else None)
    answer = cast(Response, redirect(url_for("portal.home")))
    answer.set_cookie(
        DEVICE_COOKIE,
        device,
        max_age=DEVICE_LASTS_S,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        path=PATIENTS,
    )
    return answer


def _who() -> Patient:
    who = session.patient()
    assert who is not None
    return who


def _today() -> date:
    return local(read().now_ms).date()


def _places(who: Patient) -> list[Shown]:
    return places.of(read(), who.id, console().timezone)


def _note(what: str) -> None:
    """A full disk must not keep a patient from his own page, so then it is only logged."""
    who = _who()
    try:
        with transaction() as tx:
            audit.append(tx, "patient", "portal.read", f"patient/{who.id}", detail={"page": what})
    except StoreUnavailableError as error:
        log.error("a patient read his %s, not in the audit: %s", what, error)
