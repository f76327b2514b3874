"""The bridge of a ward's broker to the hospital's."""

from gateway.mqtt import topics
from tests.simulation.brokers import Broker, Client, Session, matches
from tests.simulation.network import Connection, Line, Message


class Upstream:
    """Events up, commands down, each kind one way only. Both ends keep what the other has not
    acknowledged."""

    RETRY_S = 1.0

    def __init__(self, ward: str, inner: Broker, outer: Broker, line: Line) -> None:
        self.inner, self._outer, self.line = inner, outer, line
        self._name = f"ward-{ward}"
        out = tuple(topics.of_ward(ward, kind) for kind in topics.FROM_NODE)
        self._down = tuple(topics.of_ward(ward, kind) for kind in topics.TO_NODE)
        # The ward's side is a client of its broker that is always there and sends on.
        self._local = Client(self._name, out, Session(inner.network, keeps=True), is_bridge=True)
        inner.clients[self._name] = self._local
        inner.on_start.append(self.connect)
        self.connected: Connection | None = None
        self._trying = False

    def connect(self) -> None:
        """Connect now, or try until it works."""
        self._trying = False
        if self.connected is not None or not self.inner.up:
            return
        connection = self._outer.join(
            self._name, self._down, self.line, self._from_above, self._broken, is_bridge=True
        )
        if connection is None:
            self._again()
            return
        self.connected = connection
        self.inner.clients.setdefault(self._name, self._local)
        self._local.session.attach(connection, True, self._to_above)
        for topic in sorted(self.inner.retained):
            if any(matches(each, topic) for each in self._local.filters):
                self._local.session.offer(self.inner.retained[topic].message)

    def _again(self) -> None:
        if not self._trying:
            self._trying = True
            self.inner.network.schedule.after(self.RETRY_S, self.connect)

    def _broken(self) -> None:
        self.connected = None
        self._local.session.detach()
        self._again()

    def stop(self) -> None:
        """The ward's broker ends, and this with it."""
        if self.connected is not None:
            self.connected.cut()

    @property
    def waiting(self) -> int:
        return self._local.session.waiting

    def _to_above(self, message: Message) -> None:
        self._outer.publish(message, self._name)

    def _from_above(self, message: Message) -> None:
        self.inner.publish(message, self._name)
