"""One ward under a clock by hand: the very cores of box and station, central's rules on a real
store, and between them brokers that can be cut. Everything that passes is carried at once."""

import json
from typing import Any

from central import commands
from central.bridge import intake
from central.calls import model
from central.clock import FakeClock
from central.store import Store
from central.wards import service as fleet
from gateway.mqtt import checked, kinds, topics
from tests.calls.ward import Ward, build
from tests.ward_node.support import MemoryJournal, Rig
from ward_node.core.node import BEDSIDE, STATION

BOX, STATION_NODE = "3-bedside", "3-station"
BEDS = ("1", "2", "3", "4")
STEP_MS = 500
BEACON_EVERY = 4  # steps


class World:
    """`box_up`, `ward_up`, `line_up`, `central_up`: the box's and station's connection to the ward
    broker, the line to the hospital's, and central itself."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        build(store)
        self.central = Ward(store, clock)
        self.ward_up = self.line_up = self.central_up = True
        self.waiting: dict[str, int] = {}  # bed -> when somebody called there, hospital ms
        self.rang: list[tuple[str, str]] = []  # (bed, what was said) for a bed nobody waits at
        self._steps = 0
        self._read: dict[str, int] = {}
        self._told: dict[str, dict[str, Any]] = {}  # retained pictures
        self.nodes = {BOX: self._make(BOX), STATION_NODE: self._make(STATION_NODE)}
        for each in self.nodes.values():
            each.connect()
        self.carry()

    def _make(self, name: str, before: Rig | None = None, power_cut: bool = False) -> Rig:
        role, beds = (BEDSIDE, BEDS) if name == BOX else (STATION, ())
        self._read[name] = 0
        if before is None:
            return Rig(role=role, beds=beds, name=name)
        return Rig(
            role=role,
            beds=beds,
            name=name,
            journal=MemoryJournal(before.journal.content),
            memory=before.memory,
            boot=before.node.outbox.boot + 1,
            now_ms=1_000 if power_cut else before.now_ms,
            epoch=f"run-{before.node.outbox.boot + 1}" if power_cut else before.node.outbox.epoch,
        )

    @property
    def box(self) -> Rig:
        return self.nodes[BOX]

    @property
    def station(self) -> Rig:
        return self.nodes[STATION_NODE]

    # --- what people and failures do ---

    def press(self, bed: str, kind: str = kinds.PRESS) -> None:
        self.box.input(bed, kind)
        self.waiting.setdefault(bed, self.clock.now_ms())
        self.carry()

    def attend(self, bed: str) -> None:
        self.waiting.pop(bed, None)
        self.box.input(bed, kinds.PRESENCE)
        self.box.input(bed, kinds.PRESENCE_END)
        self.carry()

    def ward_broker(self, up: bool) -> None:
        self.ward_up = up
        for each in self.nodes.values():
            if up:
                each.connect()
            else:
                each.disconnect()
        self._retained()
        self.carry()

    def restart(self, name: str, power_cut: bool) -> None:
        self.carry()
        self.nodes[name] = self._make(name, self.nodes[name], power_cut)
        self.nodes[name].tick()
        if self.ward_up:
            self.nodes[name].connect()
            self._retained()
        self.carry()

    def _retained(self) -> None:
        if self.ward_up and BOX in self._told:
            self.station.message(topics.BEDS, self._told[BOX], node=BOX)

    def run(self, ms: int) -> None:
        """Let time pass everywhere."""
        for _ in range(max(1, ms // STEP_MS)):
            self._steps += 1
            self.clock.advance(STEP_MS)
            for each in self.nodes.values():
                each.tick(STEP_MS)
                if each.sounding is not None and self._steps % 3 == 0:
                    each.hear()
            if self.central_up:
                self.central.pass_s(0)
            if self._steps % BEACON_EVERY == 0 and self._joined():
                for each in self.nodes.values():
                    each.beacon(self.clock.real_ms())
            self.carry()

    # --- carrying ---

    def _joined(self) -> bool:
        return self.ward_up and self.line_up and self.central_up

    def carry(self) -> None:
        """Deliver until nothing moves."""
        moved = True
        while moved:
            moved = False
            for name, rig in self.nodes.items():
                said, self._read[name] = rig.published[self._read[name] :], len(rig.published)
                for kind, message in said:
                    moved = True
                    self._from_node(name, kind, message)
            if self._joined():
                moved = self._commands() or moved
        self._listen()

    def _from_node(self, name: str, kind: str, message: dict[str, Any]) -> None:
        if not self.ward_up:
            return
        if name == BOX and kind in topics.HEARD_BY_STATION:
            if kind == topics.BEDS:
                self._told[BOX] = message
            self.station.message(kind, message, node=BOX)
        if not self._joined():
            return
        topic = topics.topic("3", name, kind)
        checked.decode(topic, checked.encode(kind, message))
        if kind == topics.EVENT:
            with self.store.transaction() as tx:
                intake.store_events(tx, [(message, self.clock.now_ms())])
            with self.store.transaction() as tx:
                intake.act(tx, self.central.rules, 1000)
            for each in (self.nodes[name], self.station):
                each.message(topics.RECEIPT, {"ids": [message["id"]]}, node=name)
        elif kind == topics.ACK:
            with self.store.transaction() as tx:
                intake.take_ack(tx, self.central.rules, name, message)
        elif kind == topics.STATE:
            with self.store.transaction() as tx:
                if fleet.state_told(tx, "3", name, message):
                    intake.births(tx, self.central.rules, name)

    def _commands(self) -> bool:
        with self.store.transaction() as tx:
            rows = commands.unsent(tx)
            commands.mark_sent(tx, [row["id"] for row in rows])
        for row in rows:
            message = {
                "id": str(row["id"]),
                "type": row["type"],
                "bed": row["bed"],
                "expires_at_ms": row["expires_real_ms"],
                "body": json.loads(row["body"]),
            }
            if row["node"] in self.nodes:
                self.nodes[row["node"]].message(topics.COMMAND, message, node=row["node"])
        return bool(rows)

    # --- what people see and hear ---

    def _listen(self) -> None:
        """Note what begins to sound, or lights up, about a bed where nobody waits."""
        for rig in self.nodes.values():
            for spoken in rig.spoken:
                for bed in self._about(spoken):
                    if bed not in self.waiting and self.ward_up:
                        self.rang.append((bed, spoken.utterance))
            rig.spoken.clear()
        for bed in BEDS:
            if bed not in self.waiting and self.box.lamps.get(bed, "off") != "off":
                self.rang.append((bed, "lamp"))

    def _about(self, spoken: Any) -> list[str]:
        if spoken.utterance.startswith("alone-"):
            return [spoken.utterance.split("-")[1]]
        if spoken.utterance.startswith("call-"):
            call = model.one(self.store.read(), int(spoken.utterance[5:]))
            return [call["bed"]] if call is not None and call["ward"] == "3" else []
        return list(spoken.beds)

    def at_central(self) -> set[str]:
        return {row["bed"] for row in model.open_calls(self.store.read(), "3") if row["bed"]}

    def at_station(self) -> set[str]:
        return {each["bed"] for each in self.station.shown.get("calls", ())}

    def alone(self) -> set[str]:
        return {each["bed"] for each in self.station.shown.get("calls", ()) if each["alone"]}
