"""Central as one simulated process: the real bridge, store and rules on a simulated loop."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from copy import copy
from random import Random
from types import SimpleNamespace
from typing import Any

from central.bridge.bridge import HEARD, Bridge
from central.capabilities import Rules, modules
from central.store import Store, StoreUnavailableError
from gateway.mqtt import topics
from gateway.mqtt.checked import encode
from gateway.mqtt.link import LinkDownError
from gateway.speech.library import SpeechUnavailableError
from tests.simulation.brokers import Broker
from tests.simulation.loop import Loop, Schedule
from tests.simulation.network import Connection, Line, Message

START_MS = 1_790_000_000_000
NAME = "wardline-bridge"
RECONNECT_S = 0.5
RESTART_S = (1.0, 10.0)
OFFSET_MIN = 480
NO_AUDIO_SHARE = 0.05


class Clock:
    """Central's clocks. Hospital time may leap ahead over hours in which nothing happens."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.leapt_ms = 0

    def now_ms(self) -> int:
        return START_MS + self._schedule.now_ms + self.leapt_ms

    def real_ms(self) -> int:
        return START_MS + self._schedule.now_ms

    def steady_ms(self) -> int:
        return self._schedule.now_ms

    def wait_s(self, due_ms: int) -> float:
        return max(0, due_ms - self.now_ms()) / 1000


