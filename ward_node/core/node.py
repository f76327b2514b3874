"""The node: what it is told and what it sees go in, effects come out.

Every public method returns the list of effects it wants carried out, in order.
"""

from collections import namedtuple

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import bed as beds
from ward_node.core import commands, effects, messages, shelf, voice
from ward_node.core.clock import CentralClock
from ward_node.core.drip import Drips
from ward_node.core.orders import ANSWER_OF, Orders
from ward_node.core.outbox import FULL, Outbox
from ward_node.core.proving import Proving
from ward_node.core.reminding import Reminding
from ward_node.core.watchman import ALONE_MS

FIRMWARE = "0.1.0"
HEARTBEAT_MS = 2_000
DISK_RETRY_MS = 5_000
# How much of a drip's time a power cut may cost, at most: how often it is written down.
WATERMARK_MS = 60_000

TROUBLES = shelf.KEPT + (shelf.DISK_FULL, shelf.READ_ONLY, shelf.DISK, FULL)  # noqa: RUF005

SPEAKER_GONE = "speaker/speaker-gone"
OUTBOX = "outbox"  # its troubles are told anew by each start

BEDSIDE = "bedside"
STATION = "station"

ALONE_PHRASE = "node.alone_registered"

# Who this node is: names, role, beds (a tuple) and what hardware it drives.
Identity = namedtuple("Identity", ("ward", "node", "role", "beds", "hardware"))


