"""Central's connection to the hospital's broker when the way there is bad."""

import asyncio
import contextlib

import pytest

from gateway.mqtt import link
from tests.bench.proxy import Proxy

# So long aiomqtt by itself would wait for the answer that does not come. What ours costs may grow
# on a slow machine up to that.
HELD_UP_S = 10.0


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
            async with asyncio.timeout(HELD_UP_S):
                await up.wait()
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await proxy.close()

    asyncio.run(story())


def test_what_waits_is_handled_together_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MOST_HANDLED_AT_ONCE", 3)

    async def story() -> None:
        inbox = link.Inbox()
        first = asyncio.create_task(inbox.get())
        await asyncio.sleep(0)
        for number in range(5):
            inbox.put_nowait(number)
        assert await first == [0, 1, 2]
        assert await inbox.get() == [3, 4]
        assert inbox.empty()

    asyncio.run(story())


def test_all_messages_of_a_flood_arrive_in_order(broker: int) -> None:
    heard: list[bytes] = []
    many = [b"%d" % number for number in range(2_000)]

    async def story() -> None:
        up, whole = asyncio.Event(), asyncio.Event()

        async def on_up() -> None:
            up.set()

        def on_message(topic: str, payload: bytes) -> None:
            heard.append(payload)
            if payload == many[-1]:
                whole.set()

        settings = {"host": "127.0.0.1", "port": broker}
        lines = [link.BrokerLink(settings, "one", ["a/#"]), link.BrokerLink(settings, "other", [])]
        running = [asyncio.create_task(each.run(on_up, on_message)) for each in lines]
        async with asyncio.timeout(60):
            while not all(each.is_up for each in lines):
                await up.wait()
                up.clear()
            for payload in many:
                await lines[1].publish("a/b", payload, qos=1, retain=False)
            await whole.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    asyncio.run(story())
    assert heard == many