class SimulatedLink:
    """The bridge's connection to the hospital broker."""

    def __init__(self, broker: Broker, line: Line, process: Loop) -> None:
        self._broker, self._line, self._process = broker, line, process
        self._schedule = broker.network.schedule
        self._connection: Connection | None = None
        self._waiting: dict[asyncio.Future[None], None] = {}

    @property
    def is_up(self) -> bool:
        return self._connection is not None

    async def run(self, on_up: Any, on_message: Callable[[str, bytes], None]) -> None:
        while True:
            broken = asyncio.Event()
            early: list[Message] | None = []

            def take(message: Message) -> None:
                if early is not None:  # noqa: B023
                    early.append(message)  # noqa: B023
                elif not self._process.killed:
                    self._process.call_soon(on_message, message.topic, message.payload)

            def lost(broken: asyncio.Event = broken) -> None:
                self._connection = None
                for each in list(self._waiting):
                    if not each.done():
                        each.set_exception(LinkDownError("the connection broke"))
                broken.set()

            stale = self._broker.clients.pop(NAME, None)  # it starts its session anew
            if stale is not None and stale.connection is not None:
                stale.connection.break_broker()
            connection = self._broker.join(NAME, HEARD, self._line, take, lost)
            if connection is not None:
                self._connection = connection
                try:
                    await on_up()
                except LinkDownError:
                    pass
                for message in early:
                    on_message(message.topic, message.payload)
                early = None
                await broken.wait()
            await asyncio.sleep(RECONNECT_S)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, ttl_ms: int | None = None
    ) -> None:
        connection = self._connection
        if connection is None or self._process.killed:
            raise LinkDownError("the hospital broker is away")
        now_us = self._schedule.now_us
        expires_us = None if ttl_ms is None else now_us + max(1, ttl_ms // 1000) * 1_000_000
        message = Message(topic, payload, qos, retain, expires_us, now_us)
        if not qos:
            connection.send(True, message, self._arrived)
            return
        taken: asyncio.Future[None] = self._process.create_future()
        self._waiting[taken] = None

        def arrived(message: Message) -> None:
            self._arrived(message)
            self._schedule.at(
                self._schedule.now_us + self._broker.network.delay_us(), self._answered, taken
            )

        connection.send(True, message, arrived)
        try:
            await taken
        finally:
            self._waiting.pop(taken, None)

    def _arrived(self, message: Message) -> None:
        self._broker.publish(message, NAME)

    def _answered(self, taken: "asyncio.Future[None]") -> None:
        if not taken.done() and not self._process.killed:
            taken.set_result(None)


class Speech:
    """Makes sound for words: at once, late, or not at all."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    async def audio(self, lang: str, text: str) -> Any:
        if self._chance.random() < NO_AUDIO_SHARE:
            await asyncio.sleep(self._chance.random() * 3)
            raise SpeechUnavailableError("no voice today")
        sha256 = f"{abs(hash_of(text)):064x}"[:64]
        return SimpleNamespace(sha256=sha256, url="http://x/" + sha256, duration_ms=1000)

    async def known(self, words: Sequence[tuple[str, str]]) -> list[Any]:
        return [None] * len(words)


def hash_of(text: str) -> int:
    """The same in every run, whatever PYTHONHASHSEED is."""
    return int.from_bytes(text.encode()[:24], "big")


class Centre:
    """Starts, kills and starts again the bridge process on one database."""

    def __init__(
        self, schedule: Schedule, disk: sqlite3.Connection, clock: Clock, rules: Rules,
        broker: Broker, chance: Random, on_commit: Callable[[], None],
    ) -> None:  # fmt: skip
        self.line = Line()
        self.process: Loop | None = None
        self.crashes = 0
        self._schedule, self._disk, self._clock = schedule, disk, clock
        self._rules, self._broker, self._chance = rules, broker, chance
        self._on_commit = on_commit
        self._migrated = Store(":memory:", clock, inline=disk)
        self._store: Store | None = None
        self._bridge: Bridge | None = None
        self._running: asyncio.Task[None] | None = None
        self._crash_after: int | None = None
        self._changes = 0

    @property
    def healthy(self) -> bool:
        bridge = self._bridge
        return bridge is not None and bridge._link.is_up and bridge._trouble is None

    @property
    def death(self) -> BaseException | None:
        """Why the process ended, when nobody killed it."""
        task = self._running
        return task.exception() if task is not None and task.done() else None

    def start(self) -> None:
        if self.process is not None:
            return
        process = Loop(self._schedule, self._answer_s)
        store = copy(self._migrated)
        try:
            with store.transaction() as tx:
                for service in modules("service"):
                    if hasattr(service, "recover"):
                        service.recover(tx)
        except StoreUnavailableError:
            self._again()
            return
        self._store = store
        self.process = process
        link = SimulatedLink(self._broker, self.line, process)
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(process)
        try:
            self._bridge = Bridge(store, self._rules, Speech(self._chance), link, OFFSET_MIN)
            self._running = process.create_task(self._bridge.run())
        finally:
            asyncio._set_running_loop(before)

    def run(self) -> None:
        """Run all that is ready, or up to the crash."""
        process = self.process
        if process is None or not process.is_ready:
            return
        ran = process.run(self._crash_after)
        if self._crash_after is not None:
            self._crash_after -= ran
            if process.is_ready:
                self.kill()

    def crash_after(self, steps: int) -> None:
        """Kill the process that many awaits from now."""
        self._crash_after = steps

    def kill(self) -> None:
        self._crash_after = None
        process, self.process = self.process, None
        if process is None or self._store is None:
            return
        self.crashes += 1
        client = self._broker.clients.get(NAME)
        if client is not None and client.connection is not None:
            connection = client.connection
            connection.client_open = False
            connection.break_broker()
        self._store.connection = _dead  # type: ignore[method-assign]
        process.kill()
        self._store = self._bridge = self._running = None
        self._again()

    def refuse(self, refusing: bool) -> None:
        """The disk takes no more writes, or takes them again."""
        self._disk.execute(f"PRAGMA query_only={'ON' if refusing else 'OFF'}")

    def nudge(self, ward: str, what: list[str]) -> None:
        """What the console says after a change of its own."""
        body = encode(topics.CHANGED, {"what": sorted(what), "ward": ward})
        topic = topics.topic(ward, topics.CENTRAL, topics.CHANGED)
        self._broker.publish(Message(topic, body, 1), "web")

    def _again(self) -> None:
        low, high = RESTART_S
        self._schedule.after(low + self._chance.random() * (high - low), self.start)

    def _answer_s(self) -> float:
        changes = self._disk.total_changes
        if changes != self._changes:
            self._changes = changes
            self._on_commit()
        return 0.0005 + self._chance.random() * (0.02 if self._chance.random() < 0.97 else 2.0)


def _dead() -> Any:
    raise StoreUnavailableError("this process was killed")
