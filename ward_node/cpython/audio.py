"""Words as WAV files: central's audio from the cache or fetched, else the node's own voice."""

import asyncio
import hashlib
import logging
import re
import tempfile
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ward_node.cpython import chime

log = logging.getLogger("wardline.node")

FETCH_TIMEOUT_S = 2.0
MOST_BYTES = 8 * 1024 * 1024
MOST_FILES = 500
ESPEAK_TIMEOUT_S = 10.0
# Two sentences and a chime.
PROBE_BYTES = 512 * 1024
# espeak-ng 1.51 spells what its voice `cmn` looked up as if it were English; the pinyin voice
# speaks Mandarin.
ESPEAK_VOICES = {"zh": "cmn-latn-pinyin", "en": "en-gb"}
ESPEAK_SPEED = "150"  # words a minute: a little slower than talk

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class NoVoiceError(Exception):
    """Words could not be turned into sound; says why."""

    error_id = "no-voice"


class Audio:
    """The sounds in `folder`, named after what they hold."""

    def __init__(self, folder: Path, *, espeak: str = "espeak-ng") -> None:
        self._folder = _writable(folder)
        self._espeak = espeak
        self._count = 0
        # Made here without waiting for the disk, so a power cut may have left them empty.
        for pattern in ("joined-*.wav", "own-*.wav", "*.new"):
            for path in self._folder.glob(pattern):
                with suppress(OSError):
                    path.unlink()

    async def prefetch(self, words: list[dict[str, Any]]) -> None:
        """Have the audio of these words, before it is needed. What fails is fetched later."""
        for each in words:
            await self._central(each)

    async def sound(self, kind: str, words: dict[str, Any] | None) -> Path:
        """A WAV file of chime `kind` and then the words. Raises NoVoiceError."""
        if words is None or not words["text"].strip():
            return await self._joined(kind)
        # Words may be put together of parts, each with audio of its own.
        parts = [await self._central(each) for each in words.get("parts") or [words]]
        spoken = [each for each in parts if each is not None]
        if len(spoken) == len(parts):
            try:
                return await self._joined(kind, *spoken)
            except NoVoiceError as error:
                log.warning("central's audio cannot be used: %s; the box speaks itself", error)
        return await self._joined(kind, await self._own(words))

    async def _joined(self, kind: str, *spoken: Path) -> Path:
        names = "|".join([kind, *(each.name for each in spoken)] if spoken else [kind, ""])
        name = hashlib.sha256(names.encode()).hexdigest()
        target = self._folder / f"joined-{name}.wav"
        if not target.exists():
            try:
                await asyncio.to_thread(chime.join, kind, spoken, target)
            except (OSError, ValueError) as error:
                raise NoVoiceError(str(error)) from error
            self._tidy()
        return target

    async def _central(self, words: dict[str, Any]) -> Path | None:
        """Central's audio of the words, None when there is none to be had."""
        audio = words.get("audio")
        if not audio:
            return None
        target = self._folder / f"{audio['sha256']}.wav"
        if _holds(target, audio["sha256"]):
            target.touch()
            return target
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                content = await asyncio.to_thread(_fetch, audio["url"])
            if hashlib.sha256(content).hexdigest() != audio["sha256"]:
                raise ValueError("it is not the sound that was promised (its hash differs)")
            fresh = self._fresh()
            fresh.write_bytes(content)
            fresh.replace(target)
        except (OSError, ValueError, HTTPException) as error:
            why = str(error) or type(error).__name__
            log.warning("no audio from %s: %s; the box speaks itself", audio["url"], why)
            return None
        return target

    async def _own(self, words: dict[str, Any]) -> Path:
        """The words by espeak-ng. Raises NoVoiceError."""
        voice = ESPEAK_VOICES[words["lang"]]
        # Double brackets would be read as phonemes.
        text = _CONTROL.sub(" ", words["text"]).replace("[[", "[ [").strip()
        name = hashlib.sha256(f"{voice}|{ESPEAK_SPEED}|{text}".encode()).hexdigest()
        target = self._folder / f"own-{name}.wav"
        if target.exists():
            target.touch()
            return target
        fresh = self._fresh()
        command = ["--stdin", "-b", "1", "-v", voice, "-s", ESPEAK_SPEED, "-w", str(fresh)]
        try:
            process = await asyncio.create_subprocess_exec(
                self._espeak,
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise NoVoiceError(f"{self._espeak} does not start: {error.strerror}") from error
        try:
            async with asyncio.timeout(ESPEAK_TIMEOUT_S):
                _, complaint = await process.communicate(text.encode())
        except TimeoutError:
            raise NoVoiceError(f"{self._espeak} took more than {ESPEAK_TIMEOUT_S} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode or not fresh.exists():
            why = complaint.decode(errors="replace").strip()[-200:]
            raise NoVoiceError(f"{self._espeak} ended with {process.returncode}: {why}")
        fresh.replace(target)
        return target

    def _fresh(self) -> Path:
        """A name for a file in the making; two may be made of the same words at once."""
        self._count += 1
        return self._folder / f"{self._count}.new"

    def _tidy(self) -> None:
        """Forget the sounds that were not used for longest."""
        kept = sorted(self._folder.glob("*.wav"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-MOST_FILES]:
            path.unlink(missing_ok=True)


def _writable(folder: Path) -> Path:
    """`folder`, or a temporary one where the disk takes nothing: a box must speak all the same."""
    probe = folder / "probe.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(PROBE_BYTES))
        return folder
    except OSError as error:
        log.error("%s takes no sounds (%s): a temporary folder is used", folder, error.strerror)
        try:
            return Path(tempfile.mkdtemp(prefix="wardline-audio-"))
        except OSError:
            return folder  # each sound that cannot be made is told as a fault of the speaker
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _holds(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except FileNotFoundError:
        return False


def _fetch(url: str) -> bytes:
    """Raises OSError or ValueError."""
    from urllib.request import ProxyHandler, build_opener  # only now: it is slow to import

    if not url.startswith(("http://", "https://")):
        raise ValueError("only http addresses are fetched")
    with build_opener(ProxyHandler({})).open(url, timeout=FETCH_TIMEOUT_S) as answer:
        content = answer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return bytes(content)
