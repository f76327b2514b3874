"""`./wardline bench fleet`: a thousand boxes enrol and report.

Real endpoint, keepers, brokers with certificates (the hospital's and one for each ward, bridged),
bridge, database and console. The boxes are simulated in one process: each makes a key, asks by its
claim for a certificate over HTTPS as a box does, connects to its ward's broker with it, is born,
proves its beds, and beats every two seconds. Meanwhile the console's pages are timed.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from central.clock import FileClock
from central.console import service as people
from central.enrolment import service as enrolling
from central.fleet import scraping
from central.store import Store
from central.wards import model as wards
from provisioning.environment import ROOT
from provisioning.keeper import ACCESS
from provisioning.layout import Layout, WardPlan
from provisioning.mosquitto import Broker
from provisioning.supervisor import Supervisor, free_ports, listens
from provisioning.visitor import Visitor, visit
from tests.bench.boxes import SimulatedBox
from tests.bench.figures import as_json, command_line, figures, table
from ward_node.cpython.enrolment import asking, keys
from ward_node.cpython.enrolment.core import Enrolment

AT_ONCE = 8  # boxes that enrol at the same time
SETTLE_TIMEOUT_S = 180.0
PAGES = ("/fleet", "/nodes", "/proofs", "/faults", "/metrics")
LOOKS = 10
WATCH_S = 15.0
ENGINEER, PASSWORD = "engineer", "a bench's password"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# What a box in good order tells of itself.
CONDITION = {
    "temperature_c": 48, "disk_free_pct": 61, "disk_free_mb": 18_432, "supply": "mains",
    "poll_ms": 30, "silent_beds": [], "alone": False,
}  # fmt: skip


@dataclass(frozen=True)
class EmptyWard(WardPlan):
    """A ward whose boxes are still in their cartons."""

    @property
    def nodes(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Carton:
    """A box before it is enrolled: its place and the secret of its claim."""

    ward: str
    node: str
    beds: tuple[str, ...]
    secret: str


def plans(nodes: int, count: int) -> dict[str, int]:
    """How many boxes each of `count` wards has; one of them is its station."""
    return {str(n + 1): nodes // count + (n < nodes % count) for n in range(count)}


def claim_all(store: Store, layout: Layout, sizes: dict[str, int]) -> list[Carton]:
    """A claim for each place, as the console makes them: a transaction each."""
    key = layout.provisioning.digest_key()
    found = []
    for ward, size in sizes.items():
        for number in range(size):
            is_station = number == 0
            node = f"{ward}-station" if is_station else f"{ward}-box-{number}"
            beds = () if is_station else (str(number),)
            with store.transaction() as tx:
                made = enrolling.make(
                    tx, key, ward=ward, role="station" if is_station else "bedside", node=node,
                    beds=beds, by=ENGINEER,
                )  # fmt: skip
            found.append(Carton(ward, node, beds, made.secret))
    return found


def enrol(carton: Carton, address: str, fingerprint: str, folder: Path) -> tuple[Any, float]:
    """(the configuration of the box, ms): as a box takes its place, with a key of its own."""
    began = time.perf_counter()
    key = keys.make()
    core = Enrolment(
        carton.secret,
        fingerprint,
        request_for=lambda name: keys.request(key, name),
        fingerprint_of=keys.fingerprint,
        unfit=lambda chain, root: keys.unfit(key, chain, root),
    )
    while core.place is None:
        try:
            core.answered(*asking.send(address, core.ask))
        except OSError:
            core.failed()
        time.sleep(core.wait_s)
    took_ms = (time.perf_counter() - began) * 1000
    place = core.place
    paths = {}
    for name, text in (
        ("certificate", place.certificate), ("key", key.decode()), ("root", place.root),
    ):  # fmt: skip
        path = folder / f"{carton.node}.{name}"
        path.write_text(text)
        paths[name] = str(path)
    told = place.told
    broker = {**told["broker"], "tls": paths}
    return {"ward": told["ward"], "node": told["node"], "broker": broker}, took_ms


class NotSettledError(Exception):
    """The boxes did not come to rest in time; tells how far they came."""

    error_id = "bench-not-settled"


class Watch:
    """Memory and processor time of groups of processes, from /proc."""

    def __init__(self, groups: dict[str, list[int]]) -> None:
        self._groups = groups
        self._began = time.monotonic()
        self._cpu_before = {name: self._cpu(pids) for name, pids in groups.items()}

    def told(self) -> dict[str, Any]:
        """By group: MiB resident now, and per cent of one processor since the beginning."""
        passed_s = time.monotonic() - self._began
        found: dict[str, Any] = {}
        for name, pids in self._groups.items():
            used_s = self._cpu(pids) - self._cpu_before[name]
            found[f"{name}_mib"] = round(sum(map(_resident_mib, pids)), 1)
            found[f"{name}_cpu_pct"] = round(100 * used_s / passed_s, 1)
        return found

    def _cpu(self, pids: Iterable[int]) -> float:
        return sum(_cpu_s(pid) for pid in pids)


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += _with_children(int(each))
    return found


def _mosquitto(pid: int) -> list[int]:
    """The broker itself, which runs below the script that starts it anew."""
    return [
        each
        for each in _with_children(pid)
        if Path(f"/proc/{each}/comm").read_text().strip() == "mosquitto"
    ]


async def measure(
    folder: Path, nodes: int, count: int, watch_s: float, looks: int, say: Callable[[str], None]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(figures by stage, facts of the run). Raises NotReadyError, NotSettledError."""
    sizes = plans(nodes, count)
    plan = tuple(EmptyWard(ward, f"{ward}病区", f"Ward {ward}", "bus", ()) for ward in sizes)
    layout = Layout(folder, plan, free_ports(1)[0], tls=True)
    layout.write()
    clock = FileClock(layout.clock_file)
    clock.set_rate(1)
    store = Store(layout.database, clock)
    supervisor = Supervisor(ROOT, folder / "logs", say)
    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        stack.push_async_callback(supervisor.stop)
        with store.transaction() as tx:
            for ward in plan:
                wards.add_ward(tx, ward.id, ward.name_zh, ward.name_en)
            people.add_user(tx, ENGINEER, ENGINEER, "engineer", PASSWORD)
            key = scraping.make_key(tx, "bench", ENGINEER)
        programs = layout.programs(listens(layout.web_port), {})
        programs = [each for each in programs if not each.name.startswith("units")]
        await supervisor.start(programs)
        say("brokers, keepers, endpoint, bridge and console run")
        began = time.monotonic()
        cartons = claim_all(store, layout, sizes)
        claims_s = time.monotonic() - began
        say(f"{nodes} claims made in {claims_s:.1f} s")
        await _gates(layout, cartons)
        run = Run(store, layout, cartons, folder, stack, say)
        stages, facts = await run.enrol()
        facts["claims_s"] = round(claims_s, 1)
        facts |= await run.report(supervisor.pids, watch_s)
        stages |= await look(layout.web_url, key, looks, say)
    return stages, facts


