"""PINs of people who log in at a phone: how slowly wrong ones may be tried.

Kept as hashes (`central.pins`). A PIN is short, so what protects it is the count of wrong ones: of
each extension, wherever they are tried, and of each phone, whatever extension is tried there. The
counts stand in the database.
"""

import asyncio

from central import pins
from central.audit import model as audit
from central.console import limits
from central.console import model as failures
from central.console.limits import Limit
from central.console.marks import N_
from central.directory.reach import holder
from central.errors import FieldError
from central.personal import model
from central.store import Store, Tx

# Wrong ones in one call, before it ends and the extension is locked.
TRIES = 3
# At one phone, by whoever.
TRIES_AT_PHONE = 9
FIRST_DELAY_MS = 30_000
LONGEST_DELAY_MS = 15 * 60_000


def hashed(pin: str, number: str) -> str:
    """The hash of a new PIN for the extension `number`. Raises FieldError."""
    if not pins.is_pin(pin):
        raise FieldError("pin", N_("A PIN has 6 to 8 digits."))
    if pins.is_guessable(pin, number):
        raise FieldError(
            "pin", N_("This PIN is easily guessed: no run such as 123456, and not the extension.")
        )
    return pins.hashed(pin)


async def right(store: Store, number: str, place: str, pin: str) -> bool:
    """Whether `pin` is that of the extension `number`, tried at `place` as the audit names it:
    "phone/0015650a1b2c", or "outside/13900001111". Raises LockedOutError while either has to wait,
    whatever the PIN. It is counted before it is looked at, so that many at once are no way round.
    Of what is no such extension nothing is kept: it may be somebody's PIN."""
    kept, tried = await store.write(lambda tx: _count(tx, number, place))
    same = await asyncio.to_thread(pins.same, kept, pin)
    await store.write(lambda tx: _outcome(tx, number, place, kept, tried, same))
    return same


def right_at_once(store: Store, number: str, place: str, pin: str) -> bool:
    """The same in a thread of its own."""
    with store.transaction() as tx:
        kept, tried = _count(tx, number, place)
    same = pins.same(kept, pin)
    with store.transaction() as tx:
        _outcome(tx, number, place, kept, tried, same)
    return same


def _count(tx: Tx, number: str, place: str) -> tuple[str | None, list[Limit]]:
    desk = model.desk(tx, number)
    tried = [_at(place), *([] if desk is None else [_of_extension(number)])]
    limits.count_attempt(tx, tried)
    return (None if desk is None else str(desk["pin_hash"])), tried


def _outcome(
    tx: Tx, number: str, place: str, kept: str | None, tried: list[Limit], same: bool
) -> None:
    if same:
        for each in tried:
            failures.forgive(tx, each.subject, all_of_it=not each.shared)
    else:
        who = holder(tx, number) if kept is not None else "?"
        audit.append(tx, who, "desk.refused", place)


def forget(tx: Tx, number: str) -> None:
    """A new PIN: nothing counts against the extension any more."""
    failures.forgive(tx, _of_extension(number).subject, all_of_it=True)


def _at(place: str) -> Limit:
    """A success there takes back only its own attempt: others may be trying, too."""
    subject = f"pin-at:{place.removeprefix('phone/')}"
    return Limit(subject, TRIES_AT_PHONE - 1, LONGEST_DELAY_MS, first_ms=FIRST_DELAY_MS)


def _of_extension(number: str) -> Limit:
    return Limit(
        f"pin:{number}", TRIES - 1, LONGEST_DELAY_MS, first_ms=FIRST_DELAY_MS, shared=False
    )
