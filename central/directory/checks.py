"""What every change of the directory is checked for. All raise FieldError."""

from central.audit import model as audit
from central.console.marks import N_
from central.directory import model
from central.errors import FieldError
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from gateway.telephone import directory as exchange

# What a nudge says has changed.
CHANGED = "directory"
LABEL_MOST = 40


def changed(tx: Tx, by: str, what: str, ref: str, detail: dict[str, object]) -> None:
    """Audit a change and let the exchange be told of it."""
    audit.append(tx, by, what, ref, detail=detail)
    tx.changed(HOSPITAL, CHANGED)


def fresh(tx: Tx, number: str) -> str:
    """`number`, if it can be given to somebody."""
    try:
        number = exchange.extension(number.strip())
    except exchange.DirectoryError:
        raise FieldError("number", N_("An extension has 2 to 8 digits.")) from None
    return _unused(tx, number)


def fresh_service(tx: Tx, number: str) -> str:
    """`number`, if it can be a service's."""
    try:
        number = exchange.service_number(number.strip())
    except exchange.DirectoryError:
        message = N_("The number of a service has 2 to 8 digits, and a * before them if you like.")
        raise FieldError("number", message) from None
    return _unused(tx, number)


def _unused(tx: Tx, number: str) -> str:
    if model.used(tx, number):
        raise FieldError("number", N_("The number %(number)s is taken."), number=number)
    return number


def extension(tx: Tx, number: str) -> Row:
    found = model.extension(tx, number)
    if found is None:
        raise FieldError("number", N_("There is no extension %(number)s."), number=number)
    return found


def phone(tx: Tx, device: str) -> Row:
    found = model.phone(tx, device)
    if found is None:
        raise FieldError("device", N_("There is no such phone."))
    return found


def label(field: str, text: str) -> str:
    """`text` as one line of a name."""
    line = " ".join(text.split())
    if not line or len(line) > LABEL_MOST:
        raise FieldError(field, N_("A name has 1 to %(most)s characters."), most=LABEL_MOST)
    return line


def check_ward(tx: Tx, ward: str | None) -> None:
    if ward is not None and wards.ward(tx, ward) is None:
        raise FieldError("ward", N_("There is no such ward."))


def within(field: str, value: int, limits: tuple[int, int]) -> None:
    least, most = limits
    if not least <= value <= most:
        raise FieldError(field, N_("This must be %(least)s to %(most)s."), least=least, most=most)
