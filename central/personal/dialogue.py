"""Somebody at a phone says by keys who he is: his extension, then his PIN. No I/O.

Each ends with #, or with a pause; * begins anew. Who knows it by heart need not wait for the words.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from central.personal.pins import TRIES

# More digits than either has are taken, so that nothing tells how long they are.
MOST_DIGITS = 16
# After the words, and after a key.
WAIT_S = 8.0
# How often somebody who presses nothing is asked.
MOST_ASKED = 3
NEXT, ANEW = "#", "*"


class What(StrEnum):
    """What is said; the last part of its id in the catalogues."""

    NUMBER = "ask_number"
    PIN = "ask_pin"
    WRONG = "wrong_pin"
    WRONG_TOO_OFTEN = "wrong_too_often"
    LOCKED = "locked"
    WELCOME = "welcome"


@dataclass(frozen=True)
class Say:
    """Stop what is being said, and say these one after the other. wait_ms: of LOCKED; number: of
    WELCOME."""

    what: tuple[What, ...]
    wait_ms: int = 0
    number: str = ""


@dataclass(frozen=True)
class Wait:
    """Stop what is being said; call `waited` after so long, unless something else happens."""

    seconds: float


@dataclass(frozen=True)
class Check:
    """Stop what is being said; look whether the PIN is right, and call `checked` or `locked`."""

    number: str = field(repr=False)
    pin: str = field(repr=False)


@dataclass(frozen=True)
class HangUp:
    """It is over."""


Do = Say | Wait | Check | HangUp


class Dialogue:
    """One call, from its beginning to the end."""

    def __init__(self) -> None:
        self._number: str | None = None
        self._digits = ""
        self._asked = 0
        self._wrong = 0
        self._over = False

    def begin(self) -> Do:
        return self._ask(What.NUMBER)

    def spoken(self) -> Do:
        """What was said has been heard to its end."""
        return HangUp() if self._over else Wait(WAIT_S)

    def pressed(self, key: str) -> Do | None:
        """None: it changes nothing."""
        if self._over:
            return None
        self._asked = 0
        if key == ANEW:
            self._number = None
            return self._ask(What.NUMBER)
        if key == NEXT:
            return self._entered()
        if key.isdecimal():
            self._digits = (self._digits + key)[-MOST_DIGITS:]
        return Wait(WAIT_S)

    def waited(self) -> Do:
        if self._digits:
            return self._entered()
        return self._ask(What.NUMBER if self._number is None else What.PIN)

    def checked(self, right: bool) -> Do:
        if right:
            self._over = True
            return Say((What.WELCOME,), number=self._number or "")
        self._number = None
        self._wrong += 1
        if self._wrong == TRIES:
            self._over = True
            return Say((What.WRONG_TOO_OFTEN,))
        return self._ask(What.WRONG, What.NUMBER)

    def locked(self, wait_ms: int) -> Do:
        """Nothing is tried now."""
        self._over = True
        return Say((What.LOCKED,), wait_ms=wait_ms)

    def _entered(self) -> Do:
        entered, self._digits = self._digits, ""
        if self._number is None and entered:
            self._number = entered
            self._asked = 0
            return self._ask(What.PIN)
        if self._number is None or not entered:
            return self._ask(What.NUMBER if self._number is None else What.PIN)
        return Check(self._number, entered)

    def _ask(self, *what: What) -> Do:
        self._digits = ""
        self._asked += 1
        if self._asked > MOST_ASKED:
            self._over = True
            return HangUp()
        return Say(what)
