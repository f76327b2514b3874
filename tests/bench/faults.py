"""What goes wrong in a chaos run, drawn from its seed: processes killed, lines cut."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from provisioning.demo import Demo
from provisioning.layout import Layout, WardPlan
from tests.bench.proxy import Proxy
from tests.bench.waiting import until

# A fault of a line lasts so long; now and then so long that the ends give each other up.
SHORT_S = (0.2, 3.0)
LONG_S = (11.0, 18.0)
LONG = 0.08
SLOW_S = (0.02, 0.3)
# A process is killed again while it starts: so often, and within so long.
TWICE = 0.25
TWICE_WITHIN_S = 2.5
LOOK_EVERY_S = 0.02

CUT, STALL, SLOW = "cut", "stalled", "slow"
BUS = "bedside bus torn off"


class Lines:
    """Every connection to a broker led over a line of our own, by who connects."""

    def __init__(self, layout: Layout) -> None:
        hospital = layout.ports["hospital"]
        self.by_user = {"bridge": Proxy(hospital)}
        for ward in layout.wards:
            self.by_user[f"ward-{ward.id}"] = Proxy(hospital)
            for node in ward.nodes:
                self.by_user[node] = Proxy(layout.ports[f"broker-{ward.id}"])

    async def start(self, layout: Layout) -> None:
        """Call it before the layout is written."""
        for user, line in self.by_user.items():
            await line.start()
            layout.detours[user] = line.port

    def mend(self) -> None:
        for line in self.by_user.values():
            line.mend()

    async def close(self) -> None:
        await asyncio.gather(*(line.close() for line in self.by_user.values()))


@dataclass(frozen=True)
class Fault:
    """One kind of fault: its `name` in the report, and those it can happen to."""

    name: str
    targets: tuple[str, ...]


class Mischief:
    """Lets a fault happen `every_s` on the average: each kind in turn in an order of the seed's,
    so that none is left out. `killed` and `disturbed` count them."""

    def __init__(
        self,
        demo: Demo,
        lines: Lines,
        rng: random.Random,
        every_s: float,
        say: Callable[[str], None],
    ) -> None:
        self.killed: Counter[str] = Counter()
        self.disturbed: Counter[str] = Counter()
        self._demo = demo
        self._lines = lines
        self._rng = rng
        self._every_s = every_s
        self._say = say
        self._wards = {ward.id: ward for ward in demo.layout.wards}
        self._going_on: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; then everything is mended, and nothing more is killed."""
        deck: list[tuple[Callable[[Fault], None], Fault]] = []
        try:
            while True:
                if not deck:
                    deck = [(self._kill, each) for each in kills(self._demo.layout.wards)]
                    deck += [(self._disturb, each) for each in cuts(self._demo.layout.wards)]
                    self._rng.shuffle(deck)
                await asyncio.sleep(self._rng.expovariate(1 / self._every_s))
                act, fault = deck.pop()
                act(fault)
        finally:
            for task in self._going_on:
                task.cancel()
            await asyncio.gather(*self._going_on, return_exceptions=True)
            self._lines.mend()

    def _kill(self, fault: Fault) -> None:
        name = self._rng.choice(fault.targets)
        helpers = self._rng.random() < 0.5
        again_s = self._rng.uniform(0, TWICE_WITHIN_S) if self._rng.random() < TWICE else None
        self._end(fault, name, helpers)
        if again_s is not None:
            self._go_on(self._kill_again(fault, name, again_s))

    def _end(self, fault: Fault, name: str, helpers: bool) -> None:
        if self._demo.supervisor.kill(name, helpers=helpers):
            self.killed[fault.name] += 1
            self._say(f"killed {name}" + (" and its helpers" if helpers else ""))

    async def _kill_again(self, fault: Fault, name: str, after_s: float) -> None:
        """Once more, at some moment of its next start or soon after."""
        pids = self._demo.supervisor.pids
        await until(lambda: self._demo.supervisor.pids[name] != pids[name], LOOK_EVERY_S)
        await asyncio.sleep(after_s)
        self._end(fault, name, helpers=True)

    def _disturb(self, fault: Fault) -> None:
        target = self._rng.choice(fault.targets)
        for_s = self._rng.uniform(*(LONG_S if self._rng.random() < LONG else SHORT_S))
        self.disturbed[fault.name] += 1
        self._say(f"{fault.name}: {target} for {for_s:.1f} s")
        if fault.name == BUS:
            self._go_on(self._tear_bus(self._wards[target], for_s))
            return
        line = self._lines.by_user[target]
        if fault.name.endswith(CUT):
            line.cut()
        elif fault.name.endswith(STALL):
            line.stall()
        else:
            line.delay_s = self._rng.uniform(*SLOW_S)
        self._go_on(self._mend_later(line, for_s))

    async def _mend_later(self, line: Proxy, after_s: float) -> None:
        await asyncio.sleep(after_s)
        line.mend()

    async def _tear_bus(self, ward: WardPlan, for_s: float) -> None:
        """Pull the box's serial adapter out; the units live on."""
        try:
            await self._bus(ward, gone=True)
            await asyncio.sleep(for_s)
        finally:
            await self._bus(ward, gone=False)

    async def _bus(self, ward: WardPlan, gone: bool) -> None:
        url = f"{self._demo.layout.controls(ward)}/bus"
        async with self._demo.http.post(url, json={"gone": gone}) as answer:
            answer.raise_for_status()

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)


def kills(wards: tuple[WardPlan, ...]) -> list[Fault]:
    return [
        Fault("hospital broker", ("broker",)),
        Fault("ward broker", tuple(f"broker-{ward.id}" for ward in wards)),
        Fault("bridge", ("bridge",)),
        Fault("console", ("web",)),
        Fault("bedside box", tuple(ward.box for ward in wards)),
        Fault("station", tuple(ward.station for ward in wards)),
    ]


def cuts(wards: tuple[WardPlan, ...]) -> list[Fault]:
    lines = {
        "box to ward broker": tuple(ward.box for ward in wards),
        "ward broker to hospital broker": tuple(f"ward-{ward.id}" for ward in wards),
        "bridge to hospital broker": ("bridge",),
    }
    found = [
        Fault(f"{name} {how}", targets)
        for name, targets in lines.items()
        for how in (CUT, STALL, SLOW)
    ]
    return [*found, Fault(BUS, tuple(ward.id for ward in wards if ward.hardware == "bus"))]
