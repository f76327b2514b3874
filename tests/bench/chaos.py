"""`./wardline bench chaos`: no press is lost or doubled, whatever dies meanwhile.

Hands press at the bedside units of several wards and nurses accept calls on the console, while
brokers, bridge, console, boxes and stations are killed with SIGKILL and start again, lines
between them are cut, stalled and slowed, and bedside buses are torn off: all drawn from the seed.
At the end the faults stop, and what was pressed at the units is compared with central's database.

    made      presses at the units (see tests/bench/hands.py)
    doubtful  a box with buttons on its pins died under the finger: it may have heard or not
    stored    presses in central's database: an event each, also of several between two polls
    lost      made and not stored; doubled: stored and not made (bed by bed)
    acted     presses that opened a call or stand in the history of one
    lamps     over beds: one that is dark although its bed has an open call, or lit without one,
              once everything has settled, is wrong
    slowest   from the press to the moment of the transaction that stored it

Exit status 1 when a press was lost, doubled or not acted upon, an acceptance was forgotten, or a
lamp is wrong.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import paho.mqtt.client as mqtt

from central.calls import types
from gateway.mqtt import kinds, topics
from provisioning import hospital
from provisioning.demo import Demo, running
from provisioning.layout import Layout, WardPlan
from provisioning.supervisor import free_ports
from provisioning.visitor import ConsoleRefusedError, visit
from tests.bench.faults import Lines, Mischief
from tests.bench.figures import as_json, figures, table
from tests.bench.guests import connect, hear, watcher
from tests.bench.hands import Bed, Hand, Ledger
from tests.bench.waiting import until
from tests.paho import leave

BEDS_ON_PINS = 4  # as many as a box has pins for
SETTLE_TIMEOUT_S = 90.0
CONNECT_TIMEOUT_S = 20.0
LOOK_EVERY_S = 0.2
# So many heartbeats in a row say that a node holds nothing back: what it sent before the last
# has come through by then.
QUIET_HEARTBEATS = 2
NURSE_EVERY_S = 1.0


@dataclass(frozen=True)
class Plan:
    """A run: how much happens, and how fast. The last ward is wired to pins."""

    presses: int
    seed: int
    wards: int = 4
    beds: int = 16
    per_second: float = 50.0
    fault_every_s: float = 1.5

    def layout(self, folder: Path) -> Layout:
        beds = tuple(str(number) for number in range(1, self.beds + 1))
        plans = [
            WardPlan(str(n), f"{n}病区", f"Ward {n}", "bus", beds) for n in range(1, self.wards)
        ]
        pins = WardPlan(
            str(self.wards), f"{self.wards}病区", f"Ward {self.wards}", "gpio", beds[:BEDS_ON_PINS]
        )
        guests = {"broker": (watcher("bench", topics.HEARTBEAT),)}
        return Layout(folder, (*plans, pins), free_ports(1)[0], guests=guests)

    def rng(self, *about: object) -> random.Random:
        """Chance for one purpose, always the same for the same seed."""
        return random.Random("/".join(str(each) for each in (self.seed, *about)))


@dataclass
class Outcome:
    """What came of a run."""

    ledger: Ledger = field(default_factory=Ledger)
    mischief: Mischief | None = None
    accepted: set[tuple[int, str]] = field(default_factory=set)  # call, nurse: the console said so
    stored: dict[Bed, list[int]] = field(default_factory=dict)  # hospital ms, in the node's order
    visits: dict[Bed, int] = field(default_factory=dict)
    acted: dict[Bed, int] = field(default_factory=dict)
    kept: set[tuple[int, str]] = field(default_factory=set)
    rules_failed: int = 0
    lamps_wrong: list[Bed] = field(default_factory=list)
    settled: bool = False
    settled_after_s: float = 0.0

    @property
    def lost(self) -> int:
        made, stored = self.ledger.presses, self.stored
        return sum(max(0, len(made[bed]) - len(stored.get(bed, ()))) for bed in made)

    @property
    def doubled(self) -> int:
        ledger = self.ledger
        return sum(
            max(0, len(times) - len(ledger.presses[bed]) - ledger.doubtful[bed])
            for bed, times in self.stored.items()
        )

    @property
    def not_acted(self) -> int:
        return sum(abs(len(times) - self.acted.get(bed, 0)) for bed, times in self.stored.items())

    @property
    def visits_wrong(self) -> int:
        made = self.ledger.visits
        return sum(abs(made[bed] - self.visits.get(bed, 0)) for bed in {*made, *self.visits})

    @property
    def holds(self) -> bool:
        wrong = (
            self.lost, self.doubled, self.not_acted, self.visits_wrong, self.rules_failed,
            len(self.accepted - self.kept), len(self.lamps_wrong),
        )  # fmt: skip
        return self.settled and not any(wrong)

    def waits_ms(self) -> list[float]:
        """Press to stored, of the beds where each press has its event."""
        return [
            float(stored_ms - pressed_ms)
            for bed, pressed in self.ledger.presses.items()
            if len(pressed) == len(self.stored.get(bed, ()))
            for pressed_ms, stored_ms in zip(pressed, self.stored[bed], strict=True)
        ]

    def facts(self) -> dict[str, Any]:
        assert self.mischief is not None
        waits_ms = self.waits_ms()
        return {
            "made": self.ledger.made,
            "doubtful": sum(self.ledger.doubtful.values()),
            "stored": sum(len(times) for times in self.stored.values()),
            "lost": self.lost,
            "doubled": self.doubled,
            "not_acted": self.not_acted,
            "slowest_ms": round(max(waits_ms)) if waits_ms else None,
            "visits": sum(self.ledger.visits.values()),
            "visits_wrong": self.visits_wrong,
            "acceptances": len(self.accepted),
            "acceptances_forgotten": len(self.accepted - self.kept),
            "rules_failed": self.rules_failed,
            "lamps_wrong": len(self.lamps_wrong),
            "settled": self.settled,
            "settled_after_s": round(self.settled_after_s, 1),
            "killed": dict(sorted(self.mischief.killed.items())),
            "disturbed": dict(sorted(self.mischief.disturbed.items())),
        }


async def measure(plan: Plan, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Play `plan` in `folder` and compare."""
    layout = plan.layout(folder)
    lines = Lines(layout)
    await lines.start(layout)
    outcome = Outcome()
    diary = (folder / "chaos.log").open("w")

    def note(text: str) -> None:
        now = datetime.datetime.now().time().isoformat("milliseconds")
        print(now, text, file=diary, flush=True)

    try:
        async with running(layout, note) as demo:
            say(f"{plan.presses} presses at {sum(len(w.beds) for w in layout.wards)} beds")
            outcome.mischief = Mischief(demo, lines, plan.rng("faults"), plan.fault_every_s, note)
            await _play(plan, demo, outcome)
            say("no more faults; waiting until everything has settled")
            began = time.monotonic()
            outcome.settled = await _settle(demo, outcome)
            outcome.settled_after_s = time.monotonic() - began
            _read(demo, outcome)
    finally:
        await lines.close()
        diary.close()
    return outcome


