"""The Flask application. `gunicorn central.console.app:create_app()` serves it."""

import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask, Response, g, request, session
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from central import config as configuration
from central.capabilities import modules
from central.clock import Clock, FileClock, SystemClock
from central.console import errors, login, proxies, service
from central.console.context import (
    Console,
    _,
    at_date,
    at_time,
    current_user,
    duration_forms,
    lang,
    lasted,
    moment,
    read,
    transaction,
    ward_name,
    yuan,
)
from central.console.live import Live
from central.console.people import FIRST_PAGES, WITHOUT_BEDS, describe
from central.console.proxies import TrustedProxies
from central.console.sessions import Sessions, is_for_everybody
from central.secret_file import secret
from central.store import Store
from central.words import LOCALES

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
MAX_REQUEST_BYTES = 4 * 1024 * 1024
CONFIG_VARIABLE = "WARDLINE_CONFIG"


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """The console for `config`; without it the JSON file that WARDLINE_CONFIG names."""
    if config is None:
        config = configuration.load(os.environ[CONFIG_VARIABLE])
        configuration.use_timezone(config["timezone"])
        logging.basicConfig(
            level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s"
        )
    app = Flask("central.console", static_folder=None, static_url_path="/static")
    app.config.update(
        SECRET_KEY=secret(config["web"]["secret_file"]),
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_NAME="wardline",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=bool(config["web"].get("https")),
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=365),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=300,
        **config.get("flask", {}),
    )
    app.session_interface = Sessions()
    addresses, hops = proxies.trusted(config["web"])
    if addresses:
        app.wsgi_app = TrustedProxies(app.wsgi_app, addresses, hops)  # type: ignore[method-assign]
    store = Store(config["database"], _clock(config))
    app.extensions["wardline"] = Console(
        store=store,
        config=config,
        live=Live(store, config.get("broker")),
        timezone=ZoneInfo(config.get("timezone", "Asia/Shanghai")),
    )
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    errors.install(app)
    login.install(app)
    app.before_request(_choose_language)
    app.after_request(_guard)
    capabilities = modules("web")
    for each in capabilities:
        app.register_blueprint(each.blueprint)
        if getattr(each, "WITHOUT_SESSION", False):
            # Programs with a key of their own; whoever they are, it is not the session that opens.
            csrf.exempt(each.blueprint)
    _templates(app, capabilities)
    return app


def _clock(config: dict[str, Any]) -> Clock:
    clock: Clock | None = config.get("clock")  # tests hand one in
    if clock is not None:
        return clock
    path = config.get("clock_file")
    return FileClock(path) if path else SystemClock()


def _choose_language() -> None:
    """`?lang=zh` or `?lang=en` on any page, remembered for the session and for the user."""
    chosen = request.args.get("lang")
    if chosen not in LOCALES or chosen == session.get("lang"):
        return
    session["lang"] = g.lang = chosen
    if current_user.is_authenticated and not current_user.kiosk:
        with transaction() as tx:
            service.set_lang(tx, current_user.name, chosen)


def _guard(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    is_kept = is_for_everybody(request.path) and "Cache-Control" in response.headers
    if not is_kept and not (request.endpoint or "").endswith("static"):
        # Pages hold names of patients: no cache and no back button shows them after log-out.
        response.headers["Cache-Control"] = "no-store"
    return response


def _templates(app: Flask, capabilities: Sequence[ModuleType]) -> None:
    # A capability that is not always there says so by a function `shown`.
    entries = [
        (order, path, label, tuple(roles), icon, getattr(each, "shown", lambda: True))
        for each in capabilities
        for order, path, label, roles, icon in getattr(each, "NAVIGATION", ())
    ]
    entries.sort(key=lambda entry: entry[:2])

    def navigation() -> list[dict[str, Any]]:
        """The tasks of the user's role, the one it begins with first. A page belongs to the
        longest path it begins with."""
        if not current_user.is_authenticated or current_user.kiosk:
            return []
        mine = [
            {"path": path, "label": label, "icon": icon}
            for _order, path, label, roles, icon, shown in entries
            if (not roles or current_user.role in (*roles, "admin")) and shown()
        ]
        mine.sort(key=lambda each: each["path"] != FIRST_PAGES[current_user.role])
        here = [m["path"] for m in mine if (request.path + "/").startswith(m["path"] + "/")]
        longest = max(here, key=len, default=None)
        return [m | {"here": m["path"] == longest} for m in mine]

    helpers: dict[str, Any] = {
        "_": _,
        "duration_forms": duration_forms,
        "lang": lang,
        "other_language": _other_language,
        "role_name": describe,
        "ward_name": ward_name,
        "without_beds": WITHOUT_BEDS,
    }
    app.jinja_env.globals.update(helpers)
    app.jinja_env.filters.update(
        time=at_time, datetime=at_date, duration=lasted, moment=moment, money=yuan
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _page() -> dict[str, Any]:
        return {"navigation": navigation(), "now_ms": read().now_ms}


def _other_language(chosen: str) -> str:
    """This page in the other language. A page that answered a form begins anew."""
    kept = {k: v for k, v in request.args.items() if k not in ("lang", "token")}
    return request.path + "?" + urlencode(kept | {"lang": chosen})
