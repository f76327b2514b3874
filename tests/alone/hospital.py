"""One ward of a real hospital: brokers, bridge, box and station as processes, each of which can
be killed and started, and a cable between ward and backbone that can be cut."""

import json
import os
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from central.calls import model as calls
from central.clock import FileClock
from central.directory import model as directory
from central.store import Row, Store, Tx
from gateway.mqtt import checked, topics
from gateway.telephone.exchange import Exchange
from provisioning import hospital, mosquitto
from provisioning.layout import Layout, WardPlan
from provisioning.mosquitto import watcher_user
from tests import forked
from tests.conftest import WAIT_S, answers, free_port, wait_for
from tests.paho import leave

WARD = WardPlan("5", "五病区", "Ward 5", "gpio", ("1", "2", "3"))
# The same with bedside units on a bus, simulated behind a pty.
WARD_ON_BUS = replace(WARD, hardware="bus")
BROKER, WARD_BROKER, BRIDGE, BOX, STATION = "broker", "broker-5", "bridge", "5-box", "5-station"
UNITS = "units-5"
EXCHANGE = "exchange"


class Cable:
    """TCP from a port of its own to `target`, which can be cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pairs: list[socket.socket] = []
        self._whole = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole = False
        for each in self._pairs:
            _shut(each)
        self._pairs.clear()

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        self.cut()
        _shut(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self._whole:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            self._pairs += [near, far]
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    _shut(one)
    _shut(other)


class Hospital:
    """Everything runs once `start_all` returns. `exchange`: its telephone exchange, if it has
    one, for the telephones that `fill` puts into the database."""

    def __init__(
        self,
        folder: Path,
        ward: WardPlan = WARD,
        exchange: Exchange | None = None,
        fill: Callable[[Tx], None] = lambda tx: None,
    ) -> None:
        self.ward = ward
        self._recorder = watcher_user("recorder", "secret-recorder", topics.BEDS)
        guests = {WARD_BROKER: (self._recorder,)}
        self.layout = Layout(folder, (ward,), free_port(), guests=guests, exchange=exchange)
        self.cable = Cable(self.layout.ports["hospital"])
        FileClock(self.layout.clock_file).set_rate(1)
        self.layout.write()
        self._through_the_cable()
        self.store = Store(self.layout.database, FileClock(self.layout.clock_file))
        with self.store.transaction() as tx:
            hospital.load(tx, (ward,))
            fill(tx)
            self.layout.write_exchange(directory.directory(tx))
        programs = self.layout.programs(_never, dict.fromkeys(ward.nodes, _never))
        self._commands = {each.name: each.command for each in programs}
        self._running: dict[str, forked.Started] = {}
        self.bed_states: list[tuple[str, str]] = []
        self._listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "recorder")

    def _through_the_cable(self) -> None:
        broker = self.layout.brokers()[WARD_BROKER]
        assert broker.upstream is not None
        mosquitto.write(replace(broker, upstream=replace(broker.upstream, port=self.cable.port)))

    # --- processes ---

    def start_all(self) -> None:
        more = [each for each in (UNITS, EXCHANGE) if each in self._commands]
        for names in ((BROKER, WARD_BROKER, *more), (BRIDGE, BOX, STATION)):
            for name in names:
                self.launch(name)
            for name in names:
                self.up(name)
        self._record()
        wait_for(
            lambda: {row["state"] for row in self.rows("SELECT state FROM nodes")} == {"ready"},
            "the boxes' births at central",
        )
        wait_for(lambda: self.page()["central"], "central's beacon at the station")
        wait_for(self._has_words, "the station's words from central")

    def _has_words(self) -> bool:
        kept = self.layout.folder / "nodes" / STATION / "config.json"
        return kept.exists() and "node.station_bed/1" in kept.read_text()

    def launch(self, name: str) -> None:
        log = self.layout.folder / f"{name}.log"
        self._running[name] = forked.start(self._commands[name], log)

    def up(self, name: str) -> None:
        if name == EXCHANGE:
            assert self.layout.exchange is not None
            ari = self.layout.exchange.ports.ari
            wait_for(lambda: answers(ari), "the exchange to listen")
            return
        port = {
            BROKER: "hospital", WARD_BROKER: WARD_BROKER, BRIDGE: "mllp", BOX: BOX,
            STATION: f"page-{WARD.id}", UNITS: UNITS,
        }[name]  # fmt: skip
        wait_for(lambda: answers(self.layout.ports[port]), f"{name} to listen")

    def start(self, name: str) -> None:
        self.launch(name)
        self.up(name)

    def kill(self, name: str) -> None:
        """Power off, as far as the process can tell."""
        if name == EXCHANGE:  # its starter ends with it
            pid = (self.layout.exchange_folder / "run" / "asterisk.pid").read_text()
            os.kill(int(pid), signal.SIGKILL)
        else:
            self._running[name].kill()
        self._running.pop(name).wait()

    def close(self) -> None:
        leave(self._listener)
        for names in ((BOX, STATION, BRIDGE), (UNITS, EXCHANGE, WARD_BROKER, BROKER)):
            last = [self._running[name] for name in names if name in self._running]
            for process in last:
                process.terminate()
            for process in last:
                process.wait(WAIT_S)
        self.store.close()
        self.cable.close()

    # --- hands and eyes at the ward ---

    def operate(self, bed: str, control: str) -> None:
        self.post(self.layout.controls(self.ward) + "/operate", {"bed": bed, "control": control})

    def post(self, url: str, asked: dict[str, Any]) -> None:
        """Ask something of a panel."""
        body = json.dumps(asked).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def lamp(self, bed: str) -> str:
        return str(self.bed(bed)["lamp"])

    def light(self, bed: str) -> str:
        return str(self.bed(bed)["reassurance"])

    def bed(self, bed: str) -> dict[str, Any]:
        """A bed as its panel shows it."""
        return dict(_get(self.layout.controls(self.ward) + "/state")["beds"][bed])

    def page(self) -> dict[str, Any]:
        return _get(self.layout.station_page(WARD) + "/state")

    def alone(self) -> list[str]:
        """The beds that the station's page says sound there only."""
        return [each["bed"] for each in self.page()["calls"] if each["alone"]]

    def said(self, node: str = STATION, about: str = "") -> list[str]:
        return [each["text"] for each in self.spoken(node) if about in each["text"]]

    def spoken(self, node: str) -> list[dict[str, Any]]:
        return list(_get(self.layout.panel(node) + "/spoken")["spoken"])

    def _record(self) -> None:
        """Note every state that the box tells of its beds; only a lit lamp is calling."""

        def heard(client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
            told = checked.decode(message.topic, message.payload)[3]
            self.bed_states += [(bed, each["state"]) for bed, each in told["beds"].items()]

        def connected(client: mqtt.Client, *_: Any) -> None:
            client.subscribe(topics.of_ward(WARD.id, topics.BEDS), 1)

        self._listener.username_pw_set(self._recorder.name, self._recorder.password)
        self._listener.on_message = heard
        self._listener.on_connect = connected
        self._listener.reconnect_delay_set(1, 1)
        self._listener.connect("127.0.0.1", self.layout.ports[WARD_BROKER])
        self._listener.loop_start()
        wait_for(lambda: self.bed_states, "the retained picture of the beds")

    # --- central ---

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self.store.read().all(sql, values)

    def calls(self, bed: str) -> list[Row]:
        return self.rows("SELECT * FROM calls WHERE bed = ? ORDER BY id", bed)

    def open(self) -> list[str]:
        return [row["bed"] for row in calls.open_calls(self.store.read())]

    def now_ms(self) -> int:
        return self.store.clock.now_ms()


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.loads(answer.read())


@contextmanager
def running(folder: Path, ward: WardPlan = WARD, **more: Any) -> Iterator[Hospital]:
    """A hospital in which everything runs, and ends with the test."""
    made = Hospital(folder, ward, **more)
    try:
        made.start_all()
        yield made
    finally:
        made.close()


async def _never() -> bool:
    return False
