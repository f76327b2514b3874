"""A simulated box comes to its broker, and back to it, as a ward box does."""

import asyncio
from pathlib import Path

from tests.bench.boxes import SimulatedBox
from tests.bench.waiting import until
from tests.conftest import WAIT_S
from tests.ward_node.conftest import Broker, FakeCentral
from ward_node.contract import topics

LOOK_S = 0.05


async def test_a_box_waits_for_its_broker_and_comes_back_to_it(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    told = {"host": "127.0.0.1", "port": broker.port, "username": "box", "password": ""}
    box = SimulatedBox({"ward": "3", "node": "3-box-1", "broker": told}, ("1",))
    running = asyncio.create_task(box.run())
    try:
        async with asyncio.timeout(WAIT_S):
            await until(lambda: box.tries > 0, LOOK_S)
        for _ in range(2):
            broker.start()
            central = await asyncio.to_thread(FakeCentral, broker.port)
            await _hears(central, topics.STATE)
            box.press("1")
            await _hears(central, topics.EVENT)
            central.close()
            broker.stop()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        broker.stop()


async def _hears(central: FakeCentral, kind: str) -> None:
    async with asyncio.timeout(WAIT_S):
        await until(lambda: bool(central.of(kind)), LOOK_S)
