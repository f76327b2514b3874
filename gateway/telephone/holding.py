"""While the application has a call, the exchange is told so; should we die or hang, it takes the
call back and rings the telephones that answer instead of us (`files/dialplan.py`)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from gateway.telephone.ari.actions import SAID_WITHIN, Actions, Hold
from gateway.telephone.ari.errors import ExchangeError, GoneError
from gateway.telephone.exchange import TAKE_BACK_S

_AGAIN_AT = 1 - 1 / SAID_WITHIN
# The exchange waits from the call's arrival on, and soon something is played, which says it too.
FIRST_S = 0.25


@contextlib.asynccontextmanager
async def held(actions: Actions, channel: str, seconds: float = TAKE_BACK_S) -> AsyncIterator[None]:
    """Within this the call `channel` is ours. Who leaves it without hanging up, such as by a
    mistake of his own, loses it after `seconds`."""
    hold = actions.holds[channel] = Hold(seconds)
    hold.said(seconds * _AGAIN_AT + FIRST_S)
    saying = asyncio.create_task(_say(actions, channel, hold))
    try:
        yield
    finally:
        # A call that has left us may be back already, and held anew.
        if actions.holds.get(channel) is hold:
            del actions.holds[channel]
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)


async def _say(actions: Actions, channel: str, hold: Hold) -> None:
    """Again and again, also over a broken connection, until the call is gone. What is said while
    the channel is played to comes into force at the end of it, even if we are dead by then."""
    while True:
        hold.changed.clear()
        if (wait_s := _wait_s(hold)) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await hold.changed.wait()
            continue
        try:
            async with hold.turn:
                if _wait_s(hold) <= 0:  # nobody else has said it meanwhile
                    await actions.keep(channel, hold.seconds)
                    hold.said(hold.seconds)
        except GoneError:
            return
        except ExchangeError:  # away for a moment
            await asyncio.sleep(hold.seconds / SAID_WITHIN)


def _wait_s(hold: Hold) -> float:
    """Until it is to be said again."""
    return 0.0 if hold.due else hold.until_s - hold.seconds * _AGAIN_AT - time.monotonic()
