"""While the application has a call, the exchange is told so; should we die or hang, it takes the
call back and rings the telephones that answer instead of us (`files/dialplan.py`).

What is said about a channel that is just being played to waits in the exchange for the end of it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError, GoneError
from gateway.telephone.exchange import TAKE_BACK_S

# So often it is said within the time that the exchange waits: one may come late.
SAID_WITHIN = 4
# No prompt is longer.
MOST_PROMPT_S = 120


class Held:
    """The call `channel`, which the exchange leaves to us for `seconds` each time we say so."""

    def __init__(self, actions: Actions, channel: str, seconds: float) -> None:
        self._actions = actions
        self._channel = channel
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def play(self, *media: str) -> str:
        """As Actions.play, however long it is: the time to take the call back begins anew at its
        end. Raises ExchangeError's kinds."""
        async with self._turn:
            await self._actions.keep(self._channel, MOST_PROMPT_S)
            playback = await self._actions.play(self._channel, *media)
            await self._actions.keep(self._channel, self._seconds)
        return playback

    async def say_so(self) -> None:
        """Again and again, also over a broken connection, until the call is gone."""
        while True:
            try:
                async with self._turn:
                    await self._actions.keep(self._channel, self._seconds)
            except GoneError:
                return
            except ExchangeError:
                pass  # away for a moment
            await asyncio.sleep(self._seconds / SAID_WITHIN)


@contextlib.asynccontextmanager
async def held(actions: Actions, channel: str, seconds: float = TAKE_BACK_S) -> AsyncIterator[Held]:
    """Within this the call `channel` is ours. Who leaves it without hanging up, such as by a
    mistake of his own, loses it after `seconds`."""
    call = Held(actions, channel, seconds)
    saying = asyncio.create_task(call.say_so())
    try:
        yield call
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
