"""What the speech library says, as files that Asterisk plays: 8 kHz, as telephones sound."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.speech import sound
from gateway.speech.library import Audio, SpeechLibrary, SpeechUnavailableError
from gateway.speech.server import TELEPHONE_HZ, telephone_url
from gateway.telephone.exchange import SOUNDS
from gateway.telephone.media import Timed

# Words name patients and are soon made anew. What was said longest ago goes, down to this share.
MOST_BYTES = 256 * 1024 * 1024
KEPT_SHARE = 0.9
# Many callers hear the same words: so long nobody looks at the disk for them again.
KEPT_FOR_S, MOST_KEPT = 2.0, 1000
_NAMED_BY_CONTENT = "[0-9a-f]" * 64 + ".wav"


class Prompts:
    """folder: the exchange's folder of sounds, which Asterisk knows as `inside`. most_bytes: of
    what is said in it; words under names of their own stay."""

    def __init__(
        self,
        library: SpeechLibrary,
        folder: Path,
        inside: str = SOUNDS,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._library = library
        self._folder = folder
        self._inside = inside
        self._most_bytes = most_bytes
        self._kept: dict[tuple[str, str], tuple[float, Timed]] = {}

    async def media(self, lang: str, text: str) -> str:
        """What to play for `text` in "zh" or "en". Raises SpeechUnavailableError."""
        at_s, kept = self._kept.get((lang, text), (0.0, None))
        if kept is None or time.monotonic() - at_s > KEPT_FOR_S:
            kept = await self._timed(await self._library.audio(lang, text))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[lang, text] = time.monotonic(), kept
        return kept

    async def sound(self, key: str, wav: Callable[[], bytes]) -> str:
        """What to play for a sound, as of `SpeechLibrary.sound`. Raises SpeechUnavailableError."""
        return await self._timed(await self._library.sound(key, wav))

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
        return await self._of(await self._library.audio(lang, text))

    async def _timed(self, audio: Audio) -> Timed:
        return Timed(f"sound:{self._inside}/{await self._of(audio)}", audio.duration_ms / 1000)

    async def _of(self, audio: Audio) -> str:
        path = self._folder / f"{audio.sha256}.wav"
        try:
            os.utime(path)  # said now: the last to go
        except OSError:
            try:
                await asyncio.to_thread(self._keep, audio.path, path)
            except (OSError, sound.UnusableSoundError) as error:
                raise SpeechUnavailableError(f"telephones cannot be given it: {error}") from error
        return audio.sha256

    def _keep(self, library_file: Path, path: Path) -> None:
        _convert(library_file, path)
        files: list[tuple[int, int, Path]] = []
        for each in self._folder.glob(_NAMED_BY_CONTENT):
            with contextlib.suppress(FileNotFoundError):
                seen = each.stat()
                files.append((seen.st_mtime_ns, seen.st_size, each))
        total = sum(size for _, size, _ in files)
        if total <= self._most_bytes:
            return
        stay = {link.readlink().name for link in self._folder.rglob("*.wav") if link.is_symlink()}
        for _, size, each in sorted(files):
            if total <= self._most_bytes * KEPT_SHARE:
                break
            if each != path and each.name not in stay:
                each.unlink(missing_ok=True)
                total -= size


class Served:
    """For an Asterisk that sees no folder of ours: it fetches words from the library's server, and
    keeps them itself."""

    def __init__(self, library: SpeechLibrary) -> None:
        self._library = library

    async def media(self, lang: str, text: str) -> str:
        """What to play for `text` in "zh" or "en". Raises SpeechUnavailableError."""
        return f"sound:{telephone_url(await self._library.audio(lang, text))}"

    async def sound(self, key: str, wav: Callable[[], bytes]) -> str:
        """What to play for a sound, as of `SpeechLibrary.sound`. Raises SpeechUnavailableError."""
        return f"sound:{telephone_url(await self._library.sound(key, wav))}"


def _convert(library_file: Path, path: Path) -> None:
    said = sound.read(library_file)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        sound.write(fresh, said, TELEPHONE_HZ)
        fresh.replace(path)
