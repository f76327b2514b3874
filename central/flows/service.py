"""Which menus there are: those that capabilities ship, as `flow.yaml` beside their code."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from central.flows import checks, document
from central.flows.document import Document
from central.flows.offers import offers

SHIPPED = Path(__file__).parent.parent
# The word for a menu's number in the directory: "menu_fees".
PURPOSE = "menu_"


@cache
def shipped() -> Mapping[str, Document]:
    """By name, checked together. Raises DocumentError: ours are wrong."""
    found: dict[str, Document] = {}
    for path in sorted(SHIPPED.glob("*/flow.yaml")):
        made = document.read(path.read_text(encoding="utf-8"))
        if made.flow in found:
            raise ValueError(f"two capabilities ship the menu {made.flow}")
        found[made.flow] = made
    checks.check(found, offers())
    return found
