"""Takes what a caller says, one thing at a time, as files of the exchange's."""

import asyncio
import contextlib
import itertools
import logging
import shutil
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path

from gateway.speech.server import TELEPHONE_HZ
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError, GoneError
from gateway.telephone.ari.events import RESUMED, Event
from gateway.telephone.files.recording import MESSAGE
from gateway.telephone.recorder import NotRecordedError

log = logging.getLogger("wardline.telephone")

# So much silence says that somebody has said all.
SILENCE_S = 5.0
# Less room on the disk, and nothing is begun: the database needs it more.
LEAST_FREE_BYTES = 64 * 1024 * 1024
_HEADER_BYTES = 44
# As Asterisk has it: the mean of what it calls silence, of 32,768.
SILENT_LEVEL = 256
# Less is a click, and nobody's words.
LEAST_SOUNDING_MS = 200
_WINDOW_MS = 20
_WINDOW = TELEPHONE_HZ * _WINDOW_MS // 1000
# The exchange counts whole seconds, begins with the tone, and leaves the last silence out.
_TOLERANCE_S = 3.0 + SILENCE_S


@dataclass(frozen=True)
class Taken:
    """name: of the file, without its suffix; None when it could not be kept, and the log says why.
    heard: whether it holds any sound."""

    name: str | None
    heard: bool = False


class Taker:
    """For one channel of ours, whose events are handed to `ended`. folder: where the exchange
    leaves them; None: its disk is not ours, so nothing could be kept. A disk that becomes full
    leaves a file that is shorter than what was said; such a one is not kept."""

    def __init__(self, actions: Actions, channel: str, folder: Path | None) -> None:
        self._actions = actions
        self._channel = channel
        self._folder = folder
        self._numbers = itertools.count(1)
        self._taking: str | None = None

    async def start(self, most_s: float, silence_s: float = SILENCE_S) -> None:
        """After a tone. Raises NotRecordedError, ExchangeError's kinds."""
        if self._folder is None:
            raise NotRecordedError("the exchange keeps its recordings where we cannot reach them")
        free = await asyncio.to_thread(_free, self._folder)
        if free < LEAST_FREE_BYTES:
            raise NotRecordedError(f"only {free} bytes are free for {self._folder}")
        name = f"{MESSAGE}-{next(self._numbers)}-{self._channel}"
        self._taking = name
        try:
            await self._actions.take(self._channel, name, most_s=most_s, silence_s=silence_s)
        except ExchangeError:
            self._taking = None
            raise

    async def stop(self) -> None:
        """The end is still to come by `ended`."""
        if self._taking is not None:
            with contextlib.suppress(GoneError):  # it has just ended by itself
                await self._actions.stop_recording(self._taking)

    async def drop(self, name: str) -> None:
        """Nobody shall hear it. One that cannot be deleted now stays for its days."""
        try:
            await self._actions.delete_recording(name)
        except ExchangeError as error:
            log.warning("%s is not deleted: %s", name, error)

    async def ended(self, event: Event) -> Taken | None:
        """What was taken, if with this `event` it has come to its end."""
        name = self._taking
        if name is None:
            return None
        if event.type == RESUMED:
            # A lost connection may have swallowed its end: what is there is taken.
            await self.stop()
            self._taking = None
            return Taken(name, heard=True)
        told = event.body.get("recording", {})
        if event.type not in ("RecordingFinished", "RecordingFailed") or told.get("name") != name:
            return None
        self._taking = None
        if event.type == "RecordingFailed":
            log.error("%s was not recorded: %s", name, told.get("cause", "nobody says why"))
            return Taken(None)
        said_s = float(told.get("duration", 0))
        kept_s, sounding_ms = await asyncio.to_thread(self._look, name)
        if kept_s < said_s - _TOLERANCE_S:
            log.error("%s has only %.1f s of %g: is the disk full?", name, kept_s, said_s)
            await self.drop(name)
            return Taken(None)
        return Taken(name, heard=sounding_ms >= LEAST_SOUNDING_MS)

    def _look(self, name: str) -> tuple[float, int]:
        """(s that are there, ms of them that are no silence)."""
        assert self._folder is not None
        try:
            raw = (self._folder / f"{name}.wav").read_bytes()[_HEADER_BYTES:]
        except OSError:
            return 0.0, 0
        samples = array("h", raw[: len(raw) // 2 * 2])
        if sys.byteorder == "big":
            samples.byteswap()
        windows = (samples[at : at + _WINDOW] for at in range(0, len(samples), _WINDOW))
        loud = sum(sum(map(abs, each)) > SILENT_LEVEL * _WINDOW for each in windows)
        return len(samples) / TELEPHONE_HZ, loud * _WINDOW_MS


def _free(folder: Path) -> int:
    """Of the nearest folder that is there: the exchange makes its own."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
