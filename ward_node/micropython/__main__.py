"""Start a communicator: `micropython -m ward_node.micropython CONFIG`, or on a board a `main.py`
that imports `start`."""

import asyncio

from ward_node.micropython import shim
from ward_node.micropython.app import App
from ward_node.micropython.config import ConfigError, load


def start(path: str) -> int:
    """Serve the bed of the configuration at `path`. Returns the exit code: 2 when it cannot."""
    try:
        asyncio.run(App(load(path)).run())
    except (ConfigError, OSError) as error:
        shim.note(str(error))
        return 2
    return 0


if __name__ == "__main__":
    shim.end(start(shim.arguments()[0] if shim.arguments() else "config.json"))
