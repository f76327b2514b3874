"""Walks spoken menus without a telephone: answers what the engine asks, in a test's own way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from central.flows.doing import (
    Apologise,
    Do,
    DropRecording,
    HangUp,
    Hold,
    LookUp,
    PlayRecording,
    PutThrough,
    Queue,
    Record,
    Say,
    StopRecording,
    TryCard,
    Unqueue,
)
from central.flows.engine import Call, LogIn
from central.flows.offers import Answer, offers

# The only right card and PIN; whose they are: the extension's, where the staff is asked.
CARD, PIN, PATIENT, STAFF = "1234", "99", "P1", "1234"


@dataclass
class Walk:
    """A call. answers: what each look-up is told; None: it fails. speaks: whether he says anything
    when he is recorded; None: it cannot be kept. `kept`: recordings that are still there."""

    call: Call
    answers: Mapping[str, Answer | None] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    given: list[Mapping[str, str]] = field(default_factory=list)
    # Whether somebody answers where the caller is put through to.
    answered: bool = True
    through: str = ""
    speaks: bool | None = True
    recorded: int = 0
    kept: list[str] = field(default_factory=list)
    taking: bool = False
    # The number that he waits for in a queue.
    queue: str = ""
    holding: bool = False
    # Whether there is no voice.
    mute: bool = False
    over: bool = False
    # In place of `answers`, where it matters what is asked.
    ask: Callable[[LookUp, Call], Answer | None] | None = None
    log_in: Callable[[TryCard], tuple[Any, ...]] = lambda tried: (
        (LogIn.RIGHT, STAFF if tried.staff else PATIENT, None)
        if (tried.card, tried.pin) == (CARD, PIN)
        else (LogIn.WRONG,)
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
        """In silence, which ends what he is asked to say."""
        if self.taking:
            return self.speak()
        return self._do([*self.call.spoken(), *self.call.waited()])

    def speak(self) -> "Walk":
        """What he is asked to say, until he is silent."""
        return self._do(self._said())

    def hang_up(self) -> "Walk":
        self._do([*(self._said() if self.taking else ()), *self.call.hung_up()])
        self.over = True
        return self

    def _said(self) -> Sequence[Do]:
        assert self.taking
        self.taking = False
        if self.speaks is None:
            return self.call.recorded(None, heard=False)
        self.recorded += 1
        self.kept.append(f"r{self.recorded}")
        return self.call.recorded(self.kept[-1], heard=self.speaks)

    def placed(self, place: int) -> "Walk":
        return self._do(self.call.placed(place))

    def nobody(self) -> "Walk":
        """Who could answer him in his queue."""
        self.queue = ""
        return self._do(self.call.not_taken())

    def last(self) -> str:
        return self.heard[-1]

    def _do(self, todo: Sequence[Do]) -> "Walk":
        for do in todo:
            assert not self.over, "nothing is done after the end"
            match do:
                case Say() if self.mute:
                    if instead := self.call.unsaid():
                        return self._do(instead)
                case Apologise(lang):
                    self.heard.append(f"sorry in {lang}")
                case Say(texts):
                    self.holding = False
                    self.heard.append(" ".join(text for _, text in texts))
                case LookUp(offer, given):
                    of_staff = offer in offers() and offers()[offer].of_staff
                    self.asked.append((offer, self.call.staff if of_staff else self.call.patient))
                    self.given.append(given)
                    answer = self.ask(do, self.call) if self.ask else self.answers.get(offer)
                    outcome = (None, None) if answer is None else (answer.outcome, answer.values)
                    # What is being said is heard first.
                    self._do([*self.call.spoken(), *self.call.looked_up(*outcome)])
                case Record():
                    assert not self.taking
                    self.taking = True
                case StopRecording():
                    self.speak()
                case PlayRecording(id):
                    self.heard.append(id)
                case DropRecording(id):
                    self.kept.remove(id)
                case TryCard():
                    self._do(self.call.logged_in(*self.log_in(do)))
                case Queue(number):
                    assert not self.queue
                    self.queue = number
                case Unqueue():
                    self.queue = ""
                case Hold():
                    self.holding = True
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
