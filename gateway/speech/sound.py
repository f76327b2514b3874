"""WAV files as the nodes play them: 22,050 Hz, one channel, 16 bits; measured, never silent."""

import math
import os
import sys
import wave
from array import array
from dataclasses import dataclass
from operator import mul
from pathlib import Path

RATE_HZ = 22_050
# Root mean square, of 32,768, below which nobody in a ward would hear anything: about -56 dB.
SILENT_RMS = 50.0


class UnusableSoundError(Exception):
    """A sound file cannot be read, is not 16-bit PCM, or is silent."""

    error_id = "unusable-sound"


@dataclass(frozen=True)
class Sound:
    """Samples of one channel at RATE_HZ."""

    samples: "array[int]"

    @property
    def duration_ms(self) -> int:
        return round(len(self.samples) * 1000 / RATE_HZ)

    @property
    def rms(self) -> float:
        """Loudness as root mean square, 0..32768."""
        if not self.samples:
            return 0.0
        return math.sqrt(sum(map(mul, self.samples, self.samples)) / len(self.samples))


def read(path: Path) -> Sound:
    """The sound of a WAV file, brought to RATE_HZ and one channel. Raises UnusableSoundError."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise UnusableSoundError(f"{path.name} cannot be read as WAV: {error}") from error
    if width != 2:
        raise UnusableSoundError(f"{path.name} has {8 * width} bits a sample: save it with 16")
    samples = array("h", raw[: len(raw) // (2 * channels) * 2 * channels])
    if sys.byteorder == "big":
        samples.byteswap()
    if channels > 1:
        parts = [samples[each::channels] for each in range(channels)]
        samples = array("h", (sum(each) // channels for each in zip(*parts, strict=True)))
    return Sound(_resampled(samples, rate, RATE_HZ))


def _resampled(samples: "array[int]", rate: int, wanted: int) -> "array[int]":
    """Linear between samples going up, the mean over each step going down: good for speech."""
    if rate == wanted:
        return samples
    step = rate / wanted
    last = len(samples) - 1
    result = array("h")
    for index in range(int(len(samples) / step)):
        start = index * step
        first = int(start)
        if step > 1:
            window = samples[first : max(first + 1, int(start + step))]
            result.append(sum(window) // len(window))
        else:
            here, after = samples[first], samples[min(first + 1, last)]
            result.append(int(here + (after - here) * (start - first)))
    return result


def audible(path: Path) -> Sound:
    """As `read`, and raises UnusableSoundError when there is nothing to hear."""
    sound = read(path)
    if sound.rms < SILENT_RMS:
        raise UnusableSoundError(f"{path.name} is silent")
    return sound


def write(path: Path, sound: Sound, rate_hz: int = RATE_HZ) -> None:
    """Write a WAV file of `rate_hz` and put it on disk."""
    samples = _resampled(sound.samples, RATE_HZ, rate_hz)
    if sys.byteorder == "big":
        samples = array("h", samples)
        samples.byteswap()
    with path.open("wb") as raw:
        with wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(samples.tobytes())
        raw.flush()
        os.fsync(raw.fileno())
