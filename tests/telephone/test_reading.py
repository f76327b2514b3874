"""Whoever reads a lane can be cancelled at any moment, and nothing that was said is lost."""

import asyncio

import pytest

from gateway.telephone.ari.events import Event, channel
from gateway.telephone.ari.reading import Lane

CALL = channel("call")
KEY = Event("ChannelDtmfReceived", {"digit": "1"}, (CALL,))


async def test_a_reader_that_is_cancelled_just_when_something_comes_is_cancelled() -> None:
    lane = Lane(CALL)
    reading = asyncio.create_task(lane.next_within(60))
    await asyncio.sleep(0)
    lane.put(KEY)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await lane.next() is KEY


async def test_nothing_has_come_in_time() -> None:
    lane = Lane(CALL)
    assert await lane.next_within(0.001) is None
    lane.put(KEY)
    assert await lane.next_within(0.001) is KEY
