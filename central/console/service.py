"""Log-in: passwords, users, device tokens. No HTTP here; delays stand in `limits`."""

import functools
import hashlib
import re
import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from central.audit import model as audit
from central.console import limits, model
from central.console.limits import Origin
from central.console.people import ROLES
from central.errors import FieldError
from central.store import Row, Store, Tx
from central.wards import model as wards
from central.words import LOCALES

PASSWORD_MIN = 10
NAME_MOST = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_HASHER = PasswordHasher()
# A hash takes 64 MB: a flood of log-ins waits its turn instead of eating the memory of all.
_HASHING = threading.BoundedSemaphore(2)


class UnknownUserError(Exception):
    """There is no user of this name."""

    error_id = "unknown-user"


def check_login(store: Store, name: str, password: str, origin: Origin) -> Row | None:
    """The user, or None for a wrong name or password. Raises LockedOutError while a log-in
    under this name from there has to wait, whatever the password.

    The attempt is counted before the password is looked at, so that many at once are no way
    round; and the slow hash is reckoned outside any transaction, so that no press waits for it.
    """
    name = name.strip().lower()[:NAME_MOST]
    with store.transaction() as tx:
        limit = limits.of(tx, name, origin)
        limits.count_attempt(tx, limit)
    user = model.user(store.read(), name)
    try:
        with _HASHING:
            nobodys = _nobody()  # for everybody's log-in, or the first nobody's would take longer
            _HASHER.verify(user["password_hash"] if user else nobodys, password)
    except (VerificationError, InvalidHashError):
        user = None
    with store.transaction() as tx:
        if user is None or user["disabled"]:
            audit.append(tx, name[:64] or "?", "login.refused", f"address/{origin.address}")
            return None
        limits.succeeded(tx, name, origin, limit)
        tx.execute("UPDATE users SET last_login_ms = ? WHERE name = ?", (tx.now_ms, name))
        audit.append(tx, name, "login", f"address/{origin.address}")
    return user


@functools.cache
def _nobody() -> str:
    """Checked against when there is no such user, so that the time taken tells nothing."""
    return _HASHER.hash(secrets.token_hex(16))


def add_user(
    tx: Tx,
    name: str,
    display: str,
    role: str,
    password: str,
    *,
    ward: str | None = None,
    lang: str | None = None,
    by: str = "system",
) -> None:
    """Add somebody who may log in. Raises FieldError."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise FieldError(
            "name", "A log-in name has 2 to 32 letters a-z, digits, dots, dashes or underscores."
        )
    if model.user(tx, name) is not None:
        raise FieldError(
            "name", "There is already a user %(name)s. Choose another name.", name=name
        )
    if not display.strip():
        raise FieldError("display", "Enter the name that colleagues know.")
    if role not in ROLES:
        raise FieldError("role", "Choose a role.")
    if ward is not None and wards.ward(tx, ward) is None:
        raise FieldError("ward", "There is no ward %(ward)s.", ward=ward)
    if role in ("nurse", "head_nurse") and ward is None:
        raise FieldError("ward", "A nurse belongs to a ward: choose it.")
    _check_password(password)
    tx.insert(
        "users",
        name=name,
        display=display.strip()[:64],
        role=role,
        ward=ward,
        password_hash=_HASHER.hash(password),
        lang=lang if lang in LOCALES else None,
        created_ms=tx.now_ms,
    )
    audit.append(tx, by, "user.add", f"user/{name}", detail={"role": role, "ward": ward})


def set_password(tx: Tx, name: str, password: str, by: str) -> None:
    """Give `name` a new password and end every session of theirs. Raises FieldError."""
    _must_exist(tx, name)
    _check_password(password)
    tx.execute(
        "UPDATE users SET password_hash = ?, epoch = epoch + 1 WHERE name = ?",
        (_HASHER.hash(password), name),
    )
    limits.forget(tx, name)
    audit.append(tx, by, "user.password", f"user/{name}")


def set_disabled(tx: Tx, name: str, disabled: bool, by: str) -> None:
    """Bar `name` from logging in, at once, or let them again. Raises FieldError when this
    would leave no administrator."""
    user = _must_exist(tx, name)
    others = tx.value(
        "SELECT count(*) FROM users WHERE role = 'admin' AND NOT disabled AND name != ?", (name,)
    )
    if disabled and user["role"] == "admin" and not others:
        raise FieldError(
            "name", "%(name)s is the last administrator. Add another one first.", name=name
        )
    tx.execute(
        "UPDATE users SET disabled = ?, epoch = epoch + 1 WHERE name = ?", (int(disabled), name)
    )
    audit.append(tx, by, "user.disable" if disabled else "user.enable", f"user/{name}")


def set_lang(tx: Tx, name: str, lang: str) -> None:
    tx.execute("UPDATE users SET lang = ? WHERE name = ?", (lang, name))


def _must_exist(tx: Tx, name: str) -> Row:
    user = model.user(tx, name)
    if user is None:
        raise UnknownUserError(name)
    return user


def _check_password(password: str) -> None:
    if len(password) < PASSWORD_MIN:
        raise FieldError("password", "A password has at least %(n)s characters.", n=PASSWORD_MIN)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make_screen(tx: Tx, ward: str | None, label: str, by: str, *, room: str | None = None) -> str:
    """Let a screen show a ward's board, or the numbers of the examination room `room`, without
    log-in. Returns its token, kept nowhere else. Raises FieldError."""
    if room is None and (ward is None or wards.ward(tx, ward) is None):
        raise FieldError("ward", "There is no ward %(ward)s.", ward=ward)
    if not label.strip():
        raise FieldError("label", "Say where the screen hangs, so that it can be told apart.")
    token = secrets.token_urlsafe(32)
    number = tx.insert(
        "device_tokens",
        sha256=_digest(token),
        label=label.strip()[:64],
        ward=ward if room is None else None,
        room=room,
        made_by=by,
        made_ms=tx.now_ms,
    )
    audit.append(tx, by, "screen.make", f"screen/{number}", detail={"ward": ward, "room": room})
    return token


def end_session(tx: Tx, sid: str, until_s: int) -> None:
    """Let nobody use the session `sid` again; at `until_s` (Unix time) it would be over anyway."""
    tx.execute("DELETE FROM ended_sessions WHERE until_s < ?", (tx.clock.real_ms() // 1000,))
    tx.execute("INSERT OR IGNORE INTO ended_sessions VALUES (?, ?)", (sid, until_s))


def use_token(tx: Tx, token: str) -> Row | None:
    """The screen of a token, or None when it is wrong or revoked."""
    return tx.one(
        "UPDATE device_tokens SET used_ms = ? WHERE sha256 = ? AND revoked_ms IS NULL RETURNING *",
        (tx.now_ms, _digest(token)),
    )


def revoke_screen(tx: Tx, number: int, by: str) -> None:
    """End a screen's right to show a board, at once."""
    tx.execute(
        "UPDATE device_tokens SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL",
        (tx.now_ms, number),
    )
    audit.append(tx, by, "screen.revoke", f"screen/{number}")
