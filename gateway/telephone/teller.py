"""Tells somebody at a telephone, by way of the exchange."""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from gateway.speech.library import SpeechUnavailableError
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import (
    ExchangeAwayError,
    ExchangeError,
    GoneError,
    LaneEndedError,
    OutcomeUnknownError,
    UnreachableError,
)
from gateway.telephone.ari.events import RESUMED, Event
from gateway.telephone.ari.reading import Lane
from gateway.telephone.playing import Player
from gateway.telephone.telling import Do, HangUp, Outcome, Say, Telling, Wait, What

log = logging.getLogger("wardline.telephone")

RING_S = 30

# What to play for what is said next, asked when it is said; nothing when all is over.
Media = Callable[[What], Awaitable[Sequence[str]]]


async def tell(
    actions: Actions,
    endpoint: str,
    media: Media,
    *,
    caller: str = "",
    ring_s: int = RING_S,
) -> Outcome:
    """Ring `endpoint` ("PJSIP/0015650a1b2c"), say `media` and return what was decided. To stop it,
    cancel it: the telephone falls silent at once. Raises ExchangeError's kinds when the exchange is
    lost before an answer."""
    try:
        lane = await actions.ring(endpoint, caller=caller, ring_s=ring_s)
    except UnreachableError:
        return Outcome.UNREACHABLE
    call = _Call(actions, lane, media)
    try:
        return await call.run()
    finally:
        await call.end()


class _Call:
    """Carries out what the telling decides, on one channel."""

    def __init__(self, actions: Actions, lane: Lane, media: Media) -> None:
        self._actions = actions
        self._lane = lane
        self._media = media
        self._telling = Telling()
        self._player = Player(actions, lane.subject.id)
        self._over = False
        self._unheard = False  # whether what was to be said may have been lost with the line

    async def run(self) -> Outcome:
        wait_s: float | None = None
        while True:
            try:
                event = await self._lane.next_within(wait_s)
            except LaneEndedError:
                self._over = True
                return self._telling.ended(0)
            if event is not None and event.ends(self._lane.subject):
                self._over = True
                return self._telling.ended(int(event.body.get("cause", 0)))
            do = self._telling.waited() if event is None else self._next(event)
            if do is None:
                continue
            wait_s = do.seconds if isinstance(do, Wait) else None
            if isinstance(do, HangUp) and self._telling.outcome is not None:
                return self._telling.outcome
            if isinstance(do, Say) and (ended := await self._say(do.what)) is not None:
                return ended

    def _next(self, event: Event) -> Do | None:
        if event.arrives and (do := self._telling.answered()) is not None:
            return do
        if event.type == RESUMED and self._unheard:
            self._unheard = False
            return self._telling.waited()
        if event.type == "ChannelDtmfReceived":
            return self._telling.pressed(event.digit)
        return self._telling.spoken() if self._player.ended(event) else None

    async def _say(self, what: What) -> Outcome | None:
        """What it has come to, when there is nothing to say."""
        try:
            media = await self._media(what)
        except SpeechUnavailableError as error:
            log.error("%s was answered and hears nothing: %s", self._lane.subject, error)
            return Outcome.SPEECHLESS
        if not media:
            return Outcome.UNWANTED
        try:
            await self._player.play(*media)
        except GoneError:
            pass  # its end is the next thing we read
        except (ExchangeAwayError, OutcomeUnknownError):
            self._unheard = True  # said again once the line is back
        return None

    async def end(self) -> None:
        """Hang up, if nobody has. An exchange that is away has done so, or will be asked what it
        has when it is back."""
        if not self._over:
            with contextlib.suppress(ExchangeError):
                await self._actions.hang_up(self._lane.subject.id)
