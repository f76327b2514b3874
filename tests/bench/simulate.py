"""`./wardline bench simulate`: ward-hours lived through under a simulated clock, network and disk.

The very cores of box, station and central run in one process, with everything that can break drawn
from the seed. Long runs are cut into worlds of at most 500 ward-hours, one seed after the other. A
broken promise ends its world, and its text says how to see it again: the same seed is the same run.
The other worlds go on, and the run counts which seeds held.

Hours in which nothing is under way are leapt over, without their heartbeats: `lived_h` is what was
lived step by step.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.bench.figures import as_json, command_line
from tests.simulation.world import ViolationError, World

WORLD_HOURS = 500.0
SUMMED = (
    "events", "messages", "presses", "calls", "presences", "spoken", "faults", "crashes",
    "power_cuts",
)  # fmt: skip


def measure(ward_hours: float, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """What happened in `ward_hours` from `seed` on, and which seeds broke a promise."""
    sums: Counter[str] = Counter()
    failed: list[int] = []
    lived_s = held_hours = 0.0
    began, began_cpu = time.monotonic(), time.process_time()
    left, number = ward_hours, seed
    while left > 0:
        hours = min(left, WORLD_HOURS)
        world = World(number, hours)
        try:
            world.run()
        except ViolationError as error:
            failed.append(number)
            say(f"seed {number} breaks a promise\n{error}")
        else:
            held_hours += hours
            say(
                f"seed {number}: {hours:g} ward-hours hold, {held_hours:g} in all,"
                f" {len(failed)} seeds failed, trace {world.trace}"
            )
        figures = world.figures()
        sums.update({name: figures.get(name, 0) for name in SUMMED})
        lived_s += figures["lived_s"]
        left -= hours
        number += 1
    took_s, took_cpu_s = time.monotonic() - began, time.process_time() - began_cpu
    return {
        "ward_hours": ward_hours,
        "ward_hours_held": held_hours,
        "seed": seed,
        "worlds": number - seed,
        "worlds_held": number - seed - len(failed),
        "failed_seeds": failed,
        "lived_h": round(lived_s / 3600, 1),
        "took_s": round(took_s, 1),
        "ward_hours_per_s": round(ward_hours / took_s, 1),
        "ward_hours_per_cpu_s": round(ward_hours / took_cpu_s, 1),
        **{name: sums[name] for name in SUMMED},
    }


def main() -> int:
    parser = command_line("simulate", __doc__)
    parser.add_argument("--ward-hours", type=float, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    facts = measure(given.ward_hours, given.seed, say)
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) or "none" if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):<30}{shown:>12}")
    print(as_json("simulate", {}, **facts), flush=True)
    return 1 if facts["failed_seeds"] else 0


if __name__ == "__main__":
    sys.exit(main())
