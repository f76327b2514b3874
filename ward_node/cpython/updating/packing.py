"""Make a bundle of a tree: python -m ward_node.cpython.updating.packing --tree . --output FILE

A version is the node's own code, `hw` and `ward_node`. The parts of others that it imports come
with the box.
"""

import argparse
import sys
from pathlib import Path

from ward_node.cpython.updating.bundle import BundleError, pack

PARTS = ("hw", "ward_node")


def of_tree(tree: Path) -> bytes:
    """Raises BundleError, OSError."""
    for part in PARTS:
        if not (tree / part / "__init__.py").exists():
            raise BundleError(f"{tree} holds no {part}: name the top of a checkout")
    return pack(tree, PARTS)


def main() -> int:
    """1, and why, when there is no bundle to be made."""
    parser = argparse.ArgumentParser(prog="packing", description=__doc__)
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        arguments.output.write_bytes(of_tree(arguments.tree))
    except (BundleError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
