"""The mouth of the node: one sound at a time, routed to the beds that should hear it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from hw.errors import HardwareError
from hw.ward import WardHardware
from ward_node.core.effects import Speak
from ward_node.cpython.audio import Audio, NoVoiceError

log = logging.getLogger("wardline.node")


class Mouth:
    """Plays `Speak` effects. `on_begun(utterance)` and `on_done(utterance, failure)` are called
    in the event loop; a sound broken off by `silence` tells nothing."""

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

    def speak(self, effect: Speak) -> None:
        """Begin, once the sound before has let go of the loudspeaker."""
        self._playing = asyncio.create_task(self._speak(effect, self._playing))

    def silence(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait({self._playing})

    async def _speak(self, effect: Speak, before: "asyncio.Task[None] | None") -> None:
        if before is not None and not before.done():
            await asyncio.wait({before})
        try:
            failure = await self._play(effect)
        except Exception as error:
            log.exception("speaking failed")
            failure = f"{type(error).__name__}: {error}"
        self._on_done(effect.utterance, failure)

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
