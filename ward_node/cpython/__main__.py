"""Start a ward node: `python -m ward_node.cpython --config box.json`."""

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from hw.errors import HardwareError
from ward_node.cpython.app import serve
from ward_node.cpython.config import ConfigError, load
from ward_node.cpython.disk import DataFolderError
from ward_node.cpython.updating.places import STARTER, Places


def main() -> int:
    """Returns the exit code: 2 when the node cannot start as configured."""
    parser = argparse.ArgumentParser(prog="ward-node", description=__doc__)
    parser.add_argument("--config", required=True, help="the node's configuration, a JSON file")
    parser.add_argument("--root", type=Path, help="where versions of this box are kept")
    parser.add_argument("--version", default="", help="the version there that this is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        places = None if arguments.root is None else Places(arguments.root)
        starts_again = asyncio.run(serve(load(arguments.config), places, arguments.version))
    except (ConfigError, DataFolderError, HardwareError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    starter = os.environ.get(STARTER)
    if starts_again and starter is not None:
        told = json.loads(starter)
        os.execve(told["command"][0], told["command"], os.environ | told["environment"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
