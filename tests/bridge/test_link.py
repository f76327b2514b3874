"""Central's connection to the hospital's broker when the way there is bad."""

import asyncio
import contextlib

from gateway.mqtt import link
from tests.bench.proxy import Proxy


def test_a_connection_that_breaks_off_before_the_answer_does_not_hold_the_next_one_up(
    broker: int,
) -> None:
    async def story() -> None:
        proxy = Proxy(broker)
        await proxy.start()
        proxy.cut()  # takes connections, and breaks each off at once
        up = asyncio.Event()

        async def on_up() -> None:
            up.set()

        line = link.BrokerLink({"host": "127.0.0.1", "port": proxy.port}, "bridge", ["a/#"])
        running = asyncio.create_task(line.run(on_up, lambda topic, payload: None))
        try:
            await proxy.refused.wait()
            proxy.mend()
            async with asyncio.timeout(2 * link.ANSWER_TIMEOUT_S):
                await up.wait()
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await proxy.close()

    asyncio.run(story())
