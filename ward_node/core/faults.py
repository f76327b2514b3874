"""What is wrong with the box itself: told once and its end once, over a restart, too."""

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import effects, shelf
from ward_node.core.outbox import FULL

OUTBOX = "outbox"  # its troubles are told anew by each start
TROUBLES = shelf.KEPT + (shelf.DISK_FULL, shelf.READ_ONLY, shelf.DISK, FULL)  # noqa: RUF005


class Faults:
    """The part of a node that tells its faults; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._open: set[str] = set()  # "device/code"
        self._troubles: Any = None  # of the outbox, as last told

    def restore(self, kept: Any) -> None:
        """Take what was remembered, where it is of our making."""
        if isinstance(kept, list):
            self._open = {str(each) for each in kept}

    def is_told(self, device: str, code: str) -> bool:
        """Whether it has been told and is not over."""
        return device + "/" + code in self._open

    def recall(self, message: dict[str, Any]) -> None:
        """A fault of the box itself that still waits to be told has its end told, too."""
        about = message["about"]
        if message["bed"] is None and message["type"] in (kinds.FAULT, kinds.RECOVERED):
            name = str(about.get("device")) + "/" + str(about.get("code"))
            if message["type"] == kinds.FAULT:
                self._open.add(name)
            else:
                self._open.discard(name)

    def tell(
        self, device: str, code: str, detail: str | None, now_ms: int, for_ms: int = 0
    ) -> None:
        """Tell a fault once, and its end (`detail` None) once. What is told is remembered: a fault
        that is over after a restart must end at central, too."""
        name = device + "/" + code
        if detail is not None and name not in self._open:
            self._open.add(name)
            about = {"device": device, "code": code, "detail": detail[:300], "for_ms": for_ms}
            self._node.event(kinds.FAULT, None, about, now_ms)
        elif detail is None and name in self._open:
            self._open.discard(name)
            self._node.event(kinds.RECOVERED, None, {"device": device, "code": code}, now_ms)
        else:
            return
        if device != OUTBOX:
            mine = [each for each in self._open if not each.startswith(OUTBOX + "/")]
            self._node.out.append(effects.Remember("faults", sorted(mine)))

    def look(self, now_ms: int) -> None:
        """Tell how the outbox fares, where that has changed."""
        found = self._node.outbox.troubles()
        if found == self._troubles:
            return
        self._troubles = found
        for code in TROUBLES:
            self.tell(OUTBOX, code, found.get(code), now_ms)
