"""What must hold at every moment, whatever fails.

1. A call that a box took is seen by somebody or was ended at the bed.
2. Nothing is stored twice.
3. No finished call rings again.
4. Every reminder that was due was spoken, or a nurse was told; and no box lets go of one that
   nobody has heard, so that this needs no central.
5. No command acts after its time.
"""

import json
from typing import Any

from central.infusions import drip
from central.infusions import model as infusions
from gateway.mqtt import kinds
from tests.simulation.box import Box
from tests.simulation.centre import START_MS
from ward_node.core.reminding import utterance_of

# What of central's a press, and so on, opens.
OPENS = {
    kinds.PRESS: ("nurse", "infusion"),
    kinds.HOLD: ("emergency",),
    kinds.CORD: ("toilet",),
    kinds.UNPLUGGED: ("unplugged",),
}
SHOWN_AS = {
    type: [kind for kind, types in OPENS.items() if type in types]
    for types in OPENS.values()
    for type in types
}
COUNTED = {kinds.HOLD: "emergency", kinds.CORD: "toilet", kinds.UNPLUGGED: "unplugged"}
# A beacon may take so long, and central's clock is known no better than by the quickest one.
CLOCK_KNOWN_MS = 4_000
# A box that has just come up believes the broker's own expiry; the line may hold a message back.
CLOCK_UNKNOWN_MS = 25_000
# Central's watch gives a box 30 s, of which 10 s are real: over a leap that is a minute.
REMINDED_WITHIN_MS = 120_000
LOOKED_EVERY_MS = 5_000
# Rows are counted so often: it takes the longer, the more there are.
COUNTED_EVERY_US = 60_000_000


