"""The sounds of a node: chimes by the norm, central's audio when it is what was promised."""

import asyncio
import cmath
import hashlib
import math
import threading
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WAIT_S
from ward_node.core.effects import Speak
from ward_node.cpython import audio, chime
from ward_node.cpython.audio import Audio, NoVoiceError
from ward_node.cpython.voice import Mouth

RATE = 22_050


@pytest.mark.parametrize(("kind", "notes"), [("high", 5), ("medium", 3), ("low", 2)])
def test_a_chime_has_the_notes_of_its_priority(kind: str, notes: int) -> None:
    sound = chime.samples(kind, RATE)
    window = RATE // 100
    loud = [
        any(abs(each) > 500 for each in sound[start : start + window])
        for start in range(0, len(sound), window)
    ]
    begins = sum(1 for before, now in zip([False, *loud], loud, strict=False) if now and not before)
    assert begins == notes
    assert max(abs(each) for each in sound) <= 32_767


@pytest.mark.parametrize("kind", ["high", "medium", "low"])
def test_a_note_has_four_harmonics_in_range(kind: str) -> None:
    frequency, length_ms, _ = chime.NOTES[kind][0]
    assert 150 <= frequency <= 1000
    sound = chime.samples(kind, RATE)[: RATE * length_ms // 1000]

    def strength(hertz: float) -> float:
        turn = -2j * math.pi * hertz / RATE
        return abs(sum(each * cmath.exp(turn * index) for index, each in enumerate(sound)))

    fundamental = strength(frequency)
    heard = [
        number * frequency
        for number in range(2, 9)
        if 300 <= number * frequency <= 4000 and strength(number * frequency) > fundamental / 6
    ]
    assert len(heard) >= 4


def _wav(path: Path, seconds: float, *, rate: int = 16_000, width: int = 2) -> bytes:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(b"\x01" * int(seconds * rate * width))
    return path.read_bytes()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and where it is served, for however long that takes on a slow machine."""
    monkeypatch.setattr(audio, "FETCH_TIMEOUT_S", WAIT_S)
    folder = tmp_path / "library"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_same_words_may_be_joined_twice_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread goes on with words that were broken off, and they may be said again meanwhile."""
    both, opened = threading.Barrier(2, timeout=WAIT_S), wave.open

    def together(*given: str) -> Any:
        file = opened(*given)
        both.wait()
        return file

    monkeypatch.setattr(chime.wave, "open", together)
    target = tmp_path / "joined.wav"
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(chime.join, "low", (), target) for _ in range(2)]:
            done.result()
    assert [each.name for each in tmp_path.iterdir()] == ["joined.wav"]


def _words(content: bytes, url: str) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    audio = {"sha256": sha256, "url": url, "duration_ms": 1}
    return {"lang": "en", "text": "Hello.", "audio": audio}


def _own(folder: Path) -> list[Path]:
    return list(folder.glob("own-*.wav"))


def test_central_audio_is_fetched_once_and_kept(tmp_path: Path, library: tuple[Path, str]) -> None:
    folder, url = library
    words = _words(_wav(folder / "a.wav", 0.5), f"{url}/a.wav")
    box = Audio(tmp_path / "audio")
    asyncio.run(box.prefetch([words]))
    (folder / "a.wav").unlink()
    sound = asyncio.run(box.sound("low", words))
    with wave.open(str(sound)) as joined:
        assert joined.getframerate() == 16_000
        chimed = len(chime.samples("low", 16_000)) + 16_000 * chime.REST_MS // 1000
        assert joined.getnframes() == chimed + 8_000
    assert _own(tmp_path / "audio") == []
    # A cached file that a power cut spoilt is not believed.
    kept = tmp_path / "audio" / f"{words['audio']['sha256']}.wav"
    kept.write_bytes(b"")
    asyncio.run(Audio(tmp_path / "audio").sound("low", words))
    assert len(_own(tmp_path / "audio")) == 1


@pytest.mark.parametrize("spoilt", ["hash", "absent", "not a wav", "24 bit", "refused scheme"])
def test_the_box_speaks_itself_when_central_audio_is_no_good(
    tmp_path: Path, library: tuple[Path, str], spoilt: str
) -> None:
    folder, url = library
    content = _wav(folder / "a.wav", 0.5, width=3 if spoilt == "24 bit" else 2)
    words = _words(content, f"{url}/a.wav")
    if spoilt == "hash":
        words["audio"]["sha256"] = "0" * 64
    elif spoilt == "absent":
        (folder / "a.wav").unlink()
    elif spoilt == "not a wav":
        (folder / "a.wav").write_bytes(b"RIFF?")
        words = _words(b"RIFF?", f"{url}/a.wav")
    elif spoilt == "refused scheme":
        words["audio"]["url"] = (folder / "a.wav").as_uri()
    sound = asyncio.run(Audio(tmp_path / "audio").sound("none", words))
    own = _own(tmp_path / "audio")
    assert len(own) == 1
    with wave.open(str(sound)) as joined, wave.open(str(own[0])) as spoken:
        assert joined.getnframes() == spoken.getnframes() > RATE // 4


