"""`./wardline bench burst`: thousands of beds press within a second.

Real brokers (the hospital's and one for each ward, bridged), the bridge process and its database;
the boxes speak the real protocol, all from one process. Beside it, in the same run: as
many QoS 1 messages through a bare broker, and as many rows into a bare SQLite in group commits.
"""

import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.bridge.bridge import STORE_AT_ONCE
from central.clock import FileClock
from central.store import Store
from provisioning import hospital
from provisioning.environment import ROOT
from provisioning.layout import Layout, WardPlan
from provisioning.mosquitto import User
from provisioning.supervisor import Supervisor, free_ports
from tests.bench.boxes import SimulatedBox
from tests.bench.figures import as_json, command_line, figures, table
from tests.bench.guests import HOP, connect, hear, hop_ends
from tests.paho import leave

BEDS_OF_A_BOX = 32
BOXES_OF_A_WARD = 16
WITHIN_S = 1.0
# The target is 2 s; who waits longer than this has lost something.
SETTLE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class BigWard(WardPlan):
    """A ward of many boxes, as a bus carries only so many beds."""

    def box_of(self, bed: str) -> str:
        return f"{self.box}-{(int(bed) - 1) // BEDS_OF_A_BOX + 1}"

    @property
    def nodes(self) -> dict[str, str]:
        boxes = dict.fromkeys((self.box_of(bed) for bed in self.beds), "bedside")
        return boxes | {self.station: "station"}


class PressLostError(Exception):
    """Presses that central never receipted; tells how many."""

    error_id = "bench-press-lost"


def plans(beds: int) -> tuple[BigWard, ...]:
    of_a_ward = BEDS_OF_A_BOX * BOXES_OF_A_WARD
    counts = [min(of_a_ward, beds - first) for first in range(0, beds, of_a_ward)]
    return tuple(
        BigWard(str(n), f"{n}病区", f"Ward {n}", "bus", tuple(str(b + 1) for b in range(count)))
        for n, count in enumerate(counts, 1)
    )


class Tally:
    """When each press was made and receipted, in ns on the monotonic clock."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self.pressed_ns: dict[str, int] = {}
        self.receipted_ns: dict[str, int] = {}
        self.whole = asyncio.Event()

    def receipted(self, ids: list[str]) -> None:
        at_ns = time.monotonic_ns()
        for id in ids:
            self.receipted_ns[id] = at_ns
        if len(self.receipted_ns) == self._expected:
            self.whole.set()


async def press_all(boxes: dict[str, SimulatedBox], wards: tuple[BigWard, ...], seed: int) -> Tally:
    """Every bed presses once, at random moments of one second. Raises PressLostError."""
    choice = random.Random(seed)
    presses = sorted(
        (choice.uniform(0, WITHIN_S), ward.box_of(bed), bed) for ward in wards for bed in ward.beds
    )
    tally = Tally(len(presses))
    for box in boxes.values():
        box.on_receipt = tally.receipted
    began = time.monotonic()
    for at_s, box, bed in presses:
        early_s = at_s - (time.monotonic() - began)
        await asyncio.sleep(max(0, early_s))
        at_ns = time.monotonic_ns()
        tally.pressed_ns[boxes[box].press(bed)] = at_ns
    try:
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            await tally.whole.wait()
    except TimeoutError:
        lost = len(presses) - len(tally.receipted_ns)
        raise PressLostError(f"{lost} of {len(presses)} presses have no receipt") from None
    return tally


async def measure(
    folder: Path, beds: int, seed: int, say: Callable[[str], None]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(figures by stage, facts of the run). Raises PressLostError, NotReadyError."""
    wards = plans(beds)
    ends = hop_ends()
    layout = Layout(folder, wards, free_ports(1)[0], guests={"broker": ends})
    layout.write()
    clock = FileClock(layout.clock_file)
    clock.set_rate(1)
    store = Store(layout.database, clock)
    supervisor = Supervisor(ROOT, folder / "logs", say)
    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        stack.push_async_callback(supervisor.stop)
        with store.transaction() as tx:
            hospital.load(tx, wards)
        programs = layout.programs(_at_once, {node: _at_once for w in wards for node in w.nodes})
        wanted = ("broker", "bridge")
        await supervisor.start([each for each in programs if each.name.startswith(wanted)])
        boxes = await _boxes(layout, wards, stack)
        await _until(store, "SELECT count(*) = 0 FROM nodes WHERE state <> 'ready'")
        await asyncio.gather(*(box.configured.wait() for box in boxes.values()))
        say(f"{beds} beds at {len(boxes) - len(wards)} boxes of {len(wards)} wards press")
        tally = await press_all(boxes, wards, seed)
        say("all receipted; waiting for the calls")
        await _until(store, "SELECT count(*) = 0 FROM events_waiting")
        called_ms = (time.monotonic_ns() - min(tally.pressed_ns.values())) / 1e6
        facts = _facts(store, tally) | {"all_called_ms": round(called_ms)}
        broker_per_s = await asyncio.to_thread(bare_broker, layout.ports["hospital"], ends, beds)
    facts["bare_broker_per_s"] = broker_per_s
    facts["bare_sqlite_per_s"] = await asyncio.to_thread(bare_sqlite, folder / "bare.db", beds)
    waits = [tally.receipted_ns[id] - at_ns for id, at_ns in tally.pressed_ns.items()]
    return {"press to receipt": figures([wait_ns / 1e6 for wait_ns in waits])}, facts


