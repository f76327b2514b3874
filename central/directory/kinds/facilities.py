"""Mailboxes, conference rooms and places for parked calls."""

from typing import Any

from central.console.context import _, lasted
from central.console.marks import N_
from central.directory import facilities, model, present, removing
from central.directory.kinds import choices, losing
from central.directory.kinds.kind import CHOICE, HOUSE_NUMBER, NUMBER, SECRET, Field, Kind, whole
from central.directory.present import Values
from central.store import Tx


def _without_mailbox(tx: Tx) -> list[tuple[str, str]]:
    have = {row["number"] for row in model.mailboxes(tx)}
    return [each for each in choices.extensions(tx) if each[0] not in have]


def _mailbox_rows(tx: Tx) -> list[dict[str, Any]]:
    return [
        {"ref": row["number"], "number": f"{row['number']} {row['label']}", "mail": row["mail"]}
        for row in model.mailboxes(tx)
    ]


def _add_mailbox(tx: Tx, values: Values, by: str) -> str:
    facilities.add_mailbox(tx, values["number"], values["pin"], mail=values["mail"], by=by)
    return str(values["number"])


MAILBOXES = Kind(
    path="mailboxes",
    code="mailbox",
    title=N_("Mailboxes"),
    one=N_("Mailbox"),
    new=N_("Give an extension a mailbox"),
    explained=N_("Whoever is not answered at such an extension may leave a message."),
    empty=N_("No extension has a mailbox yet."),
    columns={"number": N_("Extension"), "mail": N_("Tell by e-mail")},
    fields=(
        Field("number", N_("Extension"), CHOICE, choices=_without_mailbox, fixed=True),
        Field(
            "pin",
            N_("PIN"),
            SECRET,
            required=False,
            hint=N_("4 to 8 digits. Left empty it stays as it is."),
        ),
        Field(
            "mail",
            N_("Tell by e-mail"),
            required=False,
            hint=N_("An address, or nothing. It needs a mail server in the configuration."),
        ),
    ),
    rows=_mailbox_rows,
    present=present.mailbox,
    add=_add_mailbox,
    change=lambda tx, ref, values, by: facilities.change_mailbox(
        tx, ref, pin=values["pin"], mail=values["mail"], by=by
    ),
    remove=lambda tx, ref, by: facilities.remove_mailbox(tx, ref, by=by),
    named=lambda given: _("Mailbox of %(number)s", number=given["number"]),
    lost=lambda _tx, _ref: _("Messages that were left stay until they are deleted."),
)


def _room_rows(tx: Tx) -> list[dict[str, Any]]:
    return [
        {
            "ref": row["number"],
            "number": row["number"],
            "label": row["label"],
            "pin": _("with a PIN") if row["pin"] else None,
        }
        for row in model.rooms(tx)
    ]


def _add_room(tx: Tx, values: Values, by: str) -> str:
    facilities.add_room(tx, values["number"], values["label"], pin=values["pin"], by=by)
    return str(values["number"])


ROOMS = Kind(
    path="rooms",
    code="room",
    title=N_("Conference rooms"),
    one=N_("Conference room"),
    new=N_("Add a conference room"),
    explained=N_("All who dial the number hear each other."),
    empty=N_("There is no conference room yet."),
    columns={"number": N_("Telephone number"), "label": N_("Name of the room"), "pin": N_("PIN")},
    fields=(
        HOUSE_NUMBER,
        Field("label", N_("Name of the room")),
        Field(
            "pin",
            N_("PIN"),
            SECRET,
            required=False,
            hint=N_("4 to 8 digits; 0 is none. Left empty it stays as it is."),
        ),
    ),
    rows=_room_rows,
    present=present.room,
    add=_add_room,
    change=lambda tx, ref, values, by: facilities.change_room(
        tx, ref, values["label"], pin=values["pin"], by=by
    ),
    remove=lambda tx, ref, by: removing.remove_room(tx, ref, by=by),
    named=lambda given: f"{given['number']} {given['label']}",
    lost=lambda tx, ref: _("Whoever is in it stays until all have left.") + losing.leading(tx, ref),
    uses=removing.uses_of_room,
)


def _parking_rows(tx: Tx) -> list[dict[str, Any]]:
    row = model.parking(tx)
    if row is None:
        return []
    places = f"{row['first']}-{row['last']}"
    waits = lasted(row["wait_s"] * 1000)
    return [{"ref": row["number"], "number": row["number"], "places": places, "wait_s": waits}]


def _set_parking(tx: Tx, number: str, values: Values, by: str) -> str:
    facilities.set_parking(
        tx, number, str(values["first"]), str(values["last"]), wait_s=whole(values, "wait_s"), by=by
    )
    return number


PARKING = Kind(
    path="parking",
    code="parking",
    title=N_("Parked calls"),
    one=N_("Number for parking calls"),
    new=N_("Set where calls are parked"),
    explained=N_(
        "A call that is passed on to the number waits at a place; whoever dials the place has the"
        " call. A new number replaces the one that was there."
    ),
    empty=N_("No call can be parked yet."),
    columns={
        "number": N_("Telephone number"),
        "places": N_("Places"),
        "wait_s": N_("Comes back after"),
    },
    fields=(
        HOUSE_NUMBER,
        Field("first", N_("First place"), NUMBER),
        Field("last", N_("Last place"), NUMBER),
        Field("wait_s", N_("Comes back after seconds"), NUMBER, value=90),
    ),
    rows=_parking_rows,
    present=present.parking,
    add=lambda tx, values, by: _set_parking(tx, values["number"], values, by),
    change=_set_parking,
    remove=lambda tx, ref, by: facilities.remove_parking(tx, ref, by=by),
    named=lambda given: _("Parked calls by %(number)s", number=given["number"]),
    lost=lambda tx, ref: _("Calls that are parked stay where they are.") + losing.leading(tx, ref),
)