def test_words_that_look_like_options_or_phonemes_are_only_words(tmp_path: Path) -> None:
    box = Audio(tmp_path / "audio")
    for text in ("--help", "[[@]] a\nb", "-w /tmp/x"):
        asyncio.run(box.sound("none", {"lang": "en", "text": text}))
    assert len(_own(tmp_path / "audio")) == 3


class _Ward:
    poll_ms = None

    def __init__(self) -> None:
        self.routes: list[tuple[str, ...]] = []

    def route(self, beds: Any) -> None:
        self.routes.append(tuple(beds))


class _Speaker:
    """Sounds until it is told to end."""

    def __init__(self) -> None:
        self.played: list[dict[str, Any]] = []
        self.broken_off = 0
        self.end = asyncio.Event()
        self.lets_go = asyncio.Event()
        self.lets_go.set()

    async def play(self, wav_path: Path, volume: int, *, about: dict[str, Any]) -> None:
        self.played.append(about | {"volume": volume})
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            await self.lets_go.wait()
            raise


def _speak(name: str, *beds: str) -> Speak:
    return Speak(name, {"lang": "en", "text": name}, "call", 50, "none", beds)


def _mouth(
    folder: Path, speaker: _Speaker, ward: _Ward, begun: "asyncio.Queue[str]", done: list[Any]
) -> Mouth:
    return Mouth(
        Audio(folder / "audio"),
        speaker,
        ward,  # type: ignore[arg-type]
        on_begun=begun.put_nowait,
        on_done=lambda name, failure: done.append((name, failure)),
    )


def test_without_any_voice_the_chime_is_played_and_the_failure_told(tmp_path: Path) -> None:
    async def story() -> tuple[list[Any], list[dict[str, Any]]]:
        done: list[Any] = []
        speaker = _Speaker()
        speaker.end.set()
        dumb = Audio(tmp_path / "audio", espeak="no-such-program")
        with pytest.raises(NoVoiceError):
            await dumb.sound("none", {"lang": "zh", "text": "好"})
        mouth = Mouth(
            dumb,
            speaker,
            _Ward(),  # type: ignore[arg-type]
            on_begun=lambda name: None,
            on_done=lambda name, failure: done.append((name, failure)),
        )
        mouth.speak(_speak("hello", "1"))
        await mouth._playing  # type: ignore[misc]
        return done, speaker.played

    done, played = asyncio.run(story())
    assert len(played) == 1
    assert done[0][0] == "hello"
    assert "no-such-program does not start" in done[0][1]


def test_nothing_begins_before_a_slow_loudspeaker_is_let_go_of(tmp_path: Path) -> None:
    """Words that were broken off while they waited for it do not free it."""

    async def story() -> None:
        begun: asyncio.Queue[str] = asyncio.Queue()
        speaker, ward = _Speaker(), _Ward()
        mouth = _mouth(tmp_path, speaker, ward, begun, [])
        speaker.lets_go.clear()
        mouth.speak(_speak("one", "1"))
        assert await begun.get() == "one"
        for name in ("two", "three"):
            mouth.silence()
            mouth.speak(_speak(name, name))
            await asyncio.sleep(0)  # it waits
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await begun.get()
        finally:
            speaker.lets_go.set()
        assert await begun.get() == "three"
        assert ward.routes == [("1",), (), ("three",)]
        await mouth.close()

    asyncio.run(story())


def test_silence_breaks_off_and_the_next_is_routed_to_its_own_beds(tmp_path: Path) -> None:
    async def story() -> None:
        done: list[Any] = []
        begun: asyncio.Queue[str] = asyncio.Queue()
        speaker, ward = _Speaker(), _Ward()
        mouth = _mouth(tmp_path, speaker, ward, begun, done)
        mouth.speak(_speak("one", "1"))
        assert await begun.get() == "one"
        mouth.silence()
        mouth.speak(_speak("two", "2"))
        assert await begun.get() == "two"
        assert done == []
        assert ward.routes == [("1",), (), ("2",)]
        speaker.end.set()
        await mouth._playing  # type: ignore[misc]
        assert done == [("two", None)]
        assert ward.routes[-1] == ()
        await mouth.close()

    asyncio.run(story())
