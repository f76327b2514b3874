"""Changes of the directory, each checked, audited and told to the exchange."""

import re
import secrets
from collections.abc import Sequence

from central.audit import model as audit
from central.console.marks import N_
from central.directory import model
from central.errors import FieldError
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from central.words import LOCALES
from gateway.telephone import directory as exchange

# What a nudge says has changed.
CHANGED = "directory"
LABEL_MOST = 40
RING_S = (5, 300)
LINES = (1, 8)
PASSWORD_BYTES = 12
_GROUP = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PURPOSE = re.compile(r"[a-z][a-z_]{0,31}")


def add_person(tx: Tx, name: str, *, ward: str | None = None, by: str = "system") -> int:
    """The person's id. Raises FieldError."""
    name = _label("name", name)
    _check_ward(tx, ward)
    person = tx.insert("people", name=name, ward=ward)
    audit.append(tx, by, "person.add", f"person/{person}", detail={"name": name})
    return person


def add_extension(
    tx: Tx,
    number: str,
    label: str,
    *,
    ring_s: int = 60,
    person: int | None = None,
    ward: str | None = None,
    by: str = "system",
) -> None:
    """A number of the house; phones ring for it once `ring` has named them. ward: it is this
    ward's nurse station. Raises FieldError."""
    number, label = _fresh(tx, number), _label("label", label)
    _within("ring_s", ring_s, RING_S)
    _check_ward(tx, ward)
    if person is not None and tx.one("SELECT 1 FROM people WHERE id = ?", (person,)) is None:
        raise FieldError("person", N_("There is no such person."))
    tx.insert("extensions", number=number, label=label, ring_s=ring_s, person=person, ward=ward)
    _changed(tx, by, "extension.add", f"extension/{number}", {"label": label})


def add_service(
    tx: Tx, number: str, purpose: str, fallback: Sequence[str] = (), *, by: str = "system"
) -> None:
    """A number that Wardline answers itself; the extensions of `fallback` ring when it is away.
    Raises FieldError."""
    number = _fresh(tx, number)
    if not _PURPOSE.fullmatch(purpose):
        raise FieldError("purpose", N_("There is no such service."))
    if tx.one("SELECT 1 FROM services WHERE purpose = ?", (purpose,)) is not None:
        raise FieldError("purpose", N_("This service has a number already."))
    tx.insert("services", number=number, purpose=purpose)
    for each in fallback:
        tx.insert("service_fallbacks", service=number, number=_extension(tx, each)["number"])
    _changed(tx, by, "service.add", f"service/{number}", {"purpose": purpose})


def add_phone(
    tx: Tx,
    address: str,
    number: str,
    *,
    label: str = "",
    rights: str = model.INTERNAL,
    lang: str = "zh",
    lines: int = 2,
    groups: Sequence[str] = (),
    by: str = "system",
) -> Row:
    """A phone by its hardware address, which shows `number` when it calls and rings for it. The
    row has its device name and the password to give it. Raises FieldError."""
    try:
        device = exchange.device_name(address)
    except exchange.DirectoryError:
        raise FieldError(
            "address", N_("A hardware address has 12 digits 0-9 or letters a-f, as on the label.")
        ) from None
    if model.phone(tx, device) is not None:
        raise FieldError("address", N_("This phone is in the directory already."))
    _extension(tx, number)
    known = tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (rights,))
    if known is None:
        raise FieldError("rights", N_("There is no such permission class."))
    if lang not in LOCALES:
        raise FieldError("lang", N_("There is no such language."))
    _within("lines", lines, LINES)
    for each in groups:
        if not _GROUP.fullmatch(each):
            raise FieldError("groups", N_("A pick-up group is named by letters a-z and digits."))
    tx.insert(
        "phones", device=device, password=secrets.token_hex(PASSWORD_BYTES), number=number,
        label=_label("label", label or device), rights=rights, lang=lang, lines=lines,
        added_ms=tx.now_ms,
    )  # fmt: skip
    tx.insert("extension_phones", number=number, device=device)
    for each in dict.fromkeys(groups):
        tx.insert("phone_groups", device=device, name=each)
    _changed(tx, by, "phone.add", f"phone/{device}", {"number": number, "rights": rights})
    return _phone(tx, device)


def ring(tx: Tx, number: str, devices: Sequence[str], *, by: str = "system") -> None:
    """From now on exactly `devices` ring for `number`. Raises FieldError."""
    _extension(tx, number)
    for device in devices:
        _phone(tx, device)
    tx.execute("DELETE FROM extension_phones WHERE number = ?", (number,))
    for device in dict.fromkeys(devices):
        tx.insert("extension_phones", number=number, device=device)
    _changed(tx, by, "extension.ring", f"extension/{number}", {"phones": list(devices)})


def remove_phone(tx: Tx, device: str, *, by: str = "system") -> None:
    """It can call and be called no more. Raises FieldError."""
    _phone(tx, device)
    tx.execute("DELETE FROM phones WHERE device = ?", (device,))
    _changed(tx, by, "phone.remove", f"phone/{device}", {})


# --- checks ---


def _changed(tx: Tx, by: str, what: str, ref: str, detail: dict[str, object]) -> None:
    audit.append(tx, by, what, ref, detail=detail)
    tx.changed(HOSPITAL, CHANGED)


def _fresh(tx: Tx, number: str) -> str:
    try:
        number = exchange.extension(number.strip())
    except exchange.DirectoryError:
        raise FieldError("number", N_("An extension has 2 to 8 digits.")) from None
    if model.used(tx, number):
        raise FieldError("number", N_("The number %(number)s is taken."), number=number)
    return number


def _extension(tx: Tx, number: str) -> Row:
    found = model.extension(tx, number)
    if found is None:
        raise FieldError("number", N_("There is no extension %(number)s."), number=number)
    return found


def _phone(tx: Tx, device: str) -> Row:
    found = model.phone(tx, device)
    if found is None:
        raise FieldError("device", N_("There is no such phone."))
    return found


def _label(field: str, text: str) -> str:
    line = " ".join(text.split())
    if not line or len(line) > LABEL_MOST:
        raise FieldError(field, N_("A name has 1 to %(most)s characters."), most=LABEL_MOST)
    return line


def _check_ward(tx: Tx, ward: str | None) -> None:
    if ward is not None and wards.ward(tx, ward) is None:
        raise FieldError("ward", N_("There is no such ward."))


def _within(field: str, value: int, limits: tuple[int, int]) -> None:
    least, most = limits
    if not least <= value <= most:
        raise FieldError(field, N_("This must be %(least)s to %(most)s."), least=least, most=most)
