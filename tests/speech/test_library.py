"""The library: who speaks, what is kept, what is made only once, what is thrown away."""

import asyncio
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.speech import library as module
from gateway.speech import recorded, sound
from gateway.speech.library import Audio, SpeechLibrary, SpeechUnavailableError
from tests.speech.conftest import FAILURE, FakeEngine, tone


def one(library: SpeechLibrary, text: str = "您好", lang: str = "zh") -> Audio:
    return asyncio.run(library.audio(lang, text))


def wavs(cache: Path) -> set[str]:
    return {path.stem for path in cache.glob("*.wav")}


def test_a_sound_is_named_by_its_content(tmp_path: Path, engine: FakeEngine) -> None:
    audio = one(SpeechLibrary(tmp_path, [engine], url="http://10.0.0.1:8090/"))
    assert audio.sha256 == hashlib.sha256(audio.path.read_bytes()).hexdigest()
    assert audio.url == f"http://10.0.0.1:8090/speech/{audio.sha256}.wav"
    assert audio.path == tmp_path / f"{audio.sha256}.wav"
    assert audio.duration_ms == 20
    assert sorted(each.name for each in tmp_path.iterdir()) == [audio.path.name, "keys"]


def test_a_text_is_rendered_once_also_after_a_restart(tmp_path: Path, engine: FakeEngine) -> None:
    first = one(SpeechLibrary(tmp_path, [engine]))
    assert one(SpeechLibrary(tmp_path, [engine])) == first
    assert engine.rendered == ["您好"]


def test_what_is_known_already_is_told_without_making_anything(
    tmp_path: Path, engine: FakeEngine
) -> None:
    async def story() -> None:
        library = SpeechLibrary(tmp_path / "cache", [engine], tmp_path)
        asked = [("zh", "您好"), ("en", "hello"), ("xx", "?")]
        assert await library.known(asked) == [None, None, None]
        assert engine.rendered == []
        hello = await library.audio("en", "hello")
        assert await library.known(asked) == [None, hello, None]
        # What would be said now is the recording, and that was not looked at yet.
        sound.write(tmp_path / recorded.name_of("en", "hello"), tone())
        assert await library.known(asked) == [None, None, None]
        by_a_person = await library.audio("en", "hello")
        assert await library.known(asked) == [None, by_a_person, None]

    asyncio.run(story())


def test_who_asks_together_shares_one_rendering(tmp_path: Path, engine: FakeEngine) -> None:
    async def scenario() -> None:
        library = SpeechLibrary(tmp_path, [engine])
        answers = await asyncio.gather(*(library.audio("zh", "您好") for _ in range(20)))
        assert len(set(answers)) == 1
        assert engine.rendered == ["您好"]

    asyncio.run(scenario())


def test_who_stops_waiting_does_not_stop_the_rendering(tmp_path: Path, engine: FakeEngine) -> None:
    async def scenario() -> None:
        engine.gate = asyncio.Event()
        library = SpeechLibrary(tmp_path, [engine])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await library.audio("zh", "您好")
        engine.gate.set()
        await library.audio("zh", "您好")
        assert engine.rendered == ["您好"]

    asyncio.run(scenario())


def test_language_text_and_version_tell_sounds_apart(tmp_path: Path, engine: FakeEngine) -> None:
    library = SpeechLibrary(tmp_path, [engine])
    one(library, "12", "zh")
    one(library, "12", "en")
    one(library, "13", "en")
    engine.version = "2"
    one(library, "13", "en")
    assert engine.rendered == ["12", "12", "13", "13"]


def test_the_first_engine_that_can_speaks(tmp_path: Path) -> None:
    nice, plain = FakeEngine("nice"), FakeEngine("plain")
    one(SpeechLibrary(tmp_path, [nice, plain]))
    assert (nice.rendered, plain.rendered) == (["您好"], [])


