"""The mouth of the node: one sound at a time, routed to the beds that should hear it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from hw.errors import HardwareError
from hw.ward import WardHardware
from ward_node.core.effects import Block, Listen, Speak
from ward_node.cpython.audio import Audio, NoVoiceError

log = logging.getLogger("wardline.node")

MOST_BEHIND = 4  # blocks of a live voice


class Mouth:
    """Plays `Speak` and `Listen` effects. `on_begun(utterance)` and `on_done(utterance, failure)`
    are called in the event loop; a sound broken off by `silence` tells nothing."""

    def __init__(
        self,
        audio: Audio,
        speaker: Any,
        ward: WardHardware,
        *,
        on_begun: Callable[[str], None],
        on_done: Callable[[str, str | None], None],
    ) -> None:
        self._audio = audio
        self._speaker = speaker
        self._ward = ward
        self._on_begun = on_begun
        self._on_done = on_done
        self._playing: asyncio.Task[None] | None = None
        self._borrowed: asyncio.Task[Any] | None = None
        self._before: set[asyncio.Task[Any]] = set()  # they may have the loudspeaker still
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue()

    def speak(self, effect: Speak) -> None:
        """Begin, once the sound before has let go of the loudspeaker."""
        self._begin(effect.utterance, lambda: self._play(effect))

    def listen(self, effect: Listen) -> None:
        """The same for a live voice. Its sound follows by `block`, until `finish`."""
        blocks = self._blocks = asyncio.Queue[bytes | None]()
        self._begin(effect.utterance, lambda: self._stream(effect, blocks))

    def block(self, effect: Block) -> None:
        self._blocks.put_nowait(effect.sound)

    def finish(self) -> None:
        self._blocks.put_nowait(None)

    def _begin(self, utterance: str, play: Callable[[], Coroutine[Any, Any, str | None]]) -> None:
        if self._borrowed is not None:
            self._borrowed.cancel()
        # Not only the last: that may have been broken off while it waited for the one before.
        self._before = self._holders()
        self._playing = asyncio.create_task(self._sound(utterance, play, self._before))

    def _holders(self) -> set[asyncio.Task[Any]]:
        """Who has the loudspeaker, or waits for it."""
        each_of = (*self._before, self._playing, self._borrowed)
        return {each for each in each_of if each and not each.done()}

    async def borrow(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let `work` use the loudspeaker and return its answer; None when words sound. Words that
        come break it off at once."""
        if self._holders() - {self._borrowed}:
            work.close()
            return None
        task = self._borrowed = asyncio.create_task(work)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        return None if task.cancelled() else task.result()

    def silence(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    async def close(self) -> None:
        running = self._holders()
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)

    async def _sound(
        self,
        utterance: str,
        play: Callable[[], Coroutine[Any, Any, str | None]],
        before: "set[asyncio.Task[Any]]",
    ) -> None:
        if before:
            await asyncio.wait(before)
        try:
            failure = await play()
        except Exception as error:
            log.exception("speaking failed")
            failure = f"{type(error).__name__}: {error}"
        self._on_done(utterance, failure)

    async def _play(self, effect: Speak) -> str | None:
        """Play it; returns why not all of it was heard, or None."""
        failure = None
        try:
            sound = await self._audio.sound(effect.chime, effect.words)
        except NoVoiceError as error:
            # A chime without words still makes somebody look.
            failure = str(error)
            sound = await self._audio.sound(
                "medium" if effect.chime == "none" else effect.chime, None
            )
        words = effect.words or {"text": "", "lang": ""}
        about = {
            "text": words["text"],
            "lang": words["lang"],
            "beds": list(effect.beds),
            "class": effect.klass,
        }
        self._ward.route(effect.beds)
        try:
            self._on_begun(effect.utterance)
            await self._speaker.play(sound, effect.volume, about=about)
        except HardwareError as error:
            failure = str(error)
        finally:
            self._ward.route(())
        return failure

    async def _stream(self, effect: Listen, blocks: "asyncio.Queue[bytes | None]") -> str | None:
        """As `_play`, for a live voice."""
        about = {"text": "", "lang": "", "beds": list(effect.beds), "class": effect.klass}
        self._ward.route(effect.beds)
        try:
            self._on_begun(effect.utterance)
            await self._speaker.stream(_in_time(blocks), effect.volume, about=about)
        except HardwareError as error:
            return str(error)
        finally:
            self._ward.route(())
        return None


async def _in_time(blocks: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
    """The blocks up to the end. A loudspeaker that was slow to open does not stay behind by that:
    it leaves the oldest out."""
    while (block := await blocks.get()) is not None:
        if blocks.qsize() <= MOST_BEHIND:
            yield block
