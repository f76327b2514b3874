"""A hospital on one machine: which processes it takes, on which ports, with which settings.

Pure description: ports and passwords are handed in, `write` puts the files where the processes
look for them, `programs` says what to start.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from central.clock import SystemClock
from central.enrolment import model as enrolled
from central.enrolment import service as enrolling
from central.enrolment.settings import KEY, Settings, from_config
from central.store import Tx
from central.telephone import settings as telephone
from gateway.mqtt import topics
from gateway.telephone import folder as exchange_folder
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import Exchange
from provisioning import communicator, mosquitto, supervisor
from provisioning import exchange as asterisk
from provisioning.authority import files
from provisioning.authority.authority import NODE, Authority
from provisioning.authority.files import Files
from provisioning.endpoint import prepare
from provisioning.keeper import ACCESS, Access, mark_of
from provisioning.mosquitto import (
    ADDRESS,
    Broker,
    Identity,
    Tls,
    Upstream,
    User,
    as_text,
    write_private,
)
from provisioning.supervisor import Program, Ready, listens

# Brokers and bedside units, then the boxes, which live without central, then central: it takes
# a box for lost that is silent for 7 s from its own start, and a busy machine is slower.
GROUND, BOXES, CENTRE = range(3)
# The account by which the demo itself follows the births of the boxes.
DEMO = "demo"
TIMEZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class WardPlan:
    """A ward to set up. `hardware` is "bus" (serial bedside bus) or "gpio", for the `beds` of the
    ward's box; each bed of `communicators` has a MicroPython communicator of its own."""

    id: str
    name_zh: str
    name_en: str
    hardware: str
    beds: tuple[str, ...]
    neighbour: str | None = None
    communicators: tuple[str, ...] = ()

    @property
    def box(self) -> str:
        return f"{self.id}-box"

    @property
    def station(self) -> str:
        return f"{self.id}-station"

    def box_of(self, bed: str) -> str:
        """The node that serves `bed`."""
        return f"{self.id}-communicator-{bed}" if bed in self.communicators else self.box

    @property
    def all_beds(self) -> tuple[str, ...]:
        return self.beds + self.communicators

    @property
    def own_boxes(self) -> dict[str, str]:
        """Bed by communicator."""
        return {self.box_of(bed): bed for bed in self.communicators}

    @property
    def nodes(self) -> dict[str, str]:
        """Role by node."""
        nodes = {self.box: "bedside", self.station: "station"}
        return nodes | dict.fromkeys(self.own_boxes, "bedside")


def demo_wards(*, with_communicator: bool) -> tuple[WardPlan, ...]:
    """The two wards of the demo: one on a bus, one on pins, there with or without a fifth bed at
    a communicator."""
    eight = tuple(str(n) for n in range(1, 9))
    fifth = ("5",) if with_communicator else ()
    return (
        WardPlan("3", "三病区", "Ward 3", "bus", eight, "5"),
        WardPlan("5", "五病区", "Ward 5", "gpio", eight[:4], "3", fifth),
    )


