"""For flows by phone: a conversation that a rule records, which the caller is told before.

async with conversation.recorded(desk, arrival) as recording:
    ...
    async with recording.paused():  # while a PIN is entered
        ...
"""

import contextlib
import logging
from collections.abc import AsyncIterator

from central.recordings import model
from central.telephone.desk import Arrival, Desk
from central.words import spoken
from gateway.speech.library import SpeechUnavailableError
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.files.recording import CONVERSATION
from gateway.telephone.recorder import NotRecordedError, Recorder, record

log = logging.getLogger("wardline.telephone")

ANNOUNCED = "telephone.recording-announced"


class Recording:
    """A conversation that is recorded, or not: the flow need not know."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Nothing is recorded meanwhile. Raises ExchangeError's kinds before it begins."""
        if self._recorder is None:
            yield
            return
        async with self._recorder.paused():
            yield


@contextlib.asynccontextmanager
async def recorded(desk: Desk, arrival: Arrival) -> AsyncIterator[Recording]:
    """The conversation with a caller, recorded where a rule says so and he has heard it. A
    conversation goes on though it cannot be recorded."""
    recorder = await _begun(desk, arrival) if _wanted(desk, arrival) else None
    try:
        yield Recording(recorder)
    finally:
        if recorder is not None:
            await recorder.end()


def _wanted(desk: Desk, arrival: Arrival) -> bool:
    return model.conversation(desk.store.read(), arrival.number or "", arrival.device or "")


async def _begun(desk: Desk, arrival: Arrival) -> Recorder | None:
    try:
        if not await desk.say(arrival.lane, arrival.lang, spoken(arrival.lang, ANNOUNCED)):
            return None
        return await record(desk.actions, arrival.channel, f"{CONVERSATION}-{arrival.channel}")
    except (SpeechUnavailableError, NotRecordedError, ExchangeError) as error:
        log.error("a conversation is not recorded: %s", error)
        return None
