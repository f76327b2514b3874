"""Sound into a Raspberry Pi, through ALSA: a microphone near the loudspeaker, or a loopback."""

import array
import asyncio
import sys
from typing import Protocol

from hw.errors import MicrophoneError
from hw.speaker import RAW, end

RATE = 48_000
BYTES = 2  # of one sample
START_TIMEOUT_S = 3.0


class Microphone(Protocol):
    async def record(self, for_ms: int) -> "array.array[int]":
        """What is heard from now on: signed 16-bit samples, one channel, RATE. Cancelling ends it
        at once. Raises MicrophoneError."""


class AlsaMicrophone:
    """Records with `arecord`, a program of alsa-utils."""

    def __init__(self, device: str, *, program: str = "arecord") -> None:
        """`device`: an ALSA device name, as `arecord -L` lists them."""
        self._device = device
        self._program = program

    async def record(self, for_ms: int) -> "array.array[int]":
        count = RATE * for_ms // 1000
        try:
            recorder = await asyncio.create_subprocess_exec(
                self._program, "-q", "-D", self._device, *RAW, f"--samples={count}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as problem:
            raise MicrophoneError(f"cannot run {self._program}: {problem}") from problem
        try:
            async with asyncio.timeout(START_TIMEOUT_S + for_ms / 1000):
                heard, complaint = await recorder.communicate()
        except TimeoutError:
            await end(recorder)
            raise MicrophoneError(f"{self._device} gives no sound") from None
        except BaseException:
            await end(recorder)
            raise
        if len(heard) < count * BYTES:
            why = complaint.decode(errors="replace").strip() or f"{len(heard)} bytes of sound"
            raise MicrophoneError(f"{self._program} on {self._device}: {why}")
        return samples(heard[: count * BYTES])


def samples(heard: bytes) -> "array.array[int]":
    """Little-endian 16-bit sound as numbers."""
    found = array.array("h", heard)
    if sys.byteorder == "big":
        found.byteswap()
    return found
