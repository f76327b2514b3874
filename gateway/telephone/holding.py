"""While the application has a call, the exchange is told so; should we die or hang, it takes the
call back and rings the telephones that answer instead of us (`files/dialplan.py`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.telephone.ari.actions import Actions, Hold
from gateway.telephone.ari.errors import ExchangeError, GoneError
from gateway.telephone.exchange import TAKE_BACK_S

# So often it is said within the time that the exchange waits: one may come late.
SAID_WITHIN = 4


@contextlib.asynccontextmanager
async def held(actions: Actions, channel: str, seconds: float = TAKE_BACK_S) -> AsyncIterator[None]:
    """Within this the call `channel` is ours. Who leaves it without hanging up, such as by a
    mistake of his own, loses it after `seconds`."""
    hold = actions.holds[channel] = Hold(seconds)
    saying = asyncio.create_task(_say(actions, channel, hold))
    try:
        yield
    finally:
        del actions.holds[channel]
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)


async def _say(actions: Actions, channel: str, hold: Hold) -> None:
    """Again and again, also over a broken connection, until the call is gone. What is said while
    the channel is played to comes into force at the end of it, even if we are dead by then."""
    while True:
        try:
            async with hold.turn:
                await actions.keep(channel, hold.seconds)
        except GoneError:
            return
        except ExchangeError:
            pass  # away for a moment
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(hold.seconds / SAID_WITHIN):
                await hold.played.wait()
        hold.played.clear()
