"""What a caller should hear: the same menu without a telephone, with the same look-ups."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from central.flows import asking
from central.flows.doing import Do, LookUp, PutThrough, Say, TryCard, Wait
from central.flows.engine import Call, LogIn
from central.flows.offers import Asking
from central.store import Store
from gateway.speech.library import SpeechLibrary


@dataclass
class Mirror:
    """right: the card and PIN that are right, and whose they are. `said`: the words since the last
    key, in the order they are heard by who lets everything be said to its end."""

    call: Call
    store: Store
    who: Asking
    right: tuple[str, str, str]
    said: list[tuple[str, str]] = field(default_factory=list)

    async def begin(self) -> "Mirror":
        await self._do(self.call.begin())
        return self

    async def press(self, keys: str) -> None:
        for key in keys:
            self.said.clear()
            await self._do(self.call.pressed(key))

    async def lengths_ms(self, library: SpeechLibrary) -> list[int]:
        """Of each of its words' sounds."""
        return [(await library.audio(*each)).duration_ms for each in self.said]

    async def _do(self, todo: Sequence[Do]) -> None:
        for n, do in enumerate(todo):
            match do:
                case Say(texts):
                    self.said += texts
                    if not any(isinstance(each, LookUp | Wait) for each in todo[n:]):
                        await self._do(self.call.spoken())
                case LookUp(offer, values):
                    who = replace(self.who, lang=self.call.lang, patient=self.call.patient)
                    answer = await asking.look_up(self.store, offer, who, values)
                    told = (None, None) if answer is None else (answer.outcome, answer.values)
                    await self._do([*self.call.spoken(), *self.call.looked_up(*told)])
                case PutThrough(_, comes_back) if comes_back:  # nobody answers there
                    await self._do(self.call.unanswered())
                case TryCard(card, pin):
                    right = (card, pin) == self.right[:2]
                    came = (LogIn.RIGHT, self.right[2]) if right else (LogIn.WRONG,)
                    await self._do(self.call.logged_in(*came))
