"""The node: what it is told and what it sees go in, effects come out.

Every public method returns the list of effects it wants carried out, in order.
"""

from collections import namedtuple

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import bed as beds
from ward_node.core import effects, inbox, messages, voice
from ward_node.core.clock import CentralClock
from ward_node.core.drip import Drips
from ward_node.core.faults import Faults
from ward_node.core.orders import ANSWER_OF, Orders
from ward_node.core.outbox import Outbox
from ward_node.core.proving import Proving
from ward_node.core.reminding import Reminding
from ward_node.core.reports import FIXED, Release, Reports
from ward_node.core.showing import Showing
from ward_node.core.solitude import Solitude
from ward_node.core.stream import Stream

DISK_RETRY_MS = 5_000
# How much of a drip's time a power cut may cost, at most: how often it is written down.
WATERMARK_MS = 60_000

SPEAKER, SPEAKER_FAILED, SPEAKER_GONE = "speaker", "speaker-failed", "speaker-gone"

BEDSIDE = "bedside"
STATION = "station"

# Who this node is: names, role, beds (a tuple) and what hardware it drives.
Identity = namedtuple("Identity", ("ward", "node", "role", "beds", "hardware"))


class Node:
    """`memory`: what `Remember` kept, by name. `epoch`: the run of the drip clock. `has_voice`
    False: the box sounds chimes but no words, and never claims that words were heard. `condition`
    is asked at each heartbeat what the box itself measures: keys of `heartbeat.json`. `release`:
    the firmware that runs. `has_log`: it keeps what it logs, and can tell it."""

    def __init__(
        self, me: Identity, outbox: Outbox, memory: dict[str, Any], epoch: str, now_ms: int,
        drip_ms: int, has_voice: bool = True, condition: Any = None, release: Release = FIXED,
        has_log: bool = False,
    ) -> None:  # fmt: skip
        self.me = me
        self.has_voice = has_voice
        self.release = release
        self.has_log = has_log
        self.outbox = outbox
        self.beds = {name: beds.Bed(name, now_ms) for name in me.beds}
        self.voice = voice.Voice()
        self.volume = voice.Volume()
        self.live = Stream(self)
        self.drips = Drips()
        self.reminding = Reminding(self)
        self.proving = Proving(self)
        self.faults = Faults(self)
        self.reports = Reports(self, condition, now_ms)
        self.solitude = Solitude(self)
        self._showing = Showing(self)
        self.clock = CentralClock(now_ms)
        self.orders = Orders()
        self.phrases: dict[str, Any] = {}
        self.lang = "zh"
        self.quarantined = 0
        self.last_reject: str | None = None
        self.alone = False
        self.is_connected = False
        self._epoch = epoch
        self._retry_ms = now_ms
        self._watermark_ms = now_ms
        self.out: list[Any] = []
        # Only here: a board at a bed has better use for the memory.
        if has_voice:
            from ward_node.core.live import Live

            self.live = Live(self)
        self.station: Any = None
        if me.role == STATION:
            from ward_node.core.station import Station

            self.station = Station(self, memory, now_ms)
        self._recall(memory, drip_ms)

    def _recall(self, memory: dict[str, Any], drip_ms: int) -> None:
        try:
            if "config" in memory:
                messages.check(topics.CONFIG, memory["config"])
                self.configure(memory["config"])
            if "drips" in memory:
                self.drips.restore(memory["drips"], drip_ms, self._epoch)
        except (
            messages.RejectedMessageError, KeyError, TypeError, AttributeError, ValueError,
        ) as error:  # fmt: skip
            self.drips = Drips()
            # Of another version, perhaps. Central tells it all again at our birth.
            self.note("what was remembered is left out: " + repr(error), True)
        self.faults.restore(memory.get("faults"))
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
            self.faults.recall(entry.message)

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
                self.out += self.voice.stop(beds.call_words(machine.name))
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
        if payload:  # none: a retained message was cleared
            inbox.take(self, kind, payload, ward, node, now_ms, drip_ms)
        return self._settle(now_ms, drip_ms)

    def connected(self, now_ms: int, drip_ms: int) -> "list[Any]":
        """The broker is there: birth, then all that waited."""
        self.is_connected = True
        self._showing.anew()
        self.publish(topics.STATE, self.reports.birth())
        self.reports.beat(now_ms)
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
        self.faults.tell(device, code, detail, now_ms, for_ms)
        return self._settle(now_ms, drip_ms)

    def selftest_done(
        self, command: str, failure: str | None, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        self.answer(command, kinds.DONE if failure is None else kinds.REFUSED, failure)
        return self._settle(now_ms, drip_ms)

    def update_answered(
        self, command: str, result: str, reason: str | None, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """What became of an `Update`, as far as the version that runs can tell."""
        self.answer(command, result, reason)
        return self._settle(now_ms, drip_ms)

    def update_failed(
        self, version: str, why: str, log: str, now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """A version was given up; `log`: the end of what it said."""
        about = {"version": version, "why": why, "log": log}
        self.event(kinds.UPDATE_FAILED, None, about, now_ms)
        return self._settle(now_ms, drip_ms)

    def release_kept(self, now_ms: int, drip_ms: int) -> "list[Any]":
        """The version that runs has proved itself."""
        self.release = Release(self.release.version, False, self.release.updatable)
        if self.is_connected:
            self.publish(topics.STATE, self.reports.birth())
        return self._settle(now_ms, drip_ms)

    def busy(self) -> "list[str]":
        """Why this box may not be restarted now: somebody is called, spoken to or waited for."""
        found = []
        for name in sorted(self.beds):
            if self.beds[name].state not in (kinds.IDLE, kinds.PRESENT):
                found.append(self.beds[name].state + " at bed " + name)
        playing = self.voice.playing
        if playing is not None:
            found.append("a voice from outside" if playing.live else "speaking: " + playing.klass)
        elif self.voice.waits:
            found.append("words that are repeated or wait")
        if self.proving.under_way:
            found.append("a bed is being proved")
        if self.station is not None and self.station.acting:
            found.append("the station calls by itself")
        for entry in self.outbox.waiting():
            if entry.message["type"] in beds.RAISES:
                found.append("a call without receipt")
                break
        return found

    def logged(
        self, command: str, pages: "list[list[str]]", now_ms: int, drip_ms: int
    ) -> "list[Any]":
        """The lines that `command` asked for, in portions that fit a message each. The answer goes
        the same way behind them, so whoever has it has them all."""
        for part, lines in enumerate(pages):
            told = {"command": command, "part": part, "parts": len(pages), "lines": lines}
            self.publish(topics.LOG, told)
        self.answer(command, kinds.DONE)
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
        self.reports.health = (poll_ms, silent_beds or [])
        self.reminding.tick(now_ms, drip_ms)
        self.proving.tick(now_ms)
        self.solitude.tick(now_ms)
        self.live.tick(now_ms)
        if now_ms - self._retry_ms >= DISK_RETRY_MS:
            self._retry_ms = now_ms
            self.outbox.retry()
        if self.is_connected:
            self._send_events(now_ms)
            self.reports.tick(now_ms)
        return self._settle(now_ms, drip_ms)

    # --- what goes out ---

    def end(self, state: str, restarts: bool = False) -> dict[str, Any]:
        """The state message of a will (kinds.LOST) or a clean end (kinds.STOPPED); `restarts`: the
        box is back in a moment."""
        return self.reports.end(state, restarts)

    def configure(self, config: dict[str, Any]) -> None:
        """Take a checked config message."""
        self.volume.configure(config)
        self.phrases = config.get("phrases", {})
        self.lang = config["lang"]

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

    def _send_events(self, now_ms: int) -> None:
        for entry in self.outbox.due(now_ms):
            self.publish(topics.EVENT, entry.published(now_ms))

    # --- after every input ---

    def _settle(self, now_ms: int, drip_ms: int) -> "list[Any]":
        """Let follow what follows: words, answers, lights, the retained picture of the beds."""
        if self.station is not None:
            self.station.settle(now_ms)
        self._outcomes(now_ms, drip_ms)
        self.out += self.voice.tick(self.volume, self.clock.minute(drip_ms), now_ms)
        self._outcomes(now_ms, drip_ms)
        self.live.settle(now_ms)
        self.reminding.sounding()
        self.faults.look(now_ms)
        self._showing.settle(now_ms)
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
                if not self.faults.is_told(SPEAKER, SPEAKER_GONE):  # which says it all
                    self.faults.tell(SPEAKER, SPEAKER_FAILED, reason, now_ms)
            elif result == voice.SPOKEN:
                self.faults.tell(SPEAKER, SPEAKER_FAILED, None, now_ms)
            if utterance.live:
                self.live.outcome(utterance.id, result, reason)
            if utterance.reminder is not None:
                if result == voice.SPOKEN:
                    self.reminding.heard(utterance.reminder, now_ms, drip_ms)
                elif result in (voice.FAILED, voice.WORDLESS):
                    self.reminding.not_heard(utterance.reminder, drip_ms)
            tried_again = result == voice.FAILED and utterance.repeat_every_ms is not None
            if utterance.command is not None and not tried_again:
                self.answer(utterance.command, ANSWER_OF[result], reason)
