"""What is spoken when: one loudspeaker, utterances by class, repeats until told to stop.

An emergency breaks into anything lower, and a patient's call into what no patient waits for;
what was broken off is spoken again from its start. Nothing else interrupts. An utterance is
`spoken` once it was heard to its end.
"""

from collections import namedtuple

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import effects

DAY_VOLUME = 80
EMERGENCY_FLOOR = 70
# No setting may silence what a life can hang on: these hold whatever central sends.
LEAST_VOLUME = {
    kinds.EMERGENCY: 40, kinds.CALLING: 10, kinds.REMINDER: 10, kinds.TECHNICAL: 10,
}  # fmt: skip
# What a class breaks into when its words come.
INTERRUPTS = {
    kinds.EMERGENCY: (kinds.CALLING, kinds.REMINDER, kinds.TECHNICAL, kinds.ANNOUNCEMENT),
    kinds.CALLING: (kinds.TECHNICAL, kinds.ANNOUNCEMENT),
}
# Where the calls of many beds repeat without end, what nobody has heard yet gets its turn between
# two of them after so long.
PATIENCE_MS = 20_000
CALLING_RANK = kinds.SPEECH_CLASSES.index(kinds.CALLING)
CHIMES = ("high", "medium", "low", "none")

# A player that never answers may not silence the ward.
PLAY_LIMIT_MS = 30_000
PLAY_LIMIT_CHARACTER_MS = 700

# What became of an utterance (the Utterance itself). `result` is one of those below.
Outcome = namedtuple("Outcome", ("utterance", "result", "reason"))
SPOKEN = "spoken"
FAILED = "failed"
STOPPED = "stopped"
LATE = "late"
MUTED = "muted"
WORDLESS = "wordless"  # its chime was heard, its words were not


class Utterance:
    """Words to say. `not_after_ms`: steady time after which a first speaking comes too late.
    `command`: the id of central's command behind it; `reminder`: the reminder it speaks."""

    def __init__(
        self, id: str, klass: str, words: "dict[str, Any] | None", chime: str = "low",
        beds: "tuple[str, ...]" = (), repeat_every_ms: int | None = None,
        not_after_ms: int | None = None, command: str | None = None, reminder: Any = None,
    ) -> None:  # fmt: skip
        self.id = id
        self.klass = klass
        self.words = words
        self.chime = chime
        self.beds = beds
        self.repeat_every_ms = repeat_every_ms
        self.not_after_ms = not_after_ms
        self.command = command
        self.reminder = reminder
        self.asked_ms = 0
        self.due_ms = 0
        self.order = 0
        self.spoken = False

    @property
    def rank(self) -> int:
        return kinds.SPEECH_CLASSES.index(self.klass)

    @property
    def limit_ms(self) -> int:
        """How long its playing may take before the player counts as hung."""
        length = len(self.words["text"]) if self.words else 0
        return PLAY_LIMIT_MS + length * PLAY_LIMIT_CHARACTER_MS


class Volume:
    """Volume by class and minute of the day, as the ward's config says."""

    def __init__(self) -> None:
        self._day = DAY_VOLUME
        self._floor = EMERGENCY_FLOOR
        self._bands: list[dict[str, int]] = []

    def configure(self, config: dict[str, Any]) -> None:
        self._day = config.get("day_volume", DAY_VOLUME)
        self._floor = config.get("emergency_floor", EMERGENCY_FLOOR)
        self._bands = config.get("bands", [])

    def of(self, klass: str, minute: int | None) -> int:
        """Per cent. `minute` of the day, None when unknown: then it counts as day."""
        volume = self._day
        if minute is not None:
            for band in self._bands:
                if _within(minute, band["from_min"], band["to_min"]):
                    volume = band["volume"]
                    break
        if klass == kinds.EMERGENCY:
            volume = max(volume, self._floor)
        return max(volume, LEAST_VOLUME.get(klass, 0))


def _turn(utterance: Utterance, now_ms: int) -> "tuple[int, bool, int, int]":
    """The least goes first: by class, in it what nobody has heard before repeats, then by age."""
    rank = utterance.rank
    if not utterance.spoken and now_ms - utterance.asked_ms >= PATIENCE_MS:
        rank = min(rank, CALLING_RANK)
    return rank, utterance.spoken, utterance.rank, utterance.order


def _within(minute: int, start: int, end: int) -> bool:
    """A band from 22:00 to 06:00 goes over midnight; one of equal ends is the whole day."""
    if start < end:
        return start <= minute < end
    return minute >= start or minute < end


