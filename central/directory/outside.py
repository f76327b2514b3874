"""Lines to the world, the ways over them, and which permission class may use which."""

import re
from collections.abc import Mapping, Sequence

from central.console.marks import N_
from central.directory import checks, model
from central.directory.checks import changed
from central.errors import FieldError
from central.store import Tx
from gateway.telephone import directory as exchange
from gateway.telephone.text import UnsafeTextError, word

MOST_CALLS = (1, 500)
LIMIT_S = (0, 24 * 3600)
DAY_CALLS = (0, 100_000)
DAY_MINUTES = (0, 1_000_000)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def add_trunk(
    tx: Tx,
    name: str,
    host: str,
    *,
    user: str = "",
    password: str = "",
    most_calls: int = 4,
    inbound: Mapping[str, str] | None = None,
    by: str = "system",
) -> None:
    """A line to the world at `host` ("192.0.2.7:5060"). inbound: our numbers as the world knows
    them, each with the extension or service it rings. Raises FieldError."""
    _check_name(tx, name, "trunks")
    check_trunk(user, password, most_calls)
    tx.insert("trunks", name=name, host=host, user=user, password=password, most_calls=most_calls)
    put_inbound(tx, name, inbound or {})
    changed(tx, by, "trunk.add", f"trunk/{name}", {"host": host, "most_calls": most_calls})


def check_trunk(user: str, password: str, most_calls: int) -> None:
    checks.within("most_calls", most_calls, MOST_CALLS)
    for field, text in (("user", user), ("password", password)):
        try:
            word(text or "none")
        except UnsafeTextError:
            raise FieldError(
                field, N_("Only letters, digits, dots and dashes can be used.")
            ) from None
    if bool(user) != bool(password):
        raise FieldError("password", N_("A user needs a password, and a password a user."))


def put_inbound(tx: Tx, name: str, inbound: Mapping[str, str]) -> None:
    """Let the world's callers of the line `name` ring these, and see that all of it can be."""
    for outside, inside in inbound.items():
        if not model.used(tx, inside):
            raise FieldError("inbound", N_("There is no extension %(number)s."), number=inside)
        taken = tx.one("SELECT 1 FROM trunk_numbers WHERE outside = ?", (outside,))
        if taken is not None:
            raise FieldError("inbound", N_("The number %(number)s is taken."), number=outside)
        tx.insert("trunk_numbers", trunk=name, outside=outside, inside=inside)
    _check_whole(tx, "host", N_("A line needs an address, such as 192.0.2.7:5060, and numbers."))


def add_route(
    tx: Tx,
    name: str,
    trunk: str,
    patterns: Sequence[str],
    *,
    strip: int = 0,
    limit_s: int = 0,
    always: bool = False,
    by: str = "system",
) -> None:
    """Numbers outside, by patterns of fixed length, and the line they go over. Nobody may dial
    them before `allow`. always: no cap holds such a call up. Raises FieldError."""
    _check_name(tx, name, "routes")
    check_route(tx, trunk, patterns, strip, limit_s)
    tx.insert("routes", name=name, trunk=trunk, strip=strip, limit_s=limit_s, always=int(always))
    put_patterns(tx, name, patterns)
    changed(tx, by, "route.add", f"route/{name}", {"patterns": list(patterns), "trunk": trunk})


def check_route(tx: Tx, trunk: str, patterns: Sequence[str], strip: int, limit_s: int) -> None:
    checks.within("limit_s", limit_s, LIMIT_S)
    if tx.one("SELECT 1 FROM trunks WHERE name = ?", (trunk,)) is None:
        raise FieldError("trunk", N_("There is no such line to the world."))
    if not patterns:
        raise FieldError("patterns", N_("Name at least one pattern."))
    checks.within("strip", strip, (0, min(len(each) for each in patterns) - 1))


