"""What is spoken when: one loudspeaker, utterances by class, repeats until told to stop.

An emergency breaks into anything lower, and a patient's call into what no patient waits for;
what was broken off is spoken again from its start. Nothing else interrupts. An utterance is
`spoken` once it was heard to its end.

A live voice takes part as an utterance of its class. It may last for minutes and cannot wait, so
more breaks into it, and it goes on afterwards with what is said by then.
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
# So long a live voice sounds before what was heard already may come between.
LIVE_SHARE_MS = 10_000
CALLING_RANK = kinds.SPEECH_CLASSES.index(kinds.CALLING)
CHIMES = ("high", "medium", "low", "none")

# After its last block a live voice is soon heard to its end.
FINISH_LIMIT_MS = 5_000
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
    `command`: the id of central's command behind it; `reminder`: the reminder it speaks; `live`:
    somebody speaks now, and there are no words."""

    def __init__(
        self, id: str, klass: str, words: "dict[str, Any] | None", chime: str = "low",
        beds: "tuple[str, ...]" = (), repeat_every_ms: int | None = None,
        not_after_ms: int | None = None, command: str | None = None, reminder: Any = None,
        live: bool = False,
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
        self.live = live
        self.finished_ms: int | None = None  # when the last of a live voice was given
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


def _turn(utterance: Utterance, now_ms: int) -> "tuple[int, bool, bool, int, int]":
    """The least goes first: by class, in it what nobody has heard before a live voice, and that
    before repeats, then by age."""
    rank = utterance.rank
    if not utterance.spoken and now_ms - utterance.asked_ms >= PATIENCE_MS:
        rank = min(rank, CALLING_RANK)
    return rank, utterance.spoken, utterance.live, utterance.rank, utterance.order


def _rarer(utterance: Utterance, now_ms: int) -> "tuple[bool, tuple[int, bool, bool, int, int]]":
    """Beside a live voice there is little room: what nobody has heard yet goes before repeats."""
    return utterance.spoken, _turn(utterance, now_ms)


def _interrupts(utterance: Utterance, playing: Utterance) -> bool:
    """Whether `utterance` may come before `playing` has ended."""
    if playing.klass in INTERRUPTS.get(utterance.klass, ()):
        return True
    return utterance.klass == kinds.EMERGENCY and playing.live and not utterance.live


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
        if playing is not None and _interrupts(utterance, playing):
            return [self._break_off(playing)]
        return []

    def finish(self, utterance: str, now_ms: int) -> "list[Any]":
        """The live voice `utterance` has come to its end."""
        playing = self.playing
        if playing is not None and playing.id == utterance:
            playing.finished_ms = now_ms
            return [effects.Finish(utterance)]
        self._withdraw(utterance, "other words were spoken until it was over")
        return []

    def _break_off(self, playing: Utterance) -> effects.Silence:
        self._waiting.append(playing)  # its order is the older one, so it is next in its class
        self.playing = None
        return effects.Silence()

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

    @property
    def waits(self) -> bool:
        """Whether anything is to be said (again)."""
        return bool(self._waiting)

    def hears(self, utterance: "str | None") -> bool:
        """Whether the loudspeaker plays the live voice `utterance`."""
        playing = self.playing
        return (
            playing is not None and playing.live and playing.id == utterance
            and playing.finished_ms is None
        )  # fmt: skip

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
        playing, chosen = self.playing, None
        if playing is not None and playing.live:
            chosen = self._between(playing, now_ms)
        if playing is not None and chosen is not None:
            out.append(self._break_off(playing))
        elif playing is not None:
            if not self._hangs(playing, now_ms):
                return out
            self.done(playing.id, "the loudspeaker did not come to an end", now_ms)
            out.append(effects.Silence())
        while self.playing is None:
            chosen = chosen or self._next(now_ms)
            if chosen is None:
                break
            self._waiting.remove(chosen)
            # Somebody who speaks in an emergency is as loud by night as by day.
            as_by_day = chosen.live and chosen.klass == kinds.EMERGENCY
            loud = volume.of(chosen.klass, None if as_by_day else minute)
            if loud == 0:
                self._tell(chosen, MUTED, "the ward's volume at this hour is 0 for this class")
                chosen = None
                continue
            self.playing = chosen
            self._started_ms = now_ms
            self.begun_ms = None
            out.append(
                effects.Listen(chosen.id, chosen.klass, loud, chosen.beds)
                if chosen.live
                else effects.Speak(
                    chosen.id, chosen.words, chosen.klass, loud, chosen.chime, chosen.beds
                )
            )
        return out

    def outcomes(self) -> "list[Outcome]":
        """What became of utterances since the last question."""
        told, self._outcomes = self._outcomes, []
        return told

    def _hangs(self, playing: Utterance, now_ms: int) -> bool:
        if not playing.live:
            return now_ms - self._started_ms >= playing.limit_ms
        return playing.finished_ms is not None and now_ms - playing.finished_ms >= FINISH_LIMIT_MS

    def _between(self, playing: Utterance, now_ms: int) -> "Utterance | None":
        """What of those that wait is to be heard before the live voice goes on."""
        had_its_share = now_ms - self._started_ms >= LIVE_SHARE_MS
        found: Utterance | None = None
        for each in self._waiting:
            if each.live or each.due_ms > now_ms:
                continue
            if _interrupts(each, playing):
                comes = not each.spoken or had_its_share
            else:
                patient = each.klass == kinds.CALLING and not each.spoken
                comes = patient and had_its_share and now_ms - each.asked_ms >= PATIENCE_MS
            if comes and (found is None or _rarer(each, now_ms) < _rarer(found, now_ms)):
                found = each
        return found

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
