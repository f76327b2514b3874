"""`./wardline bench simulate`: ward-hours lived through under a simulated clock, network and disk.

The very cores of box, station and central run in one process, with everything that can break drawn
from the seed. Long runs are cut into worlds of at most 100 ward-hours, one seed after the other. A
broken promise ends the run, and its text says how to see it again: the same seed is the same run.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.bench.figures import as_json, command_line
from tests.simulation.world import ViolationError, World

WORLD_HOURS = 100.0
SUMMED = ("crashes", "power_cuts", "messages", "presses", "calls", "presences", "spoken", "faults")


def measure(ward_hours: float, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """What happened in `ward_hours` from `seed` on. Raises ViolationError."""
    sums: Counter[str] = Counter()
    began = time.monotonic()
    left, number = ward_hours, seed
    while left > 0:
        hours = min(left, WORLD_HOURS)
        figures = World(number, hours).run().figures()
        sums.update({name: figures.get(name, 0) for name in SUMMED})
        left -= hours
        say(f"seed {number}: {hours:g} ward-hours hold, trace {figures['trace']}")
        number += 1
    took_s = time.monotonic() - began
    return {
        "ward_hours": ward_hours,
        "seed": seed,
        "worlds": number - seed,
        "took_s": round(took_s, 1),
        "ward_hours_per_s": round(ward_hours / took_s, 1),
        **sums,
    }


def main() -> int:
    parser = command_line("simulate", __doc__)
    parser.add_argument("--ward-hours", type=float, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    try:
        facts = measure(given.ward_hours, given.seed, say)
    except ViolationError as error:
        print(error)
        return 1
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<30}{value:>12}")
    print(as_json("simulate", {}, **facts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
