"""The communicator: hardware, link and clocks around the core."""

import asyncio
import json

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import effects
from ward_node.core.node import BEDSIDE, Identity, Node
from ward_node.core.outbox import Outbox
from ward_node.micropython import disk, shim
from ward_node.micropython.communicator import Communicator
from ward_node.micropython.config import Config
from ward_node.micropython.journal import Journal
from ward_node.micropython.link import Link
from ward_node.micropython.virtual import Bench, Panel

TICK_MS = 50
# How many events a board keeps: each takes about 1 KB of its memory.
OUTBOX_LIMIT = 200
HARDWARE = "communicator: buttons, lights, buzzer; no voice"
# The drip clock of a demonstration goes on while the machine is off.
FILE_EPOCH = "file"
UNTESTABLE = "untestable"  # nothing hears the buzzer


class App:
    """One communicator."""

    def __init__(self, config: Config) -> None:
        try:
            shim.make_folder(config.data)
        except OSError as error:  # all is held in memory, and the outbox tells the fault
            shim.note(config.data + " cannot be used: " + str(error))
        self._config = config
        self._steady_ms = shim.SteadyClock()
        boot = disk.next_boot(config.data)
        epoch = shim.machine_run(str(boot))
        self._memory = disk.Memory(config.data)
        self._last_drip_ms = self._steady_ms()
        now_ms = self._steady_ms()
        journal = Journal(config.data + "/outbox.journal")
        outbox = Outbox(config.ward, config.node, boot, journal, epoch, now_ms, OUTBOX_LIMIT)
        self.node = Node(
            Identity(config.ward, config.node, BEDSIDE, (config.bed,), HARDWARE),
            outbox, self._memory.load(), FILE_EPOCH if config.clock_file else epoch, now_ms,
            self._drip_ms(), False, self._condition,
        )  # fmt: skip
        bench = Bench()
        make = bench.make if config.virtual else shim.board_pin
        self._communicator = Communicator(config.pins, make, self._steady_ms)
        self._panel = (
            Panel(config.bed, bench, config.pins, self._communicator) if config.panel else None
        )
        self._link = Link(
            config.broker, config.ward, config.node, self.node.end(kinds.LOST),
            on_up=lambda: self._feed(self.node.connected),
            on_down=lambda: self._feed(self.node.disconnected),
            on_message=lambda kind, ward, node, payload: self._feed(
                self.node.handle_message, kind, payload, ward, node
            ),
        )  # fmt: skip
        self._sounding: Any = None
        self._do: dict[type, Any] = {
            effects.Publish: lambda effect: self._link.publish(effect.kind, effect.message),
            effects.Speak: self._speak,
            effects.Silence: lambda effect: self._hush(),
            effects.Lamp: lambda effect: self._communicator.show("lamp", effect.pattern),
            effects.Reassure: lambda effect: self._communicator.show("reassurance", effect.pattern),
            effects.Fetch: lambda effect: None,  # words that it could not speak
            effects.Remember: lambda effect: self._memory.keep(effect.name, effect.value),
            effects.Selftest: lambda effect: self._feed(
                self.node.selftest_done, effect.command, None
            ),
            effects.Prove: self._prove,
            effects.Note: lambda effect: shim.note(effect.text),
        }

    async def run(self) -> None:
        """Serve the bed for ever. Raises OSError when the panel's port is taken."""
        if self._panel is not None and self._config.panel is not None:
            await self._panel.start(self._config.panel["host"], self._config.panel["port"])
        tasks = [
            asyncio.create_task(self._communicator.watch(self._happened)),
            asyncio.create_task(self._link.run()),
        ]
        waiting = str(len(self.node.outbox))
        shim.note("session " + str(self.node.outbox.boot) + ", " + waiting + " events wait")
        while True:
            self._feed(self.node.tick)
            for task in tasks:
                if task.done():
                    await task  # raises what ended it
            await shim.sleep_ms(TICK_MS)

    def _condition(self) -> "dict[str, Any]":
        """What the heartbeat tells of the box itself."""
        return {"wall_ms": shim.wall_ms(), "speaker_test": UNTESTABLE}

    def _happened(self, kind: str) -> None:
        self._feed(self.node.handle_input, self._config.bed, kind, {})

    def _prove(self, effect: effects.Prove) -> None:
        failure = self._communicator.prove()
        if failure is not None:
            self._feed(self.node.proof_failed, effect.command, *failure)

    def _feed(self, method: Any, *given: Any) -> None:
        """Give the core an input and carry out what it wants. A defect in one input may not
        stop the bed: it is told, and everything else goes on."""
        try:
            wanted = method(*given, self._steady_ms(), self._drip_ms())
        except Exception as error:
            shim.failed("the core failed", error)
            return
        for effect in wanted:
            try:
                self._do[type(effect)](effect)
            except Exception as error:
                shim.failed("an effect failed", error)

    def _hush(self) -> None:
        if self._sounding is not None:
            self._sounding.cancel()

    def _speak(self, effect: effects.Speak) -> None:
        self._sounding = asyncio.create_task(self._sound(effect.utterance, effect.chime))

    async def _sound(self, utterance: str, chime: str) -> None:
        self._feed(self.node.speech_begun, utterance)
        await self._communicator.sound(chime)
        self._feed(self.node.speech_done, utterance, None)

    def _drip_ms(self) -> int:
        """The drip clock: steady time, or the demonstration's file as in `hw/virtual/clock.py`;
        while that cannot be read, the last time it told."""
        path = self._config.clock_file
        if path is None:
            return self._steady_ms()
        try:
            with open(path) as file:
                told = json.load(file)
            passed_ms = (self._steady_ms() - told["steady_ms"]) * told["rate"]
            self._last_drip_ms = told["now_ms"] + int(passed_ms)
        except (OSError, ValueError, KeyError):
            pass
        return self._last_drip_ms
