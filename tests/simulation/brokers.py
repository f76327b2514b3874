"""Simulated brokers, with what MQTT promises and no more.

QoS 1 is delivered at least once while both ends live: what was not acknowledged when a connection
broke comes again on the next one, and a broker that was killed remembers only what it had saved.
QoS 0 is lost with the connection.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.network import Connection, Line, Message, Network, Receive

LOST_SHARE = 0.002  # of QoS 0
REPEATED_SHARE = 0.002  # of QoS 1, without any reason to be seen
SAVED_EVERY_S = 30
US = 1_000_000


class Session:
    """Messages on their way to one receiver: sent in order, kept until acknowledged."""

    def __init__(self, network: Network, keeps: bool) -> None:
        self._network = network
        self._keeps = keeps
        self._queue: deque[Message] = deque()
        self._flying: deque[Message] = deque()
        self._acked: deque[Message] = deque()
        self._connection: Connection | None = None
        self._up = False
        self._receive: Receive = lambda message: None

    def attach(self, connection: Connection, up: bool, receive: Receive) -> None:
        """The receiver is there (again)."""
        self._connection, self._up, self._receive = connection, up, receive
        waiting, self._queue = self._queue, deque()
        for message in waiting:
            self._send(message)

    def detach(self) -> None:
        """The receiver is gone: what it has not acknowledged waits for it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        since_us = connection.line.blocked_us or self._network.schedule.now_us
        again = [each for each in self._flying if each.acked_us is None or each.acked_us > since_us]
        self._flying.clear()
        if self._keeps:
            self._queue.extendleft(reversed(again))

    def offer(self, message: Message) -> None:
        if self._connection is not None:
            self._send(message)
        elif self._keeps and message.qos:
            self._queue.append(message)

    @property
    def waiting(self) -> int:
        """How many messages of QoS 1 are queued or not yet acknowledged."""
        now_us = self._network.schedule.now_us
        flying = sum(each.acked_us is None or each.acked_us > now_us for each in self._flying)
        return len(self._queue) + flying

    def saved(self) -> None:
        """The broker has written down what it knows: what is acknowledged stays so."""
        self._acked.clear()
        self._flying.clear()

    def forget_since(self, saved_us: int) -> None:
        """The broker was killed: it knows what it had saved at that moment."""
        kept = [each for each in self._acked if each.queued_us <= saved_us < (each.acked_us or 0)]
        self._acked.clear()
        self._queue = deque([*kept, *(each for each in self._queue if each.queued_us <= saved_us)])

    def _send(self, message: Message) -> None:
        now_us = self._network.schedule.now_us
        if message.expires_us is not None and message.expires_us <= now_us:
            return
        connection = self._connection
        assert connection is not None
        if message.qos:
            while self._flying and (self._flying[0].acked_us or now_us + 1) <= now_us:
                self._acked.append(self._flying.popleft())
            while self._acked and (self._acked[0].acked_us or 0) < now_us - SAVED_EVERY_S * US:
                self._acked.popleft()
            message.acked_us = None
            self._flying.append(message)
        elif self._network.chance.random() < LOST_SHARE:
            return
        connection.send(self._up, message, self._take)

    def _take(self, message: Message) -> None:
        network = self._network
        if message.qos:
            message.acked_us = network.schedule.now_us + network.delay_us()
            if network.chance.random() < REPEATED_SHARE and self._connection is not None:
                self._connection.send(self._up, message, self._receive)
        self._receive(message)


@dataclass
class Retained:
    """A retained message, and the one before it as long as that may be all that was saved."""

    message: Message
    since_us: int
    before: "Retained | None" = None


@dataclass
class Client:
    """What a broker knows of a client: its wishes, its messages, its last will."""

    name: str
    filters: tuple[str, ...]
    session: Session
    will: Message | None = None
    connection: Connection | None = None
    since_us: int = 0
    is_bridge: bool = False  # is told which messages are to be retained


