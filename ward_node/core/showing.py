"""Lamps and lights follow the beds, and so does the picture of them that the broker keeps."""

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import effects


class Showing:
    """The part of a node that shows its beds; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._shown: dict[str, tuple[str, str]] = {}  # by bed: lamp, reassurance
        self._told: dict[str, Any] = {}

    def anew(self) -> None:
        """A new connection: the picture is told again."""
        self._told = {}

    def settle(self, now_ms: int) -> None:
        """Switch what has changed, and tell it."""
        node, picture = self._node, {}
        for name, bed in node.beds.items():
            state, lamp, reassurance = bed.shown(now_ms)
            lamp_before, reassurance_before = self._shown.get(name, (None, None))
            if lamp != lamp_before:
                node.out.append(effects.Lamp(name, lamp))
            if reassurance != reassurance_before:
                node.out.append(effects.Reassure(name, reassurance))
            self._shown[name] = (lamp, reassurance)
            picture[name] = (state, not bed.unreceipted, lamp == kinds.STEADY)
        if node.is_connected and picture and picture != self._told:
            self._told = picture
            told = {
                name: {
                    "state": bed.state,
                    "receipted": not bed.unreceipted,
                    "for_ms": now_ms - bed.since_ms,
                    "accepted": bed.lamp == kinds.STEADY,
                }
                for name, bed in node.beds.items()
            }
            node.publish(topics.BEDS, {"boot": node.outbox.boot, "beds": told})
