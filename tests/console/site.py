"""A running console: gunicorn, its database, a broker, and the bridge's part of the talk."""

import json
import os
import queue
import sys
import threading
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from gunicorn.app import wsgiapp
from paho.mqtt.enums import CallbackAPIVersion

from central.clock import SystemClock
from central.console import service as people
from central.store import Store
from gateway.mqtt import topics
from gateway.mqtt.checked import encode
from tests import forked
from tests.conftest import WAIT_S, answers, free_port, wait_for
from tests.console.conftest import build
from tests.paho import leave

ROOT = Path(__file__).parents[2]


def serve(config: str) -> None:
    """The console as its service starts it. config: the path of central's configuration."""
    os.chdir(ROOT)
    os.environ["WARDLINE_CONFIG"] = config
    sys.argv = ["gunicorn", "-c", "central/console/gunicorn.conf.py"]
    # A stop that only gave up on somebody would last longer than anybody waits for it here.
    sys.argv += ["--graceful-timeout", "600", "central.console.app:create_app()"]
    wsgiapp.run()


class Site:
    """A running console, its database and its broker. `web`: more of its configuration; exchange:
    that of the telephone exchange."""

    def __init__(
        self, folder: Path, broker_port: int, exchange: dict[str, Any] | None = None, **web: Any
    ) -> None:
        self.port = free_port()
        self._quiet = threading.Event()
        self._beacons: threading.Thread | None = None
        self.store = Store(folder / "wardline.db", SystemClock())
        with self.store.transaction() as tx:
            build(tx)
            self.token = people.make_screen(tx, "3", "counter", "admin")
        config = {
            "database": str(folder / "wardline.db"),
            "broker": {"host": "127.0.0.1", "port": broker_port},
            "mllp": {},
            "speech": {},
            "timezone": "Asia/Shanghai",
            "web": {
                "host": "127.0.0.1",
                "port": self.port,
                "secret_file": str(folder / "secret"),
                "threads": 32,
                "per_address": 24,
                **web,
            },
        }
        if exchange is not None:
            config["exchange"] = exchange
        path = folder / "central.json"
        path.write_text(json.dumps(config))
        self._config = str(path)
        self.process = self.start()
        # The bridge's part of the talk: nudges and beacons.
        self.bridge = mqtt.Client(CallbackAPIVersion.VERSION2, "bridge", protocol=mqtt.MQTTv5)
        self.nudges: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.bridge.on_message = lambda _c, _d, m: self.nudges.put((m.topic, json.loads(m.payload)))
        self.bridge.connect("127.0.0.1", broker_port)
        self.bridge.subscribe(topics.every(topics.CHANGED))
        self.bridge.loop_start()

    def start(self) -> ForkServerProcess:
        process = forked.CONTEXT.Process(target=serve, args=(self._config,))
        process.start()
        wait_for(lambda: answers(self.port), "the console to listen")
        return process

    def stop(self) -> int | None:
        """Its exit code; None if it goes on all the same."""
        self.process.terminate()
        self.process.join(WAIT_S)
        return self.process.exitcode

    def beacon(self, trouble: str | None = None) -> None:
        now_ms = SystemClock().now_ms()
        body = {"now_ms": now_ms, "real_ms": now_ms, "offset_min": 480, "session": "1"}
        self.bridge.publish(
            topics.topic("3", topics.ALL, topics.CLOCK),
            encode(topics.CLOCK, body | {"trouble": trouble}),
        )

    def live(self, trouble: str | None = None) -> None:
        """Beacon like the bridge, until `silent`."""
        self.silent()
        self._quiet.clear()

        def beacons() -> None:
            while not self._quiet.is_set():
                self.beacon(trouble)
                self._quiet.wait(0.5)

        self._beacons = threading.Thread(target=beacons)
        self._beacons.start()

    def silent(self) -> None:
        self._quiet.set()
        if self._beacons is not None:
            self._beacons.join()
            self._beacons = None

    def nudge(self, ward: str = "3") -> None:
        body = encode(topics.CHANGED, {"what": ["board"], "ward": ward})
        self.bridge.publish(topics.topic(ward, topics.CENTRAL, topics.CHANGED), body, qos=1)

    def close(self) -> None:
        self.silent()
        leave(self.bridge)
        if self.process.is_alive():
            self.stop()
        self.store.close()
