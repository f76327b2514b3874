"""What a menu asks of the store: look-ups, whose card it is, and the language to keep."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from central.console.limits import LockedOutError
from central.directory import reach as directory
from central.flows.engine import LogIn
from central.flows.offers import Answer, Asking, Offer, offers
from central.patients import cards, details
from central.patients import model as patients
from central.patients.cards import Caller, CardLockedError, PinsLostError
from central.personal import pins as personal
from central.store import Store, Tx

log = logging.getLogger("wardline.flows")

# A caller hears silence meanwhile, but for a word that he shall wait.
MOST_S = 10.0


async def look_up(
    store: Store, name: str, asking: Asking, values: Mapping[str, str]
) -> Answer | None:
    """None: it failed, or had no answer in MOST_S; the log says why."""
    offer = offers()[name]
    if (offer.of_patient and asking.patient is None) or (offer.of_staff and asking.staff is None):
        log.error("a menu asks for %s and nobody has logged in", name)
        return None
    try:
        async with asyncio.timeout(MOST_S):
            if offer.acts:
                return await store.write(lambda tx: run(tx, offer, asking, values))
            return await asyncio.to_thread(lambda: run(store.read(), offer, asking, values))
    except TimeoutError:
        log.error("%s had no answer within %g s", name, MOST_S)
    except Exception:
        # A caller is on the line: whatever is wrong with one look-up, his menu goes on.
        log.exception("%s failed", name)
    return None


def run(tx: Tx, offer: Offer, asking: Asking, values: Mapping[str, str]) -> Answer:
    """What an offer answers to values of a menu, which may be of any length."""
    return offer.run(tx, asking, {each: values[each][:most] for each, most in offer.takes.items()})


# What came of it, the patient, and the language that the patient's card remembers.
CameOf = tuple[LogIn, str | None, str | None]
_TROUBLE = (CardLockedError, LockedOutError, PinsLostError, OSError)


async def log_in(store: Store, card: str, pin: str, caller: Caller) -> CameOf:
    """Raises StoreUnavailableError."""
    try:
        patient = await cards.checked(store, card, pin, caller)
    except _TROUBLE as error:
        return _refused(error), None, None
    return _came(store, patient)


def log_in_at_once(store: Store, card: str, pin: str, caller: Caller) -> CameOf:
    """The same in a thread of its own."""
    try:
        patient = cards.check(store, card, pin, caller)
    except _TROUBLE as error:
        return _refused(error), None, None
    return _came(store, patient)


def _refused(error: Exception) -> LogIn:
    if isinstance(error, CardLockedError):
        return LogIn.LOCKED
    if isinstance(error, LockedOutError):
        return LogIn.WAIT
    log.error("PINs of patients cannot be checked: %s", error or "the secret file is new")
    return LogIn.LOST


def _came(store: Store, patient: str | None) -> CameOf:
    if patient is None:
        return LogIn.WRONG, None, None
    kept = patients.details(store.read(), patient)
    return LogIn.RIGHT, patient, None if kept is None else kept["lang"]


async def log_in_staff(store: Store, number: str, pin: str, caller: Caller) -> CameOf:
    """By extension and PIN, as for logging in at a phone: (what came of it, the extension, its
    person's language)."""
    try:
        is_right = await personal.right(store, number, caller.ref, pin)
    except LockedOutError:
        return LogIn.WAIT, None, None
    return _staff_came(store, number, is_right)


def log_in_staff_at_once(store: Store, number: str, pin: str, caller: Caller) -> CameOf:
    """The same in a thread of its own."""
    try:
        is_right = personal.right_at_once(store, number, caller.ref, pin)
    except LockedOutError:
        return LogIn.WAIT, None, None
    return _staff_came(store, number, is_right)


def _staff_came(store: Store, number: str, is_right: bool) -> CameOf:
    if not is_right:
        return LogIn.WRONG, None, None
    return LogIn.RIGHT, number, directory.lang_of(store.read(), number)


async def remember(store: Store, patient: str, lang: str) -> None:
    await store.write(partial(details.remember_language, patient=patient, lang=lang))
