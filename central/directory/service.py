"""Changes of the directory, each checked, audited and told to the exchange."""

import re
import secrets
from collections.abc import Sequence

from central.audit import model as audit
from central.console.marks import N_
from central.directory import checks, model
from central.errors import FieldError
from central.store import Row, Tx
from central.words import LOCALES
from gateway.telephone import directory as exchange

RING_S = (5, 300)
LINES = (1, 8)
PASSWORD_BYTES = 12
_GROUP = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PURPOSE = re.compile(r"[a-z][a-z_]{0,31}")


def add_person(tx: Tx, name: str, *, ward: str | None = None, by: str = "system") -> int:
    """The person's id. Raises FieldError."""
    name = checks.label("name", name)
    checks.check_ward(tx, ward)
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
    number, label = checks.fresh(tx, number), checks.label("label", label)
    checks.within("ring_s", ring_s, RING_S)
    checks.check_ward(tx, ward)
    if person is not None and tx.one("SELECT 1 FROM people WHERE id = ?", (person,)) is None:
        raise FieldError("person", N_("There is no such person."))
    tx.insert("extensions", number=number, label=label, ring_s=ring_s, person=person, ward=ward)
    checks.changed(tx, by, "extension.add", f"extension/{number}", {"label": label})


def add_service(
    tx: Tx, number: str, purpose: str, fallback: Sequence[str] = (), *, by: str = "system"
) -> None:
    """A number that Wardline answers itself; the extensions of `fallback` ring when it is away.
    Raises FieldError."""
    number = checks.fresh_service(tx, number)
    if not _PURPOSE.fullmatch(purpose):
        raise FieldError("purpose", N_("There is no such service."))
    if tx.one("SELECT 1 FROM services WHERE purpose = ?", (purpose,)) is not None:
        raise FieldError("purpose", N_("This service has a number already."))
    tx.insert("services", number=number, purpose=purpose)
    for each in fallback:
        tx.insert("service_fallbacks", service=number, number=checks.extension(tx, each)["number"])
    checks.changed(tx, by, "service.add", f"service/{number}", {"purpose": purpose})


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
    check_phone(tx, number, rights, lang, lines, groups)
    tx.insert(
        "phones", device=device, password=secrets.token_hex(PASSWORD_BYTES), number=number,
        label=checks.label("label", label or device), rights=rights, lang=lang, lines=lines,
        added_ms=tx.now_ms,
    )  # fmt: skip
    tx.insert("extension_phones", number=number, device=device)
    for each in dict.fromkeys(groups):
        tx.insert("phone_groups", device=device, name=each)
    checks.changed(tx, by, "phone.add", f"phone/{device}", {"number": number, "rights": rights})
    return checks.phone(tx, device)


def encrypt(tx: Tx, device: str, encryption: str, *, by: str = "system") -> None:
    """Whether the phone's voice is encrypted: one of `ENCRYPTIONS` of gateway.telephone.directory.
    Raises FieldError."""
    checks.phone(tx, device)
    if encryption not in exchange.ENCRYPTIONS:
        raise FieldError("encryption", N_("Encryption is none, optional or required."))
    tx.execute("UPDATE phones SET encryption = ? WHERE device = ?", (encryption, device))
    checks.changed(tx, by, "phone.encrypt", f"phone/{device}", {"encryption": encryption})


def check_phone(
    tx: Tx, number: str, rights: str, lang: str, lines: int, groups: Sequence[str]
) -> None:
    """What a phone is given, whether it is new or changed. Raises FieldError."""
    checks.extension(tx, number)
    known = tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (rights,))
    if known is None:
        raise FieldError("rights", N_("There is no such permission class."))
    if lang not in LOCALES:
        raise FieldError("lang", N_("There is no such language."))
    checks.within("lines", lines, LINES)
    for each in groups:
        check_group("groups", each)


def check_group(field: str, name: str) -> None:
    if not _GROUP.fullmatch(name):
        raise FieldError(field, N_("A pick-up group is named by letters a-z and digits."))


def ring(tx: Tx, number: str, devices: Sequence[str], *, by: str = "system") -> None:
    """From now on exactly `devices` ring for `number`. Raises FieldError."""
    checks.extension(tx, number)
    for device in devices:
        checks.phone(tx, device)
    tx.execute("DELETE FROM extension_phones WHERE number = ?", (number,))
    for device in dict.fromkeys(devices):
        tx.insert("extension_phones", number=number, device=device)
    checks.changed(tx, by, "extension.ring", f"extension/{number}", {"phones": list(devices)})


def remove_phone(tx: Tx, device: str, *, by: str = "system") -> None:
    """It can call and be called no more. Raises FieldError."""
    checks.phone(tx, device)
    tx.execute("DELETE FROM phones WHERE device = ?", (device,))
    checks.changed(tx, by, "phone.remove", f"phone/{device}", {})
