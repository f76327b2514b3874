"""What goes wrong: lines, brokers, power, disks, the bridge process; sometimes two at once."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.brokers import Broker
from tests.simulation.network import Line, block, unblock

BETWEEN_S = 9_000.0
MEAN_S = 15.0
LONGEST_S = 600.0
TWO_AT_ONCE = 0.25
DRAWS_PRESSES = 0.8
DRAWS_DRIP = 0.25
DRIP_BEFORE_S = 10.0
CRASH_STEPS = 120


class Trouble:
    """Chooses a fault by chance, lets it last, and mends it. `active` counts those that are on."""

    def __init__(self, world: Any, chance: Random) -> None:
        self._world, self._chance = world, chance
        self.active = 0
        self.last_end_us = 0
        self._over = False

    def begin(self) -> None:
        self._plan()

    def end(self) -> None:
        """Nothing new goes wrong; what is wrong mends in its time."""
        self._over = True

    def _plan(self) -> None:
        wait_s = self._chance.expovariate(len(self._world.brokers) / BETWEEN_S)
        self._world.plan(wait_s, self._strike)
        if self._chance.random() < DRAWS_DRIP:
            self._world.plan(max(0.0, wait_s - DRIP_BEFORE_S), self._world.people.end_a_drip_soon)

    def _strike(self) -> None:
        if self._over:
            return
        self._plan()
        lasts_s = min(LONGEST_S, 0.1 + self._chance.expovariate(1 / MEAN_S))
        if self._chance.random() < DRAWS_PRESSES:
            self._world.people.gather(lasts_s)
        for _ in range(2 if self._chance.random() < TWO_AT_ONCE else 1):
            kind = self._chance.choice(KINDS)
            undo = kind(self)
            after_s = self._chance.random() * 0.5 * lasts_s
            self._world.counts["faults"] += 1
            self._world.note("", f"trouble: {kind.__name__.strip('_')} for {lasts_s:.1f} s")
            if undo is not None:
                self.active += 1
                self._world.schedule.after(lasts_s + after_s, self._mend, kind.__name__, undo)

    def _mend(self, name: str, undo: Callable[[], None]) -> None:
        undo()
        self.active -= 1
        self.last_end_us = self._world.schedule.now_us
        self._world.note("", f"mended: {name.strip('_')}")

    # --- kinds of trouble: each returns how it ends, or None when it ends by itself ---

    def _line(self) -> Line:
        lines = [
            self._world.centre.line,
            *(each.line for each in self._world.upstreams.values()),
            *(each.line for each in self._world.boxes),
        ]
        return self._chance.choice(lines)

    def _blocked(self) -> Callable[[], None]:
        line = self._line()
        block(self._world.network, line)
        return lambda: unblock(line)

    def _cut(self) -> Callable[[], None]:
        line = self._line()
        block(self._world.network, line)
        if line.connection is not None:
            line.connection.cut()
        return lambda: unblock(line)

    def _broker_ends(self) -> Callable[[], None]:
        world = self._world
        broker: Broker = self._chance.choice([world.hospital, *world.brokers.values()])
        if not broker.up:
            return lambda: None
        for upstream in world.upstreams.values():
            if upstream.inner is broker:
                upstream.stop()
        broker.stop(killed=self._chance.random() < 0.5)
        return broker.start

    def _power(self) -> Callable[[], None]:
        box = self._chance.choice(self._world.boxes)
        if box.node is not None:
            box.power_off()
        return box.power_on

    def _torn(self) -> Callable[[], None]:
        """The power goes in the middle of writing, at any byte."""
        box = self._chance.choice(self._world.boxes)
        box.disk.cut_after_bytes = self._chance.randint(0, 600)

        def mend() -> None:
            box.disk.cut_after_bytes = None
            box.power_on()

        return mend

    def _box_disk_full(self) -> Callable[[], None]:
        disk = self._chance.choice(self._world.boxes).disk
        disk.full = True

        def mend() -> None:
            disk.full = False

        return mend

    def _voice(self) -> Callable[[], None]:
        box = self._chance.choice(self._world.boxes)
        box.voice_fails = True

        def mend() -> None:
            box.voice_fails = False

        return mend

    def _centre_disk_full(self) -> Callable[[], None]:
        self._world.centre.refuse(True)
        return lambda: self._world.centre.refuse(False)

    def _crash(self) -> None:
        self._world.centre.crash_after(self._chance.randint(0, CRASH_STEPS))

    def _crashes(self) -> Callable[[], None]:
        """Again and again, at whatever await it has come to."""
        ended = False

        def again() -> None:
            if not ended:
                self._crash()
                self._world.schedule.after(self._chance.uniform(0.5, 12.0), again)

        def mend() -> None:
            nonlocal ended
            ended = True
            self._world.centre.crash_after(10**9)

        again()
        return mend


KINDS: tuple[Callable[[Trouble], Any], ...] = (
    Trouble._blocked, Trouble._cut, Trouble._broker_ends, Trouble._power, Trouble._torn,
    Trouble._box_disk_full, Trouble._voice, Trouble._centre_disk_full, Trouble._crash,
    Trouble._crashes,
)  # fmt: skip
