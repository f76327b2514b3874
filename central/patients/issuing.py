"""Cards given out, replaced, lost, unlocked, and their PINs set: the registry desk's deeds."""

import re
from dataclasses import dataclass

from central import pins
from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.patients import cards, model
from central.patients.cards import Secret
from central.store import Row, Store, Tx

# What a keypad can enter.
_NUMBER = re.compile(r"[0-9]{4,20}")


@dataclass(frozen=True)
class Made:
    """A new PIN's hash, under which secret, and what stands for the card among the counts."""

    number: str
    hash: str
    mark: str
    subject: str


def issue(tx: Tx, patient: str, number: str, *, by: str) -> None:
    """The patient's first card, or the next one after a lost one. It has no PIN yet. Raises
    FieldError."""
    number = _fresh(tx, patient, number)
    if model.active_card(tx, patient) is not None:
        raise FieldError("number", N_("This patient has a card already: replace it instead."))
    _insert(tx, patient, number, by)
    audit.append(tx, by, "card.issue", f"patient/{patient}", detail={"card": number})


def replace(tx: Tx, patient: str, number: str, *, by: str) -> None:
    """A new card instead of the one there is, which opens nothing any more. It has no PIN yet.
    Raises FieldError."""
    number = _fresh(tx, patient, number)
    old = _active(tx, patient)
    _end(tx, old, model.REPLACED, by)
    _insert(tx, patient, number, by)
    detail = {"card": number, "instead_of": old["number"]}
    audit.append(tx, by, "card.replace", f"patient/{patient}", detail=dict(detail))


def lose(tx: Tx, patient: str, *, by: str) -> None:
    """The card was lost: it opens nothing from now on, and open pages of it end. Raises
    FieldError."""
    old = _active(tx, patient)
    _end(tx, old, model.LOST, by)
    audit.append(tx, by, "card.lost", f"patient/{patient}", detail={"card": old["number"]})


def make_pin(store: Store, patient: str, pin: str) -> Made:
    """Reckon the slow hash of a new PIN for the patient's card, outside of any transaction. Raises
    FieldError."""
    tx = store.read()
    card = _active(tx, patient)
    if not pins.is_pin(pin):
        raise FieldError("pin", N_("A PIN has 6 to 8 digits."))
    if pins.is_guessable(pin, *_known(tx, card)):
        raise FieldError(
            "pin",
            N_(
                "This PIN is easily guessed: no run such as 123456, nothing of the card's number,"
                " and no birthday."
            ),
        )
    key = Secret.of(store)
    number = card["number"]
    return Made(number, pins.hashed(key.seasoned(number, pin)), key.mark, key.subject(number))


def draw_pin(tx: Tx, patient: str) -> str:
    """A PIN by lot for the patient's card. Raises FieldError."""
    return pins.drawn(*_known(tx, _active(tx, patient)))


def set_pin(tx: Tx, patient: str, made: Made, *, by: str) -> None:
    """From now on this PIN and no other; the card is unlocked and open pages of it end. Raises
    FieldError, also when the card was replaced meanwhile."""
    if _active(tx, patient)["number"] != made.number:
        raise FieldError("pin", N_("The card was replaced meanwhile: set the PIN of the new one."))
    tx.execute(
        "UPDATE cards SET pin_hash = ?, pin_mark = ?, epoch = epoch + 1 WHERE number = ?",
        (made.hash, made.mark, made.number),
    )
    model.forget_failures(tx, made.subject)
    audit.append(tx, by, "card.pin", f"patient/{patient}", detail={"card": made.number})


def unlock(tx: Tx, key: Secret, patient: str, *, by: str) -> None:
    """Its PIN may be tried again. Raises FieldError."""
    card = _active(tx, patient)
    if not cards.is_locked(tx, key, card["number"]):
        raise FieldError("card", N_("This card is not locked."))
    model.forget_failures(tx, key.subject(card["number"]))
    audit.append(tx, by, "card.unlock", f"patient/{patient}", detail={"card": card["number"]})


def _fresh(tx: Tx, patient: str, number: str) -> str:
    number = cards.tidy(number)
    if model.patient(tx, patient) is None:
        raise FieldError("patient", N_("There is no such patient."))
    if not _NUMBER.fullmatch(number):
        raise FieldError("number", N_("The number of a card has 4 to 20 digits."))
    if model.card(tx, number) is not None:
        raise FieldError("number", N_("This number was given to a card already."))
    return number


def _active(tx: Tx, patient: str) -> Row:
    found = model.active_card(tx, patient)
    if found is None:
        raise FieldError("card", N_("This patient has no card."))
    return found


def _insert(tx: Tx, patient: str, number: str, by: str) -> None:
    tx.insert(
        "cards", number=number, patient=patient, state=model.ACTIVE, issued_ms=tx.now_ms,
        issued_by=by,
    )  # fmt: skip


def _end(tx: Tx, card: Row, state: str, by: str) -> None:
    tx.execute(
        "UPDATE cards SET state = ?, epoch = epoch + 1, ended_ms = ?, ended_by = ?"
        " WHERE number = ?",
        (state, tx.now_ms, by, card["number"]),
    )


def _known(tx: Tx, card: Row) -> tuple[str, ...]:
    """What others may know of the owner."""
    patient = model.patient(tx, card["patient"])
    birth = "".join(filter(str.isdecimal, patient["birth"] if patient is not None else ""))
    return card["number"], birth
