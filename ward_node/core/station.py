"""The nurse station when its ward is alone: what central would have sounded is sounded here.

Central's word counts for as long as it is heard: a receipt within 2 s, or its clock beacon.
Where neither comes, this station chimes, says the bed and what is wanted, shows it on its own
page and lamp, and goes on until somebody is at the bed or central is back.
"""

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import effects, overhearing, voice
from ward_node.core.watchman import HIGH, Watchman

REPEAT_MS = 10_000
# Accepted at central, and then central went away: after so long somebody must be told again.
UNATTENDED_MS = 180_000
# A presence older than this, when it comes, says nothing about what central says now.
JUST_NOW_MS = 5_000

MEMORY = "station"
# The ids of what central sends ahead: each bed by name, and each thing wanted.
BED_WORDS = "node.station_bed/"
WANTS_WORDS = "node.station_"


class Station:
    """The part of a node that is the nurse station; `node` is the Node."""

    def __init__(self, node: Any, memory: dict[str, Any], now_ms: int) -> None:
        self._node = node
        self.watchman = Watchman()
        # Central's utterances that go on: (press, class).
        self._central: dict[str, tuple[dict[str, Any], str]] = {}
        self._ours: list[str] = []  # utterances of our own that go on
        self._lamp: str | None = None
        self._shown: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        if MEMORY in memory:
            try:
                self.watchman.restore(memory[MEMORY], now_ms, node.outbox.epoch)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                node.note("the calls remembered are left out: " + repr(error), True)

    @property
    def acting(self) -> bool:
        """Whether something sounds here that central does not sound."""
        return bool(self._ours)

    def overhear(self, kind: str, payload: bytes, name: str, now_ms: int) -> None:
        """What another box of the ward, `name`, says or is told."""
        overhearing.take(self._node, kind, payload, name, now_ms)

    def hear(self, kind: str, node: str, message: dict[str, Any], now_ms: int) -> None:
        """A checked message that was meant for, or came from, another box of the ward."""
        if kind == topics.EVENT:
            self.watchman.event(message, now_ms)
            just_now = message["type"] == kinds.PRESENCE and message["age_ms"] < JUST_NOW_MS
            self._fall_silent(message.get("bed"), just_now)
        elif kind == topics.RECEIPT:
            self.watchman.receipted(message["ids"])
        elif kind == topics.BEDS:
            self.watchman.beds(node, message["boot"], message["beds"], now_ms)

    def too_late(self, press: dict[str, Any]) -> bool:
        """Whether somebody has been at the bed since this press of this ward."""
        if press.get("bed") is None or press.get("seq") is None:
            return False
        return self.watchman.seen_to_since(press["bed"], press["node"], press["boot"], press["seq"])

    def asked(self, utterance: str, press: "dict[str, Any] | None", klass: str) -> None:
        """Central lets this station speak about a press."""
        if press is not None and press["ward"] == self._node.me.ward:
            self._central[utterance] = (press, klass)

    def settle(self, now_ms: int) -> None:
        """Let sound, lamp and page follow what is known."""
        away = self._node.clock.away(now_ms)
        calls = self.watchman.calls(now_ms)
        # A picture that the broker kept may be old: its box has the time to put it right, as
        # central has the time to take what is new.
        alone = [each for each in calls if not each.new and (away or not each.held)]
        self._sound(alone, now_ms)
        self._light(alone)
        self._show(calls, alone, away)
        kept = self.watchman.dump(now_ms, self._node.outbox.epoch)
        if kept != self._kept:
            self._kept = kept
            self._node.out.append(effects.Remember(MEMORY, kept))

    def _sound(self, alone: "list[Any]", now_ms: int) -> None:
        node = self._node
        for utterance in list(self._central):
            if not node.voice.holds(utterance):
                del self._central[utterance]
        said = [(press["bed"], klass) for press, klass in self._central.values()]
        wanted = {}
        for call in alone:
            coming = call.accepted_ms is not None and now_ms - call.accepted_ms < UNATTENDED_MS
            central_says = call.held and (
                (call.bed, kinds.EMERGENCY) in said
                or (call.wants not in HIGH and (call.bed, kinds.CALLING) in said)
            )
            if not coming and not central_says:
                wanted[utterance_of(call)] = call
        for utterance in self._ours:
            if utterance not in wanted:
                node.out += node.voice.stop(utterance)
        for utterance, call in wanted.items():
            if utterance not in self._ours:
                urgent = call.wants in HIGH
                node.note("alone: bed " + call.bed + " " + call.wants, True)
                node.out += node.voice.say(
                    voice.Utterance(
                        utterance, kinds.EMERGENCY if urgent else kinds.CALLING,
                        self._words(call), "high" if urgent else "medium", (), REPEAT_MS,
                    ),
                    now_ms,
                )  # fmt: skip
        self._ours = list(wanted)

    def _words(self, call: Any) -> dict[str, Any]:
        """Where and what, in words that central sent ahead. A station that never heard from
        central says the bed's number: with the chime that is enough to go and look."""
        phrases = self._node.phrases
        parts = [
            each
            for each in (phrases.get(BED_WORDS + call.bed), phrases.get(WANTS_WORDS + call.wants))
            if each is not None
        ]
        if not phrases.get(BED_WORDS + call.bed):
            parts.insert(0, {"lang": self._node.lang, "text": call.bed})
        between = " " if parts[0]["lang"] == "en" else ""
        text = between.join([each["text"] for each in parts])
        return {"lang": parts[0]["lang"], "text": text, "parts": parts}

    def _light(self, alone: "list[Any]") -> None:
        urgent = any(each.wants in HIGH for each in alone)
        lamp = kinds.FAST if urgent else kinds.BLINK if alone else kinds.OFF
        if lamp != self._lamp:
            self._lamp = lamp
            self._node.out.append(effects.Lamp(None, lamp))

    def _show(self, calls: "list[Any]", alone: "list[Any]", away: bool) -> None:
        shown = {
            "broker": self._node.is_connected,
            "central": not away,
            "calls": [
                {
                    "bed": each.bed,
                    "wants": each.wants,
                    "urgent": each.wants in HIGH,
                    "since_ms": each.since_ms,
                    "at_least": each.at_least,
                    "alone": each in alone,
                    "accepted": each.accepted_ms is not None,
                }
                for each in calls
            ],
        }
        if shown != self._shown:
            self._shown = shown
            self._node.out.append(effects.Show(shown))

    def _fall_silent(self, bed: str | None, just_now: bool) -> None:
        """Somebody may have come to `bed`: central's words about it end as ours do."""
        for utterance, (press, _klass) in list(self._central.items()):
            over = just_now if press.get("seq") is None else self.too_late(press)
            if press["bed"] == bed and bed is not None and over:
                del self._central[utterance]
                self._node.out += self._node.voice.stop(utterance)


def utterance_of(call: Any) -> str:
    return "alone-" + call.bed + "-" + call.wants
