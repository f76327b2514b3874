"""A simulated box: the node's core with a line, a disk, a loudspeaker and hands at its beds."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.brokers import Broker
from tests.simulation.disk import Disk, PowerCutError
from tests.simulation.network import Connection, Line, Message
from ward_node.contract import kinds, topics
from ward_node.core import effects
from ward_node.core.node import Identity, Node
from ward_node.core.outbox import Outbox

BUSY_TICK_S = 0.5
QUIET_TICK_S = 2.0
RECONNECT_S = (0.2, 2.0)
TEST_PRESS_S = 0.2
SPEECH_BEGINS_S = 0.2
SPEECH_S = 1.5
CHARACTER_S = 0.05
WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
Watch = Callable[..., None]


class Box:
    """`watch(box, what, ...)` is told of everything that somebody may see, hear or rely on."""

    def __init__(
        self, ward: str, name: str, role: str, beds: tuple[str, ...], broker: Broker,
        chance: Random, drip_ms: Callable[[], int], watch: Watch,
    ) -> None:  # fmt: skip
        self.me = Identity(ward, name, role, beds, "simulated")
        self.broker, self.line = broker, Line()
        self.disk = Disk(chance)
        self.node: Node | None = None
        self.voice_fails = False
        self.power_cuts = 0
        self._schedule = broker.network.schedule
        self._chance = chance
        self._drip_ms = drip_ms
        self._watch = watch
        self._life = 0  # which run of the box; what was planned in an earlier one is void
        self._playing = 0
        self._connection: Connection | None = None
        self._retry_s = RECONNECT_S[0]

    # --- power ---

    def power_on(self) -> None:
        if self.node is not None:
            return
        self._life += 1
        now_ms, drip_ms = self._schedule.now_ms, self._drip_ms()
        epoch = f"{self.me.node}-{self._life}"
        try:
            boot = self.disk.next_boot()
            outbox = Outbox(self.me.ward, self.me.node, boot, self.disk, epoch, now_ms)
            self.node = Node(self.me, outbox, self.disk.remembered(), epoch, now_ms, drip_ms)
        except PowerCutError:
            self.power_off()
            return
        self._watch(self, "on")
        self._connect(self._life)
        self._tick(self._life)

    def power_off(self) -> None:
        """The power goes, without a word."""
        self._life += 1
        self.power_cuts += 1
        self._watch(self, "off")
        self.node = None
        self.disk.lose_power()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.client_open = False
            self._schedule.after(self._chance.choice((0.0, 15.0)), connection.break_broker)

    # --- hands, time, messages ---

    def happens(self, bed: str | None, kind: str, about: dict[str, Any] | None = None) -> None:
        """Somebody presses, pulls, comes or goes."""
        if self.node is not None and self._feed(self.node.handle_input, bed, kind, about or {}):
            self._watch(self, "input", bed, kind)

    def _tick(self, life: int) -> None:
        if life != self._life or self.node is None:
            return
        node = self.node
        self._feed(node.tick, after=(20, []))
        busy = len(node.outbox) or node.voice.playing is not None or node.alone
        self._schedule.after(BUSY_TICK_S if busy else QUIET_TICK_S, self._tick, life)

    def _feed(self, method: Any, *given: Any, after: tuple[Any, ...] = ()) -> bool:
        """False when the power was cut in the middle of it."""
        try:
            wanted = method(*given, self._schedule.now_ms, self._drip_ms(), *after)
            for effect in wanted:
                self._carry_out(effect)
        except PowerCutError:
            self.power_off()
            return False
        return True

    def _carry_out(self, effect: Any) -> None:
        kind = type(effect)
        if kind is effects.Publish:
            self._publish(effect.kind, effect.message)
        elif kind is effects.Speak:
            self._speak(effect)
        elif kind is effects.Silence:
            self._playing += 1
        elif kind is effects.Remember:
            try:
                self.disk.keep(effect.name, effect.value)
            except OSError:
                pass  # as the port does: logged, and the ward goes on
        elif kind is effects.Selftest and self.node is not None:
            self._schedule.after(1.0, self._selftest_done, self._life, effect.command)
        elif kind is effects.Prove:
            self._schedule.after(TEST_PRESS_S, self._test_pressed, self._life, effect.bed)

    def _test_pressed(self, life: int, bed: str) -> None:
        if life == self._life and self.node is not None:
            self._feed(self.node.handle_input, bed, kinds.TEST_PRESS, {})

    def _selftest_done(self, life: int, command: str) -> None:
        if life == self._life and self.node is not None:
            self._feed(self.node.selftest_done, command, None)

    # --- the loudspeaker ---

    def _speak(self, effect: Any) -> None:
        self._playing += 1
        self._watch(self, "speaks", effect.utterance)
        length_s = SPEECH_S + CHARACTER_S * len(effect.words["text"] if effect.words else "")
        playing = (self._life, self._playing, effect.utterance)
        if self.voice_fails:
            self._schedule.after(SPEECH_BEGINS_S, self._spoken, *playing, "broken")
        else:
            self._schedule.after(SPEECH_BEGINS_S, self._sounds, *playing)
            self._schedule.after(SPEECH_BEGINS_S + length_s, self._spoken, *playing, None)

    def _sounds(self, life: int, playing: int, utterance: str) -> None:
        if (life, playing) == (self._life, self._playing) and self.node is not None:
            self._feed(self.node.speech_begun, utterance)

    def _spoken(self, life: int, playing: int, utterance: str, failure: str | None) -> None:
        if (life, playing) == (self._life, self._playing) and self.node is not None:
            self._feed(self.node.speech_done, utterance, failure)

    # --- the broker ---

    @property
    def connected(self) -> bool:
        return self._connection is not None

    def _filters(self) -> tuple[str, ...]:
        ward, node = self.me.ward, self.me.node
        own = [topics.topic(ward, node, each)
               for each in (topics.CONFIG, topics.COMMAND, topics.RECEIPT)]  # fmt: skip
        if self.me.role == "station":
            own += [topics.of_ward(ward, each) for each in topics.HEARD_BY_STATION]
        return (*own, topics.topic(ward, topics.ALL, topics.CLOCK))

    def _connect(self, life: int) -> None:
        if life != self._life or self.node is None or self._connection is not None:
            return
        node = self.node
        will = self._message(topics.STATE, node.end(kinds.LOST))
        connection = self.broker.join(
            self.me.node, self._filters(), self.line, lambda each: self._take(life, each),
            lambda: self._broken(life), will,
        )  # fmt: skip
        if connection is None:
            self._schedule.after(self._retry_s, self._connect, life)
            self._retry_s = min(2 * self._retry_s, RECONNECT_S[1])
            return
        self._connection, self._retry_s = connection, RECONNECT_S[0]
        self._feed(node.connected)

    def _broken(self, life: int) -> None:
        if life == self._life and self.node is not None:
            self._connection = None
            if self._feed(self.node.disconnected):
                self._schedule.after(self._retry_s, self._connect, life)

    def _message(self, kind: str, message: dict[str, Any]) -> Message:
        payload = WRITER.encode(message).encode()
        topic = topics.topic(self.me.ward, self.me.node, kind)
        seconds = topics.EXPIRY_S.get(kind)
        now_us = self._schedule.now_us
        expires_us = now_us + seconds * 1_000_000 if seconds else None
        return Message(topic, payload, topics.qos(kind), topics.retained(kind), expires_us, now_us)

    def _publish(self, kind: str, message: dict[str, Any]) -> None:
        if kind == topics.ACK:
            self._watch(self, "answers", message["id"], message["result"])
        connection = self._connection
        if connection is not None:
            connection.send(
                True, self._message(kind, message),
                lambda each: self.broker.publish(each, self.me.node),
            )  # fmt: skip

    def _take(self, life: int, message: Message) -> None:
        if life != self._life or self.node is None:
            return
        ward, name, kind = topics.parse(message.topic)
        if kind == topics.COMMAND:
            self._watch(self, "told", message)
        self._feed(self.node.handle_message, kind, message.payload, ward, name)
