"""The live link: nudges over MQTT in and out, and the latest board of each ward for the streams.

A nudge says only "look again". The first stream that wakes reads the board; the others of that
ward share what it read.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from central.clock import Clock
from central.store import HOSPITAL, Store, Tx
from gateway.mqtt import topics
from gateway.mqtt.checked import RejectedMessageError, decode, encode
from gateway.mqtt.tls import context

log = logging.getLogger("wardline.console")

KEEPALIVE_S = 10
RECONNECT_MAX_S = 2
# The bridge sends its beacon every 2 s; two missed ones and it is not answering.
BRIDGE_SILENT_MS = 5_000
LOOK_ALONE_MS = 2_000

# Changes that no board shows, and that come often.
NOT_ON_BOARDS = {"commands", "timers", "nodes", "config"}

ReadBoard = Callable[[Tx], Any]


class Live:
    """Knows what changed and whether the bridge lives. One per web process."""

    def __init__(self, store: Store, broker: dict[str, Any] | None) -> None:
        self.store = store
        self._clock: Clock = store.clock
        self._changed = threading.Condition()
        self._versions: dict[str, int] = {}
        self._everything = 0
        self._closed = False
        self._beacon_steady_ms: int | None = None
        self._beacon_now_ms: int | None = None
        self._looked_steady_ms = 0
        self._trouble: str | None = None
        self._boards: dict[tuple[str, ...], tuple[int, str]] = {}
        self._reading: dict[tuple[str, ...], threading.Lock] = {}
        self._client = None if broker is None else self._connect(broker)
        store.on_commit = self.publish

    # --- the broker ---

    def _connect(self, broker: dict[str, Any]) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, f"web-{os.getpid()}", protocol=mqtt.MQTTv5
        )
        if broker.get("username"):
            client.username_pw_set(broker["username"], broker.get("password"))
        if (encrypted := context(broker)) is not None:
            client.tls_set_context(encrypted)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.reconnect_delay_set(1, RECONNECT_MAX_S)
        client.connect_async(broker["host"], broker["port"], KEEPALIVE_S)
        client.loop_start()
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _p: Any
    ) -> None:
        if reason.is_failure:
            log.error("the hospital broker refuses the console: %s", reason)
            return
        # Its own nudges need not come back; a beacon that waited would lie about the bridge.
        client.subscribe(topics.every(topics.CHANGED), options=SubscribeOptions(1, noLocal=True))
        client.subscribe(topics.every(topics.CLOCK), options=SubscribeOptions(0))
        self.look_again({(HOSPITAL, "board")})

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            ward, _, kind, body = decode(message.topic, bytes(message.payload))
        except RejectedMessageError as error:
            log.warning("message on %s refused: %s", message.topic, error)
            return
        if kind == topics.CLOCK:
            self.beacon(body)
        else:
            self.look_again({(ward, what) for what in body["what"]})

    def publish(self, changes: set[tuple[str, str]]) -> None:
        """After a commit of this process: wake the own streams and nudge the others."""
        self.look_again(changes)
        if self._client is None:
            return
        by_ward: dict[str, list[str]] = {}
        for ward, what in sorted(changes):
            by_ward.setdefault(ward, []).append(what)
        for ward, whats in by_ward.items():
            body = encode(topics.CHANGED, {"what": whats, "ward": ward})
            # The rows are durable; without a broker the bridge finds them at its next look.
            self._client.publish(topics.topic(ward, topics.CENTRAL, topics.CHANGED), body, qos=1)

    # --- what changed ---

    def beacon(self, body: dict[str, Any]) -> None:
        """The bridge lives, and says whether it can store."""
        self._beacon_steady_ms = self._clock.steady_ms()
        self._beacon_now_ms = self._clock.now_ms()
        if body.get("trouble") != self._trouble:
            self._trouble = body.get("trouble")
            self.look_again({(HOSPITAL, "board")})

    def look_again(self, changes: set[tuple[str, str]]) -> None:
        """Wake the streams of the wards that changed."""
        with self._changed:
            for ward in {ward for ward, what in changes if what not in NOT_ON_BOARDS}:
                if ward == HOSPITAL:
                    self._everything += 1
                else:
                    self._versions[ward] = self._versions.get(ward, 0) + 1
            self._changed.notify_all()

    def version(self, ward: str) -> int:
        """A number that grows with every change that may concern `ward`."""
        return self._versions.get(ward, 0) + self._everything

    def wait(self, ward: str, seen: int, timeout_s: float) -> int:
        """Sleep until `ward` is newer than `seen`, at most `timeout_s`. Returns the version."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.version(ward) != seen, timeout_s)
            return self.version(ward)

    @property
    def closed(self) -> bool:
        return self._closed

    def board(self, ward: str, variant: tuple[str, ...], read_board: ReadBoard) -> str:
        """The board of a ward as JSON, read once per change for all who watch the same
        `variant` (role, language) of it."""
        key = (ward, *variant)
        with self._changed:
            lock = self._reading.setdefault(key, threading.Lock())
        with lock:
            version = self.version(ward)
            known = self._boards.get(key)
            if known is None or known[0] != version:
                board = read_board(self.store.read())
                known = (version, json.dumps(board, ensure_ascii=False))
                self._boards[key] = known
            return known[1]

    def beat(self) -> dict[str, Any]:
        """Server times, and whether the bridge answers. `steady_ms` lets the page learn how
        fast hospital time runs, and notice when an old beat is shown again."""
        steady_ms = self._clock.steady_ms()
        heard = self._beacon_steady_ms
        alive = heard is not None and steady_ms - heard <= BRIDGE_SILENT_MS
        if not alive and steady_ms - self._looked_steady_ms >= LOOK_ALONE_MS:
            # No nudges may be coming: look for oneself.
            self._looked_steady_ms = steady_ms
            self.look_again({(HOSPITAL, "board")})
        return {
            "now_ms": self._clock.now_ms(),
            "steady_ms": steady_ms,
            "bridge": alive,
            "bridge_heard_ms": self._beacon_now_ms,
            "trouble": self._trouble,
        }

    def close(self) -> None:
        """End every stream and leave the broker."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