async def _at_once() -> bool:
    return True


async def _boxes(
    layout: Layout, wards: tuple[BigWard, ...], stack: AsyncExitStack
) -> dict[str, SimulatedBox]:
    group = await stack.enter_async_context(asyncio.TaskGroup())
    boxes = {}
    for ward in wards:
        for node in ward.nodes:
            beds = tuple(bed for bed in ward.beds if ward.box_of(bed) == node)
            boxes[node] = SimulatedBox(layout.node_config(ward, node), beds)
            stack.callback(group.create_task(boxes[node].run()).cancel)
    return boxes


async def _until(store: Store, true_when: str) -> None:
    async with asyncio.timeout(SETTLE_TIMEOUT_S):
        while not store.read().value(true_when):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _facts(store: Store, tally: Tally) -> dict[str, Any]:
    """What became of the presses, by the database's own count."""
    tx = store.read()
    presses = len(tally.pressed_ns)
    stored = tx.value("SELECT count(*) FROM events WHERE type = 'press'")
    first_ns = min(tally.pressed_ns.values())
    whole_ms = (max(tally.receipted_ns.values()) - first_ns) / 1e6
    return {
        "presses": presses,
        "stored": stored,
        "lost": presses - stored,
        "calls": tx.value("SELECT count(*) FROM calls WHERE type = 'nurse'"),
        "all_receipted_ms": round(whole_ms),
        "per_s": round(presses / whole_ms * 1000),
    }


def bare_broker(port: int, ends: tuple[User, User], messages: int) -> int:
    """QoS 1 messages a second from one client to another through a broker."""
    arrived = threading.Semaphore(0)
    clients = [connect(port, end) for end in ends]
    hear(clients[1], HOP, lambda _: arrived.release())
    began = time.monotonic()
    for _ in range(messages):
        clients[0].publish(HOP, b'{"ids":["bench"]}', qos=1)
    for _ in range(messages):
        if not arrived.acquire(timeout=SETTLE_TIMEOUT_S):
            raise PressLostError("the bare broker lost a message")
    took_s = time.monotonic() - began
    for each in clients:
        leave(each)
    return round(messages / took_s)


def bare_sqlite(path: Path, rows: int) -> int:
    """Rows a second into SQLite, as many to a commit as the bridge may put there."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, about TEXT)")
    about = json.dumps({"type": "press", "bed": "5", "about": {}})
    began = time.monotonic()
    for first in range(0, rows, STORE_AT_ONCE):
        database.execute("BEGIN IMMEDIATE")
        for seq in range(first, min(first + STORE_AT_ONCE, rows)):
            database.execute("INSERT INTO events VALUES (?, ?)", (seq, about))
        database.execute("COMMIT")
    took_s = time.monotonic() - began
    database.close()
    return round(rows / took_s)


def main() -> int:
    parser = command_line("burst", __doc__)
    parser.add_argument("--beds", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        stages, facts = asyncio.run(measure(Path(folder), given.beds, given.seed, say))
    print(table(stages))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<46}{value:>6}")
    print(as_json("burst", stages, beds=given.beds, seed=given.seed, **facts), flush=True)
    return 1 if facts["lost"] or facts["stored"] != facts["presses"] else 0


if __name__ == "__main__":
    sys.exit(main())