class Invariants:
    def __init__(self, world: Any) -> None:
        self._world = world
        self.live: list[Any] = []  # central's calls that have not ended, as its disk has them
        # Calls that boxes took and nobody has come for: by ward and bed, kind and since when.
        self.open: dict[tuple[str, str], dict[str, int]] = {}
        self._held: set[tuple[str, str, str]] = set()  # what central shows a call for
        self._waiting: set[tuple[str, str]] = set()
        self._ended: set[int] = set()
        self._count_us = 0
        self._reminded_ms = 0
        self._forgetful: set[tuple[str, int]] = set()  # starts of boxes that ended with a full disk
        self._silenced: set[tuple[str, int]] = set()
        self._told: dict[tuple[str, str], tuple[int, bool, dict[str, Any]]] = {}
        self._first: dict[tuple[str, str], str] = {}  # utterance to be said first for a command
        self._stations = {box.me.ward: box for box in world.boxes if box.me.role == "station"}
        self._bedsides = {box.me.ward: box for box in world.boxes if box.me.role == "bedside"}

    # --- what happens ---

    def committed(self) -> None:
        """Central's disk may hold something new."""
        read = self._world.reader.execute
        before = {row["id"] for row in self.live}
        self.live = read(
            "SELECT id, ward, bed, type, state FROM calls INDEXED BY calls_live"
            " WHERE state != 'ended' ORDER BY id"
        ).fetchall()
        now = {row["id"] for row in self.live}
        self._held = {
            (row["ward"], row["bed"], kind)
            for row in self.live
            for kind in SHOWN_AS.get(row["type"], ())
        }
        waiting = read(
            "SELECT e.ward, e.bed FROM events_waiting w JOIN events e USING (node, boot, seq)"
        ).fetchall()
        self._waiting = {(row["ward"], row["bed"]) for row in waiting}
        for row in self.live:
            if row["id"] not in before:
                self._world.counts["calls"] += 1
                self._world.note(f"{row['ward']}-{row['bed']}", f"call {row['id']} {row['type']}")
                self._world.people.somebody_looks(self._bedsides[row["ward"]])
        for number in sorted(before - now):
            self._ended.add(number)
            self._world.note("", f"call {number} ended")

    def watch(self, box: Box, what: str, *details: Any) -> None:
        place = box.me.node
        if what == "input":
            self._input(box, *details)
            place = f"{box.me.ward}-{details[0]}"
        elif what == "off":
            self._power_lost(box)
        elif what == "speaks":
            self._speaks(box, details[0])
        elif what == "told":
            self._is_told(box, details[0])
            return
        elif what == "answers":
            self._answers(box, *details)
        self._world.note(place, " ".join([what, *(str(each) for each in details)]))

    def _input(self, box: Box, bed: str, kind: str) -> None:
        key = (box.me.ward, bed)
        if kind in OPENS:
            self._world.counts["presses"] += 1
            self.open.setdefault(key, {})[kind] = self._world.schedule.now_ms
        elif kind == kinds.PRESENCE:
            self._world.counts["presences"] += 1
            self.open.pop(key, None)

    def _power_lost(self, box: Box) -> None:
        """What a refusing disk left in memory alone is gone with the power: said so beforehand,
        by a fault and by the light that blinks on."""
        if box.node is None or box.node.outbox.disk_error is None:
            return
        self._forgetful.add((box.me.node, box.node.outbox.boot))
        for bed, machine in box.node.beds.items():
            if machine.unreceipted and self.open.pop((box.me.ward, bed), None):
                self._world.counts["lost_with_a_full_disk"] += 1

    def _is_told(self, box: Box, message: Any) -> None:
        command = json.loads(message.payload)
        key = (box.me.node, command["id"])
        if key not in self._told:
            assert box.node is not None
            self._told[key] = (command["expires_at_ms"], box.node.clock.known, command)
            if command["type"] == kinds.SPEAK:
                self._first[(box.me.node, command["body"]["utterance"])] = command["id"]

    def _speaks(self, box: Box, utterance: str) -> None:
        self._world.counts["spoken"] += 1
        number = utterance.removeprefix("call-")
        if number != utterance and (box.me.node, int(number)) in self._silenced:
            self._world.fail(f"call {number} has ended and rings again at {box.me.node}", None)
        command = self._first.pop((box.me.node, utterance), None)
        if command is not None:
            self._in_time(box, command)

    def _answers(self, box: Box, command: str, result: str) -> None:
        told = self._told.get((box.me.node, command))
        if told is None or result != kinds.DONE:
            return
        _, _, message = told
        if message["type"] == kinds.SPEAK:
            return  # judged when its sound began
        first = self._world.one("SELECT result FROM commands WHERE id = ?", int(command)) is None
        if first and (box.me.node, command) not in self._silenced:
            self._silenced.add((box.me.node, command))  # type: ignore[arg-type]
            self._in_time(box, command)
        if message["type"] == kinds.STOP:
            number = message["body"]["utterance"].removeprefix("call-")
            if number.isdigit() and int(number) in self._ended:
                self._silenced.add((box.me.node, int(number)))

    def _in_time(self, box: Box, command: str) -> None:
        expires_ms, known, _ = self._told[(box.me.node, command)]
        late_ms = self._world.clock.real_ms() - expires_ms
        if late_ms > (CLOCK_KNOWN_MS if known else CLOCK_UNKNOWN_MS):
            self._world.fail(f"command {command} acted {late_ms} ms after its expiry", None)

    # --- at every moment ---

    def check(self) -> None:
        for (ward, bed), kinds_here in self.open.items():
            for kind in kinds_here:
                if (ward, bed, kind) not in self._held and not self._seen(ward, bed, kind):
                    self._world.fail(
                        f"a {kind} that the box took is seen by nobody", f"{ward}-{bed}"
                    )

    def _seen(self, ward: str, bed: str, kind: str) -> bool:
        if (ward, bed) in self._waiting:
            return True  # stored: the rules act on it next, at the latest when central starts
        node = self._bedsides[ward].node
        if node is None:
            return True  # in the journal of a dark box, which is shown and spoken as lost
        machine = node.beds[bed]
        if machine.unreceipted and machine.lamp != kinds.OFF:
            return True
        station = self._stations[ward].node
        if station is None:
            return False
        calls = station.station.watchman.calls(self._world.schedule.now_ms)
        return any(each.bed == bed for each in calls)

    # --- at every look ---

    def look(self) -> None:
        """A reminder that nobody has heard still waits for its turn or is being said."""
        for box in self._bedsides.values():
            if box.node is None:
                continue
            for each in box.node.drips._schedules.values():
                if each.saying and not box.node.voice.holds(utterance_of(each.infusion)):
                    self._world.fail(
                        f"the {each.saying['stage']} of drip {each.infusion} fell silent unheard",
                        f"{box.me.ward}-{each.bed}",
                    )

    # --- in quiet ---

    def in_quiet(self) -> None:
        """Nothing is on its way: everybody must know the same."""
        world = self._world
        for box in world.boxes:
            node = box.node
            ringing = [each.id for each in node.voice._waiting]
            if node.voice.playing is not None:
                ringing.append(node.voice.playing.id)
            for utterance in ringing:
                number = utterance.removeprefix("call-")
                if number.isdigit() and int(number) in self._ended:
                    world.fail(f"call {number} has ended and rings on at {box.me.node}", None)
            for bed, machine in node.beds.items():
                for number in machine.calls:
                    if int(number) in self._ended:
                        world.fail(
                            f"the lamp still shows call {number}, which has ended",
                            f"{box.me.ward}-{bed}",
                        )
        if world.schedule.now_us >= self._count_us:
            self._count_us = world.schedule.now_us + COUNTED_EVERY_US
            self._effects_once()
        self._reminded()

    def _effects_once(self) -> None:
        """Each event is stored once, and each stored press acted once."""
        world = self._world
        for box in world.boxes:
            made = box.node.outbox._seq
            stored = world.one(
                "SELECT count(*) FROM events WHERE node = ? AND boot = ?",
                box.me.node, box.node.outbox.boot,
            )  # fmt: skip
            if stored > made:
                world.fail(f"{box.me.node} made {made} events, {stored} are stored", None)
        for kind, type in COUNTED.items():
            stored = world.one("SELECT count(*) FROM events WHERE type = ?", kind)
            acted = world.one(
                "SELECT count(*) FROM call_history h JOIN calls c ON c.id = h.call"
                " WHERE c.type = ? AND h.what IN ('opened', 'repeated')", type,
            )  # fmt: skip
            if stored != acted:
                world.fail(f"{stored} {kind} events are stored and {acted} acted", None)
        failure = world.one(
            "SELECT failure FROM (SELECT failure FROM events UNION ALL SELECT failure FROM timers)"
            " WHERE failure IS NOT NULL"
        )
        if failure is not None:
            world.fail(f"a rule failed: {failure}", None)

    def _reminded(self) -> None:
        world = self._world
        now_ms = world.hospital_ms() + START_MS
        if now_ms < self._reminded_ms + LOOKED_EVERY_MS:
            return
        self._reminded_ms = now_ms
        if world.schedule.now_us - world.trouble.last_end_us < REMINDED_WITHIN_MS * 1000:
            return
        tx = world.read()
        for row in infusions.active(tx):
            spoken = json.loads(row["spoken"])
            for each in infusions.moments(tx, row):
                # A nurse's change may move a moment into the past: it is due from then on.
                due_ms = max(each.at_ms, row["confirmed_ms"] or 0, row["started_ms"])
                due = each.stage not in spoken and due_ms < now_ms - REMINDED_WITHIN_MS
                newer = max(drip.STAGES.index(one) for one in spoken) if spoken else -1
                if due and drip.STAGES.index(each.stage) > newer:
                    world.fail(
                        f"the reminder {each.stage} of drip {row['id']} was due"
                        f" {now_ms - due_ms} ms ago and nobody heard of it",
                        f"{row['ward']}-{row['bed']}",
                    )

    def at_rest(self) -> bool:
        """Every call seen to: what `World` waits for at the end."""
        return not any(row["bed"] is not None for row in self.live) and not self.open

    def at_the_end(self) -> None:
        self._count_us = 0
        self._reminded_ms = 0
        self.in_quiet()
        world = self._world
        for row in world.reader.execute(
            "SELECT node, boot, count(*) AS stored, max(seq) AS newest FROM events"
            " GROUP BY node, boot"
        ).fetchall():
            may_lack = (row["node"], row["boot"]) in self._forgetful
            if row["stored"] != row["newest"] and not may_lack:
                world.fail(
                    f"{row['node']} numbered {row['newest']} events in its start {row['boot']},"
                    f" {row['stored']} are stored", None,
                )  # fmt: skip
