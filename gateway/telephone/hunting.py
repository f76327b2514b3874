"""Several telephones are told the same, at once or one after the other, until somebody takes it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.teller import RING_S, Media, tell
from gateway.telephone.telling import Outcome


@dataclass
class Hunted:
    """taken_by: the endpoint where it was taken. outcomes: of each telephone that was tried and
    was not silenced by another's decision, in the order they came."""

    taken_by: str | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)


async def hunt(
    actions: Actions,
    groups: Sequence[Sequence[str]],
    media: Callable[[str], Media],
    *,
    caller: str = "",
    ring_s: int = RING_S,
) -> Hunted:
    """Tell the telephones of the first group, all at once; when all of them have failed, or one
    passes it on, those of the next. media: what each endpoint hears. Cancelling it silences every
    one of them."""
    hunted = Hunted()
    for group in groups:
        telling = {
            asyncio.create_task(_outcome(actions, each, media(each), caller, ring_s)): each
            for each in dict.fromkeys(group)
        }
        try:
            await _decide(telling, hunted)
        finally:
            for task in telling:
                task.cancel()
            await asyncio.gather(*telling, return_exceptions=True)
        if hunted.taken_by is not None or Outcome.UNWANTED in hunted.outcomes.values():
            break
    return hunted


async def _decide(telling: Mapping["asyncio.Task[Outcome]", str], hunted: Hunted) -> None:
    """Returns when one has decided or all have failed."""
    waiting = set(telling)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        outcomes = {telling[task]: task.result() for task in done}
        hunted.outcomes |= outcomes
        taken = [each for each, outcome in outcomes.items() if outcome is Outcome.TAKEN]
        if taken:
            hunted.taken_by = taken[0]
            return
        if not {Outcome.PASSED_ON, Outcome.UNWANTED}.isdisjoint(outcomes.values()):
            return


async def _outcome(
    actions: Actions, endpoint: str, media: Media, caller: str, ring_s: int
) -> Outcome:
    try:
        return await tell(actions, endpoint, media, caller=caller, ring_s=ring_s)
    except ExchangeError:
        return Outcome.FAILED
