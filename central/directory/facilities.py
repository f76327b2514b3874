"""Mailboxes, conference rooms and places for parked calls."""

import re

from argon2 import PasswordHasher

from central.console.marks import N_
from central.directory import checks, model
from central.errors import FieldError
from central.personal import leaving
from central.store import Tx

# A PIN has so few digits that a slow hash protects it no better than the count of wrong ones does.
HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
WAIT_S = (30, 900)
MOST_PLACES = 50
_PIN = re.compile(r"[0-9]{4,8}")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
MAIL_MOST = 120
NO_PIN = "0"


def set_mailbox(tx: Tx, number: str, pin: str, *, mail: str = "", by: str = "system") -> None:
    """From now on whoever is not answered at `number` may leave a message, which is listened to
    with `pin`; mail: where to tell of each, or nothing. An older PIN and address are replaced.
    Raises FieldError."""
    checks.extension(tx, number)
    hashed, mail = HASHER.hash(_pin(pin)), _mail(mail)
    tx.execute("DELETE FROM mailboxes WHERE number = ?", (number,))
    tx.insert("mailboxes", number=number, pin=hashed, mail=mail)
    checks.changed(tx, by, "mailbox.set", f"mailbox/{number}", {"mail": mail})


def add_mailbox(tx: Tx, number: str, pin: str, *, mail: str = "", by: str = "system") -> None:
    """As `set_mailbox`, where there is none. Raises FieldError."""
    if model.mailbox(tx, number) is not None:
        raise FieldError("number", N_("This extension has a mailbox already."))
    set_mailbox(tx, number, pin, mail=mail, by=by)


def change_mailbox(
    tx: Tx, number: str, *, pin: str = "", mail: str = "", by: str = "system"
) -> None:
    """pin: "" leaves it as it is; a new one also ends a block. Raises FieldError."""
    before = model.mailbox(tx, number)
    if before is None:
        raise FieldError("number", N_("This extension has no mailbox."))
    if pin:
        set_mailbox(tx, number, pin, mail=mail, by=by)
        return
    mail = _mail(mail)
    if before["mail"] == mail:
        return
    tx.execute("UPDATE mailboxes SET mail = ? WHERE number = ?", (mail, number))
    checks.changed(tx, by, "mailbox.set", f"mailbox/{number}", {"mail": mail})


def remove_mailbox(tx: Tx, number: str, *, by: str = "system") -> None:
    """Messages that were left stay. Raises FieldError."""
    if model.mailbox(tx, number) is None:
        raise FieldError("number", N_("This extension has no mailbox."))
    tx.execute("DELETE FROM mailboxes WHERE number = ?", (number,))
    checks.changed(tx, by, "mailbox.remove", f"mailbox/{number}", {})


def add_room(tx: Tx, number: str, label: str, *, pin: str = "", by: str = "system") -> None:
    """A number whose callers hear each other, once they have entered `pin`. Raises FieldError."""
    number, label = checks.fresh(tx, number), checks.label("label", label)
    tx.insert("rooms", number=number, label=label, pin=_pin(pin) if pin else "")
    checks.changed(tx, by, "room.add", f"room/{number}", {"label": label, "pin": bool(pin)})


def change_room(tx: Tx, number: str, label: str, *, pin: str = "", by: str = "system") -> None:
    """pin: "" leaves it as it is, "0" takes it away. Raises FieldError."""
    before = tx.one("SELECT * FROM rooms WHERE number = ?", (number,))
    if before is None:
        raise FieldError("number", N_("There is no such conference room."))
    label = checks.label("label", label)
    secret = before["pin"] if not pin else "" if pin == NO_PIN else _pin(pin)
    if (before["label"], before["pin"]) == (label, secret):
        return
    tx.execute("UPDATE rooms SET label = ?, pin = ? WHERE number = ?", (label, secret, number))
    detail = {"label": label, "pin": bool(secret)}
    checks.changed(tx, by, "room.change", f"room/{number}", detail)


def remove_room(tx: Tx, number: str, *, by: str = "system") -> None:
    """Raises FieldError."""
    if tx.one("SELECT 1 FROM rooms WHERE number = ?", (number,)) is None:
        raise FieldError("number", N_("There is no such conference room."))
    leaving.leave(tx, number, by=by)
    tx.execute("DELETE FROM rooms WHERE number = ?", (number,))
    checks.changed(tx, by, "room.remove", f"room/{number}", {})


def set_parking(
    tx: Tx, number: str, first: str, last: str, *, wait_s: int = 90, by: str = "system"
) -> None:
    """A call that is passed on to `number` is parked at one of the places `first` to `last`, and
    comes back after wait_s. Raises FieldError."""
    before = tx.one("SELECT number, first, last, wait_s FROM parking")
    tx.execute("DELETE FROM parking")
    number = checks.fresh(tx, number)
    for field, each in (("first", first), ("last", last)):
        if not re.fullmatch(r"[1-9][0-9]{1,7}", each):
            raise FieldError(field, N_("A place is a number of 2 to 8 digits, without 0 first."))
    places = range(int(first), int(last) + 1)
    if not 1 <= len(places) <= MOST_PLACES:
        raise FieldError("last", N_("There are 1 to %(most)s places."), most=MOST_PLACES)
    for place in map(str, places):
        if place == number or model.used(tx, place):
            raise FieldError("first", N_("The number %(number)s is taken."), number=place)
    checks.within("wait_s", wait_s, WAIT_S)
    tx.insert("parking", number=number, first=places[0], last=places[-1], wait_s=wait_s)
    if before is None or tuple(before) != (number, places[0], places[-1], wait_s):
        checks.changed(tx, by, "parking.set", f"parking/{number}", {"first": first, "last": last})


def remove_parking(tx: Tx, number: str, *, by: str = "system") -> None:
    """Nothing is parked any more. Raises FieldError."""
    if tx.one("SELECT 1 FROM parking WHERE number = ?", (number,)) is None:
        raise FieldError("number", N_("No call is parked by this number."))
    leaving.leave(tx, number, by=by)
    tx.execute("DELETE FROM parking")
    checks.changed(tx, by, "parking.remove", f"parking/{number}", {})


def _mail(mail: str) -> str:
    mail = mail.strip()
    if mail and (len(mail) > MAIL_MOST or not _MAIL.fullmatch(mail)):
        raise FieldError("mail", N_("This is no e-mail address."))
    return mail


def _pin(pin: str) -> str:
    if not _PIN.fullmatch(pin):
        raise FieldError("pin", N_("A PIN has 4 to 8 digits."))
    return pin