class Node:
    """`memory`: what `Remember` kept, by name. `epoch`: the run of the drip clock. `has_voice`
    False: the box sounds chimes but no words, and never claims that words were heard. `condition`
    is asked at each heartbeat what the box itself measures: keys of `heartbeat.json`."""

    def __init__(
        self, me: Identity, outbox: Outbox, memory: dict[str, Any], epoch: str, now_ms: int,
        drip_ms: int, has_voice: bool = True, condition: Any = None,
    ) -> None:  # fmt: skip
        self.me = me
        self.has_voice = has_voice
        self._condition = condition
        self.outbox = outbox
        self.beds = {name: beds.Bed(name, now_ms) for name in me.beds}
        self.voice = voice.Voice()
        self.volume = voice.Volume()
        self.drips = Drips()
        self.reminding = Reminding(self)
        self.proving = Proving(self)
        self.clock = CentralClock(now_ms)
        self.orders = Orders()
        self.phrases: dict[str, Any] = {}
        self.lang = "zh"
        self.quarantined = 0
        self.last_reject: str | None = None
        self.alone = False
        self.is_connected = False
        self._epoch = epoch
        self._born_ms = now_ms
        self._beat_ms = now_ms - HEARTBEAT_MS
        self._retry_ms = now_ms
        self._watermark_ms = now_ms
        self._health: tuple[int | None, list[str]] = (None, [])
        self._faults: set[str] = set()
        self._troubles: Any = None  # of the outbox, as last told
        self._shown: dict[str, tuple[str, str]] = {}
        self._told_beds: dict[str, Any] = {}
        self._announced: set[str] = set()  # events the bed was told about while alone
        self.out: list[Any] = []
        self.station: Any = None
        if me.role == STATION:
            # Only here: a board at a bed has better use for the memory.
            from ward_node.core.station import Station

            self.station = Station(self, memory, now_ms)
        self._recall(memory, drip_ms)

    def _recall(self, memory: dict[str, Any], drip_ms: int) -> None:
        try:
            if "config" in memory:
                messages.check(topics.CONFIG, memory["config"])
                self._configure(memory["config"])
            if "drips" in memory:
                self.drips.restore(memory["drips"], drip_ms, self._epoch)
        except (
            messages.RejectedMessageError, KeyError, TypeError, AttributeError, ValueError,
        ) as error:  # fmt: skip
            self.drips = Drips()
            # Of another version, perhaps. Central tells it all again at our birth.
            self.note("what was remembered is left out: " + repr(error), True)
        told = memory.get("faults")
        if isinstance(told, list):
            self._faults = {str(each) for each in told}
        for entry in self.outbox.waiting():
            # A press made before the restart is still a call.
            bed = self.beds.get(entry.message["bed"])
            if bed is not None and entry.message["type"] in beds.RAISES:
                if entry.over is None:
                    bed.happened(entry.message["type"])
                else:
                    bed.attended = (entry.over.boot, entry.over.seq)
                bed.waits_for(entry.id)
            elif bed is not None and entry.message["type"] == kinds.PRESENCE:
                bed.raised = None
                bed.attended = (entry.message["boot"], entry.message["seq"])
            self._recall_fault(entry.message)

    def _recall_fault(self, message: dict[str, Any]) -> None:
        """A fault of the box itself that still waits to be told has its end told, too."""
        about = message["about"]
        if message["bed"] is None and message["type"] in (kinds.FAULT, kinds.RECOVERED):
            name = str(about.get("device")) + "/" + str(about.get("code"))
            if message["type"] == kinds.FAULT:
                self._faults.add(name)
            else:
                self._faults.discard(name)

    # --- inputs ---

    def handle_input(
        self, bed: str | None, kind: str, about: dict[str, Any], now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """The hardware saw something. `kind` is an event type of the contract. `about` may hold
        "counters", kept with the event as the bed's mark (see Outbox) and not sent."""
        if kind not in kinds.EVENT_TYPES:
            self.note("the hardware reports something unknown: " + kind, True)
            return self._settle(now_ms, drip_ms)
        machine = self.beds.get(bed) if bed is not None else None
        about = dict(about)
        mark = about.pop("counters", None)
        if kind == kinds.TEST_PRESS:
            self.proving.pressed(bed, about, mark, now_ms)
            return self._settle(now_ms, drip_ms)
        if machine is not None and kind in (kinds.PRESS, kinds.PRESENCE):
            about.update(self.reminding.answered(machine, kind, now_ms, drip_ms))
        entry = self.event(kind, bed, about, now_ms, mark)
        if machine is not None:
            machine.happened(kind)
            if kind in beds.RAISES:
                self.proving.overtaken(machine.name)
            if kind == kinds.PRESENCE:
                self.out += self.voice.stop(call_words(machine.name))
            if entry is not None and kind in beds.RAISES:
                machine.waits_for(entry.id)
                if entry.replaces is not None:
                    machine.receipted(entry.replaces)
            elif entry is not None and kind == kinds.PRESENCE:
                machine.attended = (entry.message["boot"], entry.message["seq"])
        return self._settle(now_ms, drip_ms)

    def handle_message(
        self, kind: str, payload: bytes, ward: str, node: str, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """A message came on `ward`/`node`/`kind`."""
        message: dict[str, Any] = {}
        if not payload:
            return self._settle(now_ms, drip_ms)  # a retained message was cleared
        if self.station is not None and ward == self.me.ward and node != self.me.node:
            if kind in topics.HEARD_BY_STATION:
                self._overhear(self.station, kind, payload, node, now_ms)
                return self._settle(now_ms, drip_ms)
        elif self.station is not None and kind in topics.FROM_NODE:
            return self._settle(now_ms, drip_ms)  # our own words, as the ward hears them
        try:
            if ward != self.me.ward or node not in (self.me.node, topics.ALL):
                raise messages.RejectedMessageError(
                    kind + " for ward " + ward + ", node " + node + " came to ward "
                    + self.me.ward + ", node " + self.me.node
                )  # fmt: skip
            message = messages.decode(kind, payload)
            messages.check(kind, message)
            self._take(kind, message, now_ms, drip_ms)
        except messages.RejectedMessageError as error:
            self.reject(str(error))
            command = message.get("id")
            if kind == topics.COMMAND and isinstance(command, str) and 0 < len(command) <= 200:
                self.answer(command, kinds.REFUSED, str(error))
        return self._settle(now_ms, drip_ms)

    def _overhear(self, station: Any, kind: str, payload: bytes, node: str, now_ms: int) -> None:
        """What another box of the ward says or is told."""
        try:
            message = messages.decode(kind, payload, heard=True)
            messages.check(kind, message)
            station.hear(kind, node, message, now_ms)
        except messages.RejectedMessageError as error:
            self.reject(node + ": " + str(error))

    def _take(self, kind: str, message: dict[str, Any], now_ms: int, drip_ms: int) -> None:
        if kind == topics.COMMAND:
            commands.take(self, message, now_ms, drip_ms)
        elif kind == topics.RECEIPT:
            for entry in self.outbox.receipt(message["ids"]):
                if message.get("refused"):
                    self.note("central refused " + entry.message["type"] + " " + entry.id, True)
                self._announced.discard(entry.id)
                self.proving.receipted(entry.id)
                bed = self.beds.get(entry.message["bed"])
                if bed is not None:
                    bed.receipted(entry.id)
        elif kind == topics.CLOCK:
            self.clock.beacon(
                message["real_ms"], message["now_ms"], message["offset_min"], message["session"],
                now_ms, drip_ms,
            )  # fmt: skip
            self.clock.trouble = message.get("trouble")
        elif kind == topics.CONFIG:
            self._configure(message)
            self.out.append(effects.Remember("config", message))
            self.fetch(list(self.phrases.values()))
            if sorted(message["beds"]) != sorted(self.me.beds):
                told = ", ".join(message["beds"]) or "none"
                self.note("central counts other beds to this box: " + told, True)

    def _configure(self, config: dict[str, Any]) -> None:
        self.volume.configure(config)
        self.phrases = config.get("phrases", {})
        self.lang = config["lang"]

    def connected(self, now_ms: int, drip_ms: int) -> "list[Any]":
        """The broker is there: birth, then all that waited."""
        self.is_connected = True
        self._told_beds = {}
        self.publish(topics.STATE, self.birth())
        self._heartbeat(now_ms)
        self.outbox.send_again()
        self._send_events(now_ms)
        return self._settle(now_ms, drip_ms)

    def disconnected(self, now_ms: int, drip_ms: int) -> "list[Any]":
        """The broker is gone; the ward goes on."""
        self.is_connected = False
        return self._settle(now_ms, drip_ms)

    def speech_begun(self, utterance: str, now_ms: int, drip_ms: int) -> "list[Any]":
        """The sound of `utterance` has begun."""
        self.voice.begun(utterance, now_ms)
        return self._settle(now_ms, drip_ms)

    def speech_done(
        self, utterance: str, failure: str | None, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """The sound of `utterance` came to its end, or why it could not be made."""
        self.voice.done(utterance, failure, now_ms)
        return self._settle(now_ms, drip_ms)

    def found(
        self, device: str, code: str, detail: str | None, for_ms: int, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """What the box found of a part of its own (see `hearing.Finding`). No news is no event."""
        self.fault(device, code, detail, now_ms, for_ms)
        return self._settle(now_ms, drip_ms)

    def selftest_done(
        self, command: str, failure: str | None, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        self.answer(command, kinds.DONE if failure is None else kinds.REFUSED, failure)
        return self._settle(now_ms, drip_ms)

    def proof_failed(
        self, command: str, code: str, detail: str, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """The hardware could not make the test press of `command`."""
        self.proving.failed(command, code, detail)
        return self._settle(now_ms, drip_ms)

    def tick(
        self, now_ms: int, drip_ms: int, poll_ms: int | None = None,
        silent_beds: "list[str] | None" = None,
    ) -> "list[Any]":  # fmt: skip
        """Call it every 50-100 ms."""
        self._health = (poll_ms, silent_beds or [])
        self.reminding.tick(now_ms, drip_ms)
        self.proving.tick(now_ms)
        self._be_alone(now_ms)
        if now_ms - self._retry_ms >= DISK_RETRY_MS:
            self._retry_ms = now_ms
            self.outbox.retry()
        if self.is_connected:
            self._send_events(now_ms)
            if now_ms - self._beat_ms >= HEARTBEAT_MS:
                self._heartbeat(now_ms)
        return self._settle(now_ms, drip_ms)

    # --- what goes out ---

    def birth(self) -> dict[str, Any]:
        return {
            "state": kinds.READY,
            "session": self.outbox.boot,
            "role": self.me.role,
            "versions": list(messages.VERSIONS),
            "firmware": FIRMWARE,
            "hardware": self.me.hardware,
            "beds": list(self.me.beds),
        }

    def end(self, state: str) -> dict[str, Any]:
        """The state message of a will (kinds.LOST) or a clean end (kinds.STOPPED)."""
        return {"state": state, "session": self.outbox.boot}

    def publish(self, kind: str, message: dict[str, Any]) -> None:
        if self.is_connected:
            self.out.append(effects.Publish(kind, message))

    def answer(self, command: str, result: str, reason: str | None = None) -> None:
        self.publish(topics.ACK, self.orders.finish(command, result, reason))

    def reject(self, reason: str) -> None:
        """Count a message that is not acted on."""
        self.quarantined += 1
        self.last_reject = reason
        self.note("message refused: " + reason, True)

    def note(self, text: str, grave: bool = False) -> None:
        self.out.append(effects.Note(text, grave))

    def fetch(self, words: "list[Any]") -> None:
        wanted = [each for each in words if each and each.get("audio")]
        if wanted:
            self.out.append(effects.Fetch(wanted))

    def event(
        self,
        type: str,
        bed: str | None,
        about: dict[str, Any],
        now_ms: int,
        mark: Any = None,
    ) -> Any:
        """Make an event. It is on disk before it is published. None when it was dropped."""
        entry = self.outbox.add(type, bed, about, now_ms, mark)
        if entry is None:
            self.note("the outbox is full, dropped: " + type, True)
            return None
        if self.is_connected:
            entry.sent_ms = now_ms
            self.publish(topics.EVENT, entry.published(now_ms))
        where = "bed " + self.me.ward + "-" + bed if bed is not None else "box"
        what = " ".join(key + "=" + str(about[key]) for key in sorted(about))
        line = where + " " + type + " seq=" + str(entry.message["seq"]) + " box=" + self.me.node
        what = what.replace("\n", " ")
        self.note(line + (" " + what if what else ""), type == kinds.FAULT)
        return entry

    def fault(
        self, device: str, code: str, detail: str | None, now_ms: int, for_ms: int = 0
    ) -> None:
        """Tell a fault of the box itself once, and its end (`detail` None) once. What is told is
        remembered: a fault that is over after a restart must end at central, too."""
        name = device + "/" + code
        if detail is not None and name not in self._faults:
            self._faults.add(name)
            about = {"device": device, "code": code, "detail": detail[:300], "for_ms": for_ms}
            self.event(kinds.FAULT, None, about, now_ms)
        elif detail is None and name in self._faults:
            self._faults.discard(name)
            self.event(kinds.RECOVERED, None, {"device": device, "code": code}, now_ms)
        else:
            return
        if device != OUTBOX:
            mine = [each for each in self._faults if not each.startswith(OUTBOX + "/")]
            self.out.append(effects.Remember("faults", sorted(mine)))

    def _outbox_troubles(self, now_ms: int) -> None:
        found = self.outbox.troubles()
        if found == self._troubles:
            return
        self._troubles = found
        for code in TROUBLES:
            self.fault(OUTBOX, code, found.get(code), now_ms)

    def _send_events(self, now_ms: int) -> None:
        for entry in self.outbox.due(now_ms):
            self.publish(topics.EVENT, entry.published(now_ms))

    def _heartbeat(self, now_ms: int) -> None:
        self._beat_ms = now_ms
        told = {
            "boot": self.outbox.boot,
            "uptime_ms": now_ms - self._born_ms,
            "outbox": len(self.outbox),
            "dropped": self.outbox.dropped,
            "merged": self.outbox.merged,
            "quarantined": self.quarantined,
            "last_reject": self.last_reject,
            "poll_ms": self._health[0],
            "silent_beds": self._health[1],
            "alone": self.alone,
            "speaker_driven_ago_ms": self.voice.driven_ago_ms(now_ms),
        }
        if self._condition is not None:
            told.update(self._condition())
        self.publish(topics.HEARTBEAT, told)

    # --- being alone ---

    def _be_alone(self, now_ms: int) -> None:
        oldest_ms = self.outbox.oldest_ms()
        unheard = oldest_ms is not None and now_ms - oldest_ms >= ALONE_MS
        acting = self.station is not None and self.station.acting
        alone = unheard or acting or self.clock.away(now_ms)
        if alone != self.alone:
            self.alone = alone
            self._beat_ms = now_ms - HEARTBEAT_MS
            self.note("central does not answer" if alone else "central answers again", alone)
        words = self.phrases.get(ALONE_PHRASE)
        if not alone or words is None:
            return
        for bed in self.beds.values():
            fresh = [each for each in bed.unreceipted if each not in self._announced]
            if fresh and bed.raised:
                # Said once for each press, so that the patient knows that the button works.
                self._announced.update(fresh)
                self.out += self.voice.say(
                    voice.Utterance(call_words(bed.name), kinds.CALLING, words, "low", (bed.name,)),
                    now_ms,
                )

    # --- after every input ---

    def _settle(self, now_ms: int, drip_ms: int) -> "list[Any]":
        """Let follow what follows: words, answers, lights, the retained picture of the beds."""
        if self.station is not None:
            self.station.settle(now_ms)
        self._outcomes(now_ms, drip_ms)
        self.out += self.voice.tick(self.volume, self.clock.minute(drip_ms), now_ms)
        self._outcomes(now_ms, drip_ms)
        self.reminding.sounding()
        self._outbox_troubles(now_ms)
        self._show(now_ms)
        due = self.drips.waiting() and now_ms - self._watermark_ms >= WATERMARK_MS
        if self.drips.changed or due:
            self._watermark_ms = now_ms
            kept = self.drips.dump(drip_ms, self._epoch)
            self.out.append(effects.Remember("drips", kept))
        out, self.out = self.out, []
        return out

    def _outcomes(self, now_ms: int, drip_ms: int) -> None:
        for utterance, result, reason in self.voice.outcomes():
            if result == voice.SPOKEN and utterance.words and not self.has_voice:
                result, reason = voice.WORDLESS, "this box sounds tones and speaks no words"
            if result == voice.FAILED:
                if SPEAKER_GONE not in self._faults:  # which says it all
                    self.fault("speaker", "speaker-failed", reason, now_ms)
            elif result == voice.SPOKEN:
                self.fault("speaker", "speaker-failed", None, now_ms)
            if utterance.reminder is not None:
                if result == voice.SPOKEN:
                    self.reminding.heard(utterance.reminder, now_ms, drip_ms)
                elif result in (voice.FAILED, voice.WORDLESS):
                    self.reminding.not_heard(utterance.reminder, drip_ms)
            tried_again = result == voice.FAILED and utterance.repeat_every_ms is not None
            if utterance.command is not None and not tried_again:
                self.answer(utterance.command, ANSWER_OF[result], reason)

    def _show(self, now_ms: int) -> None:
        picture = {}
        for name, bed in self.beds.items():
            state, lamp, reassurance = bed.shown(now_ms)
            lamp_before, reassurance_before = self._shown.get(name, (None, None))
            if lamp != lamp_before:
                self.out.append(effects.Lamp(name, lamp))
            if reassurance != reassurance_before:
                self.out.append(effects.Reassure(name, reassurance))
            self._shown[name] = (lamp, reassurance)
            picture[name] = (state, not bed.unreceipted, lamp == kinds.STEADY)
        if self.is_connected and picture and picture != self._told_beds:
            self._told_beds = picture
            told = {
                name: {
                    "state": bed.state,
                    "receipted": not bed.unreceipted,
                    "for_ms": now_ms - bed.since_ms,
                    "accepted": bed.lamp == kinds.STEADY,
                }
                for name, bed in self.beds.items()
            }
            self.publish(topics.BEDS, {"boot": self.outbox.boot, "beds": told})


def call_words(bed: str) -> str:
    """The utterance in which a bed hears about its own call: newer words replace older ones."""
    return "bed-call-" + bed
