"""espeak-ng itself, Piper by a stand-in program, and the sounds they make."""

import asyncio
import struct
import wave
from pathlib import Path

import pytest

from gateway.speech import sound
from gateway.speech.engines import EngineFailedError, Espeak, Piper, plain
from gateway.speech.library import SpeechLibrary, SpeechUnavailableError
from tests.speech.conftest import tone

WORDS = {
    "zh": "三病区五床,点滴时间已到,病人没有确认,请立即查看。",
    "en": "Your drip is nearly through. Please look at the bottle.",
}


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def say(folder: Path, engine: Espeak | Piper, text: str, lang: str = "en") -> sound.Sound:
    target = folder / "said.wav"
    asyncio.run(engine.render(lang, text, target))
    return sound.read(target)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_espeak_is_heard(tmp_path: Path, lang: str) -> None:
    audio = asyncio.run(SpeechLibrary(tmp_path, [Espeak()]).audio(lang, WORDS[lang]))
    with wave.open(str(audio.path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22_050, 1, 2)
    heard = sound.read(audio.path)
    assert heard.rms > 1000
    assert 3000 < audio.duration_ms < 9000
    assert audio.duration_ms == heard.duration_ms


def test_espeak_speaks_more_slowly_than_by_itself(tmp_path: Path) -> None:
    ours = say(tmp_path, Espeak(), WORDS["en"])
    quick = tmp_path / "quick.wav"

    async def render() -> None:
        command = ("espeak-ng", "-v", "en-gb", "-w", str(quick), WORDS["en"])
        process = await asyncio.create_subprocess_exec(*command)
        await process.wait()

    asyncio.run(render())
    assert ours.duration_ms > sound.read(quick).duration_ms


@pytest.mark.parametrize("text", ["--version", "-f /etc/passwd", "-w {there}", "; touch {there}"])
def test_a_text_is_never_an_option(tmp_path: Path, text: str) -> None:
    there = tmp_path / "there"
    heard = say(tmp_path, Espeak(), text.format(there=there))
    assert heard.rms > sound.SILENT_RMS
    assert not there.exists()


def test_what_espeak_takes_for_phonemes_is_text() -> None:
    assert plain("a [[b]]\x00\n c") == "a [ [b]]  c"
    assert "[[" not in plain("[[[[x")


def test_a_missing_program_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(EngineFailedError, match="does not start"):
        say(tmp_path, Espeak(str(tmp_path / "none")), "hello")


def test_a_failing_program_is_a_failure_with_its_last_words(tmp_path: Path) -> None:
    broken = program(tmp_path / "broken", "cat >/dev/null; echo no voice >&2; exit 3")
    with pytest.raises(EngineFailedError, match="ended with 3: no voice"):
        say(tmp_path, Espeak(broken), "hello")


def test_a_hanging_program_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    # The file is there once it is whole: the program may be ended at any moment.
    body = f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600"
    hanging = program(tmp_path / "hanging", body)
    with pytest.raises(EngineFailedError, match="took more than"):
        say(tmp_path, Espeak(hanging, timeout_s=0.3), "hello")
    if pid.exists():
        assert not Path(f"/proc/{pid.read_text().strip()}").exists()


def test_without_a_working_engine_the_library_says_so(tmp_path: Path) -> None:
    library = SpeechLibrary(tmp_path, [Espeak(str(tmp_path / "none"))])
    with pytest.raises(SpeechUnavailableError, match="does not start"):
        asyncio.run(library.audio("zh", "您好"))


def stand_in(folder: Path) -> str:
    """Writes a ready WAV to where Piper is told to, and keeps what it was asked."""
    sound.write(folder / "ready.wav", tone(500))
    body = f'echo "$@" > {folder}/asked; cat > {folder}/text; cp {folder}/ready.wav "$4"'
    return program(folder / "piper", body)


def test_piper_speaks_with_the_voice_of_the_language(tmp_path: Path) -> None:
    piper = Piper(stand_in(tmp_path), {"zh": tmp_path / "zh.onnx"})
    assert piper.speaks("zh")
    assert not piper.speaks("en")
    assert say(tmp_path, piper, "-您好", "zh").duration_ms == 500
    target = tmp_path / "said.wav"
    asked = f"--model {tmp_path}/zh.onnx --output_file {target}\n"
    assert (tmp_path / "asked").read_text() == asked
    assert (tmp_path / "text").read_text() == "-您好"


def test_piper_without_its_voice_file_leaves_the_word_to_espeak(tmp_path: Path) -> None:
    piper = Piper(stand_in(tmp_path), {"en": tmp_path / "en.onnx"})
    library = SpeechLibrary(tmp_path / "cache", [piper, Espeak()])
    asyncio.run(library.audio("en", "hello"))
    assert not (tmp_path / "asked").exists()


def test_another_voice_file_is_another_sound(tmp_path: Path) -> None:
    voice = tmp_path / "en.onnx"
    piper = Piper(stand_in(tmp_path), {"en": voice})
    voice.write_bytes(b"one")
    before = asyncio.run(piper.identity("en"))
    voice.write_bytes(b"another")
    assert asyncio.run(piper.identity("en")) != before


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (8_000, 1), (48_000, 1)])
def test_any_rate_becomes_ours(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "given.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        # A square wave of 100 Hz lasting one second.
        file.writeframes(
            b"".join(
                struct.pack("<h", 8000 if n * 200 // rate % 2 else -8000) * channels
                for n in range(rate)
            )
        )
    heard = sound.audible(path)
    assert heard.duration_ms in (999, 1000)
    assert heard.rms == pytest.approx(8000, rel=0.05)
    crossings = sum(a < 0 <= b for a, b in zip(heard.samples, heard.samples[1:], strict=False))
    assert crossings in (99, 100)


def test_unusable_sounds_are_refused_by_name(tmp_path: Path) -> None:
    silent, eight, broken = (tmp_path / f"{name}.wav" for name in ("silent", "eight", "broken"))
    sound.write(silent, tone(loud=0))
    with wave.open(str(eight), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(22_050)
        file.writeframes(bytes(100))
    broken.write_bytes(b"RIFF")
    for path, reason in ((silent, "silent"), (eight, "8 bits"), (broken, "cannot be read")):
        with pytest.raises(sound.UnusableSoundError, match=rf"{path.name}.*{reason}"):
            sound.audible(path)
