"""What stands in the directory, thing by thing, as forms show it; and whether it still does.

Two people may have the same thing open. Each form carries the mark of what it was filled with, and
nothing is saved over what somebody else has changed meanwhile. A mark is of the values, not a
counter, so it holds whoever changes them and by what way.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from central.directory import model
from central.store import Tx

# Field: its text, number or None, or a list of texts.
Values = dict[str, Any]


class ChangedMeanwhileError(Exception):
    """Somebody else changed the thing; `now`: what stands there, or None: it was removed."""

    error_id = "directory-changed"

    def __init__(self, now: Values | None) -> None:
        super().__init__("changed meanwhile")
        self.now = now


def mark(values: Values) -> str:
    """Tells these values from any others."""
    text = json.dumps(values, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unchanged(now: Values | None, seen: str) -> Values:
    """`now`, if it is what bore the mark `seen`. Raises ChangedMeanwhileError."""
    if now is None or mark(now) != seen:
        raise ChangedMeanwhileError(now)
    return now


def different(before: Values, after: Values) -> Values:
    """The fields of `after` that are not as before, for the audit."""
    return {key: value for key, value in after.items() if before.get(key) != value}


def person(tx: Tx, ref: str) -> Values | None:
    row = tx.one("SELECT name, ward, user FROM people WHERE id = ?", (_id(ref),))
    return None if row is None else dict(row)


def extension(tx: Tx, ref: str) -> Values | None:
    row = model.extension(tx, ref)
    if row is None:
        return None
    own = {key: row[key] for key in ("number", "label", "ring_s", "person", "ward")}
    return own | {"phones": _list(tx, "extension_phones", "device", "number", ref)}


def phone(tx: Tx, ref: str) -> Values | None:
    row = model.phone(tx, ref)
    if row is None:
        return None
    own = {
        key: row[key]
        for key in ("device", "number", "label", "rights", "lang", "lines", "encryption")
    }
    return own | {"groups": _list(tx, "phone_groups", "name", "device", ref)}


def group(tx: Tx, ref: str) -> Values | None:
    phones = _list(tx, "phone_groups", "device", "name", ref)
    return {"name": ref, "phones": phones} if phones else None


def service(tx: Tx, ref: str) -> Values | None:
    row = tx.one("SELECT number, purpose FROM services WHERE number = ?", (ref,))
    if row is None:
        return None
    return dict(row) | {"fallback": _list(tx, "service_fallbacks", "number", "service", ref)}


def permission_class(tx: Tx, ref: str) -> Values | None:
    row = tx.one(
        "SELECT name, label, most_calls, day_calls, day_minutes FROM permission_classes"
        " WHERE name = ?",
        (ref,),
    )
    if row is None:
        return None
    return dict(row) | {"routes": _list(tx, "class_routes", "route", "class", ref)}


def trunk(tx: Tx, ref: str) -> Values | None:
    """Without its password, which no form shows."""
    row = tx.one(
        "SELECT name, host, user, most_calls, day_calls, day_minutes FROM trunks WHERE name = ?",
        (ref,),
    )
    if row is None:
        return None
    inbound = tx.all("SELECT outside, inside FROM trunk_numbers WHERE trunk = ? ORDER BY 1", (ref,))
    return dict(row) | {"inbound": [f"{each['outside']} {each['inside']}" for each in inbound]}


def route(tx: Tx, ref: str) -> Values | None:
    row = tx.one("SELECT name, trunk, strip, limit_s, always FROM routes WHERE name = ?", (ref,))
    if row is None:
        return None
    return dict(row) | {"patterns": _list(tx, "route_patterns", "pattern", "route", ref)}


def mailbox(tx: Tx, ref: str) -> Values | None:
    """Without its PIN, which nobody can show."""
    row = tx.one("SELECT number, mail FROM mailboxes WHERE number = ?", (ref,))
    return None if row is None else dict(row)


def room(tx: Tx, ref: str) -> Values | None:
    """Without its PIN."""
    row = tx.one("SELECT number, label FROM rooms WHERE number = ?", (ref,))
    return None if row is None else dict(row)


def parking(tx: Tx, ref: str) -> Values | None:
    row = tx.one("SELECT number, first, last, wait_s FROM parking WHERE number = ?", (ref,))
    return None if row is None else dict(row)


Present = Callable[[Tx, str], Values | None]


def _id(ref: str) -> int:
    """A row's id; what is none is nobody's."""
    return int(ref) if ref.isascii() and ref.isdigit() and len(ref) < 12 else 0


def _list(tx: Tx, table: str, wanted: str, key: str, ref: str) -> list[str]:
    found = tx.all(f"SELECT {wanted} FROM {table} WHERE {key} = ? ORDER BY 1", (ref,))
    return [row[0] for row in found]
