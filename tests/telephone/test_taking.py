"""What becomes of a recording that the disk does not hold."""

from array import array
from pathlib import Path
from typing import Any

import pytest

from gateway.telephone import taking
from gateway.telephone.ari.events import RESUMED, event
from gateway.telephone.recorder import NotRecordedError
from gateway.telephone.taking import Taken, Taker

CHANNEL = "1764408000.7"
NAME = f"message-1-{CHANNEL}"


class Exchange:
    """Takes every request, and remembers it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def take(self, channel: str, name: str, **more: float) -> None:
        self.asked.append(("take", channel, name))

    async def stop_recording(self, name: str) -> None:
        self.asked.append(("stop", name))

    async def delete_recording(self, name: str) -> None:
        self.asked.append(("delete", name))


def finished(type: str = "RecordingFinished", **told: Any) -> Any:
    recording = {"name": NAME, "target_uri": f"channel:{CHANNEL}"} | told
    return event({"type": type, "recording": recording})


async def started(folder: Path) -> tuple[Taker, Exchange]:
    exchange = Exchange()
    taker = Taker(exchange, CHANNEL, folder)  # type: ignore[arg-type]
    await taker.start(120)
    return taker, exchange


def written(folder: Path, *parts: tuple[float, float]) -> None:
    """A recording of (s, level)."""
    samples = array("h", (round(level) for s, level in parts for _ in range(round(s * 8000))))
    (folder / f"{NAME}.wav").write_bytes(bytes(44) + samples.tobytes())


@pytest.mark.parametrize(
    ("parts", "heard"),
    [(((9, 40),), False), (((4, 40), (0.1, 9000), (4, 40)), False), (((8, 40), (1, 900)), True)],
)
async def test_what_is_whole_is_taken_and_silence_is_told(
    tmp_path: Path, parts: tuple[tuple[float, float], ...], heard: bool
) -> None:
    taker, _ = await started(tmp_path)
    written(tmp_path, *parts)
    assert await taker.ended(finished(duration=9)) == Taken(NAME, heard)
    assert await taker.ended(finished(duration=9)) is None


async def test_what_a_disk_that_became_full_cut_off_is_not_kept(tmp_path: Path) -> None:
    taker, exchange = await started(tmp_path)
    written(tmp_path, (2, 9000))
    assert await taker.ended(finished(duration=60)) == Taken(None)
    assert exchange.asked[-1] == ("delete", NAME)


async def test_what_the_exchange_cannot_write_is_not_kept(tmp_path: Path) -> None:
    taker, _ = await started(tmp_path)
    assert await taker.ended(finished("RecordingFailed", cause="no room")) == Taken(None)


async def test_nothing_is_begun_on_a_disk_without_room_or_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "LEAST_FREE_BYTES", 1 << 62)
    for folder in (tmp_path, tmp_path / "not" / "there", None):
        exchange = Exchange()
        with pytest.raises(NotRecordedError):
            await Taker(exchange, CHANNEL, folder).start(120)  # type: ignore[arg-type]
        assert exchange.asked == []


async def test_after_a_lost_connection_what_is_there_is_taken(tmp_path: Path) -> None:
    taker, exchange = await started(tmp_path)
    assert await taker.ended(event({"type": RESUMED})) == Taken(NAME, heard=True)
    assert exchange.asked[-1] == ("stop", NAME)
