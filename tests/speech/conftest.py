"""Engines that do as they are told, and sounds to tell apart."""

import asyncio
import math
import zlib
from array import array
from pathlib import Path

import pytest

from gateway.speech import sound
from gateway.speech.engines import EngineFailedError
from gateway.speech.sound import RATE_HZ, Sound


def tone(ms: int = 200, hertz: float = 440.0, loud: int = 8000) -> Sound:
    count = RATE_HZ * ms // 1000
    step = 2 * math.pi * hertz / RATE_HZ
    return Sound(array("h", (int(loud * math.sin(step * n)) for n in range(count))))


class FakeEngine:
    """Says everything as a tone whose length is that of the text."""

    def __init__(self, name: str = "fake", loud: int = 8000) -> None:
        self.name = name
        self.loud = loud
        self.version = "1"
        self.fails: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.rendered: list[str] = []
        self.began = asyncio.Event()

    def speaks(self, lang: str) -> bool:
        return lang in ("zh", "en")

    async def identity(self, lang: str) -> str:
        return f"{self.name}|{self.version}|{lang}"

    async def render(self, lang: str, text: str, target: Path) -> None:
        self.rendered.append(text)
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        pitch = 300.0 + zlib.crc32((self.name + self.version + text).encode()) % 1000
        sound.write(target, tone(10 * len(text), pitch, self.loud))


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


FAILURE = EngineFailedError("broken")
