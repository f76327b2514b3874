"""Somebody at a telephone is told something and decides by a key. No I/O.

1 takes it, 2 hears it again, 3 passes it on. Whoever presses nothing hears it a few times, is then
hung up on and counts as not having taken it, as does whoever hangs up.
"""

from dataclasses import dataclass
from enum import StrEnum

TAKE, AGAIN, PASS_ON = "1", "2", "3"
MOST_SAYINGS = 4
# More keys that mean nothing come from no person.
MOST_WRONG_KEYS = 10
# After the words, for a decision.
DECIDE_S = 6.0


class Outcome(StrEnum):
    """What became of it."""

    TAKEN = "taken"
    PASSED_ON = "passed_on"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    # It was answered, and nobody decided.
    UNDECIDED = "undecided"
    # It was answered, and there was nothing more to say, for all was over.
    UNWANTED = "unwanted"
    # It was answered, and what should be said could not be.
    SPEECHLESS = "speechless"
    # It answered in a voice coding that the exchange does not speak.
    INCOMPATIBLE = "incompatible"
    # The exchange itself could not.
    FAILED = "failed"


class What(StrEnum):
    """What is said: the matter itself, then the keys; or that a key means nothing here."""

    WORDS = "words"
    WRONG_KEY = "wrong_key"


@dataclass(frozen=True)
class Say:
    """Stop what is being said, and say this."""

    what: What


@dataclass(frozen=True)
class Wait:
    """Call `waited` after so long, unless something else happens first."""

    seconds: float


@dataclass(frozen=True)
class HangUp:
    """It is decided."""


Do = Say | Wait | HangUp

# Of Q.850, as Asterisk gives them: busy and turned down; nobody there or no way to him.
_BUSY = frozenset({17, 21})
_UNREACHABLE = frozenset({1, 3, 20, 27, 38, 41})


# Asterisk says so of a phone that answers, and of one that refuses all codings it is offered.
_NO_COMMON_CODING = 58


def unanswered(cause: int) -> Outcome:
    """What has become of a telephone that nobody answered, by its cause of Q.850."""
    if cause in _BUSY:
        return Outcome.BUSY
    if cause == _NO_COMMON_CODING:
        return Outcome.INCOMPATIBLE
    return Outcome.UNREACHABLE if cause in _UNREACHABLE else Outcome.NO_ANSWER


class Telling:
    """One telephone, from its ringing to the end."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self._answered = False
        self._said = 0
        self._wrong_keys = 0

    def answered(self) -> Do | None:
        """None: that was known."""
        if self._answered:
            return None
        self._answered = True
        return self._say()

    def spoken(self) -> Do:
        """What was said has been heard to its end."""
        return Wait(DECIDE_S) if self.outcome is None else HangUp()

    def waited(self) -> Do:
        return self._say()

    def pressed(self, key: str) -> Do:
        if self.outcome is not None:
            return HangUp()
        if key == TAKE:
            return self._decided(Outcome.TAKEN)
        if key == PASS_ON:
            return self._decided(Outcome.PASSED_ON)
        if key == AGAIN:
            # Who asks has not gone to sleep.
            self._said = 0
            return self._say()
        self._wrong_keys += 1
        if self._wrong_keys > MOST_WRONG_KEYS:
            return self._decided(Outcome.UNDECIDED)
        return Say(What.WRONG_KEY)

    def ended(self, cause: int) -> Outcome:
        """The call is over, for a reason of Q.850. The final word."""
        if self.outcome is None:
            self.outcome = self._without_a_key(cause)
        return self.outcome

    def _without_a_key(self, cause: int) -> Outcome:
        return Outcome.UNDECIDED if self._answered else unanswered(cause)

    def _say(self) -> Do:
        if self._said == MOST_SAYINGS:
            return self._decided(Outcome.UNDECIDED)
        self._said += 1
        return Say(What.WORDS)

    def _decided(self, outcome: Outcome) -> Do:
        self.outcome = outcome
        return HangUp()
