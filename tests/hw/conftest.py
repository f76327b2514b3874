"""Virtual units on a real pty, polled by the real bus code."""

import asyncio
import logging
import math
import struct
import time
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hw.bus import BusWard
from hw.clock import steady_ms
from hw.virtual.bus import VirtualBus

WAIT_S = 30.0
CLOCK_EVERY_S = 0.005
CLOCK_STEP_MS = 50  # at most


async def eventually(condition: Callable[[], Any], what: str, timeout_s: float = WAIT_S) -> Any:
    """The first true answer of `condition`; fails naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s} s in vain for {what}")
        await asyncio.sleep(0.01)


class Heard(list[tuple[str | None, str, dict[str, Any]]]):
    """What the hardware told."""

    def __call__(self, bed: str | None, kind: str, about: dict[str, Any]) -> None:
        self.append((bed, kind, about))

    def kinds(self, bed: str | None) -> list[str]:
        return [kind for heard, kind, _about in self if heard == bed]

    def count(self, kind: str) -> Counter[str | None]:  # type: ignore[override]
        return Counter(bed for bed, heard, _about in self if heard == kind)

    def faults(self, kind: str = "fault") -> list[tuple[str, str]]:
        return [(about["device"], about["code"]) for _bed, heard, about in self if heard == kind]


class LoopClock:
    """Steady time that stands still while the event loop does: the units live in it, and on a slow
    machine they would be silent to a node whose thread goes on."""

    def __init__(self) -> None:
        self._ms = 0

    def __call__(self) -> int:
        return self._ms

    async def run(self) -> None:
        before_ms = steady_ms()
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            now_ms = steady_ms()
            self._ms += min(now_ms - before_ms, CLOCK_STEP_MS)
            before_ms = now_ms


class Ward:
    """Units and the node's side of them."""

    def __init__(self, link: Path, bus: VirtualBus, clock: LoopClock) -> None:
        self.link = link
        self.units = bus
        self.clock = clock
        self.heard = Heard()
        self.node: BusWard | None = None

    async def start_node(self, known: dict[str, dict[str, int]] | None = None) -> BusWard:
        """Start the node's bus and wait until every living unit has been met."""
        self.node = BusWard(
            str(self.link), self.units.beds, clock_ms=self.clock, known_counters=known
        )
        self.node.start(self.heard)
        node = self.node
        alive = {bed for bed, state in self.units.state()["beds"].items() if not state["dead"]}
        await eventually(
            lambda: all(node._watches[bed]._met for bed in alive), "all units to be met"
        )
        await eventually(lambda: all(_all_told(node, bed) for bed in alive), "what they told")
        return node

    async def stop_node(self) -> dict[str, dict[str, int]]:
        """Stop it; the counters it would have kept."""
        assert self.node is not None
        await self.node.close()
        return self.node.counters()

    async def press_heard(self, bed: str) -> None:
        before = self.heard.count("press")[bed]
        self.units.operate(bed, "press")
        await eventually(lambda: self.heard.count("press")[bed] > before, f"a press at {bed}")

    def shows(self, bed: str) -> tuple[str, str, bool]:
        state = self.units.state()["beds"][bed]
        return state["lamp"], state["reassurance"], state["speaker"]


def _all_told(node: BusWard, bed: str) -> bool:
    """Whether all that a unit was found to have counted has come into the event loop, too."""
    found = node._watches[bed].counters
    return found is not None and node.counters().get(bed) == found._asdict()


@asynccontextmanager
async def ward(folder: Path, beds: int = 4, **how: Any) -> AsyncIterator[Ward]:
    link = folder / "bus"
    bus = VirtualBus(link, {str(bed): bed for bed in range(1, beds + 1)}, **how)
    await bus.start()
    both = Ward(link, bus, LoopClock())
    ticking = asyncio.create_task(both.clock.run())
    try:
        yield both
    finally:
        ticking.cancel()
        if both.node is not None:
            await both.node.close()
        await bus.close()


@pytest.fixture(autouse=True)
def _quiet_pymodbus() -> Iterator[None]:
    """It logs each damaged request as an error, and damage is what is tested."""
    log = logging.getLogger("pymodbus_logging")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


def tone(path: Path, ms: int, *, rate: int = 8000) -> Path:
    """A WAV file of `ms`."""
    samples = [int(20000 * math.sin(i / 4)) for i in range(rate * ms // 1000)]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path
