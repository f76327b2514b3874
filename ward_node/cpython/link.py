"""The node's connection to the ward broker: MQTT 5, kept up for ever."""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ward_node.contract import topics
from ward_node.cpython.enrolment import trust

log = logging.getLogger("wardline.node")

KEEPALIVE_S = 10
# Also what a connection costs that breaks off before the broker has answered it: aiomqtt does not
# see that.
ANSWER_TIMEOUT_S = 3.0
RECONNECT_FIRST_S = 0.2
RECONNECT_MOST_S = 2.0
# Commands and receipts wait so long in the broker for a node that is away.
SESSION_EXPIRY_S = 24 * 3600
MOST_IN_FLIGHT = 100
REFUSED_FROM = 128  # reason codes of MQTT 5 from here on are failures
TCP_NODELAY = (6, 1, 1)  # small packets go at once

NOT_AUTHORIZED = (0x86, 0x87)
REMEDY = (
    "Look in the console under Enrolment whether this box was revoked or its certificate has ended;"
    " if so, make a claim for its place and enrol it again"
)


def _maybe_refused(trouble: str) -> bool:
    """Whether a connection may have failed by the certificate. In TLS 1.3 a broker refuses one when
    the client believes to be through already; aiomqtt sees an answer that does not come."""
    return any(word in trouble for word in ("timed out", "SSL", "certificate"))


class CertificateUnusableError(Exception):
    """The files of the certificate are not there or not usable; says which and what to do."""

    error_id = "certificate-unusable"


class Client(aiomqtt.Client):
    """One that says when the broker refuses a message. aiomqtt lets the answer to a publish pass
    unseen, and in the callback of paho-mqtt alone it is to be had."""

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any
    ) -> None:
        if reason_code.value >= REFUSED_FROM:
            log.error(
                "the broker refuses what this box says (%s): its name, its ward and its rights at"
                " the broker do not fit. %s", reason_code, REMEDY,
            )  # fmt: skip
        super()._on_publish(client, userdata, mid, reason_code, properties)


class Link:
    """Connects as `ward`/`node`; one of role "station" hears the other boxes of its ward, too.
    `will`: the state message that the broker publishes when this node vanishes. The three
    callbacks run in the event loop."""

    def __init__(
        self,
        broker: dict[str, Any],
        ward: str,
        node: str,
        will: dict[str, Any],
        role: str,
        *,
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        on_message: Callable[[str, str, str, bytes], None],
    ) -> None:
        self._broker = broker
        self._ward = ward
        self._node = node
        self._will = will
        self._role = role
        self._on_up = on_up
        self._on_down = on_down
        self._on_message = on_message
        self._client: aiomqtt.Client | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        wait_s = RECONNECT_FIRST_S
        while True:
            try:
                async with self._connect() as client:
                    await self._subscribe(client)
                    wait_s = RECONNECT_FIRST_S
                    self._client = client
                    log.info("connected to the broker %(host)s:%(port)s", self._broker)
                    self._on_up()
                    async for message in client.messages:
                        self._take(str(message.topic), bytes(message.payload))
            except CertificateUnusableError as error:
                log.error("%s", error)
            except aiomqtt.MqttError as error:
                if getattr(getattr(error, "rc", None), "value", None) in NOT_AUTHORIZED:
                    log.error("the broker does not let this box in (Not authorized). %s", REMEDY)
                elif self._broker.get("tls") is not None and _maybe_refused(str(error)):
                    log.warning("it may be that the broker refuses the certificate. %s", REMEDY)
                log.warning(
                    "broker %s:%s does not answer (%s): events wait here; tried again in %.1f s",
                    self._broker["host"],
                    self._broker["port"],
                    error,
                    wait_s,
                )
            finally:
                if self._client is not None:
                    self._client = None
                    self._on_down()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RECONNECT_MOST_S)

    def publish(self, kind: str, message: dict[str, Any]) -> "asyncio.Task[None] | None":
        """Send a message of this node; in the order of the calls. None while the broker is
        away: what must arrive is kept by the outbox, the rest is worthless late."""
        if self._client is None:
            return None
        task = asyncio.create_task(self._publish(self._client, kind, message))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return task

    async def _publish(self, client: aiomqtt.Client, kind: str, message: dict[str, Any]) -> None:
        payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        properties = None
        if kind in topics.EXPIRY_S:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = topics.EXPIRY_S[kind]
        try:
            await client.publish(
                topics.topic(self._ward, self._node, kind),
                payload,
                qos=topics.qos(kind),
                retain=topics.retained(kind),
                properties=properties,
            )
        except aiomqtt.MqttError as error:
            log.warning("%s not sent: %s", kind, error)

    def _connect(self) -> aiomqtt.Client:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        return Client(
            self._broker["host"],
            self._broker["port"],
            username=self._broker.get("username"),
            password=self._broker.get("password"),
            tls_context=self._tls(),
            identifier=self._node,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=properties,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_TIMEOUT_S,
            will=aiomqtt.Will(
                topics.topic(self._ward, self._node, topics.STATE),
                json.dumps(self._will),
                qos=topics.qos(topics.STATE),
                retain=True,
            ),
            max_inflight_messages=MOST_IN_FLIGHT,
            socket_options=[TCP_NODELAY],
        )

    def _tls(self) -> ssl.SSLContext | None:
        """Read anew for each connection: certificates are renewed, and clocks are set."""
        files = self._broker.get("tls")
        if files is None:
            return None
        try:
            return trust.of_files(files, time.time_ns() // 1_000_000)
        except (OSError, ValueError) as error:
            raise CertificateUnusableError(
                f"the certificate of this box cannot be used: {error}. {REMEDY}"
            ) from error

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        own = [(self._node, kind) for kind in (topics.CONFIG, topics.COMMAND, topics.RECEIPT)]
        wanted = [*own, *((topics.ALL, kind) for kind in topics.TO_ALL)]
        filters = [
            (topics.topic(self._ward, node, kind), topics.qos(kind)) for node, kind in wanted
        ]
        if self._role == "station":
            heard = topics.HEARD_BY_STATION
            filters += [(topics.of_ward(self._ward, kind), topics.qos(kind)) for kind in heard]
        answers = await client.subscribe(filters)
        for (name, _), answer in zip(filters, answers, strict=True):
            code: Any = getattr(answer, "value", answer)
            if code >= REFUSED_FROM:
                log.error("the broker refuses this box to hear %s: check its rights", name)

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            ward, node, kind = topics.parse(topic)
        except ValueError as error:
            log.warning("a message was left out: %s", error)
            return
        self._on_message(kind, ward, node, payload)

    async def goodbye(self, message: dict[str, Any]) -> None:
        """Say that the node ends on purpose, and wait until the broker has it."""
        task = self.publish(topics.STATE, message)
        if task is not None:
            await asyncio.wait({task}, timeout=ANSWER_TIMEOUT_S)
