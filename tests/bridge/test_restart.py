"""The hospital's broker is killed and comes back with what it had saved long ago."""

import asyncio
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.clock import SystemClock
from central.store import Store
from gateway.mqtt import topics
from gateway.mqtt.checked import encode
from tests.bridge.test_bridge import WAIT_S, Box, running, until, with_rules
from tests.conftest import answers, free_port, program, wait_for

BEAT = {"uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0}


class Broker:
    """Mosquitto with persistence."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.saved = folder / "mosquitto.db"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"user {pwd.getpwuid(os.getuid()).pw_name}\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 0\n"
        )
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program("mosquitto"), "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: answers(self.port), "Mosquitto to listen")

    def save(self) -> None:
        """Write down what is retained now."""
        self.saved.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        wait_for(self.saved.exists, "the broker to save")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def saving(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


async def birth(box: Box, session: int) -> None:
    """As a box leaves it with its broker."""
    message = encode(topics.STATE, {"state": "ready", "session": session, "versions": [1]})
    await box.client.publish(topics.topic("3", "3-box", topics.STATE), message, qos=1, retain=True)


@pytest.mark.parametrize(("saved", "living"), [(5, 6), (900, 6)])
def test_a_birth_kept_from_before_sets_no_session_back(
    store: Store, saving: Broker, saved: int, living: int
) -> None:
    """900, then 6: the numbers of two starts between which disk and clock had failed."""

    def known() -> tuple[str, int]:
        row = store.read().one("SELECT state, session FROM nodes WHERE id = '3-box'")
        assert row is not None
        return row["state"], row["session"]

    async def before() -> None:
        async with running(store, with_rules(), saving.port) as box, asyncio.timeout(WAIT_S):
            await birth(box, saved)
            await until(lambda: known() == ("ready", saved), "the first start")
            saving.save()
            await birth(box, living)
            while known() != ("ready", living):
                await box.say(topics.HEARTBEAT, BEAT | {"boot": living})
                await asyncio.sleep(0.2)  # the box beats for as long as it lives

    async def after() -> None:
        async with running(store, with_rules(), saving.port) as box:
            event_id = await box.press(1, boot=living)  # behind the birth that was saved
            await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
            assert known() == ("ready", living)

    store.clock = SystemClock()
    asyncio.run(before())
    saving.kill()
    saving.start()
    asyncio.run(after())