class Voice:
    """The queue of one loudspeaker."""

    def __init__(self) -> None:
        self.playing: Utterance | None = None
        self.begun_ms: int | None = None  # when its sound was heard to begin
        self._driven_ms: int | None = None  # when a sound last came to its end without a failure
        self._started_ms = 0
        self._waiting: list[Utterance] = []
        self._count = 0
        self._outcomes: list[Outcome] = []

    def say(self, utterance: Utterance, now_ms: int) -> "list[Any]":
        """Take an utterance, in place of one of the same id. Returns effects."""
        self._withdraw(utterance.id, "newer words came in its place")
        if self.playing is not None and self.playing.id == utterance.id:
            self.playing.repeat_every_ms = None
        self._count += 1
        utterance.order = self._count
        utterance.asked_ms = utterance.due_ms = now_ms
        self._waiting.append(utterance)
        playing = self.playing
        if playing is not None and playing.klass in INTERRUPTS.get(utterance.klass, ()):
            self._waiting.append(playing)  # its order is the older one, so it is next in its class
            self.playing = None
            return [effects.Silence()]
        return []

    def stop(self, utterance: str) -> "list[Any]":
        """Fall silent about `utterance`, now and later. Unknown ones are silent already."""
        self._withdraw(utterance, "stopped before it was spoken")
        if self.playing is not None and self.playing.id == utterance:
            if not self.playing.spoken:
                self._tell(self.playing, STOPPED, "stopped while it was spoken")
            self.playing = None
            return [effects.Silence()]
        return []

    def holds(self, utterance: str) -> bool:
        """Whether `utterance` is being said or still to be said (again)."""
        if self.playing is not None and self.playing.id == utterance:
            return True
        return any(each.id == utterance for each in self._waiting)

    def begun(self, utterance: str, now_ms: int) -> None:
        """The loudspeaker sounds."""
        if self.playing is not None and self.playing.id == utterance:
            self.begun_ms = now_ms

    def driven_ago_ms(self, now_ms: int) -> int | None:
        """How long ago the loudspeaker was last driven without a failure; None: never."""
        return None if self._driven_ms is None else now_ms - self._driven_ms

    def done(self, utterance: str, failure: str | None, now_ms: int) -> None:
        """The player came to the end of `utterance`, or says why it could not play it."""
        playing = self.playing
        if playing is None or playing.id != utterance:
            return
        self.playing = None
        if failure is not None:
            self._tell(playing, FAILED, failure)
        else:
            self._driven_ms = now_ms
            if not playing.spoken:
                self._tell(playing, SPOKEN, None)
        playing.spoken = playing.spoken or failure is None
        if playing.repeat_every_ms is not None:
            playing.due_ms = now_ms + playing.repeat_every_ms
            # Behind those that wait, or with many calls the first ones would drown the last.
            self._count += 1
            playing.order = self._count
            self._waiting.append(playing)

    def tick(self, volume: Volume, minute: int | None, now_ms: int) -> "list[Any]":
        """Begin what is next. Returns effects."""
        out: list[Any] = []
        if self.playing is not None:
            if now_ms - self._started_ms < self.playing.limit_ms:
                return out
            self.done(self.playing.id, "the loudspeaker did not come to an end", now_ms)
            out.append(effects.Silence())
        while self.playing is None:
            chosen = self._next(now_ms)
            if chosen is None:
                break
            self._waiting.remove(chosen)
            loud = volume.of(chosen.klass, minute)
            if loud == 0:
                self._tell(chosen, MUTED, "the ward's volume at this hour is 0 for this class")
                continue
            self.playing = chosen
            self._started_ms = now_ms
            self.begun_ms = None
            out.append(
                effects.Speak(
                    chosen.id, chosen.words, chosen.klass, loud, chosen.chime, chosen.beds
                )
            )
        return out

    def outcomes(self) -> "list[Outcome]":
        """What became of utterances since the last question."""
        told, self._outcomes = self._outcomes, []
        return told

    def _next(self, now_ms: int) -> "Utterance | None":
        if not self._waiting:
            return None
        self._drop_late(now_ms)
        best: Utterance | None = None
        for each in self._waiting:
            if each.due_ms <= now_ms and (
                best is None or _turn(each, now_ms) < _turn(best, now_ms)
            ):
                best = each
        return best

    def _drop_late(self, now_ms: int) -> None:
        for each in list(self._waiting):
            late = each.not_after_ms is not None and now_ms >= each.not_after_ms
            if late and not each.spoken:
                self._waiting.remove(each)
                self._tell(each, LATE, "its time passed while other words were spoken")

    def _withdraw(self, utterance: str, why: str) -> None:
        for each in list(self._waiting):
            if each.id == utterance:
                self._waiting.remove(each)
                if not each.spoken:
                    self._tell(each, STOPPED, why)

    def _tell(self, utterance: Utterance, result: str, reason: str | None) -> None:
        self._outcomes.append(Outcome(utterance, result, reason))
