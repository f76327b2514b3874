"""The bridge's tasks: messages in, receipts and commands out, timers, watch, clock beacon.

The way of a press: `_on_message` → `_intake_loop` → `intake.store_events` in the store's writer
→ receipt to the node → `_rules_loop` → `intake.act` → nudge to the boards → `Outgoing.flush`.
"""

import asyncio
import contextlib
import json
import logging
import sqlite3
import time
from typing import Any

from central import commands, housekeeping, timers
from central.audit import model as audit
from central.box_logs import service as box_logs
from central.bridge import intake, refusals
from central.bridge.configuring import Configuring
from central.bridge.outgoing import Outgoing
from central.bridge.receipts import Receipts
from central.bridge.supervision import Watch
from central.bridge.together import together
from central.capabilities import Rules
from central.config import CLOCK_SKEW_LIMIT_S
from central.store import HOSPITAL, Store, StoreUnavailableError, Tx
from central.telephone.running import NoTelephone, Telephone
from central.wards import model as wards
from central.wards import service as fleet
from central.wards.register import Register
from central.wards.skew import Skews
from gateway.mqtt import topics
from gateway.mqtt.checked import RejectedMessageError, decode, encode
from gateway.mqtt.link import Link, LinkDownError

log = logging.getLogger("wardline.bridge")

CLOCK_EVERY_S = 2.0
COMMANDS_EVERY_S = 1.0
STORE_RETRY_S = 0.5
# Events of one commit. Those that wait hold up nobody: they share the next one.
STORE_AT_ONCE = 500
# Events the rules act on in one commit, so that those who come meanwhile are stored soon.
ACT_AT_ONCE = 64
# In a flood storing goes first. So long at most it keeps waiting: receipts, rules, commands.
RECEIPTS_WAIT_MS = 250
RECEIPTS_FIRST_S = 0.05
RULES_WAIT_S = 1.0
COMMANDS_WAIT_S = 1.0
ACT_AFTER_WAIT = 500
# Words that no call waits for are made when no event has come for a while, in a flood slowly.
CALM_S = 1.0
CALM_WAIT_S = 5.0
# What central listens to at the hospital broker.
HEARD = tuple(topics.every(kind) for kind in (*topics.FROM_NODE, topics.CHANGED))


