"""Walks spoken menus without a telephone: answers what the engine asks, in a test's own way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from central.flows.engine import Call, Do, HangUp, LogIn, LookUp, PutThrough, Say, TryCard
from central.flows.offers import Answer

# The only right card and PIN; whose they are.
CARD, PIN, PATIENT = "1234", "99", "P1"


@dataclass
class Walk:
    """A call. answers: what each look-up is told; None: it fails."""

    call: Call
    answers: Mapping[str, Answer | None] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    # Whether somebody answers where the caller is put through to.
    answered: bool = True
    through: str = ""
    over: bool = False
    log_in: Callable[[TryCard], tuple[Any, ...]] = lambda tried: (
        (LogIn.RIGHT, PATIENT, None) if (tried.card, tried.pin) == (CARD, PIN) else (LogIn.WRONG,)
    )

    def begin(self) -> "Walk":
        return self._do(self.call.begin())

    def press(self, keys: str) -> "Walk":
        for key in keys:
            self._do(self.call.pressed(key))
        return self

    def listen(self) -> "Walk":
        """To the end of what is being said."""
        return self._do(self.call.spoken())

    def wait(self) -> "Walk":
        """In silence."""
        return self._do([*self.call.spoken(), *self.call.waited()])

    def last(self) -> str:
        return self.heard[-1]

    def _do(self, todo: Sequence[Do]) -> "Walk":
        for do in todo:
            assert not self.over, "nothing is done after the end"
            match do:
                case Say(texts):
                    self.heard.append(" ".join(text for _, text in texts))
                case LookUp(offer):
                    self.asked.append((offer, self.call.patient))
                    answer = self.answers.get(offer)
                    outcome = (None, None) if answer is None else (answer.outcome, answer.values)
                    # What is being said is heard first.
                    self._do([*self.call.spoken(), *self.call.looked_up(*outcome)])
                case TryCard():
                    self._do(self.call.logged_in(*self.log_in(do)))
                case PutThrough(_, comes_back) if comes_back and not self.answered:
                    self._do(self.call.unanswered())
                case PutThrough(number):
                    self.through, self.over = number, True
                case HangUp():
                    self.over = True
        return self


def read_all(text: str, **others: str) -> dict[str, Any]:
    """Documents by flow."""
    from central.flows import document

    made = [document.read(each) for each in (text, *others.values())]
    return {each.flow: each for each in made}
