"""Waiting for what only looking again can show."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], look_every_s: float) -> None:
    """Return once `condition` holds; bound it with `asyncio.timeout`."""
    while True:
        if condition():
            return
        await asyncio.sleep(look_every_s)
