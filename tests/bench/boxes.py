"""Ward boxes in one process, as the broker sees them: hundreds, each with a connection of its own.

They speak the protocol of a ward box (birth, heartbeat, events until receipted, answers to
commands) with next to no work of their own: in reality each has a machine for itself.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ward_node.contract import kinds, topics
from ward_node.core.outbox import RESEND_MS
from ward_node.core.reports import HEARTBEAT_MS
from ward_node.cpython.enrolment import trust

CARE_EVERY_S = 1.0


def steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class SimulatedBox:
    """The box of a node's configuration, by password or certificate. `on_receipt` is called with
    the ids that central holds. `condition`: what its heartbeats tell besides. Its beds prove
    themselves when they are asked to."""

    def __init__(
        self, config: dict[str, Any], beds: tuple[str, ...], condition: dict[str, Any] | None = None
    ) -> None:
        self.ward, self.name = config["ward"], config["node"]
        self.on_receipt: Callable[[list[str]], None] = lambda ids: None
        self.configured = asyncio.Event()
        self.beats = 0
        self.tries = 0  # to connect
        self._condition = condition
        self._config = config
        self._beds = beds
        self._seq = 0
        self._born_ms = steady_ms()
        self._beat_ms = 0
        # By id: the event, when it happened and when it was sent last.
        self._outbox: dict[str, tuple[dict[str, Any], int, int]] = {}
        # The command that a test press, by its id, was made for: answered once it is receipted.
        self._proofs: dict[str, str] = {}
        broker = config["broker"]
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, self.name, protocol=mqtt.MQTTv5)
        if broker.get("tls"):
            self._client.tls_set_context(trust.of_files(broker["tls"], time.time_ns() // 1_000_000))
        else:
            self._client.username_pw_set(broker["username"], broker["password"])
        self._client.max_inflight_messages_set(0)
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._client.on_connect = lambda *_: self._greet()

    async def run(self) -> None:
        """Live until cancelled. A connection that cannot be made, or breaks, is made anew: a broker
        is started anew whenever it is to let somebody else in."""
        loop = asyncio.get_running_loop()
        self._client.on_socket_close = lambda _client, _data, socket: loop.remove_reader(socket)
        try:
            while True:
                if self._client.socket() is None:
                    await self._connect(loop)
                await asyncio.sleep(CARE_EVERY_S)
                if self._client.socket() is not None:
                    self._care()
        finally:
            self._client.disconnect()

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Or not, when the broker is not there."""
        broker = self._config["broker"]
        self.tries += 1
        try:
            # Not in the loop: the others beat while this one shakes hands.
            await asyncio.to_thread(self._client.connect, broker["host"], broker["port"])
        except OSError:
            return
        socket = self._client.socket()
        socket.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY
        loop.add_reader(socket, self._read)

    def _read(self) -> None:
        """All that is there: TLS may hold more than the socket shows."""
        self._client.loop_read()
        socket = self._client.socket()
        while isinstance(socket, ssl.SSLSocket) and socket.pending():
            self._client.loop_read()
            socket = self._client.socket()
        if self._client.want_write():  # what was said while a message was taken
            self._client.loop_write()

    def press(self, bed: str) -> str:
        """Press the red button; returns the id of the event."""
        return self._tell(kinds.PRESS, bed, {})

    def _tell(self, type: str, bed: str, about: dict[str, Any]) -> str:
        """An event; its id."""
        self._seq += 1
        id = kinds.event_id(self.name, 1, self._seq)
        event = {"id": id, "node": self.name, "ward": self.ward, "boot": 1, "seq": self._seq}
        event |= {"type": type, "bed": bed, "about": about}
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
            health |= {"dropped": 0, "quarantined": 0}
            if self._condition is not None:
                health |= self._condition | {"wall_ms": time.time_ns() // 1_000_000}
            self._say(topics.HEARTBEAT, health)
            self.beats += 1
        for id, (event, at_ms, sent_ms) in self._outbox.items():
            if now_ms - sent_ms >= RESEND_MS:
                self._outbox[id] = (event, at_ms, now_ms)
                self._say(topics.EVENT, event | {"age_ms": now_ms - at_ms})

    def _take(self, message: mqtt.MQTTMessage) -> None:
        kind = topics.parse(message.topic)[2]
        if kind == topics.RECEIPT:
            ids = [id for id in json.loads(message.payload)["ids"] if self._outbox.pop(id, None)]
            self.on_receipt(ids)
            for command in filter(None, (self._proofs.pop(id, None) for id in ids)):
                self._say(topics.ACK, {"id": command, "result": kinds.DONE})
        elif kind == topics.CONFIG:
            self.configured.set()
        elif kind == topics.COMMAND:
            command = json.loads(message.payload)
            if command["type"] == kinds.PROVE:
                about = {"proof": command["body"]["proof"], "took_ms": 0}
                self._proofs[self._tell(kinds.TEST_PRESS, command["bed"], about)] = command["id"]
                return
            self._say(topics.ACK, {"id": command["id"], "result": kinds.DONE})

    def _say(self, kind: str, message: dict[str, Any]) -> None:
        self._client.publish(
            topics.topic(self.ward, self.name, kind),
            json.dumps(message),
            qos=topics.qos(kind),
            retain=topics.retained(kind),
        )
