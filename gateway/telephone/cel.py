"""What the exchange has written down of its calls, read as it grows, and nothing twice or never.

Asterisk appends lines to one file (`files/cel.py`). Whoever reads keeps the cursor of a `Piece`
together with what he made of it; the next `look` goes on from there. A file that has grown long is
put aside under another name and removed once it is read and nobody can be writing to it any more.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.telephone.files.cel import WRITTEN

# Of each file at one look, so that no look takes long.
MOST_BYTES = 1024 * 1024
# So long a file may grow before it is put aside.
LONG_BYTES = 1024 * 1024
# Asterisk has a file open for the moment of writing one line; this is far more than a moment.
WRITERS_GONE_S = 60.0
LONGEST_LINE_BYTES = 64 * 1024

CHAN_START, CHAN_END, ANSWER, HANGUP = "CHAN_START", "CHAN_END", "ANSWER", "HANGUP"
APP_START, BRIDGE_ENTER, BRIDGE_EXIT = "APP_START", "BRIDGE_ENTER", "BRIDGE_EXIT"
BLIND_TRANSFER, ATTENDED_TRANSFER, PICK_UP = "BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP"


@dataclass(frozen=True)
class CallEvent:
    """One line. at_us: microseconds since the Unix epoch, real time; channel: its name, such as
    "PJSIP/0015650a1b2c-00000001"; unique: its id; linked: the id of the first channel of the call
    it belongs to, as far as the exchange knew then; extra: what is said besides, by type."""

    type: str
    at_us: int
    number: str
    dialled: str
    context: str
    channel: str
    app: str
    unique: str
    linked: str
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def endpoint(self) -> str:
        """Whose channel it is: the device of a phone, or a line to the world."""
        return self.channel.partition("/")[2].rpartition("-")[0]

    @property
    def local(self) -> bool:
        """Whether it is a channel within the exchange, and nobody's telephone or line: between two
        of its parts, to listen in, or to send a voice elsewhere."""
        return not self.channel.startswith("PJSIP/")


class TornLineError(ValueError):
    """A line of which a part is missing, or that is none of ours."""

    error_id = "call-event-torn"


def parse(line: bytes) -> CallEvent:
    """Raises TornLineError."""
    try:
        said = json.loads(line)
        texts = {key: said[key] for key in _KEYS}
        extra = json.loads(said["eventextra"] or "{}")
        seconds, _, part = texts["eventtime"].partition(".")
        at_us = int(seconds) * 1_000_000 + int(part.ljust(6, "0")[:6] or 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TornLineError(f"no event of a call: {line[:60]!r}") from None
    if not all(isinstance(each, str) for each in texts.values()) or not isinstance(extra, dict):
        raise TornLineError(f"no event of a call: {line[:60]!r}")
    if not (texts["eventtype"] and texts["uniqueid"] and texts["linkedid"] and at_us > 0):
        raise TornLineError(f"an event of no call: {line[:60]!r}")
    return CallEvent(
        texts["eventtype"], at_us, texts["num"], texts["exten"], texts["context"],
        texts["channame"], texts["appname"], texts["uniqueid"], texts["linkedid"], extra,
    )  # fmt: skip


_KEYS = (
    "eventtype", "eventtime", "num", "exten", "context", "channame", "appname", "uniqueid",
    "linkedid",
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """What was read at one look. torn: lines that could not be understood; cursor: where to go on,
    to be given to the next look; more: there is more to read at once."""

    events: tuple[CallEvent, ...]
    cursor: Mapping[str, int]
    torn: int = 0
    more: bool = False


class Written:
    """What the exchange in `folder` has written down. steady_s: a clock that is never set."""

    def __init__(self, folder: Path, steady_s: Callable[[], float] = time.monotonic) -> None:
        self._live = folder / WRITTEN
        self._aside = self._live.with_name("aside.json")
        self._steady_s = steady_s
        self._aside_since_s: float | None = None

    def look(self, cursor: Mapping[str, int]) -> Piece:
        """What is new since `cursor`, in the order it was written. A file is known by its first
        line, so a cursor from before a restore or of another exchange is no danger. Raises
        OSError."""
        events: list[CallEvent] = []
        reached: dict[str, int] = {}
        torn, more = 0, False
        for path in (self._aside, self._live):
            head = _head(path)
            if head is None:
                continue
            at = cursor.get(head, 0)
            with path.open("rb") as file:
                file.seek(at)
                data = file.read(MOST_BYTES)
            whole = data.rfind(b"\n") + 1
            if not whole and len(data) > LONGEST_LINE_BYTES:
                whole = len(data)  # no line of ours
            for line in data[:whole].splitlines():
                try:
                    events.append(parse(line))
                except TornLineError:
                    torn += 1
            reached[head] = at + whole
            if len(data) == MOST_BYTES:
                more = True
                break  # what was written later is read later
        return Piece(tuple(events), reached, torn, more)

    def tidy(self, cursor: Mapping[str, int]) -> None:
        """Put a long file aside and remove what was read. Only once what `cursor` has passed is
        kept elsewhere. Raises OSError."""
        if self._aside.exists():
            now_s = self._steady_s()
            if self._aside_since_s is None:
                self._aside_since_s = now_s
            if now_s - self._aside_since_s < WRITERS_GONE_S:
                return
            if self._unread(self._aside, cursor) > LONGEST_LINE_BYTES or self.look(cursor).events:
                return
            self._aside.unlink()
            self._aside_since_s = None
        elif self._live.exists() and self._live.stat().st_size >= LONG_BYTES:
            self._live.rename(self._aside)
            self._aside_since_s = self._steady_s()

    def _unread(self, path: Path, cursor: Mapping[str, int]) -> int:
        return path.stat().st_size - cursor.get(_head(path) or "", 0)


def _head(path: Path) -> str | None:
    """What a file is known by; None while its first line is not whole."""
    try:
        with path.open("rb") as file:
            line = file.readline(LONGEST_LINE_BYTES)
    except FileNotFoundError:
        return None
    if not line.endswith(b"\n") and len(line) < LONGEST_LINE_BYTES:
        return None
    return hashlib.sha256(line).hexdigest()[:24]
