"""Sessions: who a cookie stands for, and until when."""

import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, current_user, login_user, logout_user

from central.console import model, service
from central.console.context import _, read
from central.console.limits import Origin
from central.console.people import Anybody, Nobody, Person, Screen
from central.store import Row, Tx

# A shift and its hand-over; and as long as a screen is left alone.
LONGEST_S = 12 * 3600
IDLE_S = 3600
# Written back only so often, so that not every answer sets a cookie.
REFRESH_S = 60

# Tells a device that has logged in before from a stranger's; see `limits`. It opens nothing.
DEVICE_COOKIE = "wardline_device"
DEVICE_LASTS_S = 365 * 24 * 3600

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
# The same of one that hangs before an examination room.
ROOM_SCREEN_ENDPOINTS = {
    "board.kiosk",
    "exams.screen",
    "exams.screen_stream",
    "exams.static",
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
    session["sid"] = secrets.token_urlsafe(16)
    session["began_s"] = session["seen_s"] = int(time.time())
    login_user(Person(user))


def origin() -> Origin:
    """Where the request that is being answered comes from."""
    return Origin(request.remote_addr or "?", request.cookies.get(DEVICE_COOKIE, ""))


def first_of_device() -> Origin:
    """The same, with a secret for a device that has none yet."""
    here = origin()
    return here if here.device else Origin(here.address, secrets.token_urlsafe(24))


def mark_device(response: Response, here: Origin) -> Response:
    """Give the device its secret along with the answer to a log-in."""
    response.set_cookie(
        DEVICE_COOKIE,
        here.device,
        max_age=DEVICE_LASTS_S,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )
    return response


def begin_screen(row: Row) -> None:
    """Start the session of a board screen; it lasts until the token is revoked."""
    chosen = session.get("lang")
    session.clear()
    session.permanent = True
    if chosen:
        session["lang"] = chosen
    login_user(Screen(row))


def end(tx: Tx) -> None:
    """Log out: from the commit of `tx` on the cookie opens nothing, copies of it included."""
    if "sid" in session:
        service.end_session(tx, session["sid"], session["began_s"] + LONGEST_S)
    forget()


def forget() -> None:
    """Take the cookie away, where a full disk can keep nothing about it."""
    logout_user()
    session.clear()


@dataclass(frozen=True)
class Ticket:
    """By what a cookie is believed; an open stream keeps its own."""

    identity: str
    sid: str = ""
    epoch: int = 0
    began_s: int = 0


def ticket() -> Ticket:
    """Of the request that is being answered."""
    return Ticket(
        current_user.get_id(),
        session.get("sid", ""),
        session.get("epoch", 0),
        session.get("began_s", 0),
    )


def load(name: str) -> Anybody | None:
    """The user of a session, or None when it is over."""
    sid, epoch = session.get("sid", ""), session.get("epoch", 0)
    known = _known(Ticket(name, sid, epoch, session.get("began_s", 0)))
    if known is None or known.kiosk:
        return known
    now_s = int(time.time())
    if now_s - session.get("seen_s", 0) > IDLE_S:
        return None
    if now_s - session["seen_s"] > REFRESH_S:
        session["seen_s"] = now_s
    return known


def still(held: Ticket) -> bool:
    """Whether a stream may go on. How long it was left alone is looked at when it reconnects."""
    return _known(held) is not None


def _known(held: Ticket) -> Anybody | None:
    kind, _, rest = held.identity.partition(":")
    if kind == "screen":
        row = model.screen(read(), int(rest)) if rest.isdecimal() else None
        return None if row is None else Screen(row)
    user = model.user(read(), rest)
    if user is None or user["disabled"] or user["epoch"] != held.epoch:
        return None
    if int(time.time()) - held.began_s > LONGEST_S or model.session_ended(read(), held.sid):
        return None
    return Person(user)


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
    """A screen sees its board and accepts calls of its ward, or sees its room's numbers; nothing
    more."""
    if not getattr(current_user, "kiosk", False):
        return
    arguments = request.view_args or {}
    if current_user.room is not None:
        allowed = request.endpoint in ROOM_SCREEN_ENDPOINTS
        if not allowed or arguments.get("room", current_user.room) != current_user.room:
            abort(403)
        return
    if request.endpoint not in SCREEN_ENDPOINTS:
        abort(403)
    if "call_id" in arguments:
        return  # the calls' pages themselves look whose board shows the call
    ward = arguments.get("ward") or request.args.get("ward") or current_user.ward
    if ward != current_user.ward and request.endpoint != "board.kiosk":
        abort(403)
