"""The node on CPython: hardware, link and clocks around the core."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hw.ward import WardHardware
from ward_node.contract import kinds
from ward_node.contract.manager import Manager
from ward_node.core import effects
from ward_node.core.node import Identity, Node
from ward_node.core.outbox import Outbox
from ward_node.core.reports import FIXED, Release
from ward_node.cpython import disk, hardware, logbook
from ward_node.cpython.audio import Audio
from ward_node.cpython.care import Care
from ward_node.cpython.config import Config
from ward_node.cpython.journal import Journal
from ward_node.cpython.link import Link
from ward_node.cpython.logbook import Logbook
from ward_node.cpython.updating.bundle import NotFetchedError
from ward_node.cpython.updating.places import Places
from ward_node.cpython.updating.selftest import Parts
from ward_node.cpython.updating.taking import Updates
from ward_node.cpython.voice import Mouth

log = logging.getLogger("wardline.node")

TICK_S = 0.05
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The drip clock of a demonstration goes on while the machine is off.
FILE_EPOCH = "file"


def steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def machine_run(otherwise: str) -> str:
    """The name of this run of the machine, through which its steady clock goes on."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return otherwise


class App:
    """One node. `run` until `stop` is set, or it is to be started in another version."""

    def __init__(self, config: Config, places: Places | None = None, version: str = "") -> None:
        """`places`: the versions of this box, of which `version` runs; None: it cannot be updated.
        Opens the data folder. Raises DataFolderError, OSError, WiringError."""
        self._config = config
        self._lock = disk.claim(config.data)
        self._logbook = Logbook(config.data)
        logging.getLogger().addHandler(self._logbook)
        boot = disk.next_boot(config.data)
        epoch = machine_run(str(boot))
        self._drip_clock = hardware.drip_clock(config, steady_ms)
        self._last_drip_ms = steady_ms()
        self._clock_broken = False
        self._memory = disk.Memory(config.data)
        self._journal = Journal(config.data / "outbox.journal")
        now_ms = steady_ms()
        outbox = Outbox(config.ward, config.node, boot, self._journal, epoch, now_ms)
        identity = Identity(
            config.ward, config.node, config.role, tuple(config.beds), config.hardware["kind"]
        )
        self.node = Node(
            identity,
            outbox,
            self._memory.load(),
            FILE_EPOCH if config.clock_file is not None else epoch,
            now_ms,
            self._drip_ms(),
            condition=self._condition,
            release=FIXED if places is None else _release(places, version),
            has_log=True,
        )
        self._ward: WardHardware
        self._ward, self._controls = hardware.ward_and_controls(config, outbox.marks)
        self._speaker = hardware.speaker(config)
        self._power, switches = hardware.power_and_switches(config)
        self._panel = hardware.panel(config, self._controls, self._speaker, switches)
        self._page = hardware.page(config, steady_ms)
        self._station_lamp = hardware.station_lamp(config)
        self._audio = Audio(config.data / "audio")
        self._mouth = Mouth(
            self._audio,
            self._speaker,
            self._ward,
            on_begun=lambda utterance: self._feed(self.node.speech_begun, utterance),
            on_done=self._speech_done,
        )
        ear = hardware.ear(config, self._speaker)
        self._care = Care(
            self._mouth,
            self._speaker,
            ear,
            self._power,
            hardware.machine(config),
            steady_ms,
            on_found=lambda finding: self._feed(self.node.found, *finding),
        )
        self._link = Link(
            config.broker,
            config.ward,
            config.node,
            self.node.end(kinds.LOST),
            config.role,
            on_up=self._link_up,
            on_down=self._link_down,
            on_message=lambda kind, ward, node, payload: self._feed(
                self.node.handle_message, kind, payload, ward, node
            ),
        )
        self._renewal = self._renewal_of(config)
        self._parts = Parts(self._ward, self._speaker, ear, self._mouth.borrow)
        self._stop: asyncio.Event | None = None
        self._starts_again = False
        self._updates = None
        if places is not None:
            self._updates = Updates(
                places,
                lambda version: self._fetch(places, version),
                self._parts,
                self.node,
                feed=self._feed,
                restart=self._restart,
            )
        self._manager = Manager(dict(os.environ))
        self._work: set[asyncio.Task[None]] = set()
        self._do: dict[type, Callable[[Any], None]] = {
            effects.Publish: lambda effect: self._publish(effect),
            effects.Speak: self._mouth.speak,
            effects.Listen: self._mouth.listen,
            effects.Block: self._mouth.block,
            effects.Finish: lambda effect: self._mouth.finish(),
            effects.Silence: lambda effect: self._mouth.silence(),
            effects.Lamp: self._lamp,
            effects.Show: lambda effect: self._show(effect.picture),
            effects.Reassure: lambda effect: self._ward.set_reassurance(effect.bed, effect.pattern),
            effects.Fetch: lambda effect: self._spawn(self._audio.prefetch(effect.words)),
            effects.Remember: self._remember,
            effects.Selftest: lambda effect: self._spawn(self._selftest(effect.command)),
            effects.Prove: lambda effect: self._spawn(self._prove(effect)),
            effects.Update: self._update,
            effects.Excerpt: self._excerpt,
            effects.Note: lambda effect: log.log(
                logging.WARNING if effect.grave else logging.INFO, "%s", effect.text
            ),
        }

    async def run(self, stop: asyncio.Event) -> bool:
        """Serve the beds until `stop`; whether it is to be started again at once. Raises OSError
        when a port of ours is taken."""
        self._stop = stop
        for served in (self._panel, self._page):
            if served is not None:
                await served.start()
        self._ward.start(
            lambda bed, kind, about: self._feed(self.node.handle_input, bed, kind, about)
        )
        link = asyncio.create_task(self._link.run())
        ticks = asyncio.create_task(self._ticks())
        care = asyncio.create_task(self._care.run())
        if self._renewal is not None:
            self._spawn(self._renewal.run())
        if self._updates is not None:
            self._spawn(self._updates.settle())
        log.info(
            "box %s of ward %s runs, session %s, %s events wait",
            self._config.node,
            self._config.ward,
            self.node.outbox.boot,
            len(self.node.outbox),
        )
        self._manager.ready()
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait({link, ticks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not self._starts_again:
            self._manager.stopping()
        ticks.cancel()
        care.cancel()
        await self._link.goodbye(self.node.end(kinds.STOPPED, self._starts_again))
        link.cancel()
        stopping.cancel()
        await asyncio.gather(link, ticks, care, stopping, return_exceptions=True)
        await self._close()
        for task in done & {link, ticks}:
            task.result()
        return self._starts_again

    async def _close(self) -> None:
        await self._mouth.close()
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        self._power.close()
        await self._ward.close()
        self._keep_marks()
        for served in (self._panel, self._page, self._station_lamp):
            if served is not None:
                await served.close()
        self._journal.close()
        logging.getLogger().removeHandler(self._logbook)
        self._logbook.close()
        self._lock.close()

    async def _ticks(self) -> None:
        while True:
            self._feed(self.node.tick, after=(self._ward.poll_ms, self._ward.silent_beds()))
            self._keep_marks()
            self._tick_updates()
            self._manager.alive(steady_ms())
            await asyncio.sleep(TICK_S)

    def _feed(
        self, method: Callable[..., list[Any]], *given: Any, after: tuple[Any, ...] = ()
    ) -> None:
        """Give the core an input and carry out what it wants. A defect in one input may not
        stop the ward: it is logged, and everything else goes on."""
        try:
            wanted = method(*given, steady_ms(), self._drip_ms(), *after)
        except Exception:
            log.exception("the core failed in %s", getattr(method, "__name__", method))
            return
        for effect in wanted:
            try:
                self._do[type(effect)](effect)
            except Exception:
                log.exception("an effect failed: %s", type(effect).__name__)

    def _speech_done(self, utterance: str, failure: str | None) -> None:
        if failure is None:
            self._care.driven()
        self._feed(self.node.speech_done, utterance, failure)

    def _drip_ms(self) -> int:
        """The drip clock; while its file cannot be read, the last time it told."""
        try:
            self._last_drip_ms = self._drip_clock()
            self._clock_broken = False
        except (OSError, ValueError, KeyError) as error:
            if not self._clock_broken:
                log.error("the clock file %s cannot be read: %s", self._config.clock_file, error)
            self._clock_broken = True
        return self._last_drip_ms

    def _condition(self) -> dict[str, Any]:
        """What the heartbeat tells of the box itself."""
        told = {"wall_ms": time.time_ns() // 1_000_000, **self._care.told()}
        if self._updates is not None:
            told["update"] = self._updates.told() or None
        return told

    def _renewal_of(self, config: Config) -> Any:
        """What renews the certificate of an enrolled box; None for others."""
        if config.endpoint is None:
            return None
        # What makes keys takes a third of a start.
        from ward_node.cpython.enrolment import renewing

        return renewing.of(
            config.broker, config.endpoint, lambda: self.node.clock.real_ms(steady_ms())
        )

    # --- versions ---

    def _link_up(self) -> None:
        self._feed(self.node.connected)
        self._parts.up.set()

    def _link_down(self) -> None:
        self._parts.up.clear()
        self._feed(self.node.disconnected)

    def _tick_updates(self) -> None:
        try:
            if self._updates is not None:
                self._updates.tick(steady_ms())
        except Exception:
            log.exception("the updates failed")

    def _update(self, effect: effects.Update) -> None:
        if self._updates is not None:
            self._spawn(self._updates.take(effect))

    def _fetch(self, places: Places, version: str) -> bytes:
        """Raises NotFetchedError."""
        # Large, and needed once in a long while.
        from ward_node.cpython.updating import where

        config = self._config
        if config.updates is not None:
            root = Path(config.updates["root"])
            return where.of_address(config.updates["url"], root, places.metadata).fetch(version)
        if self._renewal is None or config.endpoint is None:
            raise NotFetchedError("this box was not enrolled, and its configuration has no updates")
        return where.of_box(self._renewal.kept, config.endpoint, places.metadata).fetch(version)

    def _restart(self) -> None:
        """End in good order; whoever has started us does it again, in the version that is next."""
        assert self._stop is not None
        self._starts_again = True  # the manager would end the starter, too
        self._stop.set()

    # --- effects ---

    def _publish(self, effect: effects.Publish) -> None:
        self._link.publish(effect.kind, effect.message)

    def _lamp(self, effect: effects.Lamp) -> None:
        if effect.bed is not None:
            self._ward.set_lamp(effect.bed, effect.pattern)
        elif self._station_lamp is not None:
            self._station_lamp.show(effect.pattern)

    def _show(self, picture: dict[str, Any]) -> None:
        if self._page is not None:
            self._page.show(picture, self.node.lang)

    def _remember(self, effect: effects.Remember) -> None:
        try:
            self._memory.keep(effect.name, effect.value)
        except OSError as error:
            log.error("%s could not be kept: %s", effect.name, error)

    async def _selftest(self, command: str) -> None:
        """Test what of the hardware can test itself."""
        broken = []
        for bed, found in (await self._ward.selftest()).items():
            if found.get("error") or found.get("broken"):
                broken.append(f"bed {bed}: {found.get('error') or ', '.join(found['broken'])}")
        self._feed(self.node.selftest_done, command, "; ".join(broken) or None)

    async def _prove(self, effect: effects.Prove) -> None:
        failure = await self._ward.prove(effect.bed)
        if failure is not None:
            self._feed(self.node.proof_failed, effect.command, *failure)

    def _excerpt(self, effect: effects.Excerpt) -> None:
        lines = self._logbook.last(effect.lines, effect.grave)
        self._feed(self.node.logged, effect.command, logbook.pages(lines))

    def _keep_marks(self) -> None:
        counters = getattr(self._ward, "counters", None)
        if counters is not None:
            self.node.outbox.keep_marks(counters())

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the node failed", exc_info=task.exception())


def _release(places: Places, version: str) -> Release:
    trial = places.trial()
    return Release(version, trial is not None and trial.version == version, True)


async def serve(config: Config, places: Places | None = None, version: str = "") -> bool:
    """Run the node until SIGTERM or SIGINT, or until another version is to be started: True."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await App(config, places, version).run(stop)
