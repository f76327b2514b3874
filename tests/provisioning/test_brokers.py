"""Real Mosquitto brokers, fenced and bridged as provisioning sets them up."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt import topics
from provisioning import mosquitto
from provisioning.mosquitto import Broker, Upstream
from tests.conftest import answers, free_port, wait_for
from tests.paho import leave

NOT_AUTHORIZED = 0x87


@dataclass
class Client:
    """A connected user who remembers what came and how its own messages were answered."""

    port: int
    name: str
    keeps: bool = False  # its session, over a lost connection
    claims: str = ""  # the client id that it asks for; empty: its name
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)
    granted: dict[int, int] = field(default_factory=dict)
    lines: int = 0  # connections that came to be

    def __post_init__(self) -> None:
        identifier = self.claims or self.name
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, identifier, protocol=mqtt.MQTTv5)
        self.mqtt.on_connect = self._connected
        self.mqtt.username_pw_set(self.name, f"secret-{self.name}")
        self.mqtt.manual_ack_set(True)
        self.mqtt.on_message = self._hears
        self.mqtt.on_publish = lambda c, u, mid, reason, p: self.answered.update(
            {mid: reason.value}
        )
        self.mqtt.on_subscribe = lambda c, u, mid, codes, p: self.granted.update(
            {mid: codes[0].value}
        )
        self.mqtt.reconnect_delay_set(1, 1)
        expiry = Properties(PacketTypes.CONNECT)
        expiry.SessionExpiryInterval = 60 if self.keeps else 0
        self.mqtt.connect("127.0.0.1", self.port, clean_start=not self.keeps, properties=expiry)
        self.mqtt.loop_start()
        wait_for(self.mqtt.is_connected, f"{self.name} to connect")

    def _connected(self, *_: object) -> None:
        self.lines += 1

    def _hears(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        client.ack(message.mid, message.qos)  # on its way before anybody sees it here
        self.heard.append((message.topic, message.payload))

    def publish(self, topic: str, payload: str = "{}", retain: bool = False) -> int:
        """MQTT's answer to the publish; 0x87 is "not authorized"."""
        mid = self.mqtt.publish(topic, payload, qos=1, retain=retain).mid
        wait_for(lambda: mid in self.answered, f"the answer to {topic}")
        return self.answered[mid]

    def subscribe(self, topic: str) -> None:
        mid = self.mqtt.subscribe(topic, qos=1)[1]
        wait_for(lambda: mid in self.granted, f"the subscription to {topic}")

    def close(self) -> None:
        leave(self.mqtt)