def put_patterns(tx: Tx, name: str, patterns: Sequence[str]) -> None:
    """Let the route `name` stand for these numbers, and see that all of it can be."""
    for each in dict.fromkeys(patterns):
        tx.insert("route_patterns", route=name, pattern=each)
    _check_whole(
        tx, "patterns", N_("A pattern has 2 to 16 of the signs 0-9, X (any), Z (1-9), N (2-9).")
    )


def add_class(tx: Tx, name: str, label: str, *, by: str = "system") -> None:
    """A permission class, which may dial the numbers of the house until `allow` says more.
    Raises FieldError."""
    _check_name(tx, name, "permission_classes")
    tx.insert("permission_classes", name=name, label=checks.label("label", label))
    changed(tx, by, "class.add", f"class/{name}", {})


def allow(tx: Tx, name: str, routes: Sequence[str], *, by: str = "system") -> None:
    """From now on phones of the class `name` may dial by exactly `routes`. Raises FieldError."""
    if tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (name,)) is None:
        raise FieldError("class", N_("There is no such permission class."))
    for each in routes:
        if tx.one("SELECT 1 FROM routes WHERE name = ?", (each,)) is None:
            raise FieldError("routes", N_("There is no such route."))
    tx.execute("DELETE FROM class_routes WHERE class = ?", (name,))
    for each in dict.fromkeys(routes):
        tx.insert("class_routes", **{"class": name, "route": each})
    changed(tx, by, "class.allow", f"class/{name}", {"routes": list(routes)})


def cap_trunk(
    tx: Tx, name: str, *, most_calls: int, day_calls: int = 0, day_minutes: int = 0,
    by: str = "system",
) -> None:  # fmt: skip
    """From now on so many calls go out over the line at once, and in one day; 0 is without end.
    Raises FieldError."""
    checks.within("most_calls", most_calls, MOST_CALLS)
    if tx.one("SELECT 1 FROM trunks WHERE name = ?", (name,)) is None:
        raise FieldError("trunk", N_("There is no such line to the world."))
    _cap(tx, "trunk", "trunks", name, most_calls, day_calls, day_minutes, by)


def cap_class(
    tx: Tx, name: str, *, most_calls: int = 0, day_calls: int = 0, day_minutes: int = 0,
    by: str = "system",
) -> None:  # fmt: skip
    """From now on the phones of the class together call outside so often at once, and in one day;
    0 is without end. Raises FieldError."""
    checks.within("most_calls", most_calls, (0, MOST_CALLS[1]))
    if tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (name,)) is None:
        raise FieldError("class", N_("There is no such permission class."))
    _cap(tx, "class", "permission_classes", name, most_calls, day_calls, day_minutes, by)


def _cap(
    tx: Tx, kind: str, table: str, name: str, most_calls: int, day_calls: int, day_minutes: int,
    by: str,
) -> None:  # fmt: skip
    checks.within("day_calls", day_calls, DAY_CALLS)
    checks.within("day_minutes", day_minutes, DAY_MINUTES)
    caps = {"most_calls": most_calls, "day_calls": day_calls, "day_minutes": day_minutes}
    tx.execute(
        f"UPDATE {table} SET most_calls = :most_calls, day_calls = :day_calls,"
        " day_minutes = :day_minutes WHERE name = :name",
        {**caps, "name": name},
    )
    changed(tx, by, f"{kind}.cap", f"{kind}/{name}", dict(caps))


def _check_name(tx: Tx, name: str, table: str) -> None:
    if not _NAME.fullmatch(name):
        raise FieldError("name", N_("A name here has letters a-z, digits and dashes."))
    if tx.one(f"SELECT 1 FROM {table} WHERE name = ?", (name,)) is not None:
        raise FieldError("name", N_("This name is taken."))


def _check_whole(tx: Tx, field: str, message: str) -> None:
    """What the exchange would not take is refused here, by the same rules."""
    try:
        model.directory(tx)
    except exchange.DirectoryError:
        raise FieldError(field, message) from None
