"""`./wardline bench NAME`: starts a benchmark of tests/bench as a program of its own.

Each parses its own arguments, prints a table and, last, a line of JSON. Standard library only:
the command line is read before anything is installed.
"""

import os
import sys
from collections.abc import Sequence

from provisioning.environment import ROOT

# The module in tests/bench by the same name, and what it measures.
BENCHMARKS = {
    "chaos": "presses while processes are killed and lines are cut",
    "node": "memory and start-up of the nodes on both Pythons",
    "press": "a press from the bedside unit to the board",
    "calls": "telephone calls a second, and how soon a telephone rings",
    "menus": "callers in spoken menus beside a bare dial plan, and a killed application",
    "hl7": "messages of the hospital system a second, and broken ones",
    "burst": "thousands of presses within a second",
    "fleet": "a thousand boxes enrol and report; broker memory, console pages",
    "simulate": "ward-hours under a simulated clock, network and disk, from a seed",
}


def main(name: str, arguments: Sequence[str]) -> int:
    """Become the benchmark `name`. Returns only when that failed."""
    command = [sys.executable, "-P", "-m", f"tests.bench.{name}", *arguments]
    sys.stdout.flush()
    os.chdir(ROOT)
    return os.execve(command[0], command, os.environ | {"PYTHONPATH": str(ROOT)})
