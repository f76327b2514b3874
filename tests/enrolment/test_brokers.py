"""Real brokers that take certificates: who is let in, who is put out, and what each may touch."""

import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.clock import FakeClock
from gateway.mqtt import topics
from provisioning import mosquitto
from provisioning.authority.authority import NODE, SERVICE, Authority, Issued, Profile
from provisioning.authority.keys import KeyFolder, generate
from provisioning.keeper import Access, Keeper
from provisioning.mosquitto import Broker, Identity, Upstream, User
from tests.conftest import answers, free_port, wait_for
from tests.enrolment.certificates import LOOPBACK, Certificates
from tests.paho import leave

# paho leaves the socket of a handshake that is cut off to whatever frees it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

NOT_AUTHORIZED = 0x87
KINDS = tuple(sorted(topics.KINDS))
SOME = (topics.EVENT, topics.COMMAND, topics.STATE)


@dataclass
class Client:
    """Somebody with a certificate, who comes back by himself when he is put out."""

    port: int
    name: str
    identity: Identity | None
    root: Path
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)
    granted: dict[int, list[int]] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    again: int | None = None  # the message that subscribed to all of them after a reconnection
    lines: int = 0  # connections that came to be
    ends: int = 0  # connections that ended, and attempts that did

    def __post_init__(self) -> None:
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, self.name, protocol=mqtt.MQTTv5)
        context = ssl.create_default_context(cafile=str(self.root))
        if self.identity is not None:
            context.load_cert_chain(self.identity.certificate, self.identity.key)
        self.mqtt.tls_set_context(context)
        self.mqtt.on_connect = self._connected
        self.mqtt.on_disconnect = self._ended
        self.mqtt.on_connect_fail = self._ended
        self.mqtt.on_message = lambda c, u, m: self.heard.append((m.topic, m.payload))
        self.mqtt.on_publish = lambda c, u, mid, code, p: self.answered.update({mid: code.value})
        self.mqtt.on_subscribe = lambda c, u, mid, codes, p: self.granted.update(
            {mid: [code.value for code in codes]}
        )
        self.mqtt.reconnect_delay_set(0.01, 0.01)  # type: ignore[arg-type]
        self.mqtt.connect_async(LOOPBACK, self.port)
        self.mqtt.loop_start()

    def _connected(self, *_: object) -> None:
        self.lines += 1
        if self.filters:
            self.again = self.mqtt.subscribe([(each, 1) for each in self.filters])[1]

    def _ended(self, *_: object) -> None:
        self.ends += 1

    def in_(self) -> "Client":
        wait_for(self.mqtt.is_connected, f"{self.name} to be let in")
        return self

    def publish(self, topic: str, payload: str = "{}") -> int:
        """MQTT's answer. A refusal ends the line where nothing limits the broker's queues."""
        self.in_()
        mid = self.mqtt.publish(topic, payload, qos=1).mid
        wait_for(lambda: mid in self.answered, f"the answer to {topic}")
        return self.answered[mid]

    def subscribe(self, *filters: str) -> None:
        """Also after each reconnection: a line that ends takes the question along."""
        self.in_()
        self.filters += filters
        self.again = None
        mid = self.mqtt.subscribe([(each, 1) for each in filters])[1]
        wait_for(lambda: {mid, self.again} & self.granted.keys(), "the subscription")

    def close(self) -> None:
        leave(self.mqtt)


