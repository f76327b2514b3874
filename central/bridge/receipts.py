"""Receipts: each box is told which of its events central holds, many in one message."""

import asyncio
import logging
from typing import Any

from central.bridge.outgoing import Publish
from central.clock import Clock
from gateway.mqtt import topics
from gateway.mqtt.checked import RejectedMessageError
from gateway.mqtt.link import LinkDownError

log = logging.getLogger("wardline.bridge")


class Receipts:
    """Of events that are on disk. One that is lost is no harm: the box sends its event again."""

    def __init__(self, clock: Clock, publish: Publish) -> None:
        self._clock = clock
        self._publish = publish
        self._ids: dict[tuple[str, str], list[str]] = {}  # by ward and box, not sent yet
        self._since_ms = 0
        self._on_the_way: set[asyncio.Task[None]] = set()

    def add(self, event: dict[str, Any]) -> None:
        """Central holds this event."""
        if not self._ids:
            self._since_ms = self._clock.steady_ms()
        self._ids.setdefault((event["ward"], event["node"]), []).append(event["id"])

    @property
    def waiting_ms(self) -> int:
        """How long the first one waits to be sent."""
        return self._clock.steady_ms() - self._since_ms if self._ids else 0

    def send(self) -> None:
        """Send all that wait."""
        waiting, self._ids = self._ids, {}
        for (ward, node), ids in waiting.items():
            self._spawn(ward, node, {"ids": ids})

    def refuse(self, ward: str, node: str, id: str) -> None:
        """Tell a box now that central will never hold this event of it."""
        self._spawn(ward, node, {"ids": [id], "refused": True})

    async def out(self, most_s: float) -> None:
        """Wait until the broker has those that were sent, `most_s` at most."""
        if self._on_the_way:
            await asyncio.wait(self._on_the_way, timeout=most_s)

    def _spawn(self, ward: str, node: str, message: dict[str, Any]) -> None:
        task = asyncio.create_task(self._send(ward, node, message))
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)

    async def _send(self, ward: str, node: str, message: dict[str, Any]) -> None:
        try:
            await self._publish(ward, node, topics.RECEIPT, message)
        except (LinkDownError, RejectedMessageError) as error:
            log.warning("receipt to %s was not sent: %s", node, error)
        except Exception:
            log.exception("receipt to %s was not sent", node)
