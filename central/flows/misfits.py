"""What does not fit the schema, in words that say what would."""

import json
from typing import Any

from jsonschema_rs import ValidationErrorKind as Kind

from central.console.marks import N_

# By the patterns of `schema.json`.
_NAME = N_("%(where)s: “%(what)s” must be small letters, digits and _, a letter first.")
LIKE = {
    "^[0-9*#]$": N_("%(where)s: “%(what)s” is none of the keys 0 to 9, * and #."),
    "^[a-z][a-z0-9_]{0,31}$": _NAME,
    "^[a-z][a-z_]{0,31}$": _NAME,
    "^[a-z_]+\\.[a-z_]+$": N_("%(where)s: “%(what)s” must be like fees.account."),
}
TYPES = {
    "string": N_("%(where)s must be words."),
    "object": N_("%(where)s must be made of lines such as name: value."),
    "integer": N_("%(where)s must be a whole number."),
    "number": N_("%(where)s must be a number."),
}
OTHER = N_("%(where)s: “%(what)s” cannot stand here.")
MOST = 60


def told(where: str, kind: Kind, instance: Any) -> tuple[str, dict[str, Any]]:
    """An English message id and its values. where: the place, as "steps.a.keys"."""
    values: dict[str, Any] = {"where": where, "what": _short(instance)}
    match kind:
        case Kind.Pattern():
            return LIKE.get(kind.pattern, OTHER), values
        case Kind.PropertyNames():
            # What is wrong with a name is an error inside this one.
            return told(where, kind.error.kind, kind.error.instance)
        case Kind.Enum():
            options = ", ".join(map(_short, kind.options))
            return N_("%(where)s must be one of: %(options)s."), values | {"options": options}
        case Kind.Type() if len(kind.types) == 1 and kind.types[0] in TYPES:
            return TYPES[kind.types[0]], values
        case Kind.Minimum():
            return N_("%(where)s must be %(limit)s or more."), values | {"limit": kind.limit}
        case Kind.Maximum():
            return N_("%(where)s must be %(limit)s or less."), values | {"limit": kind.limit}
        case Kind.MinProperties():
            return N_("%(where)s is empty."), values
        case Kind.MaxProperties() if not kind.limit:
            return N_("%(where)s must be empty: write {}."), values
        case Kind.MaxProperties():
            return N_("%(where)s has more than %(limit)s entries."), values | {"limit": kind.limit}
    return OTHER, values


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST else text[:MOST] + "…"
