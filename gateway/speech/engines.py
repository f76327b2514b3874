"""Engines that turn text into a WAV file. Text goes in by stdin, never as an argument."""

import asyncio
import contextlib
import os
import re
import zlib
from pathlib import Path
from typing import Protocol

ESPEAK_TIMEOUT_S = 10.0
PIPER_TIMEOUT_S = 30.0
# Taking in a press goes before making words of it.
NICENESS = 10
# Words a minute; espeak-ng's own is 175. A little slower than talk, for the ill and the old.
ESPEAK_SPEED = 160
# The voice plainly named `cmn` takes the pinyin it looked up itself for English and spells it
# letter by letter (espeak-ng 1.51); the pinyin voice speaks Mandarin.
ESPEAK_VOICES = {"zh": "cmn-latn-pinyin", "en": "en-gb"}
# Characters with several readings of which espeak-ng takes the wrong one in these words.
ESPEAK_READS = {
    "护士长": "护士 zhang3",
    "更换": " geng1 换",
    "重新": " chong2 新",
    "重复": " chong2 复",
    "银行": "银 hang2 ",
    "音乐": "音 yue4 ",
    "大夫": " dai4 夫",
    "着急": " zhao2 急",
    "量血压": " liang2 血压",
    "量体温": " liang2 体温",
    "调节": " tiao2 节",
    "处理": " chu3 理",
    "得到": " de2 到",
    "了解": " liao3 解",
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_PHONEMES = re.compile(r"\[(?=\[)")


class EngineFailedError(Exception):
    """A speech engine is missing, ended with an error or took too long."""

    error_id = "speech-engine-failed"


class Engine(Protocol):
    """One way to speak."""

    name: str

    def speaks(self, lang: str) -> bool:
        """Whether there is a voice for "zh" or "en"."""
        ...

    async def identity(self, lang: str) -> str:
        """Engine, version and voice: what the sound of a text depends on.
        Raises EngineFailedError."""
        ...

    async def render(self, lang: str, text: str, target: Path) -> None:
        """Write the spoken text as WAV. Raises EngineFailedError."""
        ...


def plain(text: str) -> str:
    """Text on one line, without what espeak-ng takes for phonemes: [[...]]."""
    return _PHONEMES.sub("[ ", _CONTROL.sub(" ", text)).strip()


async def _run(command: list[str], text: str, timeout_s: float) -> str:
    """Run a program on `text` and return what it printed. Raises EngineFailedError."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise EngineFailedError(f"{command[0]} does not start: {error}") from error
    with contextlib.suppress(ProcessLookupError):  # it has done its work already
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    try:
        async with asyncio.timeout(timeout_s):
            printed, complaint = await process.communicate(text.encode())
    except TimeoutError:
        raise EngineFailedError(f"{command[0]} took more than {timeout_s} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise EngineFailedError(f"{command[0]} ended with {process.returncode}: {last[:200]}")
    return printed.decode(errors="replace")


def espeak_text(lang: str, text: str) -> str:
    """Text as espeak-ng is given it."""
    text = plain(text)
    if lang == "zh":
        for words, reading in ESPEAK_READS.items():
            text = text.replace(words, reading)
    return text


class Espeak:
    """espeak-ng: always there, understood by all, pretty to none."""

    name = "espeak-ng"

    def __init__(self, program: str = "espeak-ng", timeout_s: float = ESPEAK_TIMEOUT_S) -> None:
        self._program = program
        self._timeout_s = timeout_s
        self._version = ""

    def speaks(self, lang: str) -> bool:
        return lang in ESPEAK_VOICES

    async def identity(self, lang: str) -> str:
        if not self._version:
            printed = await _run([self._program, "--version"], "", self._timeout_s)
            self._version = printed.partition(" Data at")[0].strip()
        reads = zlib.crc32(repr(ESPEAK_READS).encode()) if lang == "zh" else 0
        return f"{self.name}|{self._version}|{ESPEAK_VOICES[lang]}|{ESPEAK_SPEED}|{reads}"

    async def render(self, lang: str, text: str, target: Path) -> None:
        voice, speed = ESPEAK_VOICES[lang], str(ESPEAK_SPEED)
        command = [self._program, "--stdin", "-b", "1", "-v", voice, "-s", speed, "-w", str(target)]
        await _run(command, espeak_text(lang, text), self._timeout_s)


class Piper:
    """Piper with the voice files (`.onnx`) a hospital supplies, by language."""

    name = "piper"

    def __init__(
        self, program: str, voices: dict[str, Path], timeout_s: float = PIPER_TIMEOUT_S
    ) -> None:
        self._program = program
        self._voices = voices
        self._timeout_s = timeout_s

    def speaks(self, lang: str) -> bool:
        return lang in self._voices

    async def identity(self, lang: str) -> str:
        """The voice's file stands for its version: another file, another sound."""
        voice = self._voices[lang]
        try:
            seen = voice.stat()
        except OSError as error:
            raise EngineFailedError(f"the voice {voice} cannot be read: {error}") from error
        return f"{self.name}|{self._program}|{voice.name}|{seen.st_size}|{seen.st_mtime_ns}"

    async def render(self, lang: str, text: str, target: Path) -> None:
        command = [self._program, "--model", str(self._voices[lang]), "--output_file", str(target)]
        await _run(command, plain(text), self._timeout_s)