class Brokers:
    """A hospital broker and those of wards 3 and 5."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = {name: free_port() for name in ("hospital", "3", "5")}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.clients: list[Client] = []
        upstreams = {
            ward: Upstream(
                ward,
                self.ports["hospital"],
                mosquitto.ward_events_user(ward, f"secret-ward-{ward}-events"),
                mosquitto.ward_user(ward, f"secret-ward-{ward}"),
            )
            for ward in ("3", "5", "7")  # ward 7 has no broker: its accounts are the tests' own
        }
        people = [mosquitto.bridge_user("secret-bridge"), mosquitto.web_user("secret-web")]
        for each in upstreams.values():
            people += [each.events, each.rest]
        self.brokers = {
            "hospital": Broker(folder / "hospital", self.ports["hospital"], tuple(people))
        }
        for ward in ("3", "5"):
            nodes = (
                mosquitto.node_user(ward, f"{ward}-box", "bedside", f"secret-{ward}-box"),
                mosquitto.node_user(ward, f"{ward}-station", "station", f"secret-{ward}-station"),
            )
            self.brokers[ward] = Broker(
                folder / f"ward-{ward}", self.ports[ward], nodes, upstreams[ward]
            )
        for name, broker in self.brokers.items():
            mosquitto.write(broker)
            self.start(name)

    def start(self, name: str) -> None:
        with self._log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(self.brokers[name].command(), stderr=log)
        wait_for(lambda: answers(self.ports[name]), f"broker {name}")

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def said(self, name: str) -> str:
        """What a broker has written into its log."""
        return self._log(name).read_text()

    def stop(self, name: str) -> None:
        """Of what its clients have heard the broker says nothing again after its next start."""
        for client in self.clients:
            if client.port == self.ports[name] and client.mqtt.is_connected():
                client.subscribe("nothing")  # answered behind what they answered
        self.processes[name].terminate()
        self.processes[name].wait()

    def client(self, where: str, name: str, keeps: bool = False, claims: str = "") -> Client:
        self.clients.append(Client(self.ports[where], name, keeps, claims))
        return self.clients[-1]

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for name in self.processes:
            self.stop(name)


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    started = Brokers(tmp_path)
    yield started
    started.close()


def test_a_node_speaks_only_as_itself(brokers: Brokers) -> None:
    box = brokers.client("3", "3-box")
    assert box.publish(topics.topic("3", "3-box", topics.EVENT)) < 0x80
    assert box.publish(topics.topic("5", "5-box", topics.EVENT)) == NOT_AUTHORIZED
    assert box.publish(topics.topic("5", "3-box", topics.EVENT)) == NOT_AUTHORIZED
    assert box.publish(topics.topic("3", "3-station", topics.EVENT)) == NOT_AUTHORIZED
    assert box.publish(topics.topic("3", "3-box", topics.COMMAND)) == NOT_AUTHORIZED
    assert box.publish(topics.topic("3", topics.CENTRAL, topics.CHANGED)) == NOT_AUTHORIZED


def test_a_node_hears_only_what_is_meant_for_it(brokers: Brokers) -> None:
    box, station = brokers.client("3", "3-box"), brokers.client("3", "3-station")
    box.subscribe("wardline/#")
    station.subscribe("wardline/#")
    central = brokers.client("hospital", "bridge")
    for node in ("3-station", "3-box"):
        central.publish(topics.topic("3", node, topics.CONFIG), node, retain=True)
    wait_for(lambda: box.heard, "the box's own config")
    wait_for(lambda: len(station.heard) == 2, "a station to hear its whole ward")
    assert box.heard == [(topics.topic("3", "3-box", topics.CONFIG), b"3-box")]


def test_the_console_says_only_that_something_changed(brokers: Brokers) -> None:
    web = brokers.client("hospital", "web")
    assert web.publish(topics.topic("3", topics.CENTRAL, topics.CHANGED)) < 0x80
    assert web.publish(topics.topic("3", "3-box", topics.COMMAND)) == NOT_AUTHORIZED
    assert web.publish(topics.topic("3", "3-box", topics.RECEIPT)) == NOT_AUTHORIZED


def test_a_wards_broker_is_fenced_in_at_the_hospitals(brokers: Brokers) -> None:
    ward, events = brokers.client("hospital", "ward-7"), brokers.client("hospital", "ward-7-events")
    event, command, state = (
        topics.topic("7", "7-box", kind) for kind in (topics.EVENT, topics.COMMAND, topics.STATE)
    )
    for each in (ward, events):
        each.subscribe("wardline/#")
    assert events.publish(event) < 0x80 > ward.publish(state)
    central = brokers.client("hospital", "bridge")
    central.publish(topics.topic("5", "5-box", topics.COMMAND))
    central.publish(command)
    wait_for(lambda: ward.heard, "the command of its own ward")
    assert ([topic for topic, _ in ward.heard], events.heard) == ([command], [])
    foreign = [topics.topic("5", "5-box", kind) for kind in (topics.EVENT, topics.STATE)]
    for each, refused in ((ward, event), (events, state)):
        for topic in (refused, command, *foreign):
            wait_for(each.mqtt.is_connected, "the ward to be back")  # a refusal ends the line
            assert each.publish(topic) == NOT_AUTHORIZED


@pytest.mark.parametrize(
    ("where", "attacker", "victims"),
    [
        ("3", "3-station", ("3-box", "local.ward-3", "local.ward-3-events")),
        ("hospital", "ward-7", ("bridge", "web", "ward-3", "ward-3-events")),
    ],
)
def test_nobody_throws_another_off_by_its_client_id(
    brokers: Brokers, where: str, attacker: str, victims: tuple[str, ...]
) -> None:
    box = brokers.client("3", "3-box")
    central, web = brokers.client("hospital", "bridge"), brokers.client("hospital", "web")
    event, command = (topics.topic("3", "3-box", kind) for kind in (topics.EVENT, topics.COMMAND))
    central.subscribe(event)
    box.subscribe(command)
    for number, victim in enumerate(victims):
        brokers.client(where, attacker, claims=victim)
        # Each message arrives, up and down, and at once: nobody had to connect again.
        box.publish(event, str(number))
        central.publish(command, str(number))
        wait_for(lambda n=number: len(central.heard) > n < len(box.heard), f"what {victim} carries")
        brokers.clients.pop().close()
    assert [box.lines, central.lines, web.lines] == [1, 1, 1]
    assert len(central.heard) == len(box.heard) == len(victims)
    assert "already connected" not in brokers.said(where)
    assert "already connected" not in brokers.said("hospital")


def test_a_wrong_password_or_none_is_refused(brokers: Brokers) -> None:
    for name, password in (("3-box", "wrong"), (None, None)):
        refused: list[bool] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if name:
            client.username_pw_set(name, password)
        client.on_connect = lambda c, u, flags, reason, p: refused.append(reason.is_failure)  # noqa: B023
        client.connect("127.0.0.1", brokers.ports["3"])
        client.loop_start()
        wait_for(lambda: refused, "the broker's answer")  # noqa: B023
        leave(client)
        assert refused[0]


def test_bridged_both_ways_without_a_loop(brokers: Brokers) -> None:
    central, box = brokers.client("hospital", "bridge"), brokers.client("3", "3-box")
    other = brokers.client("5", "5-station")
    central.subscribe("wardline/1/+/+/event")
    for each in (box, other):
        each.subscribe("wardline/1/3/3-box/command")
    event, command = (topics.topic("3", "3-box", k) for k in (topics.EVENT, topics.COMMAND))
    for number in range(50):
        box.publish(event, str(number))
    wait_for(lambda: len(central.heard) >= 50, "the events to come up")
    for number in range(50):
        central.publish(command, str(number))
    wait_for(lambda: len(box.heard) >= 50, "the commands to come down")
    # A message that went round would come before this last one does.
    box.publish(event, "last")
    central.publish(command, "last")
    wait_for(lambda: central.heard[-1][1] == b"last" == box.heard[-1][1], "the last messages")
    assert [payload for _, payload in central.heard] == [b"%d" % n for n in range(50)] + [b"last"]
    assert [payload for _, payload in box.heard] == [b"%d" % n for n in range(50)] + [b"last"]
    assert other.heard == []


def test_retained_state_reaches_those_who_come_later(brokers: Brokers) -> None:
    box = brokers.client("3", "3-box")
    state = topics.topic("3", "3-box", topics.STATE)
    box.publish(state, "ready", retain=True)
    central = brokers.client("hospital", "bridge")

    def arrived() -> bool:
        central.subscribe(state)
        return (state, b"ready") in central.heard

    wait_for(arrived, "the retained state at the hospital's broker")


def test_what_a_ward_says_while_the_hospital_is_away_comes_later(brokers: Brokers) -> None:
    box = brokers.client("3", "3-box")
    event = topics.topic("3", "3-box", topics.EVENT)
    central = brokers.client("hospital", "bridge", keeps=True)
    central.subscribe(event)
    box.publish(event, "before")  # the bridge is up once this has come through
    wait_for(lambda: central.heard, "the first event")
    brokers.stop("hospital")
    for number in range(1500):  # more than Mosquitto would keep by default
        box.mqtt.publish(event, str(number), qos=1)
    wait_for(lambda: len(box.answered) == 1501, "the ward's broker to take them")
    brokers.start("hospital")
    wait_for(lambda: len(central.heard) >= 1501, "what the ward's broker kept")
    assert [int(payload) for _, payload in central.heard[1:]] == list(range(1500))


def test_events_share_their_connection_with_nothing_that_could_hold_them_up(
    brokers: Brokers,
) -> None:
    """Behind a packet that is answered by no other, an event waits 40 ms on its way up."""
    config = brokers.brokers["3"].config_file.read_text()
    connections = [part.splitlines() for part in config.split("connection ")[1:]]
    carried = [[line for line in part if line.startswith("topic ")] for part in connections]
    with_events = [lines for lines in carried if any("/event " in line for line in lines)]
    assert with_events == [["topic wardline/1/3/+/event out 1"]]


def test_nobody_else_reads_the_passwords(tmp_path: Path) -> None:
    user = mosquitto.web_user("secret-web")
    mosquitto.write(Broker(tmp_path / "b", 1, (user,)))
    for file in (tmp_path / "b").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    assert "secret-web" not in (tmp_path / "b" / "passwords").read_text()


NOISE = bytes(range(256)) * 8


@pytest.mark.parametrize(
    "spoilt", [lambda good: good[:-1], lambda good: NOISE], ids=["torn", "noise"]
)
def test_a_broker_starts_without_a_file_that_it_cannot_read(
    brokers: Brokers, spoilt: Callable[[bytes], bytes]
) -> None:
    box = brokers.client("3", "3-box")
    state = topics.topic("3", "3-box", topics.STATE)
    box.publish(state, "ready", retain=True)
    brokers.stop("3")
    database = brokers.brokers["3"].folder / "mosquitto.db"
    content = spoilt(database.read_bytes())
    database.write_bytes(content)
    brokers.start("3")
    (aside,) = database.parent.glob("mosquitto.db.unreadable-*")
    assert aside.read_bytes() == content
    again = brokers.client("3", "3-station")
    again.subscribe(state)
    wait_for(box.mqtt.is_connected, "the box to be back")
    box.publish(state, "back", retain=True)
    wait_for(lambda: again.heard, "the broker to work")
    assert again.heard[0] == (state, b"back")  # what the file held is forgotten


def test_a_broker_goes_on_with_a_file_that_it_can_read(brokers: Brokers) -> None:
    box = brokers.client("3", "3-box")
    state = topics.topic("3", "3-box", topics.STATE)
    box.publish(state, "ready", retain=True)
    brokers.stop("3")
    folder = brokers.brokers["3"].folder
    (folder / "trial-of-a-killed-start").mkdir()
    brokers.start("3")
    again = brokers.client("3", "3-station")
    again.subscribe(state)
    wait_for(lambda: again.heard, "the retained state")
    assert [
        path.name for path in folder.iterdir() if path.name.startswith(("trial", "mosquitto.db."))
    ] == []


def test_a_live_voice_comes_through_now_or_never(brokers: Brokers) -> None:
    central = brokers.client("hospital", "bridge")
    voice = topics.topic("3", topics.ALL, topics.VOICE)
    qos = topics.qos(topics.VOICE)
    heard: list[bytes] = []

    def arrives(text: bytes) -> bool:
        """It is said until it does, and the box hears it: both have to come back."""
        central.mqtt.publish(voice, text, qos=qos)
        heard[:] = [payload for topic, payload in box.heard if topic == voice]
        return text in heard

    box = brokers.client("3", "3-box", keeps=True)
    box.subscribe(voice)
    wait_for(lambda: arrives(b"first"), "the voice in the ward")
    brokers.stop("3")
    central.mqtt.publish(voice, b"old", qos=qos)
    central.subscribe("nothing")  # answered behind the voice: the broker has dropped it
    brokers.start("3")
    wait_for(lambda: arrives(b"second"), "the voice in the ward again")
    assert set(heard) == {b"first", b"second"}
