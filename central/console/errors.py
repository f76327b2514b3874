"""What went wrong, said in plain words: what happened, where, what to do."""

import logging
import secrets
import sqlite3
from typing import Any

from flask import Flask, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from central.console.context import _
from central.console.marks import N_
from central.console.sessions import is_for_everybody, is_patients
from central.errors import FieldError
from central.store import StoreUnavailableError, is_trouble

log = logging.getLogger("wardline.console")

# Status: (what happened, what to do).
PLAIN: dict[int, tuple[str, str]] = {
    400: (
        N_("The request could not be understood."),
        N_("Go back, reload the page and try again."),
    ),
    401: (N_("You are not logged in."), N_("Log in and try again.")),
    403: (
        N_("Your log-in does not allow this page."),
        N_("Ask an administrator if you need it for your work."),
    ),
    404: (
        N_("There is nothing at this address."),
        N_("The bed, call or page may have been removed. Use the search or the menu."),
    ),
    405: (
        N_("This page cannot be used that way."),
        N_("Go back and use the buttons of the page."),
    ),
    413: (N_("What was sent is too large."), N_("Send a smaller file, at most 4 MB.")),
    500: (
        N_("The console made a mistake and could not finish."),
        N_("Try again. If it happens again, tell the engineer the number below."),
    ),
}
STORE_FAILED = (
    N_("Nothing can be stored just now: the disk is full or the database is locked."),
    N_(
        "Presses wait in the ward's boxes and are not lost. Go back: what you typed is still"
        " there. Try again in a minute, and tell the engineer."
    ),
)
FORM_TOO_OLD = (
    N_("This form was open too long, or was opened before you logged in."),
    N_("Go back, reload the page and send it again."),
)


def install(app: Flask) -> None:
    """Let every error of `app` be said so that a person can act on it."""
    app.register_error_handler(StoreUnavailableError, _store_failed)
    app.register_error_handler(sqlite3.Error, _database)
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(FieldError, _field)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _mistake)


def wants_json() -> bool:
    """Whether a script asks, not a person."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" or request.is_json or request.path.startswith("/api/")


def say(status: int, words: tuple[str, str], error_id: str, number: str = "") -> Any:
    """The error as a page, or as JSON for a script."""
    what, remedy = (_(each) for each in words)
    if wants_json():
        return jsonify(error_id=error_id, error=what, remedy=remedy, number=number), status
    # Others than the staff are told so on a page of theirs, which leads to no page of the staff.
    folder = "console"
    if is_patients(request.path):
        folder = "portal"
    elif is_for_everybody(request.path):
        folder = "information"
    page = render_template(
        f"{folder}/error.html", what=what, remedy=remedy, error_id=error_id, number=number
    )
    return page, status


def store_words() -> str:
    """For a form that is shown again with what was typed."""
    return _(STORE_FAILED[0])


def field_words(error: FieldError) -> str:
    """A field error in the user's language."""
    return _(error.message, **error.values)


def _database(error: sqlite3.Error) -> Any:
    return _store_failed(error) if is_trouble(error) else _mistake(error)


def _store_failed(error: Exception) -> Any:
    log.error("%s %s: nothing stored: %s", request.method, request.path, error)
    return say(503, STORE_FAILED, StoreUnavailableError.error_id)


def _form_too_old(_error: CSRFError) -> Any:
    return say(400, FORM_TOO_OLD, "form-too-old")


def _field(error: FieldError) -> Any:
    return say(400, (field_words(error), PLAIN[400][1]), error.error_id)


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    words = PLAIN.get(error.code, PLAIN[400 if error.code < 500 else 500])
    return say(error.code, words, f"http-{error.code}")


def _mistake(error: Exception) -> Any:
    number = secrets.token_hex(4)
    log.error("mistake %s at %s %s", number, request.method, request.path, exc_info=error)
    return say(500, PLAIN[500], getattr(error, "error_id", "mistake"), number)
