"""Places of the house by name, each with its number: where spoken menus put callers through to, and
what they tell in an emergency. The number stands here alone and in no menu.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from central.console.marks import N_
from central.directory import checks, model
from central.errors import FieldError
from central.store import Tx

_TOLD = re.compile(r"[0-9]{2,16}")


@dataclass(frozen=True)
class Place:
    """rung: callers are put through, so it is a number of the house; else it is only told."""

    words: str
    rung: bool = True


DESK, EMERGENCY = "desk", "emergency"
PLACES = {
    DESK: Place(N_("Service desk: where 0 leads in the menus")),
    EMERGENCY: Place(N_("Emergency number: told by the menus outside opening hours"), rung=False),
}
# What a menu may put callers through to.
RUNG = tuple(name for name, place in PLACES.items() if place.rung)


def put(tx: Tx, name: str, number: str, *, by: str = "system") -> None:
    """From now on the place has this number. Raises FieldError."""
    place = PLACES.get(name)
    if place is None:
        raise FieldError("name", N_("There is no such place."))
    number = number.strip()
    if place.rung:
        checks.extension(tx, number)
    if not _TOLD.fullmatch(number) and not place.rung:
        raise FieldError("number", N_("A number to be dialled has 2 to 16 digits."))
    if model.places(tx).get(name) == number:
        return
    tx.execute(
        "INSERT INTO places VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
        (name, number),
    )
    checks.changed(tx, by, "place.put", f"place/{name}", {"number": number})


def remove(tx: Tx, name: str, *, by: str = "system") -> None:
    """Raises FieldError."""
    if not tx.execute("DELETE FROM places WHERE name = ?", (name,)).rowcount:
        raise FieldError("name", N_("There is no such place."))
    checks.changed(tx, by, "place.remove", f"place/{name}", {})


def at(tx: Tx, number: str) -> Mapping[str, str]:
    """The places that are at a number which is rung there, each with its words."""
    return {
        name: PLACES[name].words
        for name, known in model.places(tx).items()
        if known == number and name in RUNG
    }
