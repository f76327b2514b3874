"""What telephones are told lies in the exchange's folder, and not for ever."""

import os
from pathlib import Path

import pytest

from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary, SpeechUnavailableError
from gateway.telephone.prompts import Prompts


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    (tmp_path / "sounds").mkdir()
    return tmp_path / "sounds"


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.glob("*.wav")}


async def test_what_was_said_longest_ago_goes_but_not_the_exchanges_own_words(
    tmp_path: Path, sounds: Path
) -> None:
    library = SpeechLibrary(tmp_path / "speech", [Espeak()])
    prompts = Prompts(library, sounds, most_bytes=1)
    (sounds / "beep.wav").write_bytes(b"a tone")
    await prompts.put("digits/1", "en", "one")
    standing = (sounds / "en" / "digits" / "1.wav").resolve()
    os.utime(standing, ns=(0, 0))
    first = await prompts.media("en", "Bed five calls.")
    second = await prompts.media("en", "Bed six calls.")
    assert first != second
    assert names(sounds) == {"beep.wav", standing.name, f"{second.rpartition('/')[2]}.wav"}
    assert await prompts.media("en", "Bed five calls.") == first


async def test_a_folder_that_takes_nothing_makes_words_that_cannot_be_said(
    tmp_path: Path, sounds: Path
) -> None:
    prompts = Prompts(SpeechLibrary(tmp_path / "speech", [Espeak()]), sounds / "away")
    with pytest.raises(SpeechUnavailableError, match="telephones cannot be given it"):
        await prompts.media("en", "Bed five calls.")