async def _play(plan: Plan, demo: Demo, outcome: Outcome) -> None:
    assert outcome.mischief is not None
    beds = [(ward, bed) for ward in demo.layout.wards for bed in ward.beds]
    others = [asyncio.create_task(outcome.mischief.run())]
    for ward in demo.layout.wards:
        rng = plan.rng("nurse", ward.id)
        others.append(asyncio.create_task(_nurse(demo, ward, outcome.accepted, rng)))
    every_s = len(beds) / plan.per_second
    try:
        async with asyncio.TaskGroup() as hands:
            for place, (ward, bed) in enumerate(beds):
                hand = Hand(demo, ward, bed, outcome.ledger, plan.rng("hand", ward.id, bed))
                share = plan.presses // len(beds) + (place < plan.presses % len(beds))
                hands.create_task(hand.work(share, every_s))
    finally:
        for task in others:
            task.cancel()
        ended = await asyncio.gather(*others, return_exceptions=True)
    for failure in ended:
        if isinstance(failure, Exception):
            raise failure


async def _nurse(
    demo: Demo, ward: WardPlan, accepted: set[tuple[int, str]], rng: random.Random
) -> None:
    """Accept calls of a ward on the console, and note what the console has confirmed."""
    name = f"nurse{ward.id}"
    async with visit(demo.layout.web_url) as nurse:
        logged_in = False
        while True:
            await asyncio.sleep(rng.expovariate(1 / NURSE_EVERY_S))
            calls = demo.store.read().all(
                "SELECT id FROM calls WHERE ward = ? AND state = 'open' AND bed IS NOT NULL",
                (ward.id,),
            )
            if not calls:
                continue
            call = int(rng.choice(calls)["id"])
            try:
                if not logged_in:
                    await nurse.log_in(name, hospital.PASSWORD)
                    logged_in = True
                await nurse.post(f"/calls/{call}/accept")
            except (aiohttp.ClientError, ConsoleRefusedError, TimeoutError):
                continue  # the console is away, or somebody has been at the bed
            accepted.add((call, name))