def let_in(port: int, identity: Identity | None, root: Path) -> bool:
    """Whether a broker takes an MQTT connection from whoever shows this. Raises
    SSLCertVerificationError where it is the broker that is not believed."""
    context = ssl.create_default_context(cafile=str(root))
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    with socket.create_connection((LOOPBACK, port), timeout=30) as line:
        try:
            with context.wrap_socket(line, server_hostname=LOOPBACK) as encrypted:
                encrypted.sendall(b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x0a\x00\x00\x01x")
                return encrypted.recv(1) == b"\x20"  # a CONNACK
        except ssl.SSLCertVerificationError:
            raise
        except OSError:
            return False


class World:
    """The hospital's broker and that of ward 3, bridged, all by certificate."""

    def __init__(self, folder: Path) -> None:
        self.certificates = Certificates(folder / "c")
        self.folder = folder
        self.clients: list[Client] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        hospital = (mosquitto.bridge_user(None), mosquitto.web_user(None))
        events, rest = mosquitto.ward_events_user("3", None), mosquitto.ward_user("3", None)
        other = (mosquitto.ward_events_user("5", None), mosquitto.ward_user("5", None))
        identities = {each.name: self.service(each.name)[0] for each in (events, rest)}
        self.hospital = self._start("hospital", (*hospital, events, rest, *other))
        upstream = Upstream("3", self.hospital.port, events, rest, LOOPBACK, identities)
        self.users = (
            mosquitto.node_user("3", "3-box", "bedside", None),
            mosquitto.node_user("3", "3-station", "station", None),
        )
        self.ward = self._start("ward", self.users, upstream)

    def _start(
        self, name: str, users: tuple[User, ...], upstream: Upstream | None = None
    ) -> Broker:
        tls = self.certificates.broker(f"broker-{name}")
        broker = Broker(self.folder / name, free_port(), users, upstream, tls)
        mosquitto.write(broker)
        self.run(name, broker)
        return broker

    def run(self, name: str, broker: Broker) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(broker.command(), stderr=log)
        wait_for(lambda: answers(broker.port), f"broker {name}")

    def service(self, name: str) -> tuple[Identity, Issued]:
        return self.certificates.client(name, SERVICE)

    def client(
        self, name: str, broker: Broker | None = None, profile: Profile = NODE,
        identity: Identity | None = None,
    ) -> Client:  # fmt: skip
        shown = identity or self.certificates.client(name, profile)[0]
        self.clients.append(Client((broker or self.ward).port, name, shown, self.certificates.root))
        return self.clients[-1]

    def send_home(self) -> None:
        for client in self.clients:
            client.close()
        self.clients.clear()

    def close(self) -> None:
        for process in self.processes.values():
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("b"))
    yield world
    world.close()


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The brokers of the module, without clients."""
    yield running
    running.send_home()


def test_press_and_command_cross_both_brokers_by_certificate(world: World) -> None:
    box, central = (
        world.client("3-box").in_(),
        world.client("bridge", world.hospital, SERVICE).in_(),
    )
    event, command = (topics.topic("3", "3-box", kind) for kind in (topics.EVENT, topics.COMMAND))
    central.subscribe(event)
    box.subscribe(command)
    wait_for(lambda: box.publish(event, "press") < 0x80 and central.heard, "the press")
    central.publish(command, "light")
    wait_for(lambda: (command, b"light") in box.heard, "the command")


def _everything(ward: str, *nodes: str, kinds: Sequence[str] = KINDS) -> list[str]:
    """Every topic there is in a ward."""
    return [topics.topic(ward, node, kind) for node in (*nodes, topics.ALL, topics.CENTRAL)
            for kind in kinds]  # fmt: skip


@pytest.mark.parametrize("attacker", ["3-box", "3-station", "5-box", "stranger", "bridge"])
def test_nobody_reaches_another_wards_topics(world: World, attacker: str) -> None:
    """On the ward's broker: a box of the ward, its station, a good certificate of another ward or
    of nobody, and a box whose name is that of a service elsewhere."""
    client = world.client(attacker)
    kinds = KINDS if attacker == "3-box" else SOME
    foreign = _everything("5", "5-box", attacker, kinds=kinds)
    for topic in foreign:
        assert client.publish(topic) == NOT_AUTHORIZED, topic
    client.subscribe("#", "$SYS/#", *foreign)
    # Whatever the broker grants, it hands over nothing: said by those who may, on both sides.
    box = world.client("3-box" if attacker != "3-box" else "3-station").in_()
    box.publish(topics.topic("3", box.name, topics.EVENT), "own")
    client.subscribe("nothing")  # answered behind whatever was handed over
    assert all(topic.startswith("wardline/1/3/") for topic, _ in client.heard)
    assert attacker == "3-station" or not client.heard
    if attacker not in ("3-box", "3-station"):
        for topic in _everything("3", "3-box", attacker, kinds=SOME):
            assert client.publish(topic) == NOT_AUTHORIZED, topic


def test_a_wards_bridge_touches_no_other_ward(world: World) -> None:
    ward = world.client("ward-5", world.hospital, SERVICE).in_()
    central = world.client("bridge", world.hospital, SERVICE).in_()
    foreign = _everything("3", "3-box", "ward-5", kinds=SOME)
    for topic in foreign:
        assert ward.publish(topic) == NOT_AUTHORIZED, topic
    ward.subscribe("#")
    own = topics.topic("5", "5-box", topics.COMMAND)
    for topic in (*foreign, own):
        central.publish(topic)
    wait_for(lambda: ward.heard, "its own ward's command")
    assert [topic for topic, _ in ward.heard] == [own]


def _expired(world: World) -> Identity:
    """A certificate of our authority that ended."""
    clock = FakeClock(world.certificates.authority._clock.real_ms())
    clock.advance(-int(timedelta(days=400).total_seconds() * 1000))
    folder = world.folder / "c"
    then = Authority(folder / "ca", KeyFolder(folder / "ca"), clock)
    key = generate()
    return world.certificates.files(
        "expired", key, then.issue("3-box", key.public_key(), NODE).chain
    )


@pytest.mark.parametrize("shown", ["self-signed", "expired", "of a server", "another's", "none"])
def test_who_shows_no_good_certificate_is_refused(world: World, tmp_path: Path, shown: str) -> None:
    identities = {
        "self-signed": lambda: world.certificates.self_signed("3-box"),
        "expired": lambda: _expired(world),
        "of a server": lambda: Identity(
            world.ward.tls.certificate, world.ward.tls.key, world.certificates.root  # type: ignore[union-attr]
        ),
        "another's": lambda: Certificates(tmp_path).client("3-box")[0],
        "none": lambda: None,
    }  # fmt: skip
    assert not let_in(world.ward.port, identities[shown](), world.certificates.root)
    assert let_in(world.ward.port, world.certificates.client("3-x")[0], world.certificates.root)


def test_a_server_that_is_not_ours_is_not_talked_to(world: World, tmp_path: Path) -> None:
    identity, _ = world.certificates.client("3-box")
    stranger = Certificates(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        let_in(world.ward.port, identity, stranger.root)


def _apply(world: World, keeper: Keeper, access: Access) -> bool:
    """Whether the ward's broker was started anew for it; it listens again on return."""
    pid = _mosquitto(world)
    done = keeper.apply(access)
    if done:
        wait_for(lambda: _mosquitto(world) not in ("", pid), "another Mosquitto")
        wait_for(lambda: answers(world.ward.port), "the broker to be back")
    return done


