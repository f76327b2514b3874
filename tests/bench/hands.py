"""Hands at the beds of a chaos run, which know how often they have pressed.

A unit on the bedside bus counts by itself and outlives its box, so a press there is made the
moment the finger is down. A button on the pins of a box is heard by that box alone: a press is
made when the box has lived from before it until the finger was up, and doubtful when the box
died under the finger. No light came on then, so the hand presses once more.
"""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field

import aiohttp

from provisioning.demo import Demo
from provisioning.layout import WardPlan

# How a hand works: sometimes several presses between two polls, sometimes somebody comes.
SEVERAL, MOST_AT_ONCE = 0.1, 3
VISIT = 0.08
LOOK_EVERY_S = 0.03
# A finger is off a button so long at least. Below 20 ms a box takes it for chatter of the contact,
# and rightly: no finger is that fast.
FINGER_OFF_S = 0.1

Bed = tuple[str, str]  # ward, bed


@dataclass
class Ledger:
    """What the hands did, by bed: presses and visits with their hospital time in ms, and how
    many presses nobody can know of."""

    presses: dict[Bed, list[int]] = field(default_factory=lambda: defaultdict(list))
    visits: dict[Bed, int] = field(default_factory=lambda: defaultdict(int))
    doubtful: dict[Bed, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def made(self) -> int:
        return sum(len(times) for times in self.presses.values())


# The units are never killed, but on a busy machine they may be slow.
PATIENCE = aiohttp.ClientTimeout(total=60)


class Hand:
    """Works at one bed of a ward."""

    def __init__(
        self, demo: Demo, ward: WardPlan, bed: str, ledger: Ledger, rng: random.Random
    ) -> None:
        self._demo = demo
        self._ward = ward
        self._bed = (ward.id, bed)
        self._ledger = ledger
        self._rng = rng
        self._controls = demo.layout.controls(ward)

    async def work(self, presses: int, every_s: float) -> None:
        """Press `presses` times, on the average `every_s` apart."""
        on_pins = self._ward.hardware != "bus"
        left = presses
        while left:
            await asyncio.sleep(self._rng.expovariate(1 / every_s))
            if on_pins:
                await self._press_pin()
                left -= 1
                continue
            several = self._rng.random() < SEVERAL
            for _ in range(min(left, self._rng.randint(2, MOST_AT_ONCE) if several else 1)):
                self._ledger.presses[self._bed].append(self._demo.clock.now_ms())
                await self._operate("press")
                left -= 1
            if self._rng.random() < VISIT:
                self._ledger.visits[self._bed] += 1
                await self._operate("presence")
                await asyncio.sleep(self._rng.uniform(0, 0.2))
                await self._operate("presence_end")

    async def _press_pin(self) -> None:
        while True:
            await self._until_box_answers()
            await asyncio.sleep(FINGER_OFF_S)
            at_ms, pid = self._demo.clock.now_ms(), self._pid
            try:
                await self._operate("press")
                await self._until_lifted()
                if pid == self._pid:
                    self._ledger.presses[self._bed].append(at_ms)
                    return
            except (aiohttp.ClientError, TimeoutError):
                pass  # it died; perhaps it had heard the press, perhaps not
            self._ledger.doubtful[self._bed] += 1

    @property
    def _pid(self) -> int:
        return self._demo.supervisor.pids[self._ward.box]

    async def _until_lifted(self) -> None:
        while True:
            if not await self._is_down():
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _until_box_answers(self) -> None:
        while True:
            try:
                await self._is_down()
                return
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(LOOK_EVERY_S)

    async def _is_down(self) -> bool:
        async with self._demo.http.get(f"{self._controls}/state") as answer:
            state = await answer.json()
        return bool(state["beds"][self._bed[1]]["red"])

    async def _operate(self, control: str) -> None:
        body = {"bed": self._bed[1], "control": control}
        url = f"{self._controls}/operate"
        async with self._demo.http.post(url, json=body, timeout=PATIENCE) as answer:
            answer.raise_for_status()
