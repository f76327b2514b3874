"""Sessions: who a cookie stands for, and until when."""

import os
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user

from central.console import model
from central.console.context import _, read
from central.console.people import Anybody, Nobody, Person, Screen
from central.store import Row

# A shift and its hand-over; and as long as a screen is left alone.
LONGEST_S = 12 * 3600
IDLE_S = 3600
# Written back only so often, so that not every answer sets a cookie.
REFRESH_S = 60

# What a screen with a device token may ask for.
SCREEN_ENDPOINTS = {
    "board.kiosk",
    "board.board",
    "board.stream",
    "board.alive",
    "board.static",
    "board.repeat",
    "board.heard",
    "calls.accept",
    "calls.on_the_way",
    "console.static",
    "console.home",
    "bootstrap.static",
}


def install(app: Flask) -> None:
    """Teach `app` to know its users."""
    manager = LoginManager()
    manager.anonymous_user = Nobody
    manager.user_loader(load)
    manager.unauthorized_handler(refuse)
    # Cookies are bound to the log-in, not to the address: ward tablets roam.
    manager.session_protection = None
    manager.init_app(app)
    app.before_request(_keep_screens_in_place)


def begin(user: Row) -> None:
    """Start the session of a person whose password was right."""
    session.clear()
    session.permanent = True
    session["epoch"] = user["epoch"]
    session["began_s"] = session["seen_s"] = int(time.time())
    login_user(Person(user))


def begin_screen(row: Row) -> None:
    """Start the session of a board screen; it lasts until the token is revoked."""
    chosen = session.get("lang")
    session.clear()
    session.permanent = True
    if chosen:
        session["lang"] = chosen
    login_user(Screen(row))


def end() -> None:
    logout_user()
    session.clear()


def load(name: str) -> Anybody | None:
    """The user of a session, or None when it is over."""
    kind, _, rest = name.partition(":")
    if kind == "screen":
        row = model.screen(read(), int(rest)) if rest.isdecimal() else None
        return None if row is None else Screen(row)
    now_s = int(time.time())
    if now_s - session.get("began_s", 0) > LONGEST_S or now_s - session.get("seen_s", 0) > IDLE_S:
        return None
    user = model.user(read(), rest)
    if user is None or user["disabled"] or user["epoch"] != session.get("epoch"):
        return None
    if now_s - session["seen_s"] > REFRESH_S:
        session["seen_s"] = now_s
    return Person(user)


def still(identity: str) -> bool:
    """Whether a stream of `identity` may go on; the time limit is looked at when it reconnects."""
    kind, _, rest = identity.partition(":")
    if kind == "screen":
        return model.screen(read(), int(rest)) is not None
    user = model.user(read(), rest)
    return user is not None and not user["disabled"]


def refuse() -> Any:
    """Nobody is logged in: a page leads to the log-in, anything else is told 401."""
    wanted = ["text/html", "application/json", "text/event-stream"]
    best = request.accept_mimetypes.best_match(wanted, "text/html")
    if request.method == "GET" and best == "text/html":
        target = request.full_path if request.query_string else request.path
        return redirect(url_for("console.login", next=target))
    answer: Response = jsonify(
        error_id="not-logged-in", error=_("Your log-in is over. Log in again.")
    )
    answer.status_code = 401
    return answer


def safe_target(target: str | None) -> str | None:
    """`target` when it is a path of this console, so that no link can lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else None


def _keep_screens_in_place() -> None:
    """A screen sees its board and accepts calls of its ward, nothing more."""
    if not getattr(current_user, "kiosk", False):
        return
    if request.endpoint not in SCREEN_ENDPOINTS:
        abort(403)
    arguments = request.view_args or {}
    if "call_id" in arguments:
        return  # the calls' pages themselves look whose board shows the call
    ward = arguments.get("ward") or request.args.get("ward") or current_user.ward
    if ward != current_user.ward and request.endpoint != "board.kiosk":
        abort(403)


def secret(path: str) -> bytes:
    """The key that signs sessions, made on first use, readable by its owner only."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Path(path).read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(32))
    return Path(path).read_bytes()
