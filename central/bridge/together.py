"""Tasks that live and end together, and do end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_S = 0.2


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all of `works` until one fails, whose exception is raised, or this is cancelled.

    A task that lost its cancellation is cancelled again, which TaskGroup does not do: until Python
    3.12 `asyncio.wait_for`, and with it every publish of aiomqtt, forgets a cancellation that meets
    its result, and the bridge lived on without its link.
    """
    tasks = [asyncio.create_task(each) for each in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            each.result()
    finally:
        while left := [each for each in tasks if not each.done()]:
            for each in left:
                each.cancel()
            await asyncio.wait(left, timeout=AGAIN_S)