class Bridge:
    """Runs between one link to the broker and one store until cancelled."""

    def __init__(
        self, store: Store, rules: Rules, speech: Any, link: Link, offset_min: int,
        skew_limit_ms: int = CLOCK_SKEW_LIMIT_S * 1000,
        telephone: Telephone | NoTelephone | None = None,
    ) -> None:  # fmt: skip
        self.store = store
        self.clock = store.clock
        self.rules = rules
        self._link = link
        self._telephone = telephone
        self._offset_min = offset_min
        self._session = str(self.clock.real_ms())
        self._outgoing = Outgoing(store, speech, self.publish)
        self._configuring = Configuring(store, speech, self.publish, self._calm)
        self._arrived: list[tuple[dict[str, Any], int]] = []  # events, each with its arrival_ms
        self._wake_intake = asyncio.Event()
        self._all_stored = asyncio.Event()
        self._all_stored.set()
        self._event_ms = 0  # steady ms at the last event
        self._receipts = Receipts(self.clock, self.publish)
        self._told_states: dict[str, dict[str, Any]] = {}  # by box, while not stored yet
        self._wake_rules = asyncio.Event()
        self._wake_commands = asyncio.Event()
        self._wake_timers = asyncio.Event()
        self._tidy_at_ms = self.clock.steady_ms()
        self._trouble: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._register = Register()
        self._register.refresh(store.read())
        self._watch = Watch()
        self._skews = Skews(skew_limit_ms)
        for row in wards.nodes(store.read()):
            self._watch.know(row["id"], row["ward"], row["session"], self.clock.steady_ms())

    async def run(self) -> None:
        loop = asyncio.get_running_loop()

        def nudge(changes: set[tuple[str, str]]) -> None:
            loop.call_soon_threadsafe(self._nudge, changes)

        self.store.on_commit = nudge
        telephone = [] if self._telephone is None else [self._telephone.run(self.publish)]
        try:
            await together(
                self._link.run(self._on_up, self._on_message),
                self._intake_loop(),
                self._rules_loop(),
                self._command_loop(),
                self._configuring.run(),
                self._timer_loop(),
                self._beat_loop(),
                *telephone,
            )
        finally:
            self.store.on_commit = lambda changes: None
            await self._outgoing.close()

    # --- the broker ---

    async def _on_up(self) -> None:
        self._spawn(self._configuring.send())
        await self._beacon()

    async def publish(
        self, ward: str, node: str, kind: str, message: dict[str, Any], ttl_ms: int | None = None
    ) -> None:
        """Publish a checked message. Raises LinkDownError when the broker is away."""
        await self._link.publish(
            topics.topic(ward, node, kind),
            encode(kind, message),
            qos=topics.qos(kind),
            retain=topics.retained(kind),
            ttl_ms=ttl_ms,
        )

    # --- messages in ---

    def _on_message(self, topic: str, payload: bytes) -> None:
        arrived_ms = self.clock.now_ms()
        if not payload:
            return  # a retained message was cleared
        try:
            ward, node, kind, message = decode(topic, payload)
            self._refuse_strangers(ward, node, kind, message)
        except RejectedMessageError as error:
            log.warning("message on %s refused: %s", topic, error)
            self._spawn(self._refuse(topic, payload, str(error)))
            return
        if kind == topics.EVENT:
            self._arrived.append((message, arrived_ms))
            self._event_ms = self.clock.steady_ms()
            self._all_stored.clear()
            self._wake_intake.set()
        elif kind == topics.HEARTBEAT:
            self._spawn(self._take_heartbeat(ward, node, message))
        elif kind == topics.STATE:
            self._spawn(self._take_state(ward, node, message))
        elif kind == topics.BEDS:
            self._spawn(self._write(lambda tx: fleet.beds_told(tx, ward, node, message)))
        elif kind == topics.ACK:
            self._spawn(self._write(lambda tx: intake.take_ack(tx, self.rules, node, message)))
        elif kind == topics.LOG:
            self._spawn(self._write(lambda tx: box_logs.take(tx, node, message)))
        elif kind == topics.CHANGED:
            self._look_again({(ward, what) for what in message["what"]})

    async def _refuse(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep it with the reason. An event is answered then, so that its box goes on; but not one
        from a box that stands in another ward: it rings there until somebody sees to that."""
        refused = refusals.read(topic, payload)

        def job(tx: Tx) -> bool:
            intake.quarantine(tx, topic, payload, reason)
            if refused is not None:
                refusals.tell(tx, topic, refused, reason)
            return True

        if await self._write(job) and refused is not None:
            ward, node, _kind = topics.parse(topic)
            if self._register.stranger(ward, node) is None:
                self._receipts.refuse(ward, node, refused.id)

    def _refuse_strangers(self, ward: str, node: str, kind: str, message: dict[str, Any]) -> None:
        """A ward's broker may publish for any name of its ward: a name of another ward's box
        would take that box's sequence numbers, so that its presses looked like repeats."""
        if kind not in topics.FROM_NODE:
            return
        reason = self._register.stranger(ward, node)
        if reason is None and kind == topics.EVENT:
            reason = self._register.not_its_bed(ward, node, message.get("bed"), message["type"])
        if reason is not None:
            raise RejectedMessageError(reason)

    def _read_register(self) -> None:
        try:
            self._register.refresh(self.store.read())
        except sqlite3.Error as error:
            self._store_failed(StoreUnavailableError(str(error)))

    async def _intake_loop(self) -> None:
        """Store what has arrived, all that waits in one commit, and receipt it."""
        while True:
            await self._wake_intake.wait()
            batch, self._arrived = self._arrived[:STORE_AT_ONCE], self._arrived[STORE_AT_ONCE:]
            if not batch:
                self._receipts.send()
                self._wake_intake.clear()
                self._all_stored.set()
                continue
            began = time.perf_counter()
            new = await self._write(lambda tx, batch=batch: intake.store_events(tx, batch))
            if new is None:
                continue  # not stored: no receipt, so the nodes keep them and send them again
            took_ms = (time.perf_counter() - began) * 1000
            for (message, _), is_new in zip(batch, new, strict=True):
                if isinstance(is_new, bool):
                    self._receipts.add(message)
                else:
                    topic = topics.topic(message["ward"], message["node"], topics.EVENT)
                    self._spawn(self._refuse(topic, json.dumps(message).encode(), is_new))
            if not self._arrived or self._receipts.waiting_ms >= RECEIPTS_WAIT_MS:
                self._receipts.send()
            self._wake_rules.set()
            _log_stored(batch, new, took_ms)

    async def _quiet(self, most_s: float) -> bool:
        """Wait until all that arrived is stored, `most_s` at most. Whether it is."""
        if self._all_stored.is_set():
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._all_stored.wait()
        return self._all_stored.is_set()

    async def _calm(self) -> None:
        """Wait until no event has come for CALM_S, CALM_WAIT_S at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALM_WAIT_S):
                while (  # noqa: ASYNC110 - the moment moves on with each event
                    left_s := CALM_S - (self.clock.steady_ms() - self._event_ms) / 1000
                ) > 0:
                    await asyncio.sleep(left_s)

    async def _rules_loop(self) -> None:
        """Let the rules act on what is stored, first on what an earlier run left."""
        while True:
            self._wake_rules.clear()
            limit = ACT_AT_ONCE if await self._quiet(RULES_WAIT_S) else ACT_AFTER_WAIT
            # Rules at work in the writer's thread would hold up the receipts.
            await self._receipts.out(RECEIPTS_FIRST_S)
            acted = await self._write(lambda tx, limit=limit: intake.act(tx, self.rules, limit))
            if acted is None:
                await asyncio.sleep(STORE_RETRY_S)
            elif acted < limit:
                await self._wake_rules.wait()

    async def _take_heartbeat(self, ward: str, node: str, message: dict[str, Any]) -> None:
        now_ms, session = self.clock.steady_ms(), message["boot"]
        known = self._watch.session_of(node)
        back = self._watch.seen(node, ward, session, now_ms)
        if back is None:
            return
        passes = known is not None and session < known
        if passes:
            log.warning("box %s lives in session %s, not in %s", node, session, known)
        skew = self._skews.heard(
            node, message["boot"], message.get("wall_ms"), self.clock.real_ms()
        )
        health = [message.get(key) for key in fleet.NEWS]

        def job(tx: Tx) -> None:
            if fleet.lives(tx, node, session, passes=passes):
                intake.births(tx, self.rules, node)
            fleet.heard_of(tx, node, message, skew)

        if back or self._watch.worth_writing(node, [*health, skew.fault], now_ms):
            await self._write(job)

    async def _take_state(self, ward: str, node: str, message: dict[str, Any]) -> None:
        def job(tx: Tx) -> bool:
            born = fleet.state_told(tx, ward, node, message)
            if born:
                intake.births(tx, self.rules, node)
            return born

        # Told once, and never again while the box lives: what cannot be stored now must be later,
        # unless the box has said something newer by then.
        self._told_states[node] = message
        while self._told_states.get(node) is message:
            born = await self._write(job)
            if born is None and self._trouble is not None:
                await asyncio.sleep(STORE_RETRY_S)
                continue
            if self._told_states.get(node) is message:
                del self._told_states[node]
            if born:
                self._watch.seen(node, ward, message["session"], self.clock.steady_ms())
                log.info("box %s of ward %s is ready, session %s", node, ward, message["session"])
                await self._configuring.send(ward, node)
            return

    # --- messages out ---

    async def _command_loop(self) -> None:
        while True:
            try:
                async with asyncio.timeout(COMMANDS_EVERY_S):
                    await self._wake_commands.wait()
            except TimeoutError:
                await self._expire_commands()
            await self._quiet(COMMANDS_WAIT_S)
            self._wake_commands.clear()
            if self._link.is_up:
                try:
                    await self._outgoing.flush()
                except StoreUnavailableError as error:
                    self._store_failed(error)

    async def _expire_commands(self) -> None:
        if commands.any_expired(self.store.read()):
            await self._write(lambda tx: intake.expire_commands(tx, self.rules))

    async def _beacon(self) -> None:
        message = {
            "now_ms": self.clock.now_ms(),
            "real_ms": self.clock.real_ms(),
            "offset_min": self._offset_min,
            "session": self._session,
            "trouble": self._trouble,
        }
        for row in wards.wards(self.store.read()):
            await self.publish(row["id"], topics.ALL, topics.CLOCK, message)

    # --- time ---

    async def _beat_loop(self) -> None:
        while True:
            try:
                if self._link.is_up:
                    await self._beacon()
            except LinkDownError as error:
                log.debug("clock beacon not sent: %s", error)
            for node, silent_ms in self._watch.silent(self.clock.steady_ms()).items():
                log.error("box %s is silent: check its power and network", node)
                await self._write(
                    lambda tx, node=node, ms=silent_ms: fleet.lost(tx, node, silent_ms=ms)
                )
            if self._trouble is not None:
                await self._probe()
            self._read_register()  # whatever changed it, and told nobody
            if self.clock.steady_ms() >= self._tidy_at_ms:
                self._tidy_at_ms = self.clock.steady_ms() + housekeeping.EVERY_MS
                await self._write(housekeeping.tidy)
                # A log kept elsewhere is the audit's witness.
                log.info("the audit has %s entries, sealed %s", *audit.head(self.store.read()))
            await asyncio.sleep(CLOCK_EVERY_S)

    async def _timer_loop(self) -> None:
        while True:
            self._wake_timers.clear()
            due_ms = timers.next_due_ms(self.store.read())
            try:
                async with asyncio.timeout(None if due_ms is None else self.clock.wait_s(due_ms)):
                    await self._wake_timers.wait()
            except TimeoutError:
                if due_ms is None or due_ms > self.clock.now_ms():
                    continue
                if await self._write(lambda tx: intake.fire_due(tx, self.rules)) is None:
                    await asyncio.sleep(STORE_RETRY_S)

    # --- the store ---

    async def _write(self, job: Any) -> Any:
        """The job's answer, or None when it could not be stored: then nobody is told it was."""
        try:
            return await self.store.write(job)
        except StoreUnavailableError as error:
            self._store_failed(error)
        except Exception:
            log.exception("a write failed and was undone")
        return None

    def _store_failed(self, error: StoreUnavailableError) -> None:
        if self._trouble is None:
            log.error("nothing can be stored (%s): presses wait in the nodes", error)
            self._trouble = str(error)
            self._spawn(self._tell_trouble())

    async def _tell_trouble(self) -> None:
        try:
            await self._beacon()
        except LinkDownError as failure:
            log.debug("beacon not sent: %s", failure)

    async def _probe(self) -> None:
        """Only a write that reaches the disk shows that writes reach the disk again."""
        try:
            await self.store.write(intake.probe)
        except StoreUnavailableError as error:
            self._trouble = str(error)
        else:
            log.info("the database takes writes again")
            self._trouble = None

    def _nudge(self, changes: set[tuple[str, str]]) -> None:
        self._look_again(changes)
        by_ward: dict[str, list[str]] = {}
        for ward, what in sorted(changes):
            by_ward.setdefault(ward, []).append(what)
        for ward, all_of_it in by_ward.items():
            self._spawn(self._tell_changed(ward, all_of_it))

    async def _tell_changed(self, ward: str, what: list[str]) -> None:
        try:
            message = {"what": what, "ward": ward}
            await self.publish(ward, topics.CENTRAL, topics.CHANGED, message)
        except LinkDownError:
            log.debug("nudge for ward %s not sent: the broker is away", ward)

    def _look_again(self, changes: set[tuple[str, str]]) -> None:
        kinds = {what for _, what in changes}
        if "commands" in kinds:
            self._wake_commands.set()
        if "timers" in kinds:
            self._wake_timers.set()
        if wards.FLEET in kinds:
            self._read_register()
        if self._telephone is not None:
            self._telephone.look(kinds)
        for ward, what in changes:
            if what == "config":
                self._spawn(self._configuring.send(None if ward == HOSPITAL else ward))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the bridge failed", exc_info=task.exception())


def _log_stored(batch: list[intake.Arrived], new: list[bool | str], took_ms: float) -> None:
    for (message, _), is_new in zip(batch, new, strict=True):
        if isinstance(is_new, bool):
            log.info(
                "bed %s-%s %s box=%s seq=%s %s in %.1f ms",
                message["ward"],
                message.get("bed") or "?",
                message["type"],
                message["node"],
                message["seq"],
                "stored" if is_new else "repeated",
                took_ms,
            )
