"""Chimes before spoken words, after IEC 60601-1-8: a fundamental between 150 and 1,000 Hz with
at least four harmonics within 300 to 4,000 Hz; high priority 3 + 2 notes, medium 3, low 2."""

import array
import math
import sys
import threading
import wave
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

# (frequency in Hz, length in ms, pause after it in ms)
NOTES = {
    "high": (
        (523.25, 130, 100),
        (523.25, 130, 100),
        (523.25, 130, 320),
        (523.25, 130, 100),
        (523.25, 130, 100),
    ),
    "medium": ((523.25, 200, 180), (440.0, 200, 180), (523.25, 200, 180)),
    "low": ((659.25, 200, 120), (523.25, 250, 120)),
}
# The fundamental and its harmonics. All of those of 659 Hz still lie within 300 to 4,000 Hz.
PARTIALS = (1.0, 0.8, 0.6, 0.5, 0.4)
PEAK = 0.7 * 32767
FADE_MS = 20
TONE_FADE_MS = 100
REST_MS = 200  # between the chime and the words


@lru_cache(maxsize=8)
def samples(chime: str, rate: int) -> "array.array[int]":
    """The chime as signed 16-bit samples, one channel."""
    sound = array.array("h")
    scale = PEAK / sum(PARTIALS)
    for frequency, length_ms, pause_ms in NOTES[chime]:
        count, fade = rate * length_ms // 1000, rate * FADE_MS // 1000
        for index in range(count):
            angle = 2 * math.pi * frequency * index / rate
            value = sum(
                part * math.sin(angle * number) for number, part in enumerate(PARTIALS, start=1)
            )
            envelope = min(1.0, index / fade, (count - index) / fade)
            sound.append(int(value * scale * envelope))
        sound.extend([0] * (rate * pause_ms // 1000))
    return sound


def join(chime: str, words: Sequence[Path], target: Path) -> None:
    """Write the chime and then the WAV files `words` as one file, so that no gap is heard.
    Raises ValueError when they are not 16-bit WAVs of one rate."""
    rate, channels, spoken = 22_050, 1, array.array("h")
    for number, path in enumerate(words):
        found = _read(path)
        if number and found[:2] != (rate, channels):
            raise ValueError(f"{path.name} has another rate than the words before it")
        rate, channels = found[:2]
        spoken.extend(found[2])
    sound = array.array("h")
    if chime != "none":
        once = samples(chime, rate)
        sound = (
            once[:] if channels == 1 else array.array("h", (each for each in once for _ in "ab"))
        )
        sound.extend([0] * (rate * REST_MS // 1000 * channels))
    sound.extend(spoken)
    _write(target, rate, channels, sound)


def tone(target: Path, rate: int, frequency_hz: int, level_db: float, length_ms: int) -> None:
    """Write a sine of `level_db` (0: full scale) that swells and fades, so that nothing clicks."""
    count, fade = rate * length_ms // 1000, rate * TONE_FADE_MS // 1000
    peak, turn = 32767 * 10 ** (level_db / 20), 2 * math.pi * frequency_hz / rate
    sound = array.array("h")
    for index in range(count):
        envelope = min(1.0, index / fade, (count - index) / fade)
        sound.append(round(peak * envelope * math.sin(turn * index)))
    _write(target, rate, 1, sound)


def _write(target: Path, rate: int, channels: int, sound: "array.array[int]") -> None:
    if sys.byteorder == "big":
        sound.byteswap()
    # Of this thread alone: another may still be at the same words, which were broken off.
    fresh = target.with_name(f"{target.name}.{threading.get_ident()}.new")
    with wave.open(str(fresh), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(sound.tobytes())
    fresh.replace(target)


def _read(path: Path) -> "tuple[int, int, array.array[int]]":
    try:
        with wave.open(str(path), "rb") as file:
            shape = file.getparams()
            frames = file.readframes(shape.nframes)
    except (EOFError, wave.Error) as error:
        raise ValueError(f"{path.name} is no WAV file: {error}") from error
    if shape.sampwidth != 2 or shape.nchannels not in (1, 2):
        raise ValueError(f"{path.name} is not 16-bit sound of one or two channels")
    # A file cut short in the middle of a sample is no reason to be silent.
    whole = len(frames) - len(frames) % (2 * shape.nchannels)
    sound = array.array("h", frames[:whole])
    if sys.byteorder == "big":
        sound.byteswap()
    return shape.framerate, shape.nchannels, sound
