"""Receipts on their way out, without a network."""

import asyncio
import logging
from typing import Any

import pytest

from central.bridge.receipts import Receipts
from central.clock import FakeClock
from gateway.mqtt import topics
from gateway.mqtt.link import LinkDownError


def event(node: str, seq: int) -> dict[str, Any]:
    return {"ward": "3", "node": node, "id": f"{node}:1:{seq}"}


class Broker:
    """Has what it is sent once `takes` is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, list[str]]] = []
        self.takes = asyncio.Event()
        self.failure: Exception | None = None

    async def publish(
        self, ward: str, node: str, kind: str, message: dict[str, Any], ttl_ms: int | None = None
    ) -> None:
        self.sent.append((node, kind, message["ids"]))
        await self.takes.wait()
        if self.failure is not None:
            raise self.failure


def test_all_that_waits_for_a_box_is_one_message() -> None:
    async def story() -> None:
        broker, clock = Broker(), FakeClock()
        receipts = Receipts(clock, broker.publish)
        assert receipts.waiting_ms == 0
        receipts.add(event("3-box", 1))
        clock.advance(40)
        receipts.add(event("3-other", 1))
        receipts.add(event("3-box", 2))
        assert receipts.waiting_ms == 40
        broker.takes.set()
        receipts.send()
        assert receipts.waiting_ms == 0
        await receipts.out(60)
        assert broker.sent == [
            ("3-box", topics.RECEIPT, ["3-box:1:1", "3-box:1:2"]),
            ("3-other", topics.RECEIPT, ["3-other:1:1"]),
        ]
        await receipts.out(60)  # nothing is on its way
        assert len(broker.sent) == 2

    asyncio.run(story())


def test_rules_wait_for_receipts_but_not_for_ever() -> None:
    async def story() -> None:
        broker = Broker()
        receipts = Receipts(FakeClock(), broker.publish)
        receipts.add(event("3-box", 1))
        receipts.send()
        await receipts.out(0.001)  # the broker does not answer
        waiting = asyncio.create_task(receipts.out(60))
        await asyncio.sleep(0)
        assert not waiting.done()
        broker.takes.set()
        await waiting

    asyncio.run(story())


@pytest.mark.parametrize(("failure", "level"), [(LinkDownError(), "WARNING"), (OSError(), "ERROR")])
def test_a_receipt_that_is_lost_is_said_and_stops_nothing(
    caplog: pytest.LogCaptureFixture, failure: Exception, level: str
) -> None:
    async def story() -> None:
        broker = Broker()
        broker.takes.set()
        broker.failure = failure
        receipts = Receipts(FakeClock(), broker.publish)
        receipts.add(event("3-box", 1))
        receipts.send()
        await receipts.out(60)

    with caplog.at_level(logging.WARNING, "wardline.bridge"):
        asyncio.run(story())
    assert [record.levelname for record in caplog.records] == [level]