async def _settle(demo: Demo, outcome: Outcome) -> bool:
    """Wait until all that was pressed is stored and acted upon and no node holds anything back.
    False when that takes longer than SETTLE_TIMEOUT_S."""
    empty: Counter[str] = Counter()

    def heard(message: mqtt.MQTTMessage) -> None:
        _, node, _ = topics.parse(message.topic)
        holds = json.loads(message.payload)["outbox"]
        empty[node] = 0 if holds else empty[node] + 1

    def settled() -> bool:
        _read(demo, outcome)
        nodes = [node for ward in demo.layout.wards for node in ward.nodes]
        waiting = demo.store.read().value("SELECT count(*) FROM events_waiting")
        return (
            outcome.lost == 0
            and waiting == 0
            and all(empty[node] >= QUIET_HEARTBEATS for node in nodes)
        )

    client = await _at_hospital(demo.layout)
    try:
        await asyncio.to_thread(hear, client, topics.every(topics.HEARTBEAT), heard)
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            await until(settled, LOOK_EVERY_S)
            while lamps_wrong := await _lamps_wrong(demo):
                outcome.lamps_wrong = lamps_wrong
                await asyncio.sleep(LOOK_EVERY_S)
            outcome.lamps_wrong = []
    except TimeoutError:
        return False
    finally:
        leave(client)
    return True


async def _lamps_wrong(demo: Demo) -> list[Bed]:
    lit = set()
    for ward in demo.layout.wards:
        async with demo.http.get(f"{demo.layout.controls(ward)}/state") as answer:
            beds = (await answer.json())["beds"]
        lit |= {(ward.id, bed) for bed, shown in beds.items() if shown["lamp"] != kinds.OFF}
    live = demo.store.read().all(
        "SELECT ward, bed, type FROM calls WHERE state != 'ended' AND bed IS NOT NULL"
    )
    called = {(row["ward"], row["bed"]) for row in live}
    pressed = {(row["ward"], row["bed"]) for row in live if row["type"] == types.NURSE}
    return sorted((pressed - lit) | (lit - called))


async def _at_hospital(layout: Layout) -> mqtt.Client:
    """A listener at the hospital's broker, which may just be starting again."""
    (bench,) = layout.guests["broker"]
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        while True:
            try:
                return connect(layout.ports["hospital"], bench)
            except OSError:
                await asyncio.sleep(LOOK_EVERY_S)


def _read(demo: Demo, outcome: Outcome) -> None:
    """What central's database holds now."""
    tx = demo.store.read()
    outcome.stored = {}
    for row in tx.all(
        "SELECT ward, bed, stored_ms, ifnull(about ->> 'repeats', 0) AS repeats FROM events"
        " WHERE type = ? ORDER BY boot, seq",
        (kinds.PRESS,),
    ):
        times = outcome.stored.setdefault((row["ward"], row["bed"]), [])
        times += [row["stored_ms"]] * (1 + row["repeats"])  # a full outbox merges alarms
    outcome.visits = _count(
        tx.all(
            "SELECT ward, bed, count(*) AS n FROM events WHERE type = ? GROUP BY ward, bed",
            (kinds.PRESENCE,),
        )
    )
    outcome.acted = _count(
        tx.all(
            "SELECT c.ward, c.bed, count(*) AS n FROM call_history h JOIN calls c ON c.id = h.call"
            " WHERE h.what IN ('opened', 'repeated') AND c.type = ? GROUP BY c.ward, c.bed",
            (types.NURSE,),
        )
    )
    found = tx.all("SELECT call, by FROM call_history WHERE what = 'accepted'")
    outcome.kept = {(row["call"], row["by"]) for row in found}
    outcome.rules_failed = tx.value("SELECT count(*) FROM events WHERE failure IS NOT NULL")


def _count(rows: list[Any]) -> dict[Bed, int]:
    return {(row["ward"], row["bed"]): row["n"] for row in rows}


def report(plan: Plan, outcome: Outcome) -> str:
    """Tables, and a last line of JSON."""
    facts = outcome.facts()
    single = {name: value for name, value in facts.items() if not isinstance(value, dict)}
    lines = [f"{name:<46}{value!s:>8}" for name, value in single.items()]
    for name in ("killed", "disturbed"):
        lines += ["", name, *(f"  {what:<44}{n:>8}" for what, n in facts[name].items())]
    stages = {"press to stored": figures(outcome.waits_ms())}
    load = [round(each, 2) for each in os.getloadavg()]
    told = as_json("chaos", stages, seed=plan.seed, **facts, holds=outcome.holds, load=load)
    return "\n".join([*lines, "", table(stages), told])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./wardline bench chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--presses", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wards", type=int, default=4, help="the last one is wired to pins")
    parser.add_argument("--beds", type=int, default=16, help="of each ward on a bus")
    parser.add_argument("--per-second", type=float, default=50.0, help="presses")
    parser.add_argument("--fault-every", type=float, default=1.5, help="seconds between faults")
    parser.add_argument("--folder", type=Path, help="keep database, journals and logs there")
    given = parser.parse_args()
    plan = Plan(
        given.presses, given.seed, given.wards, given.beds, given.per_second, given.fault_every
    )

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with contextlib.ExitStack() as stack:
        folder = given.folder
        if folder is None:
            made = tempfile.TemporaryDirectory(prefix="wardline-chaos-")
            folder = Path(stack.enter_context(made))
        outcome = asyncio.run(measure(plan, folder, say))
    print(report(plan, outcome), flush=True)
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
