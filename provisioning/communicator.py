"""How a communicator runs on this machine: MicroPython in the exchange root, its pins virtual."""

from pathlib import Path
from typing import Any

from provisioning import root
from provisioning.environment import ROOT

PROGRAM = "/srv/wardline"
# Where the communicator finds its things, as its configuration must say.
CONFIG = "/run/node/config.json"
DATA = "/run/node/data"
CLOCK = "/run/clock"


def hardware(bed: str) -> dict[str, Any]:
    """The hardware of the configuration of one at `bed`."""
    return {"kind": "communicator", "beds": [bed], "virtual": True}


def command(config: Path, data: Path, clock: Path | None = None) -> list[str]:
    """The command line of the communicator with the configuration `config`, its flash in the
    folder `data`; `clock`: the folder of a demonstration's clock file."""
    readable = {ROOT / each: f"{PROGRAM}/{each}" for each in ("hw", "ward_node")}
    if clock is not None:
        readable[clock] = CLOCK
    return root.command(
        ["micropython", "-m", "ward_node.micropython", CONFIG],
        readable={**readable, config: CONFIG},
        writable={data: DATA},
        environment={"MICROPYPATH": f"{PROGRAM}:.frozen"},
    )
