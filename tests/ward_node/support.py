"""A node core under test: its journal in memory, its clocks by hand, its effects by kind."""

import json
from typing import Any

from gateway.mqtt import checked, topics
from ward_node.contract import kinds
from ward_node.core import effects
from ward_node.core.node import BEDSIDE, Identity, Node
from ward_node.core.outbox import Outbox
from ward_node.core.reports import Release

BEDS = ("1", "2", "12+1")
PHRASES = {"node.alone_registered": {"lang": "zh", "text": "已收到您的呼叫。"}}
CONFIG = {
    "version": 1,
    "revision": 1,
    "lang": "zh",
    "beds": list(BEDS),
    "phrases": PHRASES,
}


class MemoryJournal:
    """A journal whose disk can refuse and whose bytes can be torn."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.refuses = False
        self.kept: dict[str, bytes] = {}

    def load(self) -> list[bytes]:
        *whole, torn = self.content.split(b"\n")
        return [line + b"\n" for line in whole] + ([torn] if torn else [])

    def keep_beside(self, why: str) -> None:
        if self.refuses:
            raise OSError(28, "No space left on device")
        self.kept[f"journal.{why}.{len(self.kept)}"] = self.content

    def beside(self) -> list[str]:
        return sorted(self.kept)

    def append(self, line: bytes, durable: bool) -> None:
        if self.refuses:
            raise OSError(28, "No space left on device")
        self.content += line

    def rewrite(self, lines: list[bytes]) -> None:
        if self.refuses:
            raise OSError(28, "No space left on device")
        self.content = b"".join(lines)


def words(text: str) -> dict[str, Any]:
    return {"lang": "zh", "text": text}


class Rig:
    """A node and the hands that feed it. What it publishes must fit the schemas."""

    def __init__(
        self,
        *,
        role: str = BEDSIDE,
        beds: tuple[str, ...] = BEDS,
        journal: MemoryJournal | None = None,
        memory: dict[str, Any] | None = None,
        boot: int = 1,
        now_ms: int = 50_000,
        epoch: str = "run-1",
        name: str = "3-box",
        has_voice: bool = True,
        condition: Any = None,
        updatable: bool = False,
        has_log: bool = True,
    ) -> None:
        self.now_ms = now_ms
        self.drip_ms = now_ms
        self.journal = journal or MemoryJournal()
        self.memory: dict[str, Any] = memory if memory is not None else {}
        self.name = name
        outbox = Outbox("3", name, boot, self.journal, epoch, now_ms)
        me = Identity("3", name, role, beds, "bus")
        release = Release("1.0", updatable, updatable)
        self.node = Node(
            me, outbox, self.memory, epoch, now_ms, now_ms, has_voice, condition, release, has_log
        )
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.spoken: list[effects.Speak] = []
        self.sounding: effects.Speak | effects.Listen | None = None
        self.listened: list[effects.Listen] = []
        self.blocks: list[bytes] = []  # of live voices
        self.is_finished = False  # the live voice that sounds gets no more of them
        self.lamps: dict[str | None, str] = {}
        self.shown: dict[str, Any] = {}
        self.reassurance: dict[str, str] = {}
        self.fetched: list[Any] = []
        self.selftests: list[str] = []
        self.excerpts: list[effects.Excerpt] = []
        self.test_presses: list[tuple[str, str]] = []  # ordered: (command, bed)
        self.updates: list[effects.Update] = []
        self.notes: list[str] = []
        self._command = 0

    def take(self, wanted: list[Any]) -> list[Any]:
        for effect in wanted:
            if isinstance(effect, effects.Publish):
                message = json.loads(checked.encode(effect.kind, effect.message))
                self.published.append((effect.kind, message))
            elif isinstance(effect, effects.Speak):
                assert self.sounding is None, "two sounds at once"
                self.spoken.append(effect)
                self.sounding = effect
            elif isinstance(effect, effects.Listen):
                assert self.sounding is None, "two sounds at once"
                self.listened.append(effect)
                self.sounding, self.is_finished = effect, False
            elif isinstance(effect, effects.Block):
                assert isinstance(self.sounding, effects.Listen)
                assert effect.utterance == self.sounding.utterance
                assert not self.is_finished
                self.blocks.append(effect.sound)
            elif isinstance(effect, effects.Finish):
                assert self.sounding is not None
                assert effect.utterance == self.sounding.utterance
                self.is_finished = True
            elif isinstance(effect, effects.Silence):
                assert self.sounding is not None, "silence without a sound"
                self.sounding = None
            elif isinstance(effect, effects.Lamp):
                self.lamps[effect.bed] = effect.pattern
            elif isinstance(effect, effects.Show):
                self.shown = json.loads(json.dumps(effect.picture))
            elif isinstance(effect, effects.Reassure):
                self.reassurance[effect.bed] = effect.pattern
            elif isinstance(effect, effects.Remember):
                self.memory[effect.name] = json.loads(json.dumps(effect.value))
            elif isinstance(effect, effects.Fetch):
                self.fetched += effect.words
            elif isinstance(effect, effects.Selftest):
                self.selftests.append(effect.command)
            elif isinstance(effect, effects.Prove):
                self.test_presses.append((effect.command, effect.bed))
            elif isinstance(effect, effects.Update):
                self.updates.append(effect)
            elif isinstance(effect, effects.Excerpt):
                self.excerpts.append(effect)
            elif isinstance(effect, effects.Note):
                self.notes.append(effect.text)
            else:
                raise AssertionError(f"an unknown effect: {effect}")
        return wanted

    # --- the hardware ---

    def input(self, bed: str | None, kind: str, **about: Any) -> None:
        self.take(self.node.handle_input(bed, kind, about, self.now_ms, self.drip_ms))

    def tick(self, ms: int = 50, drip_ms: int | None = None) -> None:
        self.now_ms += ms
        self.drip_ms += ms if drip_ms is None else drip_ms
        self.take(self.node.tick(self.now_ms, self.drip_ms, 7, []))

    def run(self, ms: int) -> None:
        """Let time pass in ticks; sounds take 1 s."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            self.tick(100)
            if self.sounding is not None and self.now_ms % 1000 == 0:
                self.hear()

    def begin(self) -> None:
        assert self.sounding is not None
        self.take(self.node.speech_begun(self.sounding.utterance, self.now_ms, self.drip_ms))

    def hear(self, failure: str | None = None) -> "effects.Speak | effects.Listen":
        """The present sound comes to its end."""
        heard = self.sounding
        assert heard is not None, "nothing sounds"
        self.sounding = None
        self.take(self.node.speech_done(heard.utterance, failure, self.now_ms, self.drip_ms))
        return heard

    # --- the broker and central ---

    def connect(self) -> None:
        self.take(self.node.connected(self.now_ms, self.drip_ms))

    def disconnect(self) -> None:
        self.take(self.node.disconnected(self.now_ms, self.drip_ms))

    def message(self, kind: str, message: Any, *, ward: str = "3", node: str | None = None) -> None:
        node = self.name if node is None else node
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.take(self.node.handle_message(kind, payload, ward, node, self.now_ms, self.drip_ms))

    def beacon(self, real_ms: int = 1_790_000_000_000, **more: Any) -> None:
        message = {
            "now_ms": real_ms,
            "real_ms": real_ms,
            "offset_min": 480,
            "session": "s",
        }
        self.message(topics.CLOCK, message | more, node=topics.ALL)

    def command(
        self, type: str, body: dict[str, Any], *, bed: str | None = None, **more: Any
    ) -> str:
        self._command += 1
        message = {
            "id": str(self._command),
            "type": type,
            "bed": bed,
            "expires_at_ms": 1_790_000_000_000 + self.now_ms + 60_000,
            "body": body,
        }
        self.message(topics.COMMAND, message | more)
        return str(more.get("id", self._command))

    def speak(self, utterance: str, klass: str = kinds.CALLING, **more: Any) -> str:
        """`id` and `expires_at_ms` belong to the command, the rest to its body."""
        body = {"utterance": utterance, "class": klass, "words": words(utterance)}
        outer = {key: more.pop(key) for key in ("id", "expires_at_ms") if key in more}
        return self.command(kinds.SPEAK, body | more, **outer)

    def prove(self, bed: str, proof: str = "p") -> str:
        return self.command(kinds.PROVE, {"proof": proof}, bed=bed)

    def proof_fails(self, command: str, code: str = "silent") -> None:
        self.take(self.node.proof_failed(command, code, "why", self.now_ms, self.drip_ms))

    def receipt(self, *ids: str) -> None:
        self.message(topics.RECEIPT, {"ids": list(ids)})

    def receipt_all(self) -> None:
        ids = [entry.id for entry in self.node.outbox.waiting()]
        if ids:
            self.receipt(*ids)

    # --- what came out ---

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for each, message in self.published if each == kind]

    def events(self, type: str | None = None) -> list[dict[str, Any]]:
        """Each event once, in order of its first publishing."""
        found: dict[str, dict[str, Any]] = {}
        for message in self.of(topics.EVENT):
            found.setdefault(message["id"], message)
        return [each for each in found.values() if type is None or each["type"] == type]

    def ack(self, command: str) -> dict[str, Any] | None:
        found = [each for each in self.of(topics.ACK) if each["id"] == command]
        return found[-1] if found else None

    def result(self, command: str) -> str | None:
        ack = self.ack(command)
        return None if ack is None else str(ack["result"])

    def state(self, bed: str) -> str:
        return self.node.beds[bed].state
