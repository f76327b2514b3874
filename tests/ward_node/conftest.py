"""Real parts for the node: a broker, node processes, and a central that only listens."""

import importlib
import json
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from gateway.mqtt import checked, topics
from tests import forked
from tests.conftest import free_port, program, wait_for
from tests.paho import leave
from tests.ward_node import remote

ROOT = Path(__file__).parents[2]
SUPPORT = "tests.ward_node.support"


class OnMicroPython(pytest.Module):
    """A test module whose core runs in MicroPython."""

    def _getobj(self) -> Any:
        name = f"tests.ward_node.{self.path.stem}"
        with remote.core_modules(SUPPORT, name):
            return importlib.import_module(name)


def tests_the_core(path: Path) -> bool:
    """Whether a module tests nothing but the core, and so both Pythons must pass it."""
    text = path.read_text()
    core = "from ward_node.co" in text or f"from {SUPPORT}" in text
    return core and not any(each in text for each in ("ward_node.cpython", "import remote"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "OnMicroPython | None":
    """Beside pytest's own module: the same tests again, on MicroPython."""
    if not file_path.match("test_*.py") or not tests_the_core(file_path):
        return None
    own = file_path.relative_to(parent.config.rootpath).as_posix()
    return OnMicroPython.from_parent(parent, path=file_path, nodeid=f"{own}[micropython]")


class Broker:
    """Mosquitto on a port of its own, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"max_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program("mosquitto"), "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers, "the broker")

    def _answers(self) -> bool:
        probe = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        try:
            probe.connect("127.0.0.1", self.port)
        except OSError:
            return False
        probe.disconnect()
        return True

    def freeze(self) -> None:
        """Its connections stay open and nothing answers, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class FakeCentral:
    """Takes all that nodes publish; receipts when told to."""

    def __init__(self, port: int, *, receipts: bool = True) -> None:
        self.receipts = receipts
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.retained: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, client_id="central"
        )
        self._subscribed = threading.Event()
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", port)
        self._client.reconnect_delay_set(1, 1)
        self._client.loop_start()
        assert self._subscribed.wait(20), "the fake central is not connected"

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(topics.every(kind), 1) for kind in topics.FROM_NODE])

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        ward, node, kind, told = checked.decode(message.topic, message.payload)
        with self._lock:
            self.heard.append((node, kind, told))
            if message.retain:
                self.retained.append((kind, told))
        if kind == topics.EVENT and self.receipts:
            self.send(ward, node, topics.RECEIPT, {"ids": [told["id"]]})

    def send(self, ward: str, node: str, kind: str, message: dict[str, Any]) -> None:
        self._client.publish(
            topics.topic(ward, node, kind),
            checked.encode(kind, message),
            qos=topics.qos(kind),
            retain=topics.retained(kind),
        )

    def command(
        self, node: str, id: str, type: str, body: dict[str, Any], bed: str | None = None
    ) -> None:
        """A command to a node of ward 5, good for a minute."""
        expires_at_ms = time.time_ns() // 1_000_000 + 60_000
        message = {"id": id, "type": type, "expires_at_ms": expires_at_ms, "body": body}
        self.send("5", node, topics.COMMAND, message | ({} if bed is None else {"bed": bed}))

    def raw(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def of(self, kind: str) -> list[dict[str, Any]]:
        with self._lock:
            return [told for _, each, told in self.heard if each == kind]

    def events(self, type: str) -> list[dict[str, Any]]:
        return [each for each in self.of(topics.EVENT) if each["type"] == type]

    def each_once(self, type: str) -> list[dict[str, Any]]:
        """Events as they were told first: while its receipt is on its way a box may tell again."""
        told: dict[str, dict[str, Any]] = {}
        for each in self.events(type):
            told.setdefault(each["id"], each)
        return list(told.values())

    def answer(self, id: str) -> dict[str, Any]:
        """What came back for a command, waited for."""
        return wait_for(
            lambda: [each for each in self.of(topics.ACK) if each["id"] == id],
            f"the answer to {id}",
        )[-1]

    def born_after(self, session: int) -> bool:
        """Whether a birth of a later start has come."""
        return any(state == "ready" and each > session for state, each in self.states())

    def states(self) -> list[tuple[str, int]]:
        return [(each["state"], each["session"]) for each in self.of(topics.STATE)]

    def close(self) -> None:
        leave(self._client)


class NodeProcess:
    """`python -m ward_node.cpython` on virtual pins, with its panel."""

    def __init__(self, folder: Path, broker_port: int, **changes: Any) -> None:
        self.folder = folder
        self.panel_port = free_port()
        self.config: dict[str, Any] = {
            "ward": "5",
            "node": "5-box",
            "role": "bedside",
            "lang": "zh",
            "broker": {"host": "127.0.0.1", "port": broker_port},
            "data": str(folder / "data"),
            "hardware": {"kind": "gpio", "beds": ["1", "2"], "virtual": True},
            "speaker": {"kind": "recording", "folder": str(folder / "spoken")},
            "power": {"sysfs": str(folder / "sys"), "virtual": True},
            "panel": {"host": "127.0.0.1", "port": self.panel_port},
            "clock_file": None,
        } | changes
        self.prefix: list[str] = []  # words before the command, such as those of a namespace
        self.process: forked.Started | None = None
        self.log = folder / "node.log"

    def start(self) -> None:
        self.launch()
        wait_for(lambda: self._get("/spoken"), "the node's panel")

    def launch(self) -> None:
        """Start it and wait for nothing."""
        path = self.folder / "box.json"
        path.write_text(json.dumps(self.config))
        command = [*self.prefix, *self.command(path)]
        self.process = forked.start(command, self.log, TMPDIR=str(self.folder))

    def command(self, path: Path) -> list[str]:
        return [*forked.PYTHON, "ward_node.cpython", "--config", str(path)]

    def state(self) -> dict[str, Any] | None:
        return self._get("/state")

    def spoken(self) -> list[dict[str, Any]]:
        answer = self._get("/spoken")
        return answer["spoken"] if answer else []

    def _get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.panel_port}{path}") as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def operate(self, bed: str, control: str) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.panel_port}/operate",
            json.dumps({"bed": bed, "control": control}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def bed(self, bed: str) -> dict[str, Any]:
        state = self.state()
        return state["beds"][bed] if state else {}

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def central(broker: Broker) -> Iterator[FakeCentral]:
    made = FakeCentral(broker.port)
    yield made
    made.close()


@pytest.fixture
def box(tmp_path: Path, broker: Broker) -> Iterator[NodeProcess]:
    made = NodeProcess(tmp_path, broker.port)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()