@dataclass
class Broker:
    """One Mosquitto."""

    network: Network
    name: str
    up: bool = True
    clients: dict[str, Client] = field(default_factory=dict)
    retained: dict[str, Retained] = field(default_factory=dict)
    on_start: list[Callable[[], None]] = field(default_factory=list)
    _routes: dict[str, tuple[Client, ...]] = field(default_factory=dict)
    _saved_us: int = 0

    def join(
        self, name: str, filters: tuple[str, ...], line: Line, receive: Receive,
        on_broken: Callable[[], None], will: Message | None = None, *, is_bridge: bool = False,
    ) -> Connection | None:  # fmt: skip
        """Connect client `name` and give it what waits for it. None when that fails now."""
        if not self.up or line.blocked:
            return None
        client = self.clients.get(name)
        if client is None:
            session = Session(self.network, keeps=True)
            client = self.clients[name] = Client(name, filters, session)
            client.since_us = self.network.schedule.now_us
        elif client.connection is not None:
            client.connection.break_broker()  # taken over by the newer connection
        client.filters, client.is_bridge = filters, is_bridge
        self._routes.clear()
        connection = Connection(
            self.network, line, on_broken, lambda: self._lost(client, connection)
        )
        client.connection, client.will = connection, will
        client.session.attach(connection, False, receive)
        for topic in sorted(self.retained):
            if any(matches(each, topic) for each in filters):
                kept = self.retained[topic].message
                client.session.offer(self._copy(kept, retain=True))
        return connection

    def leave(self, name: str) -> None:
        """The client says goodbye: no will."""
        client = self.clients[name]
        client.will = None
        if client.connection is not None:
            client.connection.break_broker()

    def _lost(self, client: Client, connection: Connection) -> None:
        if client.connection is not connection:
            return
        client.connection = None
        client.session.detach()
        will, client.will = client.will, None
        if will is not None and self.up:
            self.publish(will, client.name)

    def publish(self, message: Message, sender: str) -> None:
        """Take a message from `sender` and hand it to all who want it."""
        if not self.up:
            return
        if message.retain:
            self._retain(message)
        for client in self._route(message.topic):
            if client.name != sender:
                keeps = message.retain and client.is_bridge
                client.session.offer(self._copy(message, retain=keeps))

    def _copy(self, message: Message, *, retain: bool) -> Message:
        now_us = self.network.schedule.now_us
        return Message(
            message.topic, message.payload, message.qos, retain, message.expires_us, now_us
        )

    def _retain(self, message: Message) -> None:
        now_us = self.network.schedule.now_us
        before = self.retained.get(message.topic)
        if before is not None and before.since_us < now_us - SAVED_EVERY_S * US:
            before.before = None
        self.retained[message.topic] = Retained(message, now_us, before)

    def _route(self, topic: str) -> tuple[Client, ...]:
        route = self._routes.get(topic)
        if route is None:
            route = self._routes[topic] = tuple(
                client
                for client in self.clients.values()
                if any(matches(each, topic) for each in client.filters)
            )
        return route

    def stop(self, *, killed: bool) -> None:
        """End; when `killed`, what was not saved since some moment is forgotten."""
        self.up = False
        for client in self.clients.values():
            if client.connection is not None:
                client.connection.cut()
        if killed:
            ago_us = int(self.network.chance.random() * SAVED_EVERY_S * US)
            self._forget_since(max(self._saved_us, self.network.schedule.now_us - ago_us))

    def _forget_since(self, saved_us: int) -> None:
        for topic, kept in list(self.retained.items()):
            found: Retained | None = kept
            while found is not None and found.since_us > saved_us:
                found = found.before
            if found is None:
                del self.retained[topic]
            else:
                self.retained[topic] = found
        for name, client in list(self.clients.items()):
            if client.since_us > saved_us:
                del self.clients[name]  # never heard of it
            else:
                client.session.forget_since(saved_us)
        self._routes.clear()

    def saved(self) -> None:
        """Time enough has passed, with nothing under way, for all to be written down."""
        self._saved_us = self.network.schedule.now_us
        for client in self.clients.values():
            client.session.saved()

    def start(self) -> None:
        self.up = True
        for do in self.on_start:
            do()


def matches(wanted: str, topic: str) -> bool:
    """Whether the filter `wanted` covers `topic`."""
    for one, other in zip(wanted.split("/"), topic.split("/"), strict=False):
        if one == "#":
            return True
        if one not in ("+", other):
            return False
    return wanted.count("/") == topic.count("/")
