"""A caller speaks something that is kept: a part of a call through menus. No I/O.

After the step's words and a tone he speaks; # or silence ends it, or the longest time. Then 1
keeps it, 2 lets him hear it, 3 begins anew; whoever knows that need not wait for the words. Who
presses nothing keeps it, and so does who hangs up: he has said what he wanted to say. What holds no
sound is not kept, and he is asked again.
"""

from enum import StrEnum

from central.flows.doing import (
    Ask,
    Came,
    Do,
    DropRecording,
    Hush,
    Own,
    PlayRecording,
    Record,
    StopRecording,
    Wait,
)

KEEP, HEAR, ANEW = "1", "2", "3"
WAIT_S = 5.0

FAILED, NOTHING, REVIEW, NO_KEY, WRONG_KEY = (
    "record_failed",
    "record_nothing",
    "record_review",
    "no_key",
    "wrong_key",
)
Doing = list[Do | Ask | Came]


class _Now(StrEnum):
    ASKING = "asking"
    SPEAKING = "speaking"  # the caller
    ENDING = "ending"  # he has said all, and his recording is being ended
    REVIEW = "review"
    HEARING = "hearing"  # the caller, what he said
    OVER = "over"


class Taking:
    """most_s: the longest that he may speak. tries: how often he is asked when nothing is heard,
    and what to do with what he said. With `Came` it is over; its value is the recording's id, or
    None: there is none, and `why` are the words of ours that say so."""

    def __init__(self, most_s: float, tries: int = 3) -> None:
        self._most_s = most_s
        self._most_tries = tries
        self._tries = 0
        self._now = _Now.ASKING
        self._gone = False
        self._id = ""
        self._early = ""  # the key he pressed before he was asked for it

    @property
    def is_asking(self) -> bool:
        """He has not spoken yet, and may still want something else."""
        return self._now is _Now.ASKING

    def begin(self) -> Doing:
        return [Ask(part="")]

    def pressed(self, key: str) -> Doing:
        match self._now, key:
            case _Now.ASKING, "#":
                return [Hush(), *self._speak()]
            case _Now.ASKING, "*":
                return self._ask()
            case _Now.SPEAKING, "#":
                self._now, self._early = _Now.ENDING, ""
                return [StopRecording()]
            case _Now.ENDING, _ if key in (KEEP, HEAR, ANEW):
                self._early = self._early or key
            case ((_Now.REVIEW | _Now.HEARING), _):
                return self._decide(key)
        return []

    def spoken(self) -> Doing:
        match self._now:
            case _Now.ASKING:
                return self._speak()
            case _Now.HEARING:
                return self._review()
            case _Now.REVIEW:
                return [Wait(WAIT_S)]
        return []

    def waited(self) -> Doing:
        return self._undecided(NO_KEY) if self._now is _Now.REVIEW else []

    def recorded(self, id: str | None, *, heard: bool) -> Doing:
        """What came of `Record`. None: it could not be kept. heard: whether it holds any sound."""
        if self._now not in (_Now.SPEAKING, _Now.ENDING):
            return []
        if id is None:
            return self._over(None, FAILED)
        if not heard:
            return [DropRecording(id), *self._nothing()]
        self._id, self._tries = id, 0
        if self._gone:
            return self._over(id)
        if self._now is _Now.ENDING and self._early:
            return self._decide(self._early)
        return self._review()

    def hung_up(self) -> Doing:
        """What he is speaking, if he is, is still told by `recorded`."""
        self._gone = True
        if self._now in (_Now.REVIEW, _Now.HEARING):
            return self._over(self._id)
        return []

    def _speak(self) -> Doing:
        self._now = _Now.SPEAKING
        return [Record(self._most_s)]

    def _ask(self, *own: str) -> Doing:
        self._now = _Now.ASKING
        return [Ask(tuple(map(Own, own)), part="")]

    def _nothing(self) -> Doing:
        self._tries += 1
        if self._gone or self._tries >= self._most_tries:
            return self._over(None, NOTHING)
        return self._ask(NOTHING)

    def _review(self, *own: str) -> Doing:
        self._now = _Now.REVIEW
        return [Ask(tuple(map(Own, (*own, REVIEW))))]

    def _decide(self, key: str) -> Doing:
        if key == KEEP:
            return self._over(self._id)
        if key == HEAR:
            self._now = _Now.HEARING
            return [PlayRecording(self._id)]
        if key == ANEW:
            return [DropRecording(self._id), *self._ask()]
        return self._undecided(WRONG_KEY)

    def _undecided(self, why: str) -> Doing:
        self._tries += 1
        return self._over(self._id) if self._tries >= self._most_tries else self._review(why)

    def _over(self, id: str | None, why: str = "") -> Doing:
        self._now = _Now.OVER
        return [Came(id, why)]
