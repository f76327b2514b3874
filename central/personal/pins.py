"""PINs of people who log in at a phone: what one may be, and how slowly wrong ones may be tried.

Kept as argon2id hashes, as the console's passwords are. A PIN is short, so what protects it is the
count of wrong ones: of each extension, wherever they are tried, and of each phone, whatever
extension is tried there. The counts stand in the database. No PIN is ever logged.
"""

import asyncio
import re
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

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
_PIN = re.compile(r"[0-9]{6,8}")
_RUNS = "0123456789" * 2, "9876543210" * 2
_HASHER = PasswordHasher()
# A hash takes 64 MB: many at once wait their turn.
_HASHING = threading.BoundedSemaphore(2)


def hashed(pin: str, number: str) -> str:
    """The hash of a new PIN for the extension `number`. Raises FieldError."""
    if not _PIN.fullmatch(pin):
        raise FieldError("pin", N_("A PIN has 6 to 8 digits."))
    if len(set(pin)) == 1 or any(pin in run for run in _RUNS) or number in pin:
        raise FieldError(
            "pin", N_("This PIN is easily guessed: no run such as 123456, and not the extension.")
        )
    return _HASHER.hash(pin)


async def right(store: Store, number: str, device: str, pin: str) -> bool:
    """Whether `pin` is that of the extension `number`, tried at the phone `device`. Raises
    LockedOutError while either has to wait, whatever the PIN. It is counted before it is looked
    at, so that many at once are no way round. Of what is no such extension nothing is kept: it
    may be somebody's PIN."""

    def count(tx: Tx) -> tuple[str | None, list[Limit]]:
        desk = model.desk(tx, number)
        tried = [_at_phone(device), *([] if desk is None else [_of_extension(number)])]
        limits.count_attempt(tx, tried)
        return (None if desk is None else str(desk["pin_hash"])), tried

    def outcome(tx: Tx) -> None:
        if same:
            for each in tried:
                failures.forgive(tx, each.subject, all_of_it=not each.shared)
        else:
            who = holder(tx, number) if kept is not None else "?"
            audit.append(tx, who, "desk.refused", f"phone/{device}")

    kept, tried = await store.write(count)
    same = await asyncio.to_thread(_same, kept, pin)
    await store.write(outcome)
    return same


def forget(tx: Tx, number: str) -> None:
    """A new PIN: nothing counts against the extension any more."""
    failures.forgive(tx, _of_extension(number).subject, all_of_it=True)


def _at_phone(device: str) -> Limit:
    """A success there takes back only its own attempt: others may be trying, too."""
    return Limit(f"pin-at:{device}", TRIES_AT_PHONE - 1, LONGEST_DELAY_MS, first_ms=FIRST_DELAY_MS)


def _of_extension(number: str) -> Limit:
    return Limit(
        f"pin:{number}", TRIES - 1, LONGEST_DELAY_MS, first_ms=FIRST_DELAY_MS, shared=False
    )


def _same(kept: str | None, pin: str) -> bool:
    with _HASHING:
        try:
            return _HASHER.verify(kept or _nobody(), pin) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobody() -> str:
    """Looked at when there is no such extension, so that the time taken tells nothing."""
    return _HASHER.hash(secrets.token_hex(16))
