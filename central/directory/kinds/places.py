"""Places of the house by name: what spoken menus put callers through to, or tell them."""

from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory import model, places
from central.directory.kinds import choices
from central.directory.kinds.kind import CHOICE, Field, Kind
from central.directory.present import Values
from central.errors import FieldError
from central.store import Tx


def _named(name: Any) -> str:
    place = places.PLACES.get(str(name))
    return str(name) if place is None else _(place.words)


def _free(tx: Tx) -> list[tuple[str, str]]:
    """What has no number yet."""
    taken = model.places(tx)
    return [(name, _named(name)) for name in places.PLACES if name not in taken]


def _rows(tx: Tx) -> list[dict[str, Any]]:
    labels = dict(choices.extensions(tx))
    return [
        {
            "ref": name,
            "name": _named(name),
            "number": number,
            "reached": labels.get(number, "").removeprefix(number).strip() or None,
        }
        for name, number in model.places(tx).items()
    ]


def _now(tx: Tx, ref: str) -> Values | None:
    number = model.places(tx).get(ref)
    return None if number is None else {"name": ref, "number": number}


def _add(tx: Tx, values: Values, by: str) -> str:
    if values["name"] in model.places(tx):
        raise FieldError("name", N_("This place has a number already."))
    places.put(tx, values["name"], values["number"], by=by)
    return str(values["name"])


PLACES = Kind(
    path="places",
    code="place",
    title=N_("Named places"),
    one=N_("Named place"),
    new=N_("Give a place a number"),
    explained=N_("Where spoken menus lead by a name instead of a number: it stands here once, and"
                 " every menu goes by it."),
    empty=N_("No place has a number yet, so 0 in the menus leads nowhere. Give the service desk"
             " one."),
    columns={
        "name": N_("Named place"),
        "number": N_("Telephone number"),
        "reached": N_("Extension"),
    },
    fields=(
        Field("name", N_("Named place"), CHOICE, choices=_free, fixed=True, shown=_named),
        Field(
            "number", N_("Telephone number"),
            hint=N_("Of the service desk: an extension of the house."),
        ),
    ),
    rows=_rows,
    present=_now,
    add=_add,
    change=lambda tx, ref, values, by: places.put(tx, ref, values["number"], by=by),
    remove=lambda tx, ref, by: places.remove(tx, ref, by=by),
    named=lambda given: _named(given["name"]),
    lost=lambda _tx, _ref: _("The menus that lead there go on as if nobody answered."),
)  # fmt: skip
