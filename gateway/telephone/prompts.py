"""What the speech library says, as files that Asterisk plays: 8 kHz, as telephones sound."""

import asyncio
import tempfile
from pathlib import Path

from gateway.speech import sound
from gateway.speech.library import SpeechLibrary
from gateway.telephone.exchange import SOUNDS

TELEPHONE_HZ = 8_000


class Prompts:
    """folder: the exchange's folder of sounds, which Asterisk knows as `inside`."""

    def __init__(self, library: SpeechLibrary, folder: Path, inside: str = SOUNDS) -> None:
        self._library = library
        self._folder = folder
        self._inside = inside

    async def media(self, lang: str, text: str) -> str:
        """What to play for `text` in "zh" or "en". Raises SpeechUnavailableError."""
        audio = await self._library.audio(lang, text)
        path = self._folder / f"{audio.sha256}.wav"
        if not path.exists():
            await asyncio.to_thread(_convert, audio.path, path)
        return f"sound:{self._inside}/{audio.sha256}"


def _convert(library_file: Path, path: Path) -> None:
    said = sound.read(library_file)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        sound.write(fresh, said, TELEPHONE_HZ)
        fresh.replace(path)