def _mosquitto(world: World) -> str:
    """The process of the ward's Mosquitto; "" while there is none."""
    parent = world.processes["ward"].pid
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().strip()


def _revoked(world: World) -> str:
    return (world.folder / "c" / "revoked.pem").read_text()


def test_revoked_means_out_at_once_and_never_in_again_and_nothing_is_lost(world: World) -> None:
    root = world.certificates.root
    identity, issued = world.certificates.client("3-box")
    box, station = world.client("3-box", identity=identity).in_(), world.client("3-station").in_()
    box.mqtt.reconnect_delay_set(60, 60)
    world.certificates.revoke(issued)
    access = Access(_revoked(world), {issued.serial: "3-box"}, world.users)
    assert _apply(world, Keeper(world.ward), access)
    wait_for(lambda: box.ends, "the session to end")
    assert not let_in(world.ward.port, identity, root)
    # Its place is given to another box: same name, another certificate.
    fresh = world.client("3-box").in_()
    assert not _apply(world, Keeper(world.ward), access)  # what is done is not done again
    station.in_()
    assert fresh.publish(topics.topic("3", "3-box", topics.EVENT)) < 0x80
    assert (fresh.lines, box.lines) == (1, 1)
    # Another one within the same second.
    again, soon = world.certificates.client("3-soon")
    assert let_in(world.ward.port, again, root)
    world.certificates.revoke(soon)
    ended = {issued.serial: "3-box", soon.serial: "3-soon"}
    assert _apply(world, Keeper(world.ward), Access(_revoked(world), ended, world.users))
    assert not let_in(world.ward.port, again, root)


def test_what_waits_in_the_broker_survives_its_new_start_and_a_new_box_may_speak(
    world: World,
) -> None:
    event = topics.topic("3", "3-late", topics.EVENT)
    late = world.client("3-late").in_()
    assert late.publish(event) == NOT_AUTHORIZED
    users = (*world.users, mosquitto.node_user("3", "3-late", "bedside", None))
    central = world.client("bridge", world.hospital, SERVICE).in_()
    central.subscribe(topics.every(topics.EVENT))
    # The hospital's broker is away, so what the ward says waits in the ward's.
    world.processes["hospital"].terminate()
    world.processes["hospital"].wait()
    box = world.client("3-box").in_()
    for number in range(50):
        box.publish(topics.topic("3", "3-box", topics.EVENT), str(number))
    for number in range(2):  # again and again, sessions there and away
        gone = {f"{number}": "3-x"}
        assert _apply(world, Keeper(world.ward), Access(_revoked(world), gone, users))
        assert late.publish(event, "new") < 0x80
    world.run("hospital", world.hospital)
    wait_for(lambda: (event, b"new") in central.heard, "the new box's events")
    wait_for(
        lambda: (
            {int(payload) for topic, payload in central.heard if topic != event} >= set(range(50))
        ),
        "what waited",
    )
