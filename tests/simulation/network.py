"""Simulated lines: each keeps the order of what it carries, stands still for a while or breaks.

What is under way when a connection breaks is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulation.loop import Schedule

FAST_MS = (1, 30)
SLOW_MS = (100, 3_000)
SLOW_SHARE = 0.01
# A broker forgets a silent client after one and a half keep-alives; a client pings in time.
BROKER_NOTICES_S = 15.0
CLIENT_NOTICES_S = (10.0, 20.0)


@dataclass(slots=True)
class Message:
    topic: str
    payload: bytes
    qos: int
    retain: bool = False
    expires_us: int | None = None
    queued_us: int = 0
    acked_us: int | None = None


Receive = Callable[[Message], None]


class Network:
    """What all lines share: time, chance, and the switch that makes them quick for a while."""

    def __init__(self, schedule: Schedule, chance: Random) -> None:
        self.schedule = schedule
        self.chance = chance
        self.carried = 0

    def delay_us(self) -> int:
        low, high = SLOW_MS if self.chance.random() < SLOW_SHARE else FAST_MS
        return int((low + self.chance.random() * (high - low)) * 1000)


class Line:
    """The way between two places, which a fault may block: nothing is lost yet, nothing moves."""

    def __init__(self) -> None:
        self.blocked_us: int | None = None
        self.connection: Connection | None = None

    @property
    def blocked(self) -> bool:
        return self.blocked_us is not None


class Connection:
    """One TCP connection over a line. `broken` is told to each end when that end notices."""

    def __init__(
        self, network: Network, line: Line, on_client_broken: Callable[[], None],
        on_broker_broken: Callable[[], None],
    ) -> None:  # fmt: skip
        self.network = network
        self.line = line
        self.client_open = self.broker_open = True
        self._broken = (on_client_broken, on_broker_broken)
        self._held: list[tuple[bool, Message, Receive]] = []
        self._last_us = [0, 0]
        line.connection = self

    def send(self, up: bool, message: Message, receive: Receive) -> None:
        """Carry `message` to the other end; `up` is towards the broker."""
        if self.line.blocked:
            self._held.append((up, message, receive))
            return
        when_us = self.network.schedule.now_us + self.network.delay_us()
        # Never before what was sent earlier.
        self._last_us[up] = when_us = max(when_us, self._last_us[up] + 1)
        self.network.schedule.at(when_us, self._arrive, up, message, receive)

    def _arrive(self, up: bool, message: Message, receive: Receive) -> None:
        if self.line.blocked:
            self._held.append((up, message, receive))
        elif self.broker_open if up else self.client_open:
            self.network.carried += 1
            receive(message)

    def unblock(self) -> None:
        held, self._held = self._held, []
        for each in held:
            self.send(*each)

    def break_client(self) -> None:
        if self.client_open:
            self.client_open = False
            self._broken[0]()

    def break_broker(self) -> None:
        if self.broker_open:
            self.broker_open = False
            self._broken[1]()

    def cut(self) -> None:
        """Both ends learn at once that it is over."""
        self.break_broker()
        self.break_client()


def block(network: Network, line: Line) -> None:
    """Nothing moves on the line any more; each end notices in its own time."""
    line.blocked_us = network.schedule.now_us
    connection = line.connection
    if connection is None:
        return

    def notice(end: Callable[[], None], since_us: int) -> None:
        if line.connection is connection and line.blocked_us == since_us:
            end()

    low, high = CLIENT_NOTICES_S
    client_s = low + network.chance.random() * (high - low)
    since_us = line.blocked_us
    network.schedule.after(BROKER_NOTICES_S, notice, connection.break_broker, since_us)
    network.schedule.after(client_s, notice, connection.break_client, since_us)


def unblock(line: Line) -> None:
    """All moves again. An end that still believes in a connection the other has given up learns
    of it by its next packet."""
    line.blocked_us = None
    connection = line.connection
    if connection is None:
        return
    if connection.client_open and connection.broker_open:
        connection.unblock()
    else:
        connection.cut()
