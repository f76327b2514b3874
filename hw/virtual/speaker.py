"""A loudspeaker that takes its time like a real one and writes down what it said."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hw.speaker import duration_ms

KEPT = 100


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class RecordingSpeaker:
    """Keeps the last 100 utterances in `folder`: <id>.wav each, and spoken.jsonl with a line
    when each has ended (which grows; it is a demonstration's log)."""

    def __init__(self, folder: str | Path, *, clock_ms: Callable[[], int] = _wall_ms) -> None:
        """`clock_ms`: what dates the utterances, by default ms since the Unix epoch."""
        self._folder = Path(folder)
        self._clock_ms = clock_ms
        self._spoken: list[dict[str, Any]] = []
        self._last_id = 0

    async def play(self, wav_path: str | Path, volume: int, *, about: dict[str, Any]) -> None:
        """As `hw.speaker.Speaker.play`."""
        for_ms = duration_ms(wav_path)
        self._last_id += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(wav_path, self._wav(self._last_id))
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
            await asyncio.sleep(for_ms / 1000)
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