@dataclass
class Layout:
    """The processes of a small hospital below `folder`, on loopback."""

    folder: Path
    wards: tuple[WardPlan, ...]
    web_port: int
    # By who connects (a user of the hospital's broker or a node): the port to connect to in the
    # broker's stead, such as that of a line that can be cut.
    detours: dict[str, int] = field(default_factory=dict)
    # Where the telephone exchange listens, if there is one.
    exchange: Exchange | None = None
    # Further accounts, by the process name of the broker.
    guests: dict[str, tuple[User, ...]] = field(default_factory=dict)
    # Whether brokers take certificates, and boxes can be enrolled. Communicators keep passwords:
    # Debian's MicroPython has no TLS.
    tls: bool = False

    def __post_init__(self) -> None:
        names = ["hospital", "mllp", "speech", "provisioning"]
        for ward in self.wards:
            names += [f"broker-{ward.id}", f"units-{ward.id}", *ward.nodes, f"page-{ward.id}"]
            names.append(f"plain-{ward.id}")
        taken = {self.web_port}
        if self.exchange is not None:
            taken |= {self.exchange.ports.sip, self.exchange.ports.ari}
        self.ports = dict(zip(names, supervisor.free_ports(len(names), taken), strict=True))

    @cached_property
    def _passwords(self) -> dict[str, str]:
        names = ["bridge", "web", DEMO]
        names += [
            user for ward in self.wards for user in (f"ward-{ward.id}", f"ward-{ward.id}-events")
        ]
        names += [node for ward in self.wards for node in ward.nodes]
        return {name: secrets.token_urlsafe(24) for name in names}

    def _password(self, name: str) -> str | None:
        """None for who shows a certificate."""
        is_small = any(name in ward.own_boxes for ward in self.wards)
        return self._passwords[name] if is_small or not self.tls else None

    # --- certificates ---

    @cached_property
    def provisioning(self) -> Settings:
        """As central.json tells it."""
        found = from_config({"database": str(self.database), KEY: self._provisioning()})
        assert found is not None
        return found

    def _provisioning(self) -> dict[str, Any]:
        port = self.ports["provisioning"]
        return {
            "folder": str(self.folder / "provisioning"),
            "host": ADDRESS,
            "port": port,
            "address": f"https://{ADDRESS}:{port}/",
            "brokers": {
                ward.id: {"host": ADDRESS, "port": self.ports[f"broker-{ward.id}"]}
                for ward in self.wards
            },
        }

    @cached_property
    def _authority(self) -> Authority:
        return prepare.authority(self.provisioning, SystemClock())

    def _identity(self, name: str) -> Identity:
        return prepare.identity(self._authority, self.provisioning, name, SystemClock())

    def _shown(self, name: str) -> dict[str, Any]:
        """How `name` shows who it is, as in a configuration."""
        password = self._password(name)
        if password is not None:
            return {"username": name, "password": password}
        is_box = any(name in ward.nodes for ward in self.wards)
        if not is_box:
            return {"username": name, "tls": as_text(self._identity(name))}
        made = self._node_files(name)
        return {"tls": as_text(Identity(made.certificate, made.key, self.provisioning.root))}

    def _node_files(self, node: str) -> Files:
        folder = self.folder / "nodes" / "certificates"
        return files.ensure(self._authority, folder, node, NODE, SystemClock().real_ms())

    def record_certificates(self, tx: Tx) -> None:
        """Let central know the certificates of the boxes, so that they can be revoked."""
        for ward in self.wards if self.tls else ():
            for node in ward.nodes.keys() - ward.own_boxes.keys():
                made, key_id = files.issued(self._node_files(node))
                if enrolled.certificate(tx, made.serial) is None:
                    enrolling.record(tx, node, ward.id, key_id, made)

    def _broker_tls(self, name: str) -> Tls | None:
        if not self.tls:
            return None
        return prepare.broker(self._authority, self.provisioning, name, (ADDRESS,), SystemClock())

    def _keeper_file(self, ward: WardPlan) -> Path:
        return self.folder / "brokers" / f"keeper-{ward.id}.json"

    # --- where things are ---

    @property
    def database(self) -> Path:
        return self.folder / "wardline.db"

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock.json"

    @property
    def central_file(self) -> Path:
        return self.folder / "central.json"

    @property
    def exchange_folder(self) -> Path:
        return self.folder / "exchange"

    @property
    def web_url(self) -> str:
        return f"http://{ADDRESS}:{self.web_port}"

    def node_file(self, node: str) -> Path:
        return self.folder / "nodes" / f"{node}.json"

    def data(self, node: str) -> Path:
        """The folder of a node."""
        return self.folder / "nodes" / node

    def panel(self, name: str) -> str:
        """The address of a virtual panel: of a node's loudspeaker, or of a ward's units."""
        return f"http://{ADDRESS}:{self.ports[name]}"

    def controls(self, ward: WardPlan) -> str:
        """The address where a ward's virtual buttons are operated."""
        return self.panel(f"units-{ward.id}" if ward.hardware == "bus" else ward.box)

    def station_page(self, ward: WardPlan) -> str:
        """The page that a ward's station serves by itself."""
        return self.panel(f"page-{ward.id}")

    def as_central(self, user: str) -> dict[str, Any]:
        """How `user` ("bridge", "web" or DEMO) reaches the hospital's broker."""
        return {
            "host": ADDRESS,
            "port": self._port("hospital", user),
            **self._shown(user),
        }

    def _port(self, broker: str, user: str) -> int:
        return self.detours.get(user, self.ports[broker])

    # --- settings ---

    def brokers(self) -> dict[str, Broker]:
        """The brokers by process name."""
        secret = {name: self._password(name) for name in self._passwords}
        upstreams = {
            ward.id: Upstream(
                ward.id,
                self._port("hospital", f"ward-{ward.id}"),
                mosquitto.ward_events_user(ward.id, secret[f"ward-{ward.id}-events"]),
                mosquitto.ward_user(ward.id, secret[f"ward-{ward.id}"]),
                identities=self._bridge_identities(ward),
            )
            for ward in self.wards
        }
        users = [mosquitto.bridge_user(secret["bridge"]), mosquitto.web_user(secret["web"])]
        users.append(mosquitto.watcher_user(DEMO, secret[DEMO], topics.STATE))
        for each in upstreams.values():
            users += [each.events, each.rest]
        found = {
            "broker": Broker(
                self.folder / "brokers" / "hospital",
                self.ports["hospital"],
                (*users, *self.guests.get("broker", ())),
                tls=self._broker_tls("hospital"),
            )
        }
        for ward in self.wards:
            name = f"broker-{ward.id}"
            found[name] = Broker(
                self.folder / "brokers" / f"ward-{ward.id}",
                self.ports[name],
                (*self._node_users(ward), *self.guests.get(name, ())),
                upstreams[ward.id],
                tls=self._broker_tls(name),
                plain_port=self.ports[f"plain-{ward.id}"] if ward.own_boxes else None,
            )
        return found

    def _bridge_identities(self, ward: WardPlan) -> dict[str, Identity]:
        names = (f"ward-{ward.id}", f"ward-{ward.id}-events") if self.tls else ()
        return {name: self._identity(name) for name in names}

    def _keepers_users(self, ward: WardPlan) -> Iterator[User]:
        """As the keeper will be told: its broker need not be started anew for it at once."""
        for node, role in ward.nodes.items():
            yield mosquitto.node_user(ward.id, node, role, None)

    def _node_users(self, ward: WardPlan) -> tuple[User, ...]:
        return tuple(
            mosquitto.node_user(ward.id, node, role, self._password(node))
            for node, role in ward.nodes.items()
        )

    def central_config(self, user: str) -> dict[str, Any]:
        """Central's configuration for the process that connects as `user`."""
        speech = self.ports["speech"]
        return {
            "database": str(self.database),
            "broker": self.as_central(user),
            "mllp": {"host": ADDRESS, "port": self.ports["mllp"]},
            "speech": {
                "host": ADDRESS,
                "port": speech,
                "url": f"http://{ADDRESS}:{speech}",
                "cache": str(self.folder / "speech"),
                "recorded": None,
                "piper": None,
            },
            "clock_file": str(self.clock_file),
            "timezone": TIMEZONE,
            "web": {
                "host": ADDRESS,
                "port": self.web_port,
                "secret_file": str(self.folder / "web.secret"),
            },
            "stations": {ward.id: self.station_page(ward) for ward in self.wards},
            "virtual": {ward.id: self._virtual(ward) for ward in self.wards},
            **({KEY: self._provisioning()} if self.tls else {}),
        } | self._telephone()

    def _telephone(self) -> dict[str, Any]:
        if self.exchange is None:
            return {}
        return {telephone.KEY: telephone.as_config(self.exchange, self.exchange_folder)}

    def _virtual(self, ward: WardPlan) -> dict[str, Any]:
        own = ward.own_boxes
        speech = [{"node": node, "url": self.panel(node)} for node in ward.nodes if node not in own]
        bedside = {bed: self.panel(node) for node, bed in own.items()}
        return {"controls": self.controls(ward), "bedside": bedside, "speech": speech}

    def node_config(self, ward: WardPlan, node: str) -> dict[str, Any]:
        hardware: dict[str, Any] = {"kind": "none"}
        if node == ward.box and ward.hardware == "bus":
            units = {bed: number for number, bed in enumerate(ward.beds, 1)}
            hardware = {"kind": "bus", "port": str(self._bus(ward)), "beds": units}
        elif node == ward.box:
            hardware = {"kind": "gpio", "beds": list(ward.beds), "virtual": True}
        elif node in ward.own_boxes:
            hardware = communicator.hardware(ward.own_boxes[node])
        inside = node in ward.own_boxes
        data = Path(communicator.DATA) if inside else self.data(node)
        clock = Path(communicator.CLOCK) / self.clock_file.name if inside else self.clock_file
        page = None
        if ward.nodes[node] == "station":
            page = {"host": ADDRESS, "port": self.ports[f"page-{ward.id}"]}
        return {
            "ward": ward.id,
            "node": node,
            "role": ward.nodes[node],
            "lang": "zh",
            "broker": {
                "host": ADDRESS,
                "port": self._port(
                    f"plain-{ward.id}" if inside and self.tls else f"broker-{ward.id}", node
                ),
                **self._shown(node),
            },
            "data": str(data),
            "hardware": hardware,
            # The loudspeaker of one box alone is heard by a microphone: real wards have both.
            "speaker": {"kind": "recording", "folder": str(data / "spoken")}
            | ({"microphone": {}} if node == ward.box else {}),
            "power": {"sysfs": str(data / "sys"), "virtual": True},
            "panel": {"host": ADDRESS, "port": self.ports[node]},
            "page": page,
            "clock_file": str(clock),
        }

    def _bus(self, ward: WardPlan) -> Path:
        return self.folder / f"bus-{ward.id}"

    def write(self) -> None:
        """Put every settings file in its place, readable by their owner only."""
        brokers = self.brokers()
        for broker in brokers.values():
            mosquitto.write(broker)
        for ward in self.wards if self.tls else ():
            broker = brokers[f"broker-{ward.id}"]
            assert broker.tls is not None
            access = Access("", {}, tuple(self._keepers_users(ward)))
            (broker.folder / ACCESS).write_bytes(mark_of(access))
            mosquitto.write_rules(broker, access.users)
            write_private(
                self._keeper_file(ward),
                {
                    "folder": str(broker.folder),
                    "port": broker.port,
                    "endpoint": f"{self.provisioning.address}v1/access/{ward.id}",
                    "tls": as_text(broker.tls),
                    "identity": as_text(self._identity(f"ward-{ward.id}")),
                },
            )
        for user, path in (("bridge", self.central_file), ("web", self._web_file)):
            write_private(path, self.central_config(user))
        for ward in self.wards:
            for node in ward.nodes:
                self.data(node).mkdir(parents=True, exist_ok=True)
                write_private(self.node_file(node), self.node_config(ward, node))

    def write_exchange(self, directory: Directory) -> None:
        """Put the exchange's own files in their place, for the telephones of `directory`."""
        if self.exchange is not None:
            exchange_folder.prepare(self.exchange_folder, self.exchange, directory)

    @property
    def _web_file(self) -> Path:
        return self.folder / "web.json"

    # --- processes ---

    def programs(self, web_ready: Ready, node_ready: dict[str, Ready]) -> list[Program]:
        """What to start; how central's web and the nodes show that they are ready is for the
        one who starts them to say."""
        python = [sys.executable, "-P", "-m"]
        found = [
            Program(name, broker.command(), GROUND, listens(broker.port))
            for name, broker in self.brokers().items()
        ]
        for ward in self.wards:
            if ward.hardware == "bus":
                port = self.ports[f"units-{ward.id}"]
                units = ["hw.virtual.units", "--link", str(self._bus(ward)), "--beds",
                         ",".join(ward.beds), "--panel-port", str(port)]  # fmt: skip
                found.append(Program(f"units-{ward.id}", [*python, *units], GROUND, listens(port)))
        if self.exchange is not None:
            command = asterisk.command(self.exchange_folder)
            ready = listens(self.exchange.ports.ari)
            found.append(Program("exchange", command, GROUND, ready))
        if self.tls:
            port = self.ports["provisioning"]
            endpoint = [*python, "provisioning.endpoint", "--config", str(self.central_file)]
            found.append(Program("provisioning", endpoint, GROUND, listens(port)))
        for ward in self.wards if self.tls else ():
            keeper = [*python, "provisioning.keeper", "--config", str(self._keeper_file(ward))]
            kept = self.folder / "brokers" / f"ward-{ward.id}" / ACCESS
            found.append(Program(f"keeper-{ward.id}", keeper, CENTRE, _exists(kept)))
        bridge = [*python, "central.bridge", "--config", str(self.central_file)]
        found.append(Program("bridge", bridge, CENTRE, listens(self.ports["mllp"])))
        web = ["gunicorn", "-c", "central/console/gunicorn.conf.py",
               "central.console.app:create_app()"]  # fmt: skip
        environment = {"WARDLINE_CONFIG": str(self._web_file)}
        found.append(Program("web", [*python, *web], CENTRE, web_ready, environment))
        for ward in self.wards:
            for node in ward.nodes:
                file = self.node_file(node)
                command = [*python, "ward_node.cpython", "--config", str(file)]
                if node in ward.own_boxes:
                    command = communicator.command(file, self.data(node), self.folder)
                found.append(Program(node, command, BOXES, node_ready[node]))
        return found


def _exists(path: Path) -> Ready:
    async def ready() -> bool:
        return await asyncio.to_thread(path.exists)

    return ready
