"""What a call through menus has its runner do, and what its parts have the call do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Say:
    """Fall silent and say these, each (lang, text), one after the other; then tell `spoken`.
    slots: of each, whose words they are, as `slot` writes it; "" of the engine's own."""

    texts: tuple[tuple[str, str], ...]
    slots: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Apologise:
    """Say in this language, with what is always there, that the words cannot be said; then tell
    `spoken`."""

    lang: str


@dataclass(frozen=True)
class Hush:
    """Fall silent."""


@dataclass(frozen=True)
class Wait:
    """Tell `waited` after so long without a key."""

    seconds: float


@dataclass(frozen=True)
class LookUp:
    """Ask the offer of this name and tell `looked_up`. What is being said goes on."""

    offer: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class TryCard:
    """See whose card it is, or whose extension (staff), and tell `logged_in`."""

    card: str = field(repr=False)
    pin: str = field(repr=False)
    staff: bool = False


@dataclass(frozen=True)
class Listening:
    """Secret: a PIN is being entered, and nothing may be recorded until it is not."""

    secret: bool


@dataclass(frozen=True)
class Remember:
    """The patient's language."""

    patient: str
    lang: str


@dataclass(frozen=True)
class Record:
    """Sound the tone and take what the caller says until `StopRecording`, a silence, most_s, or
    his hanging up; then tell `recorded`."""

    most_s: float


@dataclass(frozen=True)
class StopRecording:
    """He has said what he wanted to say; `recorded` is still to be told."""


@dataclass(frozen=True)
class PlayRecording:
    """Fall silent and let the caller hear what was recorded; then tell `spoken`."""

    id: str


@dataclass(frozen=True)
class DropRecording:
    """Nobody shall hear it any more."""

    id: str


@dataclass(frozen=True)
class Queue:
    """Ring for this number of the house, callers in their turn, and join the caller with whoever
    answers; his call is over when they have spoken. Tell `placed` whenever his place changes, and
    `not_taken` after most_s or when nobody can be rung."""

    number: str
    most_s: float


@dataclass(frozen=True)
class Unqueue:
    """He waits no more."""


@dataclass(frozen=True)
class Hold:
    """Let him hear that he is still there."""


@dataclass(frozen=True)
class PutThrough:
    """The call goes on at this number of the house, and is no more ours; comes_back: unless nobody
    answers there, which is told as `unanswered`."""

    number: str
    comes_back: bool = False


@dataclass(frozen=True)
class HangUp:
    """It is over."""


Do = (
    Say | Apologise | Hush | Wait | LookUp | TryCard | Listening | Remember | Record | StopRecording
    | PlayRecording | DropRecording | Queue | Unqueue | Hold | PutThrough | HangUp
)  # fmt: skip


def slot(flow: str, step: str, part: str = "") -> str:
    """The name of a place for words in a menu. part: "" the step's own, "other" those in the
    language that is not spoken, "waiting" those of a queue that are said again."""
    return f"{flow}/{step}/{part}" if part else f"{flow}/{step}"


# --- what a part of a call says to the call ---


@dataclass(frozen=True)
class Own:
    """Words of ours, by their id without "flows.", with their values."""

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """Say words of ours, then those of a part of the step, as in `slot`; None: no more."""

    own: tuple[Own, ...] = ()
    part: str | None = None


@dataclass(frozen=True)
class Came:
    """It is over. value: what it came to; None: nothing, and `why` are the words that say so."""

    value: str | None
    why: str = ""
