"""Records a conversation of the application with a caller, and is silent while a PIN is entered.

What a caller of the application says and hears lies in no bridge, so Asterisk's own recorder is of
no use there: a channel that listens to both ends is recorded instead. The file keeps its time while
it is silent, so that a place in it is a place in the call.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError, LaneEndedError
from gateway.telephone.ari.reading import Lane

START_S = 5.0


class NotRecordedError(Exception):
    """The exchange did not begin to record a conversation."""

    error_id = "not-recorded"


class Recorder:
    """One conversation that is being recorded."""

    def __init__(self, actions: Actions, lane: Lane, name: str) -> None:
        self._actions = actions
        self._lane = lane
        self._name = name
        # Several parts of a conversation may want silence at once.
        self._silent = 0

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Silent for as long as this lasts: while a PIN is entered. Raises ExchangeError's kinds
        before it begins, so that nothing secret is asked for while it is not silent."""
        self._silent += 1
        try:
            if self._silent == 1:
                await self._actions.mute_recording(self._name)
            yield
        finally:
            self._silent -= 1
            if not self._silent:
                # A conversation that is over needs no voice any more.
                with contextlib.suppress(ExchangeError):
                    await self._actions.unmute_recording(self._name)

    async def end(self) -> None:
        """What was recorded stays."""
        with contextlib.suppress(ExchangeError):
            await self._actions.hang_up(self._lane.subject.id)


async def record(actions: Actions, channel: str, name: str) -> Recorder:
    """Record what is said on `channel` of our application, both ways, into "`name`.wav" of the
    exchange's folder of recordings, until it ends. Raises NotRecordedError, ExchangeError's
    kinds."""
    lane = await actions.listen_in(channel)
    try:
        async with asyncio.timeout(START_S):
            while not (await lane.next()).arrives:
                pass
        await actions.record(lane.subject.id, name)
    except (LaneEndedError, TimeoutError) as error:
        await _give_up(actions, lane)
        raise NotRecordedError(f"{channel} is not recorded: {error!r}") from error
    except BaseException:
        await _give_up(actions, lane)
        raise
    return Recorder(actions, lane, name)


async def _give_up(actions: Actions, lane: Lane) -> None:
    with contextlib.suppress(ExchangeError):
        await actions.hang_up(lane.subject.id)
