"""What Asterisk says by itself, under the names by which it looks for it.

Asterisk comes without a word of Chinese, and our root without its English ones. The tones are made
here, so they are there before any speech engine is; the words are the application's.
"""

import math
from array import array
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gateway.speech.server import TELEPHONE_HZ
from gateway.speech.sound import RATE_HZ, Sound, write
from gateway.telephone.files.hold import FOLDER
from gateway.telephone.files.mailboxes import GREETING
from gateway.telephone.files.recording import ANNOUNCED, BEGUN, ENDED
from gateway.telephone.files.services import INSTEAD, LATER

# Every name that one of the facilities we use looks for.
WORDS = (
    INSTEAD,
    LATER,
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
# For who is kept waiting: soft notes that die away, one after the other, without end (Hz). He is to
# know that he is still there, and nothing more; it is ours, so nobody is owed for it.
HOLD_HZ = (523, 659, 784, 659)
HOLD_NOTE_MS = 1_500
_HOLD_LOUDNESS = 2_400
_HOLD_RISE_MS = 30


def put_tones(folder: Path) -> None:
    """The tones, in the folder of sounds; all languages share them. What stands there is left, so
    a hospital may put sounds of its own into the folder of FOLDER."""
    for name, parts in TONES.items():
        _put(folder / f"{name}.wav", partial(_tone, parts))
    _put(folder / Path(FOLDER).name / "waiting.wav", _waiting)


def _put(path: Path, made: Callable[[], "array[int]"]) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Beside its folder: of that Asterisk plays whatever is there.
    fresh = path.parent.parent / f".{path.name}"
    write(fresh, Sound(made()), TELEPHONE_HZ)
    fresh.replace(path)


def _tone(parts: "tuple[tuple[int, int], ...]") -> "array[int]":
    samples = array("h")
    for hz, ms in parts:
        step = 2 * math.pi * hz / RATE_HZ
        samples.extend(
            round(_LOUDNESS * math.sin(step * each)) for each in range(RATE_HZ * ms // 1000)
        )
    return samples


def _waiting() -> "array[int]":
    samples = array("h")
    length = RATE_HZ * HOLD_NOTE_MS // 1000
    rise = RATE_HZ * _HOLD_RISE_MS // 1000
    for hz in HOLD_HZ:
        step = 2 * math.pi * hz / RATE_HZ
        samples.extend(
            round(_HOLD_LOUDNESS * min(at / rise, 1 - at / length) * math.sin(step * at))
            for at in range(length)
        )
    return samples
