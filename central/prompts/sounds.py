"""A WAV file as it comes in becomes a sound that is played as it is."""

import hashlib
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

from central.console.marks import N_
from central.errors import FieldError
from gateway.speech import sound
from gateway.speech.levelled import levelled

LEAST_MS, MOST_MS = 200, 60_000


@dataclass(frozen=True)
class Prepared:
    """wav: a file of `gateway.speech.sound`."""

    wav: bytes
    sha256: str
    duration_ms: int


def prepared(given: bytes) -> Prepared:
    """Raises FieldError."""
    with tempfile.TemporaryDirectory(prefix="wardline-prompt-") as folder:
        path = Path(folder) / "sound.wav"
        path.write_bytes(given)
        try:
            if _length_ms(path) > MOST_MS:
                most_s = MOST_MS // 1000
                raise FieldError("file", N_("The sound is longer than %(most)s s."), most=most_s)
            heard = sound.audible(path)
        except sound.UnusableSoundError as error:
            raise _unusable(error) from None
        made = levelled(heard)
        if made.duration_ms < LEAST_MS:
            raise FieldError("file", N_("There is nothing to hear in the sound."))
        sound.write(path, made)
        wav = path.read_bytes()
    return Prepared(wav, hashlib.sha256(wav).hexdigest(), made.duration_ms)


def _length_ms(path: Path) -> int:
    """As it says of itself: a long one is not even read. 0 for what is no WAV file."""
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() * 1000 // max(1, file.getframerate())
    except (EOFError, wave.Error):
        return 0


def _unusable(error: sound.UnusableSoundError) -> FieldError:
    if "silent" in str(error):
        return FieldError("file", N_("There is nothing to hear in the sound."))
    return FieldError(
        "file", N_("The sound cannot be read. Save it as WAV with 16 bits, or as MP3 or OGG.")
    )
