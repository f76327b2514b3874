"""A loudspeaker that takes its time like a real one and writes down what it said."""

import array
import asyncio
import json
import random
import shutil
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hw.clock import steady_ms
from hw.errors import SpeakerError
from hw.microphone import RATE, samples
from hw.speaker import STREAM_BUFFER_MS, TEST, duration_ms
from hw.telephone import RATE_HZ as TELEPHONE_HZ
from hw.telephone import linear

KEPT = 100
WHOLE = "whole"
TORN = "torn"  # its cone: it rattles faintly
DEAD = "dead"  # takes the sound and gives none
GONE = "gone"  # unplugged
STATES = (WHOLE, TORN, DEAD, GONE)
# How much of a sound reaches the microphone, and the room's own noise in 16-bit samples.
GAIN = {WHOLE: 0.25, TORN: 0.005, DEAD: 0.0, GONE: 0.0}
ROOM = 3


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class RecordingSpeaker:
    """Keeps the last 100 utterances in `folder`: <id>.wav each, and spoken.jsonl with a line
    when each has ended (which grows; it is a demonstration's log). It can break: see STATES."""

    def __init__(self, folder: str | Path, *, clock_ms: Callable[[], int] = _wall_ms) -> None:
        """`clock_ms`: what dates the utterances, by default ms since the Unix epoch."""
        self._folder = Path(folder)
        self._clock_ms = clock_ms
        self._spoken: list[dict[str, Any]] = []
        self._last_id = 0
        self.state = WHOLE
        self._air: list[tuple[int, Path]] = []  # what sounded last: since when (steady ms), what

    def switch(self, state: str) -> None:
        """Break or mend it: one of STATES. Raises ValueError."""
        if state not in STATES:
            raise ValueError(f"a loudspeaker is {', '.join(STATES)}, not {state}")
        self.state = state

    async def probe(self) -> None:
        """As `hw.speaker.Speaker.probe`."""
        if self.state == GONE:
            raise SpeakerError("the virtual loudspeaker is unplugged")

    def in_the_air(self, since_ms: int) -> list[tuple[int, Path]]:
        """What sounds or sounded since then (steady ms): its start and its WAV file."""
        return [(at_ms, wav) for at_ms, wav in self._air if at_ms >= since_ms]

    async def play(self, wav_path: str | Path, volume: int, *, about: dict[str, Any]) -> None:
        """As `hw.speaker.Speaker.play`. A test's tone leaves no trace."""
        await self.probe()
        for_ms = duration_ms(wav_path)
        self._air = [*self._air[-1:], (steady_ms(), Path(wav_path))]
        if about.get("class") == TEST:
            await asyncio.sleep(for_ms / 1000)
            return
        with self._recorded(volume, about) as kept:
            shutil.copyfile(wav_path, kept)
            await asyncio.sleep(for_ms / 1000)

    async def stream(
        self, blocks: AsyncIterator[bytes], volume: int, *, about: dict[str, Any]
    ) -> None:
        """As `hw.speaker.Speaker.stream`. What is kept has its full volume."""
        await self.probe()
        began_ms = None
        with self._recorded(volume, about) as kept, wave.open(str(kept), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(TELEPHONE_HZ)
            async for block in blocks:
                began_ms = began_ms or steady_ms() + STREAM_BUFFER_MS
                out.writeframes(linear(block))
                await self.probe()
            if began_ms is not None:
                until_ms = began_ms + out.tell() * 1000 // TELEPHONE_HZ
                await asyncio.sleep(max(0, until_ms - steady_ms()) / 1000)

    @contextmanager
    def _recorded(self, volume: int, about: dict[str, Any]) -> Iterator[Path]:
        """Where to keep the sound of an utterance that sounds meanwhile."""
        self._last_id += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        record = {
            "id": self._last_id,
            "text": about.get("text", ""),
            "lang": about.get("lang", ""),
            "beds": list(about.get("beds", [])),
            "class": about.get("class", ""),
            "volume": volume,
            "started_ms": self._clock_ms(),
            "ended_ms": None,
            "interrupted": False,
        }
        self._spoken.append(record)
        self._forget()
        try:
            yield self._wav(self._last_id)
        except asyncio.CancelledError:
            record["interrupted"] = True
            raise
        finally:
            record["ended_ms"] = self._clock_ms()
            with (self._folder / "spoken.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(record, ensure_ascii=False) + "\n")

    def spoken(self) -> list[dict[str, Any]]:
        """The last 100 utterances, newest last. `ended_ms` None: it sounds now."""
        return [dict(record) for record in self._spoken]

    def wav(self, spoken_id: int) -> Path | None:
        """The sound of an utterance that is still kept."""
        if any(record["id"] == spoken_id for record in self._spoken):
            return self._wav(spoken_id)
        return None

    def _wav(self, spoken_id: int) -> Path:
        return self._folder / f"{spoken_id}.wav"

    def _forget(self) -> None:
        while len(self._spoken) > KEPT:
            self._wav(self._spoken.pop(0)["id"]).unlink(missing_ok=True)


class VirtualMicrophone:
    """Hears a `RecordingSpeaker` and its room, as `hw.microphone.Microphone`."""

    def __init__(self, speaker: RecordingSpeaker, *, rng: random.Random | None = None) -> None:
        self._speaker = speaker
        self._rng = rng or random.Random()

    async def record(self, for_ms: int) -> "array.array[int]":
        began_ms = steady_ms()
        await asyncio.sleep(for_ms / 1000)
        return await asyncio.to_thread(self._heard, began_ms, for_ms)

    def _heard(self, began_ms: int, for_ms: int) -> "array.array[int]":
        chance, room = self._rng.random, 2 * ROOM + 1
        heard = array.array(
            "h", [int(chance() * room) - ROOM for _ in range(RATE * for_ms // 1000)]
        )
        gain = GAIN[self._speaker.state]
        for at_ms, path in self._speaker.in_the_air(began_ms):
            with wave.open(str(path), "rb") as wav:
                rate, played = wav.getframerate(), samples(wav.readframes(wav.getnframes()))
            first = RATE * (at_ms - began_ms) // 1000
            for index in range(first, min(len(heard), first + len(played) * RATE // rate)):
                heard[index] += int(played[(index - first) * rate // RATE] * gain)
        return heard
