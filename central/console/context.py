"""What every page may use: the store, the user, the language, the words.

from central.console.context import _, current_user, lang, read, requires, transaction
"""

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, TypeVar, cast

from flask import abort, current_app, g, has_request_context, request, session
from flask_login import current_user as _current_user

from central.audit import model as audit
from central.console import durations
from central.console.live import Live
from central.console.people import Anybody
from central.money import yuan as yuan
from central.store import Store, StoreUnavailableError, Tx
from central.wards import model as wards
from central.words import LOCALES, seen

# The one who asks: .name, .display, .role, .ward, .lang; .is_authenticated is false before log-in.
current_user = cast(Anybody, _current_user)

log = logging.getLogger("wardline.console")

DEFAULT_LANG = "zh"
View = TypeVar("View", bound=Callable[..., Any])


@dataclass
class Console:
    """What one running console owns; kept in `app.extensions["wardline"]`."""

    store: Store
    config: dict[str, Any]
    live: Live
    timezone: tzinfo

    def close(self) -> None:
        """Let go of the broker and the database; open streams end."""
        self.live.close()
        self.store.close()


def console() -> Console:
    """The console that answers this request."""
    return cast(Console, current_app.extensions["wardline"])


def transaction() -> AbstractContextManager[Tx]:
    """One durable transaction: `with transaction() as tx`. Raises StoreUnavailableError,
    which becomes a page that says so."""
    return console().store.transaction()


def read() -> Tx:
    """For reading: each query sees the newest commit."""
    return console().store.read()


def lang() -> str:
    """The language of the one who asks: "zh" or "en"."""
    if not has_request_context():
        return DEFAULT_LANG
    if "lang" not in g:
        chosen = session.get("lang") or getattr(current_user, "lang", None)
        if chosen not in LOCALES:
            chosen = request.accept_languages.best_match(list(LOCALES)) or DEFAULT_LANG
        g.lang = chosen
    return cast(str, g.lang)


def _(text: str, /, **values: Any) -> str:
    """`text` in the user's language. English is the message id; `%(name)s` placeholders."""
    return seen(lang(), text, **values)


def requires(*roles: str) -> Callable[[View], View]:
    """Only for people with one of `roles` (none given: everybody logged in). An admin may
    always. Others are led to the log-in page, or told that they may not."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            if roles and current_user.role not in (*roles, "admin"):
                abort(403)
            return view(*args, **kwargs)

        return cast(View, checked)

    return wrap


def require_ward(ward: str) -> None:
    """Stop with 404 when there is no such ward, with 403 when it is not the user's: those
    bound to a ward see it and the wards that hand their calls over to it."""
    if wards.ward(read(), ward) is None:
        abort(404)
    if not reaches(ward):
        abort(403)


def reaches(ward: str) -> bool:
    """Whether `require_ward` lets the user pass."""
    row = wards.ward(read(), ward)
    return row is not None and current_user.ward in (None, ward, row["neighbour"])


def note_patient_read(ref: str) -> None:
    """Write into the audit that the user looked at patients' data. A full disk must not keep
    a nurse from the beds, so then it is only logged."""
    try:
        with transaction() as tx:
            audit.append(tx, current_user.name, "patient.read", ref)
    except StoreUnavailableError as error:
        log.error("%s read %s, not in the audit: %s", current_user.name, ref, error)


def ward_name(ward: str) -> str:
    """The ward's name in the user's language; its number when it has none."""
    row = wards.ward(read(), ward)
    if row is None:
        return ward
    return str(row["name_zh"] if lang() == "zh" else row["name_en"])


def local(ms: int) -> datetime:
    """Hospital ms as a local date and time."""
    return datetime.fromtimestamp(ms / 1000, console().timezone)


def at_time(ms: int | None) -> str:
    """14:05, or a dash for never."""
    return "–" if ms is None else local(ms).strftime("%H:%M")


def at_date(ms: int | None) -> str:
    """2026-11-24 14:05:10, or a dash for never."""
    return "–" if ms is None else local(ms).strftime("%Y-%m-%d %H:%M:%S")


def lasted(ms: int | None) -> str:
    """2 min 10 s; 1 h 5 min; or a dash for unknown."""
    if ms is None:
        return "–"
    words, values = durations.form(ms)
    return _(words, **values)


def duration_forms() -> list[Any]:
    """The table of `durations` in the user's language, for the pages' scripts."""
    return [(below_s, zero, _(words)) for below_s, zero, words in durations.FORMS]


def moment(ms: int | None) -> str:
    """7.2 s; from a minute on as `lasted`; or a dash for unknown."""
    if ms is None or ms >= 60_000:
        return lasted(ms)
    return _("%(s)s s", s=f"{max(0, ms) / 1000:.1f}")
