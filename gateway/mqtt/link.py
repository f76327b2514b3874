"""Central's connection to the hospital broker: MQTT 5, kept up for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, cast

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.mqtt.tls import context

log = logging.getLogger("wardline.bridge")

RECONNECT_S = 0.5
KEEPALIVE_S = 10
# Also what a connection costs that breaks off before the broker has answered it: aiomqtt does not
# see that.
ANSWER_TIMEOUT_S = 3.0
MOST_IN_FLIGHT = 1000
MOST_HANDLED_AT_ONCE = 500
TCP_NODELAY = (6, 1, 1)  # IPPROTO_TCP: small packets go at once


class LinkDownError(Exception):
    """The broker is away, or went away before it had the message."""

    error_id = "link-down"


class Inbox(asyncio.Queue[Any]):
    """Gives the messages that wait as one list. One by one each takes some turns of the event loop,
    and in each turn of a flood aiomqtt reads as many as there are answers outstanding: the line of
    those read and not handled grew and grew."""

    def _init(self, maxsize: int) -> None:
        self._queue: list[aiomqtt.Message] = []

    def _put(self, item: aiomqtt.Message) -> None:
        self._queue.append(item)

    def _get(self) -> list[aiomqtt.Message]:
        given = self._queue[:MOST_HANDLED_AT_ONCE]
        self._queue = self._queue[MOST_HANDLED_AT_ONCE:]
        return given


class Link(Protocol):
    """A connection to a broker. QoS 1 both ways: a message may come twice, none is lost while
    both ends live."""

    async def run(
        self, on_up: Callable[[], Awaitable[None]], on_message: Callable[[str, bytes], None]
    ) -> None:
        """Stay connected until cancelled. `on_up` is awaited after each connection, before the
        first message; `on_message` is given (topic, payload) and must not block."""
        ...

    @property
    def is_up(self) -> bool: ...

    async def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, ttl_ms: int | None = None
    ) -> None:
        """Returns when the broker has it. After `ttl_ms` the broker no longer delivers it.
        Raises LinkDownError."""
        ...


class BrokerLink:
    """`broker`: {"host", "port"} and, where asked for, {"username", "password"} or {"tls"}.
    `topics` are the filters to listen to; what this client publishes itself does not come back."""

    def __init__(self, broker: dict[str, Any], identifier: str, topics: Sequence[str]) -> None:
        self._broker = broker
        self._identifier = identifier
        self._topics = topics
        self._client: aiomqtt.Client | None = None

    @property
    def is_up(self) -> bool:
        return self._client is not None

    async def run(
        self, on_up: Callable[[], Awaitable[None]], on_message: Callable[[str, bytes], None]
    ) -> None:
        while True:
            try:
                async with self._connect() as client:
                    options = SubscribeOptions(qos=1, noLocal=True)
                    for each in self._topics:
                        await client.subscribe(each, options=options)
                    self._client = client
                    log.info("connected to the hospital broker %(host)s:%(port)s", self._broker)
                    await on_up()
                    async for waiting in client.messages:
                        for message in cast("list[aiomqtt.Message]", waiting):
                            on_message(str(message.topic), bytes(message.payload))
            except (
                aiomqtt.MqttError,
                LinkDownError,
                OSError,
            ) as error:  # or the certificate's files
                log.error(
                    "hospital broker %s:%s is not answering (%s); presses wait in the nodes",
                    self._broker["host"],
                    self._broker["port"],
                    error,
                )
            finally:
                self._client = None
            await asyncio.sleep(RECONNECT_S)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, ttl_ms: int | None = None
    ) -> None:
        if self._client is None:
            raise LinkDownError("the hospital broker is away")
        properties = None
        if ttl_ms is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = max(1, ttl_ms // 1000)
        try:
            await self._client.publish(
                topic, payload, qos=qos, retain=retain, properties=properties
            )
        except aiomqtt.MqttError as error:
            raise LinkDownError(str(error)) from error

    def _connect(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._broker["host"],
            self._broker["port"],
            username=self._broker.get("username"),
            password=self._broker.get("password"),
            tls_context=context(self._broker),
            identifier=self._identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            # Nothing waits in the broker for a central that is down: copies of what happened then
            # would say that it happens now, in the order of their sending. The boxes keep it, and
            # say it again with its age and whether it is over; states and pictures are retained.
            clean_start=True,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_TIMEOUT_S,
            max_inflight_messages=MOST_IN_FLIGHT,
            max_concurrent_outgoing_calls=MOST_IN_FLIGHT,
            queue_type=Inbox,
            socket_options=[TCP_NODELAY],
        )
