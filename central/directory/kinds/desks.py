"""Who may log in at any phone, and where he sits."""

import re
from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory.kinds import choices
from central.directory.kinds.kind import CHOICE, SECRET, Field, Kind
from central.directory.present import Values
from central.errors import FieldError
from central.personal import desks, model
from central.store import Tx

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def _minute(text: str) -> int | None:
    """Minutes after midnight of "03:00"; None for nothing. Raises FieldError."""
    if not text:
        return None
    time = _TIME.fullmatch(text)
    if time is None:
        raise FieldError("leave", N_("A time of day is written 03:00."))
    return int(time[1]) * 60 + int(time[2])


def _time(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _rows(tx: Tx) -> list[dict[str, Any]]:
    labels, phones = dict(choices.extensions(tx)), dict(choices.phones(tx))
    classes = dict(choices.classes(tx))
    seats = {row["number"]: row["device"] for row in model.seats(tx)}
    return [
        {
            "ref": row["number"],
            "number": labels.get(row["number"], row["number"]),
            "rights": classes.get(row["rights"], row["rights"]),
            "seat": phones.get(seats.get(row["number"], "")),
            "leave": _time(row["leave_min"]) or None,
        }
        for row in tx.all("SELECT * FROM desks ORDER BY number")
    ]


def _now(tx: Tx, ref: str) -> Values | None:
    row = model.desk(tx, ref)
    if row is None:
        return None
    return {"number": ref, "rights": row["rights"], "leave": _time(row["leave_min"])}


def _put(tx: Tx, number: str, values: Values, by: str) -> str:
    desks.put(
        tx, number, rights=values["rights"], pin=values["pin"] or None,
        leave_min=_minute(values["leave"]), by=by,
    )  # fmt: skip
    return number


def _add(tx: Tx, values: Values, by: str) -> str:
    if model.desk(tx, values["number"]) is not None:
        raise FieldError("number", N_("This extension may log in at phones already."))
    return _put(tx, values["number"], values, by)


DESKS = Kind(
    path="desks",
    code="desk",
    title=N_("Free seating"),
    one=N_("Free seating"),
    new=N_("Let an extension log in at phones"),
    explained=N_("Its person dials the number for logging in at any phone, then the extension and"
                 " the PIN. The phone then rings for the extension, too, shows its number and may"
                 " dial what it may, until the same number is dialled again."),
    empty=N_("Nobody logs in at phones yet."),
    columns={
        "number": N_("Extension"),
        "rights": N_("Permission class"),
        "seat": N_("Now at"),
        "leave": N_("Logged out at"),
    },
    fields=(
        Field("number", N_("Extension"), CHOICE, choices=choices.extensions, fixed=True),
        Field("rights", N_("Permission class"), CHOICE, choices=choices.classes),
        Field("pin", N_("PIN"), SECRET, hint=N_("Leave it empty to keep the one there is.")),
        Field(
            "leave", N_("Logged out at"), hint=N_("A time of night, such as 03:00; empty: never."),
            required=False,
        ),
    ),
    rows=_rows,
    present=_now,
    add=_add,
    change=_put,
    remove=lambda tx, ref, by: desks.remove(tx, ref, by=by),
    named=lambda given: _("Log-in of %(number)s at phones", number=given["number"]),
    lost=lambda _tx, _ref: _("It leaves the phone where it is logged in, and its PIN is gone."),
)  # fmt: skip
