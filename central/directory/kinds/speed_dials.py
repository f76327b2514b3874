"""Speed dials, of the house and of extensions."""

from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory.kinds import choices
from central.directory.kinds.kind import CHOICE, Field, Kind
from central.directory.present import Values
from central.errors import FieldError
from central.personal import model, speed
from central.store import Tx

EVERY = N_("Every phone")


def _rows(tx: Tx) -> list[dict[str, Any]]:
    owners = dict(choices.extensions(tx))
    return [
        {
            "ref": row["id"],
            "code": row["code"],
            "number": row["number"],
            "reached": owners.get(row["number"], "").removeprefix(row["number"]).strip() or None,
            "owner": owners.get(row["owner"] or "", _(EVERY)),
        }
        for row in tx.all("SELECT * FROM speed_dials ORDER BY owner IS NOT NULL, owner, code")
    ]


def _now(tx: Tx, ref: str) -> Values | None:
    row = model.speed_dial(tx, ref)
    return None if row is None else {key: row[key] for key in ("code", "owner", "number")}


def _add(tx: Tx, values: Values, by: str) -> str:
    code, owner = values["code"], values["owner"] or None
    if any(row["code"] == code for row in model.speed_dials(tx, owner)):
        raise FieldError("code", N_("There is such a speed dial already."))
    return str(speed.put(tx, code, values["number"], owner=owner, by=by))


def _change(tx: Tx, ref: str, values: Values, by: str) -> None:
    speed.put(tx, values["code"], values["number"], owner=values["owner"] or None, by=by)


def _remove(tx: Tx, ref: str, by: str) -> None:
    row = model.speed_dial(tx, ref)
    if row is None:
        raise FieldError("code", speed.UNKNOWN)
    speed.remove(tx, row["code"], owner=row["owner"], by=by)


SPEED_DIALS = Kind(
    path="speed-dials",
    code="speed",
    title=N_("Speed dials"),
    one=N_("Speed dial"),
    new=N_("Add a speed dial"),
    explained=N_("A short code instead of a long number. It reaches what the phone may dial anyway,"
                 " and nothing else. A code of an extension's own goes before the house's."),
    empty=N_("No speed dial yet. Add one, and *012 dials the laboratory."),
    columns={
        "code": N_("Short code"),
        "number": N_("Dials"),
        "reached": N_("Extension"),
        "owner": N_("On which phones"),
    },
    fields=(
        Field("code", N_("Short code"), fixed=True, hint=N_("*0 and two digits, such as *012.")),
        Field(
            "owner", N_("On which phones"), CHOICE, choices=choices.extensions, empty=EVERY,
            fixed=True, shown=lambda owner: str(owner or _(EVERY)), required=False,
        ),
        Field("number", N_("Dials"), hint=N_("As it is dialled from the phone.")),
    ),
    rows=_rows,
    present=_now,
    add=_add,
    change=_change,
    remove=_remove,
    named=lambda given: str(given["code"]),
    lost=lambda _tx, _ref: _("Who dials the code is told that there is no such number."),
)  # fmt: skip
