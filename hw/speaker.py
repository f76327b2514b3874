"""Sound out of a Raspberry Pi, through ALSA."""

import array
import asyncio
import io
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from hw.errors import SpeakerError
from hw.telephone import linear

FULL_VOLUME = 100  # percent
# The class of what is no utterance: the tone by which a loudspeaker is tested.
TEST = "test"
PROBE_TIMEOUT_S = 1.5
END_TIMEOUT_S = 1.0
STREAM_BUFFER_MS = 400
RAW = ("-t", "raw", "-f", "S16_LE", "-r", "48000", "-c", "1")
STREAM = (
    "-t",
    "raw",
    "-f",
    "S16_LE",
    "-r",
    "8000",
    "-c",
    "1",
    f"--buffer-time={STREAM_BUFFER_MS}000",
)


class Speaker(Protocol):
    async def play(self, wav_path: str | Path, volume: int, *, about: dict[str, Any]) -> None:
        """Play a WAV file at `volume` (0 to 100) and return when it has been heard. Cancelling
        stops the sound at once. `about` says what it is: text, lang, beds, class. Raises
        SpeakerError."""

    async def stream(
        self, blocks: AsyncIterator[bytes], volume: int, *, about: dict[str, Any]
    ) -> None:
        """Play telephone sound as it comes, and return when `blocks` have ended and all was heard.
        Cancelling and the rest as for `play`."""

    async def probe(self) -> None:
        """See without a sound whether it can be played through. Raises SpeakerError."""


class AlsaSpeaker:
    """Plays through `aplay`, a program of alsa-utils."""

    def __init__(self, device: str = "default", *, program: str = "aplay") -> None:
        """`device`: an ALSA device name, as `aplay -L` lists them."""
        self._device = device
        self._program = program

    async def play(self, wav_path: str | Path, volume: int, *, about: dict[str, Any]) -> None:
        sound = await asyncio.to_thread(at_volume, Path(wav_path), volume)
        await self._run(["-"], sound)

    async def stream(
        self, blocks: AsyncIterator[bytes], volume: int, *, about: dict[str, Any]
    ) -> None:
        """It begins once STREAM_BUFFER_MS have come, so that it does not run dry at once."""
        async with self._player(*STREAM, "-") as player:
            assert player.stdin is not None
            with suppress(ConnectionError):  # it says why when it has ended
                async for block in blocks:
                    player.stdin.write(linear(block, volume))
                    await player.stdin.drain()

    async def probe(self) -> None:
        """Opens and sets up the device as for playing; aplay sends it a moment of silence."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._run([*RAW, "-"], b"")
        except TimeoutError:
            raise SpeakerError(
                f"{self._device} does not open within {PROBE_TIMEOUT_S:g} s"
            ) from None

    async def _run(self, arguments: list[str], sound: bytes) -> None:
        async with self._player(*arguments) as player:
            assert player.stdin is not None
            with suppress(ConnectionError):
                player.stdin.write(sound)
                await player.stdin.drain()

    @asynccontextmanager
    async def _player(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """aplay, to be written to; afterwards it plays to the end. Raises SpeakerError."""
        try:
            player = await asyncio.create_subprocess_exec(
                self._program, "-q", "-D", self._device, *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as problem:
            raise SpeakerError(f"cannot run {self._program}: {problem}") from problem
        try:
            yield player
            _out, complaint = await player.communicate(b"")  # which closes its input, too
        except BaseException:
            await end(player)
            raise
        if player.returncode != 0:
            why = complaint.decode(errors="replace").strip() or f"it ended with {player.returncode}"
            raise SpeakerError(f"{self._program} on {self._device}: {why}")


async def end(player: asyncio.subprocess.Process) -> None:
    """Kill a program of alsa-utils. One that hangs in its driver is left to the system, rather
    than let the ward wait for it."""
    if player.returncode is None:
        player.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(END_TIMEOUT_S):
            await player.communicate()  # and not `wait`: its pipes are to be emptied, too


def at_volume(wav_path: Path, volume: int) -> bytes:
    """The WAV file, its samples scaled to `volume` percent. Raises SpeakerError for anything
    but 16-bit PCM, ValueError for a volume outside 0 to 100."""
    if not 0 <= volume <= FULL_VOLUME:
        raise ValueError(f"a volume is 0 to 100, not {volume}")
    try:
        with wave.open(str(wav_path), "rb") as sound:
            shape = sound.getparams()
            frames = sound.readframes(shape.nframes)
    except (OSError, EOFError, wave.Error) as problem:
        raise SpeakerError(f"cannot play {wav_path}: {problem}") from problem
    if shape.sampwidth != 2:
        raise SpeakerError(f"cannot play {wav_path}: it has {shape.sampwidth * 8}-bit samples")
    samples = array.array("h", frames)
    if sys.byteorder == "big":
        samples.byteswap()
    if volume < FULL_VOLUME:
        samples = array.array("h", [sample * volume // FULL_VOLUME for sample in samples])
    if sys.byteorder == "big":
        samples.byteswap()
    scaled = io.BytesIO()
    with wave.open(scaled, "wb") as out:
        out.setnchannels(shape.nchannels)
        out.setsampwidth(shape.sampwidth)
        out.setframerate(shape.framerate)
        out.writeframes(samples.tobytes())
    return scaled.getvalue()


def duration_ms(wav_path: str | Path) -> int:
    """How long a WAV file sounds. Raises SpeakerError."""
    try:
        with wave.open(str(wav_path), "rb") as sound:
            return sound.getnframes() * 1000 // sound.getframerate()
    except (OSError, EOFError, wave.Error, ZeroDivisionError) as problem:
        raise SpeakerError(f"cannot play {wav_path}: {problem}") from problem
