"""Whether somebody is the patient of a card: its number and PIN, by phone and on the web alike.

    patient = cards.check(store, number, pin, Caller("address/10.1.2.3"))      # a thread of its own
    patient = await cards.checked(store, number, pin, Caller("phone/0015650a1b2c"))     # the bridge

A PIN is short, so five wrong ones in a row lock the card until the registry desk unlocks it, and
whoever tries many cards from one place has to wait longer and longer. All counts stand in the
database. A number that is no card is treated like one, down to the time that the answer takes.
Neither a PIN nor what was typed as a card's number is ever logged or audited: people mix them up.
"""

import asyncio
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field

from central import pins
from central.audit import model as audit
from central.console import limits
from central.console import model as places
from central.console.limits import Limit, Origin
from central.patients import model
from central.secret_file import secret
from central.store import Row, Store, Tx

# Wrong ones in a row, before the card is locked.
TRIES = 5
# From one place, whatever the card; many patients may share it.
FREE_AT_PLACE = 15
FIRST_DELAY_MS = 5_000
LONGEST_DELAY_MS = 15 * 60_000
FORGET_NO_CARDS_MS = 24 * 3_600_000
# Beside the database and no part of it: who has only a copy of that can guess no PIN.
SECRET_FILE = "pins.secret"
MOST_CHARACTERS = 32


class CardLockedError(Exception):
    """Five wrong PINs in a row: only the registry desk can unlock the card."""

    error_id = "card-locked"


class PinsLostError(Exception):
    """The secret file is not the one that this PIN was set under: bring that back from a backup,
    or set the PIN anew. The PIN may be right, and nothing was counted."""

    error_id = "pins-lost"


@dataclass(frozen=True)
class Caller:
    """Where a PIN is tried from. `ref`: as the audit names it: "address/10.1.2.3", "phone/0015...",
    "outside/13900001111" ("outside/" where no number is shown). `device`: the secret that a browser
    was given after an earlier log-in, "" for none; one that is known is counted by itself, so that
    a stranger at the same address cannot keep it out."""

    ref: str
    device: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """What is remembered of its device."""
        return Origin(self.ref, self.device).places[-1] if self.device else ""


@dataclass(frozen=True)
class Secret:
    """What PINs are kept under."""

    key: bytes = field(repr=False)

    @classmethod
    def of(cls, store: Store) -> "Secret":
        """Made on first use, for the owner of the process only. Raises OSError."""
        return cls(secret(store.path.with_name(SECRET_FILE)))

    @property
    def mark(self) -> str:
        """Tells this secret from any other."""
        return self._made_of("mark")[:16]

    def subject(self, number: str) -> str:
        """Stands for a number among the counts."""
        return self._made_of("card", number)

    def seasoned(self, number: str, pin: str) -> str:
        """What is hashed: a PIN of this card and no other."""
        return self._made_of("pin", number, pin)

    def _made_of(self, *parts: str) -> str:
        return hmac.new(self.key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class _Try:
    card: Row | None
    subject: str
    limits: list[Limit]
    known: str | None


def check(store: Store, number: str, pin: str, caller: Caller) -> str | None:
    """The patient whose card it is, or None: card or PIN is wrong. Raises CardLockedError,
    LockedOutError (this caller has to wait), PinsLostError, OSError, StoreUnavailableError."""
    key, number, pin = Secret.of(store), tidy(number), tidy(pin)
    with store.transaction() as tx:
        tried = _count(tx, key, number, caller)
    right = pins.same(tried.known, key.seasoned(number, pin))
    with store.transaction() as tx:
        return _settle(tx, tried, right, caller)


async def checked(store: Store, number: str, pin: str, caller: Caller) -> str | None:
    """The same in an event loop."""
    key, number, pin = Secret.of(store), tidy(number), tidy(pin)
    tried = await store.write(lambda tx: _count(tx, key, number, caller))
    right = await asyncio.to_thread(pins.same, tried.known, key.seasoned(number, pin))
    return await store.write(lambda tx: _settle(tx, tried, right, caller))


def is_locked(tx: Tx, key: Secret, number: str) -> bool:
    return model.failures(tx, key.subject(number)) >= TRIES


def tidy(number: str) -> str:
    """Number or PIN as it is kept: without the spaces and dashes of print, and in plain digits,
    which the keyboards of Chinese phones make wide."""
    plain = unicodedata.normalize("NFKC", number)
    return "".join(plain.replace("-", "").split())[:MOST_CHARACTERS]


def _count(tx: Tx, key: Secret, number: str, caller: Caller) -> _Try:
    """Count the attempt before the PIN is looked at, so that many at once are no way round."""
    card = model.card(tx, number)
    usable = card is not None and card["state"] == model.ACTIVE and card["pin_hash"] is not None
    held = _limits(tx, number, caller)
    limits.count_attempt(tx, held)
    subject = key.subject(number)
    if model.failures(tx, subject) >= TRIES:
        raise CardLockedError
    if usable and card is not None and card["pin_mark"] != key.mark:
        raise PinsLostError
    now_ms = tx.clock.real_ms()
    model.forget_no_cards(tx, now_ms - FORGET_NO_CARDS_MS)
    model.count_failure(tx, subject, is_card=card is not None)
    return _Try(card, subject, held, card["pin_hash"] if usable and card is not None else None)


def _settle(tx: Tx, tried: _Try, right: bool, caller: Caller) -> str | None:
    card = tried.card
    if right and card is not None:
        now = model.card(tx, card["number"])
        # A card may be reported lost while its PIN is looked at.
        right = now is not None and now["epoch"] == card["epoch"]
    if right and card is not None:
        model.forget_failures(tx, tried.subject)
        for each in tried.limits:
            places.forgive(tx, each.subject, all_of_it=not each.shared)
        if caller.place:
            places.know(
                tx, f"card:{card['number']}", (caller.place,),
                limits.KNOWN_FOR_MS, limits.KNOWN_MOST,
            )  # fmt: skip
        return str(card["patient"])
    who = {"patient": card["patient"]} if card is not None else {}
    audit.append(tx, "patient", "card.refused", caller.ref, detail=dict(who))
    if card is not None and model.failures(tx, tried.subject) >= TRIES:
        audit.append(tx, "system", "card.locked", f"patient/{card['patient']}")
    return None


def _limits(tx: Tx, number: str, caller: Caller) -> list[Limit]:
    if caller.place and places.is_known(tx, f"card:{number}", caller.place):
        return [Limit(f"card-own:{caller.place}", TRIES, LONGEST_DELAY_MS, shared=False)]
    return [Limit(f"card-at:{caller.ref}", FREE_AT_PLACE, LONGEST_DELAY_MS, FIRST_DELAY_MS)]
