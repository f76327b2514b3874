"""What a person has said, made ready: without the silence around it, and as loud as our speech."""

import math
from array import array
from itertools import starmap
from operator import mul

from gateway.speech.sound import RATE_HZ, SILENT_RMS, Sound

# As a speech engine's voice while it speaks: root mean square, of 32,768.
TARGET_RMS = 4_000.0
# Nothing is made louder than this: it would be cut off.
MOST_PEAK = 30_000
# Of the loudest moment; less is a pause.
_PAUSE_SHARE = 0.05
_WINDOW_MS = 20
_WINDOW = RATE_HZ * _WINDOW_MS // 1000
# Stays of the silence around it.
_AROUND = 8


def levelled(sound: Sound) -> Sound:
    """One without anything to hear is left as it is."""
    samples = sound.samples
    loudness = [_rms(samples[at : at + _WINDOW]) for at in range(0, len(samples), _WINDOW)]
    least = max(SILENT_RMS, max(loudness, default=0.0) * _PAUSE_SHARE)
    spoken = [n for n, each in enumerate(loudness) if each >= least]
    if not spoken:
        return sound
    first, last = max(0, spoken[0] - _AROUND), spoken[-1] + _AROUND + 1
    kept = samples[first * _WINDOW : last * _WINDOW]
    rms = math.sqrt(sum(loudness[n] ** 2 for n in spoken) / len(spoken))
    gain = min(TARGET_RMS / rms, MOST_PEAK / max(1, max(map(abs, kept))))
    return Sound(array("h", (round(each * gain) for each in kept)))


def _rms(samples: "array[int]") -> float:
    return math.sqrt(sum(starmap(mul, zip(samples, samples, strict=True))) / max(1, len(samples)))