def test_a_failed_engine_is_followed_by_the_next_and_rests(tmp_path: Path) -> None:
    nice, plain = FakeEngine("nice"), FakeEngine("plain")
    now_s = [0.0]
    library = SpeechLibrary(tmp_path, [nice, plain], steady_s=lambda: now_s[0])
    nice.fails = FAILURE
    one(library, "一")
    one(library, "二")
    assert (nice.rendered, plain.rendered) == (["一"], ["一", "二"])
    nice.fails = None
    now_s[0] = module.ENGINE_REST_S
    one(library, "一")
    assert nice.rendered == ["一", "一"]


def test_a_silent_engine_is_followed_by_the_next(tmp_path: Path) -> None:
    mute, plain = FakeEngine("mute", loud=3), FakeEngine("plain")
    audio = one(SpeechLibrary(tmp_path, [mute, plain]))
    assert plain.rendered == ["您好"]
    assert sound.read(audio.path).rms > sound.SILENT_RMS


def test_when_none_can_speak_each_reason_is_told(tmp_path: Path) -> None:
    broken, mute = FakeEngine("broken"), FakeEngine("mute", loud=0)
    broken.fails = FAILURE
    library = SpeechLibrary(tmp_path, [broken, mute])
    with pytest.raises(SpeechUnavailableError, match=r"broken: broken; mute: said.wav is silent"):
        one(library)
    assert wavs(tmp_path) == set()


def test_the_last_engine_gets_no_rest(tmp_path: Path, engine: FakeEngine) -> None:
    library = SpeechLibrary(tmp_path, [engine])
    engine.fails = FAILURE
    with pytest.raises(SpeechUnavailableError):
        one(library)
    engine.fails = None
    assert one(library).duration_ms == 20


def test_no_voice_for_a_language(tmp_path: Path, engine: FakeEngine) -> None:
    with pytest.raises(SpeechUnavailableError, match="fr"):
        one(SpeechLibrary(tmp_path, [engine]), lang="fr")


# --- recordings ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recorded"
    made.mkdir()
    return made


def test_a_recording_overrides_every_engine(
    tmp_path: Path, folder: Path, engine: FakeEngine
) -> None:
    sound.write(folder / recorded.name_of("zh", "您好"), tone(777))
    library = SpeechLibrary(tmp_path / "cache", [engine], folder)
    assert one(library).duration_ms == 777
    assert one(library, "您好", "en").duration_ms == 20
    assert engine.rendered == ["您好"]


