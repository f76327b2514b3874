"""PINs: what one may be, and their slow hashes.

argon2id at 64 MiB, three passes and four lanes: more than OWASP's least (19 MiB, two passes, one
lane). A PIN is short, so what protects it besides is the count of wrong ones, which whoever asks
for it keeps (`central.personal.pins`, `central.patients.cards`). No PIN is ever logged.
"""

import re
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher()
# A hash takes 64 MB: many at once wait their turn.
_HASHING = threading.BoundedSemaphore(2)
_PIN = re.compile(r"[0-9]{6,8}")
_RUNS = "0123456789" * 2, "9876543210" * 2


def is_pin(text: str) -> bool:
    """Whether it is 6 to 8 digits."""
    return _PIN.fullmatch(text) is not None


def is_guessable(pin: str, *known: str) -> bool:
    """Whether it is a run (123456), one digit again and again, or part of what others know of its
    owner: digits of `known`, or one of those within it."""
    return (
        len(set(pin)) == 1
        or any(pin in run for run in _RUNS)
        or any(each and (each in pin or pin in each) for each in known)
    )


def drawn(*known: str) -> str:
    """A PIN of six digits by lot that nobody guesses from `known`."""
    while True:
        pin = f"{secrets.randbelow(1_000_000):06}"
        if not is_guessable(pin, *known):
            return pin


def hashed(secret: str) -> str:
    """The hash that `same` knows it by."""
    with _HASHING:
        return HASHER.hash(secret)


def same(kept: str | None, secret: str) -> bool:
    """Whether `kept` is the hash of `secret`. None, where there is nothing to be right, takes the
    same time, so that the time tells nothing."""
    with _HASHING:
        try:
            return HASHER.verify(kept or _nobody(), secret) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobody() -> str:
    return HASHER.hash(secrets.token_hex(16))
