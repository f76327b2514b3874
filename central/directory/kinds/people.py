"""People and the numbers of the house."""

from typing import Any

from central.console.context import _, lasted, ward_name
from central.console.marks import N_
from central.directory import changing, model, present, removing, service
from central.directory.kinds import choices, losing
from central.directory.kinds.kind import (
    CHOICE,
    HOUSE_NUMBER,
    MANY,
    NUMBER,
    Field,
    Kind,
    joined,
    whole,
)
from central.directory.present import Values
from central.store import Tx


def _people_rows(tx: Tx) -> list[dict[str, Any]]:
    numbers = joined(tx, "SELECT person, number FROM extensions WHERE person IS NOT NULL")
    return [
        {
            "ref": row["id"],
            "name": row["name"],
            "ward": ward_name(row["ward"]) if row["ward"] else None,
            "numbers": numbers.get(row["id"]),
            "user": row["user"],
        }
        for row in model.people(tx)
    ]


def _add_person(tx: Tx, values: Values, by: str) -> str:
    person = service.add_person(tx, values["name"], ward=values["ward"] or None, by=by)
    if values["user"]:
        _change_person(tx, str(person), values, by)
    return str(person)


def _change_person(tx: Tx, ref: str, values: Values, by: str) -> None:
    changing.change_person(
        tx, int(ref), values["name"], ward=values["ward"] or None, user=values["user"] or None,
        by=by,
    )  # fmt: skip


PEOPLE = Kind(
    path="people",
    code="person",
    title=N_("People"),
    one=N_("Person"),
    new=N_("Add a person"),
    explained=N_("Whoever has a number of their own. A person need not be able to log in."),
    empty=N_("No person yet. Add one, then give an extension to the person."),
    columns={
        "name": N_("Name of the person"),
        "ward": N_("Ward"),
        "numbers": N_("Extensions"),
        "user": N_("Log-in"),
    },
    fields=(
        Field("name", N_("Name of the person")),
        Field("ward", N_("Ward"), CHOICE, choices=choices.wards, empty=N_("none")),
        Field(
            "user", N_("Log-in of the same person"), CHOICE, choices=choices.users, empty=N_("none")
        ),
    ),
    rows=_people_rows,
    present=present.person,
    add=_add_person,
    change=_change_person,
    remove=lambda tx, ref, by: removing.remove_person(tx, int(ref), by=by),
    named=lambda given: str(given["name"]),
    lost=lambda _tx, _ref: _("The log-in of the person stays."),
    uses=removing.uses_of_person,
)


def _extension_rows(tx: Tx) -> list[dict[str, Any]]:
    sql = "SELECT extension_phones.number, label FROM extension_phones JOIN phones USING (device)"
    rings = joined(tx, sql, ", ")
    names = {row["id"]: row["name"] for row in model.people(tx)}
    return [
        {
            "ref": row["number"],
            "number": row["number"],
            "label": row["label"],
            "person": names.get(row["person"]),
            "ward": ward_name(row["ward"]) if row["ward"] else None,
            "phones": rings.get(row["number"]),
            "ring_s": lasted(row["ring_s"] * 1000),
        }
        for row in model.extensions(tx)
    ]


def _person_of(values: Values) -> int | None:
    return int(values["person"]) if str(values["person"] or "").isdecimal() else None


def _add_extension(tx: Tx, values: Values, by: str) -> str:
    number = values["number"]
    service.add_extension(
        tx, number, values["label"], ring_s=whole(values, "ring_s"), person=_person_of(values),
        ward=values["ward"] or None, by=by,
    )  # fmt: skip
    if values["phones"]:
        _change_extension(tx, number, values, by)
    return str(number)


def _change_extension(tx: Tx, ref: str, values: Values, by: str) -> None:
    changing.change_extension(
        tx, ref, values["label"], ring_s=whole(values, "ring_s"), person=_person_of(values),
        ward=values["ward"] or None, phones=values["phones"], by=by,
    )  # fmt: skip


def _extension_lost(tx: Tx, ref: str) -> str:
    rings = tx.all(
        "SELECT label FROM extension_phones JOIN phones USING (device)"
        " WHERE extension_phones.number = ? ORDER BY 1", (ref,),
    )  # fmt: skip
    said = _("Whoever dials it hears that there is no such number.")
    labels = ", ".join(row["label"] for row in rings)
    if labels:
        said += _(" It rings no more at: %(phones)s.", phones=labels)
    return said + losing.leading(tx, ref) + losing.belonging(tx, ref)


EXTENSIONS = Kind(
    path="extensions",
    code="extension",
    title=N_("Extensions"),
    one=N_("Extension"),
    new=N_("Add an extension"),
    explained=N_("A number of the house. It may ring at several phones at once."),
    empty=N_("No extension yet. Add a number first, then the phone that shows it."),
    columns={
        "number": N_("Telephone number"),
        "label": N_("Name shown"),
        "person": N_("Person"),
        "ward": N_("Nurse station of"),
        "phones": N_("Rings at"),
        "ring_s": N_("Rings for"),
    },
    fields=(
        HOUSE_NUMBER,
        Field("label", N_("Name shown"), hint=N_("What a phone shows when it calls from here.")),
        Field("person", N_("Person"), CHOICE, choices=choices.people, empty=N_("nobody's own")),
        Field(
            "ward",
            N_("Nurse station of"),
            CHOICE,
            choices=choices.wards,
            empty=N_("no nurse station"),
        ),
        Field("ring_s", N_("Rings for so many seconds"), NUMBER, value=60),
        Field(
            "phones",
            N_("Rings at these phones, all at once"),
            MANY,
            choices=choices.phones,
            required=False,
        ),
    ),
    rows=_extension_rows,
    present=present.extension,
    add=_add_extension,
    change=_change_extension,
    remove=lambda tx, ref, by: removing.remove_extension(tx, ref, by=by),
    named=lambda given: f"{given['number']} {given['label']}",
    lost=_extension_lost,
    uses=removing.uses_of_extension,
)
