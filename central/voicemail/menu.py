"""Somebody listens to a mailbox by keys. No I/O.

First the PIN and #. Then each message, new ones first: who left it and when, the message, the keys.
1 hears it again, 2 goes on, 3 deletes it. Who presses nothing goes on. A message counts as heard
once it was played to its end, or somebody went on from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

AGAIN, ON, DELETE, ENTER, CLEAR = "1", "2", "3", "#", "*"
MOST_PIN_KEYS = 8
MOST_PINS = 3
MOST_ASKED = 3
MOST_WRONG_KEYS = 10
# For the next key of a PIN, and for a decision after a message.
KEY_S = 8.0
DECIDE_S = 4.0


@dataclass(frozen=True)
class Item:
    """A message: its id, whose number called ("" is unknown), how long ago, and whether it was
    heard before."""

    id: str
    caller: str
    age_ms: int
    heard: bool


class What(StrEnum):
    """What is said; the values are in `Say`."""

    PIN = "voicemail.pin"
    WRONG_PIN = "voicemail.wrong_pin"
    BLOCKED = "voicemail.blocked"
    NONE = "voicemail.none"
    SOME = "voicemail.some"
    FROM = "voicemail.from"
    FROM_UNKNOWN = "voicemail.from_unknown"
    KEYS = "voicemail.keys"
    DELETED = "voicemail.deleted"
    END = "voicemail.end"


@dataclass(frozen=True)
class Words:
    """Words of ours, with their values."""

    what: What
    n: int = 0
    old: int = 0
    caller: str = ""
    ms: int = 0


@dataclass(frozen=True)
class Recording:
    """A message itself."""

    id: str


@dataclass(frozen=True)
class Say:
    """Stop what is being said and say these; then tell `spoken`."""

    parts: tuple[Words | Recording, ...]


@dataclass(frozen=True)
class Wait:
    """Tell `waited` after so long without a key."""

    seconds: float


@dataclass(frozen=True)
class TryPin:
    """Tell `tried` what came of it."""

    pin: str


@dataclass(frozen=True)
class MarkHeard:
    id: str


@dataclass(frozen=True)
class Remove:
    id: str


@dataclass(frozen=True)
class HangUp:
    """It is over."""


Do = Say | Wait | TryPin | MarkHeard | Remove | HangUp


class Menu:
    """One call, from the answer to the end."""

    def __init__(self) -> None:
        self._typed = ""
        self._pins = self._asked = self._wrong_keys = 0
        self._open = self._ending = False
        self._left: list[Item] = []

    def begin(self) -> list[Do]:
        return self._ask(Words(What.PIN))

    def pressed(self, key: str) -> list[Do]:
        if self._ending:
            return []
        return self._key(key) if self._open else self._pin_key(key)

    def spoken(self) -> list[Do]:
        """What was said has been heard to its end."""
        if self._ending:
            return [HangUp()]
        if self._open:
            return [*self._mark(), Wait(DECIDE_S)]
        return [Wait(KEY_S)]

    def waited(self) -> list[Do]:
        if self._open:
            return self._next()
        self._typed = ""
        return self._ask(Words(What.PIN))

    def tried(self, items: Sequence[Item] | None, *, blocked: bool = False) -> list[Do]:
        """items: of the mailbox, in the order they came; None: the PIN was not right."""
        if blocked:
            return self._end(Words(What.BLOCKED))
        if items is None:
            self._pins += 1
            if self._pins == MOST_PINS:
                return self._end(Words(What.WRONG_PIN))
            self._asked = 0
            return self._ask(Words(What.WRONG_PIN), Words(What.PIN))
        self._open = True
        if not items:
            return self._end(Words(What.NONE))
        self._left = sorted(items, key=lambda each: each.heard)
        old = sum(each.heard for each in items)
        return self._play(Words(What.SOME, n=len(items) - old, old=old))

    def _pin_key(self, key: str) -> list[Do]:
        if key == CLEAR:
            self._typed = ""
        elif key != ENTER:
            self._typed += key
            if len(self._typed) <= MOST_PIN_KEYS:
                return [Wait(KEY_S)]
        if not self._typed:
            return [Wait(KEY_S)]
        pin, self._typed = self._typed, ""
        return [TryPin(pin)]

    def _ask(self, *words: Words) -> list[Do]:
        if self._asked == MOST_ASKED:
            return self._end(Words(What.END))
        self._asked += 1
        return [Say(words)]

    def _key(self, key: str) -> list[Do]:
        if key == AGAIN:
            return self._play()
        if key == ON:
            return [*self._mark(), *self._next()]
        if key == DELETE:
            return [Remove(self._left[0].id), *self._next(Words(What.DELETED))]
        self._wrong_keys += 1
        return self._end(Words(What.END)) if self._wrong_keys > MOST_WRONG_KEYS else []

    def _mark(self) -> list[Do]:
        return [MarkHeard(self._left[0].id)] if not self._left[0].heard else []

    def _next(self, *first: Words) -> list[Do]:
        self._left = self._left[1:]
        return self._play(*first) if self._left else self._end(*first, Words(What.END))

    def _play(self, *first: Words) -> list[Do]:
        item = self._left[0]
        what = What.FROM if item.caller else What.FROM_UNKNOWN
        about = Words(what, caller=item.caller, ms=item.age_ms)
        return [Say((*first, about, Recording(item.id), Words(What.KEYS)))]

    def _end(self, *words: Words) -> list[Do]:
        self._ending = True
        return [Say(words)]
