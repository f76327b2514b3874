"""The node's connection to the ward broker: MQTT 5, kept up for ever."""

import asyncio
import json

from ward_node.compat import Any
from ward_node.contract import topics
from ward_node.micropython import mqtt, shim

KEEPALIVE_S = 10
PING_EVERY_MS = 2_500
# The broker answers each ping, so silence of this length means that it is gone.
SILENCE_MS = 8_000
ANSWER_TIMEOUT_MS = 5_000
RECONNECT_FIRST_MS = 200
RECONNECT_MOST_MS = 2_000
# Commands and receipts wait so long in the broker for a node that is away.
SESSION_EXPIRY_S = 24 * 3600
MOST_BYTES = 32 * 1024  # of one packet: it must find room in a board's memory
# Beyond this the broker is too slow for what is said; the outbox says it again later.
MOST_WAITING = 200
IN_FLIGHT_UNTOLD = 65_535  # the broker's receive maximum where it names none
NEXT_NUMBER = 65_535


class Link:
    """Connects as `ward`/`node`. `will`: the state message that the broker publishes when this
    node vanishes. The three callbacks run in the event loop."""

    def __init__(
        self, broker: "dict[str, Any]", ward: str, node: str, will: "dict[str, Any]", *,
        on_up: Any, on_down: Any, on_message: Any,
    ) -> None:  # fmt: skip
        self._broker = broker
        self._ward = ward
        self._node = node
        self._will = will
        self._on_up = on_up
        self._on_down = on_down
        self._on_message = on_message
        self._up = False
        self._number = 0
        self._forget()

    def _forget(self) -> None:
        """Nothing of an earlier connection is under way."""
        self._waiting: list[tuple[str, bytes]] = []  # kind, payload
        self._answers: list[bytes] = []
        self._in_flight: set[int] = set()
        self._most_in_flight = IN_FLIGHT_UNTOLD
        self._stir = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        wait_ms = RECONNECT_FIRST_MS
        while True:
            try:
                await self._connection()
            except (OSError, EOFError, mqtt.MalformedPacketError) as error:
                why = str(error) or type(error).__name__
                shim.note("broker lost or away (" + why + "): events wait here")
            if self._up:
                self._up = False
                wait_ms = RECONNECT_FIRST_MS
                self._on_down()
            await shim.sleep_ms(wait_ms)
            wait_ms = min(wait_ms * 2, RECONNECT_MOST_MS)

    def publish(self, kind: str, message: "dict[str, Any]") -> None:
        """Send a message of this node, in the order of the calls. Without a broker it is left
        out: what must arrive is kept by the outbox, the rest is worthless late."""
        if not self._up or len(self._waiting) >= MOST_WAITING:
            return
        self._waiting.append((kind, json.dumps(message).encode()))
        self._stir.set()

    async def goodbye(self, message: "dict[str, Any]") -> None:
        """Say that the node ends on purpose, and wait until the broker has it."""
        self.publish(topics.STATE, message)
        for _ in range(ANSWER_TIMEOUT_MS // 20):
            if not self._up or not (self._waiting or self._in_flight):
                return
            await shim.sleep_ms(20)

    async def _connection(self) -> None:
        """One connection, to its end."""
        opening = shim.connect(self._broker["host"], self._broker["port"])
        reader, writer = await shim.within_ms(opening, ANSWER_TIMEOUT_MS)
        sender = None
        try:
            self._forget()
            early = await shim.within_ms(self._introduce(reader, writer), ANSWER_TIMEOUT_MS)
            sender = asyncio.create_task(self._send(writer))
            self._up = True
            shim.note("connected to the broker")
            self._on_up()
            for head, body in early:
                self._take(head, body)
            while True:
                head, body = await shim.within_ms(mqtt.read(reader, MOST_BYTES), SILENCE_MS)
                self._take(head, body)
        finally:
            if sender is not None:
                sender.cancel()
            await shim.close(writer)

    async def _introduce(self, reader: Any, writer: Any) -> "list[tuple[int, bytes]]":
        """Connect and subscribe. Returns the packets that waited in the session and came first.
        Raises OSError when the broker refuses this node."""
        will = (topics.topic(self._ward, self._node, topics.STATE), json.dumps(self._will).encode())
        hello = mqtt.connect(
            self._node, KEEPALIVE_S, SESSION_EXPIRY_S, MOST_BYTES, will,
            self._broker.get("username"), self._broker.get("password"),
        )  # fmt: skip
        await _write(writer, hello)
        head, body = await mqtt.read(reader, MOST_BYTES)
        if head >> 4 != mqtt.CONNACK:
            raise mqtt.MalformedPacketError("no CONNACK")
        reason, told = mqtt.parse_connack(body)
        if reason >= mqtt.REFUSED_FROM:
            raise OSError("the broker refuses this node, reason code " + str(reason))
        self._most_in_flight = told.get(mqtt.RECEIVE_MAXIMUM, IN_FLIGHT_UNTOLD)
        own = [(self._node, kind) for kind in (topics.CONFIG, topics.COMMAND, topics.RECEIPT)]
        filters = [
            (topics.topic(self._ward, node, kind), topics.qos(kind))
            for node, kind in own + [(topics.ALL, each) for each in topics.TO_ALL]
        ]
        await _write(writer, mqtt.subscribe(self._next(), filters))
        early = []
        head, body = await mqtt.read(reader, MOST_BYTES)
        while head >> 4 != mqtt.SUBACK:
            early.append((head, body))
            head, body = await mqtt.read(reader, MOST_BYTES)
        for code, (name, _) in zip(mqtt.parse_suback(body)[1], filters):  # noqa: B905
            if code >= mqtt.REFUSED_FROM:
                shim.note("the broker refuses this box to hear " + name + ": check its rights")
        return early

    async def _send(self, writer: Any) -> None:
        """Send what waits, and pings: only they are answered when nothing else is. A failure
        shows in the silence that follows."""
        clock = shim.SteadyClock()
        ping_ms = clock() + PING_EVERY_MS
        try:
            while True:
                left_ms = ping_ms - clock()
                if left_ms <= 0:
                    ping_ms = clock() + PING_EVERY_MS
                    await _write(writer, mqtt.PINGREQ)
                    continue
                packet = self._packet()
                if packet is not None:
                    await _write(writer, packet)
                    continue
                self._stir.clear()
                try:
                    await shim.within_ms(self._stir.wait(), left_ms)
                except shim.NoAnswerError:
                    pass
        except OSError as error:
            shim.note("sending failed: " + str(error))

    def _packet(self) -> "bytes | None":
        """The next packet that may go."""
        if self._answers:
            return self._answers.pop(0)
        if not self._waiting:
            return None
        kind, payload = self._waiting[0]
        number = None
        if topics.qos(kind):
            if len(self._in_flight) >= self._most_in_flight:
                return None
            number = self._next()
            self._in_flight.add(number)
        self._waiting.pop(0)
        name = topics.topic(self._ward, self._node, kind)
        expiry_s = topics.EXPIRY_S.get(kind)
        return mqtt.publish(name, payload, topics.retained(kind), number, expiry_s)

    def _take(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == mqtt.PUBLISH:
            name, payload, number = mqtt.parse_publish(head, body)
            if number is not None:
                self._answers.append(mqtt.puback(number))
                self._stir.set()
            self._hear(name, payload)
        elif kind == mqtt.PUBACK:
            number, reason = mqtt.parse_ack(body)
            self._in_flight.discard(number)
            self._stir.set()
            if reason >= mqtt.REFUSED_FROM:
                shim.note("the broker refused a message, reason code " + str(reason))
        elif kind == mqtt.DISCONNECT:
            raise OSError("the broker ended the connection")

    def _hear(self, name: str, payload: bytes) -> None:
        try:
            ward, node, kind = topics.parse(name)
        except ValueError as error:
            shim.note("a message was left out: " + str(error))
            return
        self._on_message(kind, ward, node, payload)

    def _next(self) -> int:
        while True:
            self._number = self._number % NEXT_NUMBER + 1
            if self._number not in self._in_flight:
                return self._number


async def _write(writer: Any, packet: bytes) -> None:
    writer.write(packet)
    await writer.drain()
