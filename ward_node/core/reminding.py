"""Reminders on their way from the drip clock through the voice to an answer at the bed."""

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import drip, voice
from ward_node.core.bed import Bed

# A sound that has run for so long is being heard.
HEARD_MS = 2_000


class Reminder:
    """A prompt that became due. `about`: what the events about it say."""

    def __init__(self, bed: str, about: dict[str, Any], prompt: dict[str, Any]) -> None:
        self.bed = bed
        self.about = about
        self.words = prompt["words"]
        self.final = prompt["final"]
        self.sounded = False
        self.told = False


class Reminding:
    """The part of a node that reminds; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._sounded: dict[str, Reminder] = {}  # by bed, the last reminder
        self._said: dict[str, Reminder] = {}  # by infusion, what the voice was last given

    def tick(self, now_ms: int, drip_ms: int) -> None:
        """Speak what is due; tell what was heard and what nobody answered."""
        node = self._node
        for schedule, prompt in node.drips.due(drip_ms):
            if schedule.bed not in node.beds:
                continue  # remembered from when this box still served the bed
            reminder = Reminder(schedule.bed, schedule.about(prompt["stage"]), prompt)
            self._said[schedule.infusion] = reminder
            self._say(reminder, now_ms)
        playing, begun_ms = node.voice.playing, node.voice.begun_ms
        long_enough = begun_ms is not None and now_ms - begun_ms >= HEARD_MS
        if not node.has_voice:
            long_enough = False  # a reminder is its words
        if long_enough and playing is not None and playing.reminder is not None:
            self.heard(playing.reminder, now_ms, drip_ms)
        for bed, about in node.drips.unconfirmed(drip_ms):
            node.out += node.voice.stop(utterance_of(about["infusion"]))
            self._said.pop(about["infusion"], None)
            node.event(kinds.UNCONFIRMED, bed, about, now_ms)

    def _say(self, reminder: Reminder, now_ms: int) -> None:
        utterance = voice.Utterance(
            utterance_of(reminder.about["infusion"]), kinds.REMINDER, reminder.words, "low",
            (reminder.bed,), drip.REPEAT_MS if reminder.final else None, None, None, reminder,
        )  # fmt: skip
        self._node.out += self._node.voice.say(utterance, now_ms)

    def sounding(self) -> None:
        """From the first sound of a reminder a press is an answer to it."""
        if not self._node.has_voice:
            return  # nobody can know from a tone what is asked
        playing = self._node.voice.playing
        reminder = playing.reminder if playing is not None else None
        if reminder is not None and not reminder.sounded:
            reminder.sounded = True
            self._sounded[reminder.bed] = reminder
            self._node.beds[reminder.bed].prompt = reminder.about

    def heard(self, reminder: Reminder, now_ms: int, drip_ms: int) -> None:
        """The bed has heard a reminder, at least its beginning."""
        if reminder.told:
            return
        reminder.told = True
        self._node.drips.said(reminder.about)
        self._node.event(kinds.PROMPTED, reminder.bed, reminder.about, now_ms)
        if reminder.final:
            self._node.drips.watch(reminder.about, drip_ms)

    def not_heard(self, reminder: Reminder, drip_ms: int) -> None:
        """The loudspeaker failed, or the box has no voice."""
        self._node.drips.said(reminder.about)
        bed = self._node.beds[reminder.bed]
        if bed.prompt == reminder.about and not reminder.told:
            bed.prompt = None
        if reminder.final:
            # Nobody will confirm what nobody heard, and the nurse must know of it in time.
            self._node.drips.watch(reminder.about, drip_ms)

    def answered(self, bed: Bed, kind: str, now_ms: int, drip_ms: int) -> dict[str, Any]:
        """Somebody presses or comes: the reminder falls silent. Returns what a press confirms."""
        prompt = bed.prompt
        if prompt is None:
            return {}
        self.heard(self._sounded[bed.name], now_ms, drip_ms)
        self._node.out += self._node.voice.stop(utterance_of(prompt["infusion"]))
        self._node.drips.answered(prompt)
        newer = self._said.get(prompt["infusion"])
        if newer is not None and newer.about != prompt and not newer.sounded and not newer.told:
            self._say(newer, now_ms)  # it waited behind other words: nobody has answered it
        return {} if kind == kinds.PRESENCE else dict(prompt)

    def taken_back(self, infusion: str, revision: int, empty: bool) -> None:
        """A new schedule came: the nurse has seen to this drip, the bed need not ask any more."""
        for bed in self._node.beds.values():
            prompt = bed.prompt
            same = prompt is not None and prompt["infusion"] == infusion
            if prompt is not None and same and (empty or prompt["revision"] != revision):
                bed.prompt = None
        said = self._said.get(infusion)
        if said is not None and (empty or said.about["revision"] != revision):
            del self._said[infusion]
            self._node.out += self._node.voice.stop(utterance_of(infusion))


def utterance_of(infusion: str) -> str:
    return "reminder-" + infusion
