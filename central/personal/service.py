"""What the bridge does by itself for people's extensions."""

from typing import Any

from central.personal import desks
from central.store import Tx


def _leave(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    desks.leave(tx, ref, by="system")


TIMERS = {desks.LEAVE: _leave}
