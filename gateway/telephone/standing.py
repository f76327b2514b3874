"""What Asterisk says by itself, under the names by which it looks for it.

Asterisk comes without a word of Chinese, and our root without its English ones. The tones are made
here, so they are there before any speech engine is; the words are the application's.
"""

import math
from array import array
from pathlib import Path

from gateway.speech.server import TELEPHONE_HZ
from gateway.speech.sound import RATE_HZ, Sound, write
from gateway.telephone.files.mailboxes import GREETING
from gateway.telephone.files.recording import ANNOUNCED, BEGUN, ENDED

# Every name that one of the facilities we use looks for.
WORDS = (
    *(f"digits/{digit}" for digit in range(10)),
    GREETING,
    "vm-mailboxfull",
    "conf-getpin",
    "conf-invalidpin",
    "pbx-transfer",
    "pbx-invalid",
    "privacy-incorrect",
    "pbx-parkingfailed",
    "pbx-invalidpark",
    ANNOUNCED,
    BEGUN,
    ENDED,
)
# Done, and not done: parts of (Hz, ms).
TONES = {"beep": ((880, 200),), "beeperr": ((440, 150), (330, 250))}
_LOUDNESS = 8000


def put_tones(folder: Path) -> None:
    """The tones, in the folder of sounds; all languages share them."""
    for name, parts in TONES.items():
        path = folder / f"{name}.wav"
        if not path.exists():
            fresh = folder / f".{name}.wav"
            write(fresh, Sound(_tone(parts)), TELEPHONE_HZ)
            fresh.replace(path)


def _tone(parts: "tuple[tuple[int, int], ...]") -> "array[int]":
    samples = array("h")
    for hz, ms in parts:
        step = 2 * math.pi * hz / RATE_HZ
        samples.extend(
            round(_LOUDNESS * math.sin(step * each)) for each in range(RATE_HZ * ms // 1000)
        )
    return samples
