"""What a menu asks of the store: look-ups, whose card it is, and the language to keep."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from central.console.limits import LockedOutError
from central.flows.engine import LogIn
from central.flows.offers import Answer, Asking, offers
from central.patients import cards, details
from central.patients import model as patients
from central.patients.cards import Caller, CardLockedError, PinsLostError
from central.store import Store, Tx

log = logging.getLogger("wardline.flows")

# A caller hears silence meanwhile, but for a word that he shall wait.
MOST_S = 10.0


async def look_up(
    store: Store, name: str, asking: Asking, values: Mapping[str, str]
) -> Answer | None:
    """None: it failed, or had no answer in MOST_S; the log says why."""
    offer = offers()[name]
    if offer.of_patient and asking.patient is None:
        log.error("a menu asks for %s and nobody has logged in", name)
        return None
    cut = {each: values[each][: offer.takes[each]] for each in offer.takes}

    def run(tx: Tx) -> Answer:
        return offer.run(tx, asking, cut)

    try:
        async with asyncio.timeout(MOST_S):
            if offer.acts:
                return await store.write(run)
            return await asyncio.to_thread(lambda: run(store.read()))
    except TimeoutError:
        log.error("%s had no answer within %g s", name, MOST_S)
    except Exception:
        # A caller is on the line: whatever is wrong with one look-up, his menu goes on.
        log.exception("%s failed", name)
    return None


async def log_in(
    store: Store, card: str, pin: str, caller: Caller
) -> tuple[LogIn, str | None, str | None]:
    """(what came of it, the patient, the language that the patient's card remembers)."""
    try:
        patient = await cards.checked(store, card, pin, caller)
    except CardLockedError:
        return LogIn.LOCKED, None, None
    except LockedOutError:
        return LogIn.WAIT, None, None
    except (PinsLostError, OSError) as error:
        log.error("PINs of patients cannot be checked: %s", error or "the secret file is new")
        return LogIn.LOST, None, None
    if patient is None:
        return LogIn.WRONG, None, None
    kept = patients.details(store.read(), patient)
    return LogIn.RIGHT, patient, None if kept is None else kept["lang"]


async def remember(store: Store, patient: str, lang: str) -> None:
    await store.write(partial(details.remember_language, patient=patient, lang=lang))
