"""The bridge's tasks end together, whatever one of them makes of its cancellation."""

import asyncio

import pytest

from central.bridge.together import together

ENDS_WITHIN_S = 20


async def forever() -> None:
    await asyncio.Event().wait()


async def forgets_once() -> None:
    try:
        await forever()
    except asyncio.CancelledError:
        await forever()


async def test_a_task_that_forgets_its_cancellation_is_cancelled_again() -> None:
    running = asyncio.create_task(together(forever(), forgets_once()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=ENDS_WITHIN_S)
    assert done
    assert running.cancelled()


async def test_the_first_failure_ends_all_and_is_told() -> None:
    ended = asyncio.Event()

    async def other() -> None:
        try:
            await forever()
        finally:
            ended.set()

    async def fails() -> None:
        raise OSError("no broker")

    with pytest.raises(OSError, match="no broker"):
        await together(other(), fails(), forgets_once())
    assert ended.is_set()
