"""Phones, and the groups that answer for each other."""

from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory import changing, model, present, removing, service
from central.directory.kinds import choices
from central.directory.kinds.kind import (
    CHOICE,
    MANY,
    NUMBER,
    Field,
    Kind,
    joined,
    whole,
    words,
)
from central.directory.present import Values
from central.store import Tx
from gateway.telephone.directory import ENCRYPTIONS


def _phone_rows(tx: Tx) -> list[dict[str, Any]]:
    groups = joined(tx, "SELECT device, name FROM phone_groups")
    classes = joined(tx, "SELECT name, label FROM permission_classes")
    return [
        {
            "ref": row["device"],
            "label": row["label"],
            "number": row["number"],
            "caller": row["caller"],
            "rights": classes.get(row["rights"], row["rights"]),
            "lang": choices.LANGS.get(row["lang"]),
            "groups": groups.get(row["device"]),
            "device": spelled(row["device"]),
        }
        for row in sorted(model.phones(tx), key=lambda each: (each["number"], each["device"]))
    ]


def spelled(device: str) -> str:
    """A hardware address as on the label: 00:15:65:0a:1b:2c."""
    return ":".join(device[place : place + 2] for place in range(0, len(device), 2))


def _named(given: Values) -> str:
    """A phone that has not got a name yet is called by its address."""
    return str(given["label"] or spelled(given["device"]))


def _add_phone(tx: Tx, values: Values, by: str) -> str:
    row = service.add_phone(
        tx, values["device"], values["number"], label=values["label"], rights=values["rights"],
        lang=values["lang"], lines=whole(values, "lines"), groups=words(values["groups"]), by=by,
    )  # fmt: skip
    if values["encryption"] != row["encryption"]:
        service.encrypt(tx, row["device"], values["encryption"], by=by)
    return str(row["device"])


def _change_phone(tx: Tx, ref: str, values: Values, by: str) -> None:
    changing.change_phone(
        tx, ref, values["number"], label=values["label"], rights=values["rights"],
        lang=values["lang"], lines=whole(values, "lines"), groups=words(values["groups"]), by=by,
    )  # fmt: skip
    now = model.phone(tx, ref)
    if now is not None and values["encryption"] != now["encryption"]:
        service.encrypt(tx, ref, values["encryption"], by=by)


def _phone_now(tx: Tx, ref: str) -> Values | None:
    """The groups as the form's one line has them."""
    found = present.phone(tx, ref)
    return None if found is None else found | {"groups": " ".join(found["groups"])}


def _phone_lost(tx: Tx, ref: str) -> str:
    rings = tx.all("SELECT number FROM extension_phones WHERE device = ? ORDER BY 1", (ref,))
    numbers = ", ".join(row["number"] for row in rings)
    if not numbers:
        return _("It can call no more, and its password is gone.")
    return _("It can call no more, rings no more for %(numbers)s, and its password is gone.",
             numbers=numbers)  # fmt: skip


PHONES = Kind(
    path="phones",
    code="phone",
    title=N_("Phones"),
    one=N_("Phone"),
    new=N_("Add a phone"),
    explained=N_("A telephone or softphone, known by its hardware address, never by its number:"
                 " a stranger who guesses numbers finds nothing to log in as."),
    empty=N_("No phone yet. Add an extension first, then the phone that shows it."),
    columns={
        "label": N_("Name shown"), "number": N_("Shows number"), "caller": N_("Name of the number"),
        "rights": N_("May dial"), "lang": N_("Language"), "groups": N_("Pick-up groups"),
        "device": N_("Hardware address"),
    },
    fields=(
        Field("device", N_("Hardware address"), fixed=True, shown=spelled,
              hint=N_("12 digits or letters a-f, as on the label. A softphone has none: make one up"
                      " that begins with 02.")),
        Field("label", N_("Name shown"), required=False,
              hint=N_("Where it stands, or whose it is.")),
        Field("number", N_("Shows number"), CHOICE, choices=choices.extensions),
        Field("rights", N_("May dial"), CHOICE, choices=choices.classes, value=model.INTERNAL),
        Field("lang", N_("Language it speaks"), CHOICE, choices=choices.langs, value="zh"),
        Field("lines", N_("Calls at once before it is busy"), NUMBER, value=2),
        Field("groups", N_("Pick-up groups"), required=False,
              hint=N_("Phones of a group can answer each other's calls. Several: nurses icu")),
        Field("encryption", N_("Encrypts its voice"), CHOICE, choices=choices.encryptions,
              value=ENCRYPTIONS[0], hint=N_("Needs a certificate of the exchange.")),
    ),
    rows=_phone_rows,
    present=_phone_now,
    add=_add_phone,
    change=_change_phone,
    remove=lambda tx, ref, by: removing.remove_phone(tx, ref, by=by),
    named=_named,
    lost=_phone_lost,
)  # fmt: skip


def _group_rows(tx: Tx) -> list[dict[str, Any]]:
    sql = "SELECT phone_groups.name, phones.label FROM phone_groups JOIN phones USING (device)"
    return [
        {"ref": name, "name": name, "phones": phones}
        for name, phones in joined(tx, sql, ", ").items()
    ]


def _add_group(tx: Tx, values: Values, by: str) -> str:
    changing.set_group(tx, values["name"], values["phones"], by=by, fresh=True)
    return str(values["name"])


GROUPS = Kind(
    path="groups",
    code="group",
    title=N_("Pick-up groups"),
    one=N_("Pick-up group"),
    new=N_("Add a pick-up group"),
    explained=N_("Phones of a group can answer each other's calls."),
    empty=N_("No pick-up group yet. Add one to let the phones of a station answer for each other."),
    columns={"name": N_("Short name"), "phones": N_("Phones")},
    fields=(
        Field("name", N_("Short name"), fixed=True, hint=N_("Letters a-z and digits.")),
        Field("phones", N_("Phones"), MANY, choices=choices.phones),
    ),
    rows=_group_rows,
    present=present.group,
    add=_add_group,
    change=lambda tx, ref, values, by: changing.set_group(tx, ref, values["phones"], by=by),
    remove=lambda tx, ref, by: removing.remove_group(tx, ref, by=by),
    named=lambda given: str(given["name"]),
    lost=lambda _tx, _ref: _("Its phones stay, but cannot answer for each other any more."),
)