class Run:
    """The boxes from their cartons to their beats."""

    def __init__(
        self, store: Store, layout: Layout, cartons: list[Carton], folder: Path,
        stack: AsyncExitStack, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._store = store
        self._layout = layout
        self._cartons = cartons
        self._folder = folder / "boxes"
        self._folder.mkdir()
        self._stack = stack
        self._say = say
        self._boxes: list[SimulatedBox] = []

    async def enrol(self) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """Every box takes its place, is born and proves its beds."""
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        settings = self._layout.provisioning
        fingerprint = settings.fingerprint()
        pool = self._stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        took_ms = []

        async def one(carton: Carton) -> None:
            config, ms = await loop.run_in_executor(
                pool, enrol, carton, settings.address, fingerprint, self._folder
            )
            took_ms.append(ms)
            box = SimulatedBox(config, carton.beds, CONDITION)
            self._boxes.append(box)
            self._stack.callback(group.create_task(box.run()).cancel)

        # As an engineer does it: a bed whose ward has no station yet could call nobody.
        stations = [carton for carton in self._cartons if not carton.beds]
        await asyncio.gather(*(one(carton) for carton in stations))
        await self._until(
            "SELECT count(*) = ? FROM nodes WHERE state = 'ready'", len(stations)
        )  # fmt: skip
        await asyncio.gather(*(one(carton) for carton in self._cartons if carton.beds))
        enrolled_s = time.monotonic() - began
        self._say(f"enrolled in {enrolled_s:.1f} s")
        await self._until("SELECT count(*) = 0 FROM nodes WHERE state <> 'ready'")
        ready_s = time.monotonic() - began
        self._say(f"all in contact after {ready_s:.1f} s; every bed proves itself")
        beds = sum(len(carton.beds) for carton in self._cartons)
        await self._until(
            "SELECT NOT EXISTS (SELECT 1 FROM proofs_wanted) AND NOT EXISTS"
            " (SELECT 1 FROM proofs_under_way) AND NOT EXISTS (SELECT 1 FROM newcomers)"
        )
        proven_s = time.monotonic() - began
        proven = self._store.read().value(
            "SELECT count(DISTINCT ward || '/' || bed) FROM proofs WHERE result = 'proven'"
        )
        others = self._store.read().all(
            "SELECT result || ' ' || ifnull(reason, '') AS why, count(*) AS n FROM proofs"
            " WHERE result != 'proven' GROUP BY 1"
        )
        for row in others:
            self._say(f"{row['n']} proofs: {row['why']}")
        self._say(f"{proven} of {beds} beds proven after {proven_s:.1f} s")
        return {"one enrolment, by HTTPS": figures(took_ms)}, {
            "nodes": len(self._boxes),
            "beds": beds,
            "beds_proven": proven,
            "enrolled_s": round(enrolled_s, 1),
            "enrolled_per_s": round(len(self._boxes) / enrolled_s, 1),
            "all_in_contact_s": round(ready_s, 1),
            "all_proofs_over_s": round(proven_s, 1),
        }

    async def report(self, pids: dict[str, int], watch_s: float) -> dict[str, Any]:
        """What all of it takes while every box beats for `watch_s`."""
        brokers = {name: _mosquitto(pid) for name, pid in pids.items() if _is_broker(name)}
        watch = Watch(
            {
                "hospital_broker": brokers["broker"],
                "ward_brokers": [each for name in brokers if name != "broker"
                                 for each in brokers[name]],
                "keepers": [pid for name, pid in pids.items() if name.startswith("keeper")],
                "bridge": [pids["bridge"]],
                "endpoint": [pids["provisioning"]],
                "console": _with_children(pids["web"]),
            }
        )  # fmt: skip
        before = sum(box.beats for box in self._boxes)
        began = time.monotonic()
        await asyncio.sleep(watch_s)
        beats = sum(box.beats for box in self._boxes) - before
        facts = {"beats_per_s": round(beats / (time.monotonic() - began))} | watch.told()
        tx = self._store.read()
        lost = tx.value("SELECT count(*) FROM faults WHERE code = 'lost'")
        oldest_ms = tx.now_ms - tx.value("SELECT min(seen_ms) FROM nodes")
        return facts | {"times_lost": lost, "oldest_report_ms": oldest_ms}

    async def _until(self, true_when: str, *values: Any) -> None:
        """Raises NotSettledError."""
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                while not self._store.read().value(true_when, values):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            rows = self._store.read().all(
                "SELECT result, reason, count(*) AS n FROM proofs GROUP BY 1, 2"
            )
            proofs = ", ".join(f"{row['n']} {row['result']} {row['reason'] or ''}" for row in rows)
            raise NotSettledError(f"it did not come to rest; proofs so far: {proofs}") from None


def _is_broker(name: str) -> bool:
    return name == "broker" or name.startswith("broker-")


async def _gates(layout: Layout, cartons: list[Carton]) -> None:
    """Wait until every ward's broker lets the boxes of its claims in."""
    last = {carton.ward: carton.node for carton in cartons}
    brokers: dict[str, Broker] = {
        ward: layout.brokers()[f"broker-{ward}"] for ward in last
    }  # fmt: skip
    async with asyncio.timeout(SETTLE_TIMEOUT_S):
        for ward, node in last.items():
            path = brokers[ward].folder / ACCESS
            while f'"{node}"' not in path.read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            while not await listens(brokers[ward].port)():  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def look(
    url: str, key: str, looks: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """How long the console takes for its pages of the fleet."""
    found: dict[str, dict[str, Any]] = {}
    async with visit(url) as engineer:
        await engineer.log_in(ENGINEER, PASSWORD)
        for path in PAGES:
            took_ms, letters = [], 0
            for _ in range(looks):
                began = time.perf_counter()
                text = await _page(engineer, url, path, key)
                took_ms.append((time.perf_counter() - began) * 1000)
                letters = len(text)
            say(f"{path}: {letters // 1024} Ki letters")
            found[f"page {path}"] = figures(took_ms)
    return found


async def _page(engineer: Visitor, url: str, path: str, key: str) -> str:
    if path != "/metrics":
        return await engineer.page(path)
    async with aiohttp.ClientSession() as scraper:
        headers = {"Authorization": f"Bearer {key}"}
        async with scraper.get(url + path, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.text()


def main() -> int:
    parser = command_line("fleet", __doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--wards", type=int, default=10)
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        stages, facts = asyncio.run(
            measure(Path(folder), given.nodes, given.wards, WATCH_S, LOOKS, say)
        )
    print(table(stages))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<46}{value:>8}")
    print(as_json("fleet", stages, wards=given.wards, **facts), flush=True)
    return 1 if facts["times_lost"] or facts["beds_proven"] < facts["beds"] else 0


if __name__ == "__main__":
    sys.exit(main())
