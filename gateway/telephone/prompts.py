"""What the speech library says, as files that Asterisk plays: 8 kHz, as telephones sound."""

import asyncio
import tempfile
from pathlib import Path

from gateway.speech import sound
from gateway.speech.library import SpeechLibrary
from gateway.speech.server import TELEPHONE_HZ, telephone_url
from gateway.telephone.exchange import SOUNDS


class Prompts:
    """folder: the exchange's folder of sounds, which Asterisk knows as `inside`."""

    def __init__(self, library: SpeechLibrary, folder: Path, inside: str = SOUNDS) -> None:
        self._library = library
        self._folder = folder
        self._inside = inside

    async def media(self, lang: str, text: str) -> str:
        """What to play for `text` in "zh" or "en". Raises SpeechUnavailableError."""
        return f"sound:{self._inside}/{await self._file(lang, text)}"

    async def put(self, name: str, lang: str, text: str) -> None:
        """From now on Asterisk finds `text` under a name of its own ("digits/1") for callers of
        this language. Raises SpeechUnavailableError."""
        link = self._folder / lang / f"{name}.wav"
        target = Path(*[".."] * (name.count("/") + 1), f"{await self._file(lang, text)}.wav")
        if not (link.is_symlink() and link.readlink() == target):
            link.parent.mkdir(parents=True, exist_ok=True)
            fresh = link.with_name(f".{link.name}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(target)
            fresh.replace(link)

    async def _file(self, lang: str, text: str) -> str:
        """The name of a file in the folder that says `text`, without its suffix."""
        audio = await self._library.audio(lang, text)
        path = self._folder / f"{audio.sha256}.wav"
        if not path.exists():
            await asyncio.to_thread(_convert, audio.path, path)
        return audio.sha256


class Served:
    """For an Asterisk that sees no folder of ours: it fetches words from the library's server, and
    keeps them itself."""

    def __init__(self, library: SpeechLibrary) -> None:
        self._library = library

    async def media(self, lang: str, text: str) -> str:
        """What to play for `text` in "zh" or "en". Raises SpeechUnavailableError."""
        return f"sound:{telephone_url(await self._library.audio(lang, text))}"


def _convert(library_file: Path, path: Path) -> None:
    said = sound.read(library_file)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        sound.write(fresh, said, TELEPHONE_HZ)
        fresh.replace(path)
