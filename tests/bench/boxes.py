"""Ward boxes in one process, as the broker sees them: hundreds, each with a connection of its own.

They speak the protocol of a ward box (birth, heartbeat, events until receipted, answers to
commands) with next to no work of their own: in reality each has a machine for itself.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ward_node.contract import kinds, topics
from ward_node.core.outbox import RESEND_MS
from ward_node.core.reports import HEARTBEAT_MS

CARE_EVERY_S = 1.0


def steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class SimulatedBox:
    """The box of a node's configuration. `on_receipt` is called with the ids that central holds."""

    def __init__(self, config: dict[str, Any], beds: tuple[str, ...]) -> None:
        self.ward, self.name = config["ward"], config["node"]
        self.on_receipt: Callable[[list[str]], None] = lambda ids: None
        self.configured = asyncio.Event()
        self._config = config
        self._beds = beds
        self._seq = 0
        self._born_ms = steady_ms()
        self._beat_ms = 0
        # By id: the event, when it happened and when it was sent last.
        self._outbox: dict[str, tuple[dict[str, Any], int, int]] = {}
        broker = config["broker"]
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, self.name, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(broker["username"], broker["password"])
        self._client.max_inflight_messages_set(0)
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._client.on_connect = lambda *_: self._greet()

    async def run(self) -> None:
        """Live until cancelled."""
        loop = asyncio.get_running_loop()
        broker = self._config["broker"]
        self._client.connect(broker["host"], broker["port"])
        socket = self._client.socket()
        socket.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY
        loop.add_reader(socket, self._client.loop_read)
        try:
            while True:
                await asyncio.sleep(CARE_EVERY_S)
                self._care()
        finally:
            loop.remove_reader(socket)
            self._client.disconnect()

    def press(self, bed: str) -> str:
        """Press the red button; returns the id of the event."""
        self._seq += 1
        id = kinds.event_id(self.name, 1, self._seq)
        event = {"id": id, "node": self.name, "ward": self.ward, "boot": 1, "seq": self._seq}
        event |= {"type": kinds.PRESS, "bed": bed, "about": {}}
        now_ms = steady_ms()
        self._outbox[id] = (event, now_ms, now_ms)
        self._say(topics.EVENT, event | {"age_ms": 0})
        return id

    def _greet(self) -> None:
        heard = (topics.CONFIG, topics.COMMAND, topics.RECEIPT)
        self._client.subscribe([(topics.topic(self.ward, self.name, kind), 1) for kind in heard])
        birth = {"state": kinds.READY, "session": 1, "versions": [topics.VERSION]}
        self._say(topics.STATE, birth | {"beds": list(self._beds)})

    def _care(self) -> None:
        """Keep the connection, tell that we live, send again what has no receipt."""
        self._client.loop_misc()
        now_ms = steady_ms()
        if now_ms - self._beat_ms >= HEARTBEAT_MS:
            self._beat_ms = now_ms
            health = {"boot": 1, "uptime_ms": now_ms - self._born_ms, "outbox": len(self._outbox)}
            self._say(topics.HEARTBEAT, health | {"dropped": 0, "quarantined": 0})
        for id, (event, at_ms, sent_ms) in self._outbox.items():
            if now_ms - sent_ms >= RESEND_MS:
                self._outbox[id] = (event, at_ms, now_ms)
                self._say(topics.EVENT, event | {"age_ms": now_ms - at_ms})

    def _take(self, message: mqtt.MQTTMessage) -> None:
        kind = topics.parse(message.topic)[2]
        if kind == topics.RECEIPT:
            ids = [id for id in json.loads(message.payload)["ids"] if self._outbox.pop(id, None)]
            self.on_receipt(ids)
        elif kind == topics.CONFIG:
            self.configured.set()
        elif kind == topics.COMMAND:
            command = json.loads(message.payload)
            self._say(topics.ACK, {"id": command["id"], "result": kinds.DONE})

    def _say(self, kind: str, message: dict[str, Any]) -> None:
        self._client.publish(
            topics.topic(self.ward, self.name, kind),
            json.dumps(message),
            qos=topics.qos(kind),
            retain=topics.retained(kind),
        )
