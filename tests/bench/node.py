"""`./wardline bench node`: memory and start-up of the nodes.

The node on CPython (a box with four beds on virtual pins, its panel and loudspeaker included) and
the communicator on MicroPython, each as a process at a real broker: resident memory, also at its
highest, after a press was receipted; and the time from its start to its birth at the broker.
Beside it what the core alone takes of MicroPython's heap, at one bed and at eight
(tests/bench/heap.py). Pointers are of this machine's size; a board's are half of 64 bits.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.mqtt import topics
from provisioning import communicator, root
from provisioning.environment import ROOT
from tests.bench.figures import as_json, command_line, figures, table
from tests.conftest import wait_for
from tests.ward_node.conftest import Broker, FakeCentral, NodeProcess
from tests.ward_node.test_communicator import CommunicatorProcess

# What the design asks for.
MOST_RESIDENT_MB = 60
MOST_READY_MS = 3_000
MOST_HEAP_KB = 100
HEAP_TIMEOUT_S = 60
BEDS = (1, 8)


def program_of(process: int) -> int:
    """The last of the chain of children: bubblewrap stands before its program."""
    while children := Path(f"/proc/{process}/task/{process}/children").read_text().split():
        process = int(children[0])
    return process


def memory_mb(process: int) -> tuple[float, float]:
    """Resident memory now and at its highest."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines()
    )
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return round(now, 1), round(most, 1)


def start(node: NodeProcess, central: FakeCentral, bed: str) -> tuple[float, tuple[float, float]]:
    """(ms from the start to the birth, resident MB now and at most after a press)."""
    name = node.config["node"]

    def heard(kind: str, about: Callable[[dict[str, Any]], bool]) -> bool:
        return any(
            who == name and what == kind and about(told) for who, what, told in central.heard
        )

    central.heard.clear()
    began_ns = time.monotonic_ns()
    node.launch()
    wait_for(lambda: heard(topics.STATE, lambda told: told["state"] == "ready"), "the birth")
    ready_ms = (time.monotonic_ns() - began_ns) / 1e6
    wait_for(node.state, "the panel")
    node.operate(bed, "press")
    wait_for(lambda: node.bed(bed)["reassurance"] == "steady", "the receipt")
    assert node.process is not None
    memory = memory_mb(program_of(node.process.pid))
    node.kill()
    wait_for(lambda: heard(topics.STATE, lambda told: told["state"] == "lost"), "the will")
    return ready_ms, memory


def heap(beds: int) -> dict[str, int]:
    """Bytes of MicroPython's heap that the core takes."""
    here = Path(__file__).parent / "heap.py"
    command = root.command(
        ["micropython", "/run/heap.py", str(beds)],
        readable={ROOT / "ward_node": f"{communicator.PROGRAM}/ward_node", here: "/run/heap.py"},
        environment={"MICROPYPATH": f"{communicator.PROGRAM}:.frozen"},
    )
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=HEAP_TIMEOUT_S, check=True
    )
    return dict(json.loads(done.stdout))


def measure(folder: Path, starts: int) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(times by stage, facts of the run)."""
    broker = Broker(folder)
    broker.start()
    central = FakeCentral(broker.port)
    stages, facts = {}, {}
    try:
        for name, make, bed in (
            ("CPython", NodeProcess, "1"),
            ("MicroPython", CommunicatorProcess, "7"),
        ):
            own = folder / name
            own.mkdir()
            node = make(own, broker.port)
            if name == "CPython":
                node.config["hardware"]["beds"] = ["1", "2", "3", "4"]
            runs = [start(node, central, bed) for _ in range(starts)]
            stages[f"{name}: start to birth"] = figures([ready_ms for ready_ms, _ in runs])
            facts[f"{name.lower()}_resident_mb"] = max(now for _, (now, _) in runs)
            facts[f"{name.lower()}_most_resident_mb"] = max(most for _, (_, most) in runs)
    finally:
        central.close()
        broker.stop()
    for beds in BEDS:
        for what, count in heap(beds).items():
            if what.endswith("_bytes"):
                part = what.removesuffix("_bytes")
                facts[f"heap_{part}_kb_at_{beds}_beds"] = round(count / 1024, 1)
    return stages, facts


def misses(stages: dict[str, dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    """The targets that were not reached."""
    found = [
        f"{name} took {each['worst_ms']} ms, more than {MOST_READY_MS}"
        for name, each in stages.items()
        if each["worst_ms"] > MOST_READY_MS
    ]
    limits = {"cpython_most_resident_mb": MOST_RESIDENT_MB, "heap_core_kb_at_1_beds": MOST_HEAP_KB}
    return found + [
        f"{name} is {facts[name]}, more than {most}"
        for name, most in limits.items()
        if facts[name] > most
    ]


def main() -> int:
    parser = command_line("node", __doc__)
    parser.add_argument("--starts", type=int, default=5, help="of each node (5)")
    given = parser.parse_args()
    root.ensure(lambda text: print(f"bench: {text}", file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        stages, facts = measure(Path(folder), given.starts)
    print(table(stages))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<46}{value:>6}")
    missed = misses(stages, facts)
    for each in missed:
        print(f"missed: {each}")
    print(as_json("node", stages, starts=given.starts, missed=missed, **facts), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