def test_a_recording_may_be_listed_and_replaced(
    tmp_path: Path, folder: Path, engine: FakeEngine
) -> None:
    library = SpeechLibrary(tmp_path / "cache", [engine], folder)
    assert one(library).duration_ms == 20
    sound.write(folder / "hello.wav", tone(300))
    index = [{"lang": "zh", "text": "您好", "file": "hello.wav"}]
    (folder / "index.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    assert one(library).duration_ms == 300
    sound.write(folder / "hello.wav", tone(400))
    assert one(library).duration_ms == 400
    (folder / "hello.wav").unlink()
    assert one(library).duration_ms == 20


@pytest.mark.parametrize(
    "index",
    [
        "not json",
        "{}[",
        '[{"lang": "zh"}]',
        "[7]",
        '[{"lang": "zh", "text": "您好", "file": "../../secret.wav"}]',
        '[{"lang": "zh", "text": "您好", "file": "/etc/passwd"}]',
    ],
)
def test_a_wrong_index_is_passed_over(
    tmp_path: Path, folder: Path, engine: FakeEngine, index: str
) -> None:
    sound.write(tmp_path / "secret.wav", tone(900))
    (folder / "index.json").write_text(index, encoding="utf-8")
    assert one(SpeechLibrary(tmp_path / "cache", [engine], folder)).duration_ms == 20


def test_an_unusable_recording_is_passed_over(
    tmp_path: Path, folder: Path, engine: FakeEngine
) -> None:
    (folder / recorded.name_of("zh", "您好")).write_bytes(b"MP3, they said")
    assert one(SpeechLibrary(tmp_path / "cache", [engine], folder)).duration_ms == 20


# --- the cache ---


def test_the_sound_used_longest_ago_goes_first(tmp_path: Path, engine: FakeEngine) -> None:
    texts = ["一" * 100, "二" * 100, "三" * 100, "四" * 100]
    size = 44 + 2 * sound.RATE_HZ
    library = SpeechLibrary(tmp_path, [engine], max_bytes=int(3.5 * size))
    for age, text in enumerate(texts[:3]):
        path = one(library, text).path
        long_ago_s = time.time() - 1000 + age
        os.utime(path, (long_ago_s, long_ago_s))
    kept = one(library, texts[0])  # used now
    newest = one(library, texts[3])
    left = wavs(tmp_path)
    assert {kept.sha256, newest.sha256} <= left
    assert len(left) == 3
    assert len(list((tmp_path / "keys").iterdir())) == 3
    one(library, texts[1])
    assert engine.rendered == [*texts, texts[1]]


def test_the_cache_is_measured_seldom_and_is_never_too_large(
    tmp_path: Path, engine: FakeEngine
) -> None:
    """To measure it for each new sound would take as long as making one."""
    measured = 0

    class Watched(SpeechLibrary):
        def _evict(self, newest: Path) -> int:
            nonlocal measured
            measured += 1
            return super()._evict(newest)

    size = 44 + 2 * sound.RATE_HZ // 100
    most = 64 * size
    library = Watched(tmp_path, [engine], max_bytes=most)
    for number in range(48):
        one(library, chr(0x4E00 + number))
    assert 1 < measured < 40
    for number in range(48, 120):
        one(library, chr(0x4E00 + number))
        assert sum(path.stat().st_size for path in tmp_path.glob("*.wav")) <= most
    assert len(wavs(tmp_path)) > 48


def test_a_sound_larger_than_the_cache_is_still_said(tmp_path: Path, engine: FakeEngine) -> None:
    library = SpeechLibrary(tmp_path, [engine], max_bytes=10)
    assert one(library, "一").path.exists()
    audio = one(library, "二")
    assert wavs(tmp_path) == {audio.sha256}


def test_a_damaged_cache_heals(tmp_path: Path, engine: FakeEngine) -> None:
    library = SpeechLibrary(tmp_path, [engine])
    audio = one(library)
    audio.path.unlink()
    assert one(library) == audio
    for key in (tmp_path / "keys").iterdir():
        key.write_text("half a")
    assert one(library) == audio
    assert audio.path.exists()
    assert engine.rendered == ["您好"] * 3


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path, engine: FakeEngine) -> None:
    left = tmp_path / ".rendering-abc"
    left.mkdir()
    (left / "said.wav").write_bytes(b"half")
    os.utime(left, (1, 1))
    library = SpeechLibrary(tmp_path, [engine], max_bytes=10)
    one(library)
    assert not left.exists()


def test_closing_stops_what_is_being_rendered(tmp_path: Path, engine: FakeEngine) -> None:
    async def scenario() -> None:
        engine.gate = asyncio.Event()
        library = SpeechLibrary(tmp_path, [engine])
        waiter = asyncio.create_task(library.audio("zh", "您好"))
        await engine.began.wait()
        await library.close()
        with pytest.raises(asyncio.CancelledError):
            await waiter

    asyncio.run(scenario())
    assert wavs(tmp_path) == set()


@pytest.mark.parametrize(
    ("piper", "names"),
    [
        (None, ["espeak-ng"]),
        ({"program": "piper", "voice_zh": "zh.onnx", "voice_en": None}, ["piper", "espeak-ng"]),
    ],
)
def test_the_configuration_chooses_the_engines(
    tmp_path: Path, piper: dict[str, Any] | None, names: list[str]
) -> None:
    config = {"url": "http://x", "cache": str(tmp_path), "recorded": None, "piper": piper}
    library = module.from_config(config)
    assert [each.name for each in library._engines] == names
    assert [each.speaks("en") for each in library._engines][-1]
    assert [each.speaks("en") for each in library._engines[:-1]] == [False] * (len(names) - 1)
