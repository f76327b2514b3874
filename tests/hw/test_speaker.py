"""Loudspeakers, real and recorded."""

import array
import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hw import microphone
from hw import speaker as speaking
from hw.errors import MicrophoneError, SpeakerError
from hw.microphone import RATE, AlsaMicrophone
from hw.speaker import TEST, AlsaSpeaker, at_volume, duration_ms
from hw.telephone import linear
from hw.virtual import speaker as virtual
from hw.virtual.speaker import DEAD, GONE, KEPT, TORN, WHOLE, RecordingSpeaker, VirtualMicrophone

from .conftest import WAIT_S, eventually, tone

ABOUT = {"text": "三床呼叫", "lang": "zh", "beds": ["3"], "class": "call"}


def samples(sound: bytes) -> list[int]:
    with wave.open(io.BytesIO(sound)) as played:
        return array.array("h", played.readframes(played.getnframes())).tolist()


def test_volume_scales_every_sample(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 50)
    full = samples(at_volume(path, 100))
    assert max(full) > 19000
    assert samples(at_volume(path, 50)) == [sample // 2 for sample in full]
    assert set(samples(at_volume(path, 0))) == {0}
    with pytest.raises(ValueError, match="0 to 100"):
        at_volume(path, 101)


@pytest.mark.parametrize("content", [b"", b"RIFFnonsense", b"x" * 100])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(SpeakerError, match=r"bad\.wav"):
        at_volume(path, 100)
    with pytest.raises(SpeakerError, match=r"bad\.wav"):
        duration_ms(path)


def test_alsa_plays_into_its_null_device(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 50)
    asyncio.run(AlsaSpeaker("null").play(path, 80, about=ABOUT))


def test_a_device_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 50)
    with pytest.raises(SpeakerError, match="no_such_card"):
        asyncio.run(AlsaSpeaker("no_such_card").play(path, 80, about=ABOUT))
    with pytest.raises(SpeakerError, match="/no/such/aplay"):
        asyncio.run(AlsaSpeaker(program="/no/such/aplay").play(path, 80, about=ABOUT))


@pytest.fixture
def loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ALSA devices without a sound card: what is played into `out` lands in a file, from which
    `in` records. Their programs may take as long to start as a slow machine needs."""
    monkeypatch.setattr(speaking, "PROBE_TIMEOUT_S", WAIT_S)
    monkeypatch.setattr(microphone, "START_TIMEOUT_S", WAIT_S)
    played = tmp_path / "played.raw"
    settings = tmp_path / "asound.conf"
    settings.write_text(
        "</usr/share/alsa/alsa.conf>\n"
        f'pcm.out {{type file slave.pcm null format raw file "{played}"}}\n'
        f'pcm.in {{type file slave.pcm null file /dev/null infile "{played}"}}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(settings))
    return played


def test_a_probe_opens_the_device_and_makes_no_sound(loopback: Path) -> None:
    asyncio.run(AlsaSpeaker("out").probe())
    assert not loopback.read_bytes().strip(b"\0"), "silence at most"
    with pytest.raises(SpeakerError, match="no_such_card"):
        asyncio.run(AlsaSpeaker("no_such_card").probe())


def test_a_probe_that_hangs_in_the_driver_is_given_up(tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o755)
    with pytest.raises(SpeakerError, match="does not open within"):
        asyncio.run(AlsaSpeaker(program=str(hangs)).probe())


def test_what_alsa_plays_alsa_records(loopback: Path, tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 300, rate=RATE)
    asyncio.run(AlsaSpeaker("out").play(path, 50, about={"class": TEST}))
    heard = asyncio.run(AlsaMicrophone("in").record(200))
    assert heard.tolist() == samples(at_volume(path, 50))[: RATE // 5]


def test_a_microphone_that_is_missing_or_mute_is_named() -> None:
    for each, complaint in (
        (AlsaMicrophone("no_such_card"), "no_such_card"),
        (AlsaMicrophone("null", program="/no/such/arecord"), "/no/such/arecord"),
        (AlsaMicrophone("null", program="true"), "null"),
    ):
        with pytest.raises(MicrophoneError, match=complaint):
            asyncio.run(each.record(100))


@pytest.mark.parametrize(("state", "least", "most"), [(WHOLE, 4_000, 6_000), (TORN, 50, 150)])
def test_a_virtual_microphone_hears_the_loudspeaker_as_it_is(
    tmp_path: Path, state: str, least: int, most: int
) -> None:
    assert least < max(_heard(tmp_path, state)) < most


def test_a_dead_loudspeaker_gives_no_sound_and_one_unplugged_refuses(tmp_path: Path) -> None:
    assert max(_heard(tmp_path, DEAD)) < 10
    with pytest.raises(SpeakerError, match="unplugged"):
        _heard(tmp_path, GONE)
    with pytest.raises(ValueError, match="whole, torn, dead, gone"):
        RecordingSpeaker(tmp_path).switch("bored")


def _heard(folder: Path, state: str) -> list[int]:
    """What is heard while a tone is played, whatever time passes until it begins."""
    path = tone(folder / "a.wav", 100)
    speaker = RecordingSpeaker(folder / "said")
    speaker.switch(state)

    async def run() -> list[int]:
        listening = asyncio.create_task(VirtualMicrophone(speaker).record(200))
        await asyncio.sleep(0)  # it listens from here on
        try:
            await speaker.play(path, 100, about={"class": TEST})
        finally:
            heard = await listening
        assert speaker.spoken() == [], "a test is no utterance"
        return heard.tolist()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(virtual, "steady_ms", lambda: 0)
        return asyncio.run(run())


def test_cancelling_kills_the_player(tmp_path: Path) -> None:
    """A stand-in for aplay tells its process number and would play for ever."""
    told = tmp_path / "pid"
    endless = tmp_path / "endless"
    endless.write_text(
        f'#!/bin/sh\necho $$ > "{told}.new"; mv "{told}.new" "{told}"\nexec sleep 600\n'
    )
    endless.chmod(0o755)
    path = tone(tmp_path / "a.wav", 50)

    async def run() -> None:
        playing = asyncio.create_task(AlsaSpeaker(program=str(endless)).play(path, 80, about=ABOUT))
        await eventually(told.exists, "the player to start")
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing

    asyncio.run(run())
    assert not Path(f"/proc/{told.read_text().strip()}").exists()


def test_the_recording_speaker_takes_its_time_and_writes_it_down(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 120)
    speaker = RecordingSpeaker(tmp_path / "said")

    async def run() -> None:
        playing = asyncio.create_task(speaker.play(path, 60, about=ABOUT))
        await eventually(speaker.spoken, "the beginning")
        assert speaker.spoken()[0]["ended_ms"] is None
        await playing

    asyncio.run(run())
    (said,) = speaker.spoken()
    assert {name: said[name] for name in ABOUT} == ABOUT
    assert (said["id"], said["volume"], said["interrupted"]) == (1, 60, False)
    # Event loops wake up to a clock tick early.
    assert said["ended_ms"] - said["started_ms"] >= duration_ms(path) - 2
    kept = speaker.wav(1)
    assert kept is not None
    assert kept.read_bytes() == path.read_bytes()
    assert speaker.wav(2) is None
    assert json.loads((tmp_path / "said" / "spoken.jsonl").read_text()) == said


def test_an_interrupted_utterance_says_so(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 60_000)
    speaker = RecordingSpeaker(tmp_path / "said")

    async def run() -> None:
        playing = asyncio.create_task(speaker.play(path, 60, about=ABOUT))
        await eventually(speaker.spoken, "the beginning")
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing

    asyncio.run(run())
    (said,) = speaker.spoken()
    assert said["interrupted"]
    assert said["ended_ms"] - said["started_ms"] < 60_000


def test_old_utterances_are_forgotten_with_their_sound(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 1)
    speaker = RecordingSpeaker(tmp_path / "said")

    async def run() -> None:
        for _ in range(KEPT + 3):
            await speaker.play(path, 60, about={})

    asyncio.run(run())
    assert [said["id"] for said in speaker.spoken()] == list(range(4, KEPT + 4))
    assert len(list((tmp_path / "said").glob("*.wav"))) == KEPT


LOUDEST = 0x00  # mu-law: -32124


async def _blocks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes([LOUDEST]) * 1600


def test_telephone_sound_is_read_as_the_standard_says() -> None:
    """Against the table of G.711, by its ends, its zero and its order."""
    samples = array.array("h", linear(bytes(range(256))))
    assert (samples[0x00], samples[0x7F], samples[0x80], samples[0xFF]) == (-32124, 0, 32124, 0)
    assert list(samples[:128]) == sorted(samples[:128])
    assert [-each for each in samples[:128]] == list(samples[128:])
    assert array.array("h", linear(b"\x80", 50)).tolist() == [16062]


def test_a_stream_goes_to_the_player_as_it_comes(tmp_path: Path) -> None:
    """A stand-in for aplay keeps what it is given and with what words it was called."""
    stand_in = tmp_path / "aplay"
    stand_in.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/words"\ncat > "{tmp_path}/heard"\n')
    stand_in.chmod(0o755)
    asyncio.run(AlsaSpeaker("hw:1", program=str(stand_in)).stream(_blocks(3), 50, about=ABOUT))
    assert (tmp_path / "heard").read_bytes() == linear(bytes([LOUDEST]) * 4800, 50)
    words = (tmp_path / "words").read_text()
    assert "-D hw:1" in words
    assert "-r 8000" in words


def test_a_stream_whose_player_ends_says_why(tmp_path: Path) -> None:
    stand_in = tmp_path / "aplay"
    stand_in.write_text("#!/bin/sh\necho unplugged >&2\nexit 1\n")
    stand_in.chmod(0o755)
    speaker = AlsaSpeaker(program=str(stand_in))
    with pytest.raises(SpeakerError, match="unplugged"):
        asyncio.run(speaker.stream(_blocks(1000), 50, about=ABOUT))


def test_the_recording_speaker_keeps_a_stream(tmp_path: Path) -> None:
    speaker = RecordingSpeaker(tmp_path)
    asyncio.run(speaker.stream(_blocks(2), 60, about=ABOUT))
    (said,) = speaker.spoken()
    assert (said["volume"], said["interrupted"]) == (60, False)
    assert said["ended_ms"] - said["started_ms"] >= 400 - 2
    kept = speaker.wav(1)
    assert kept is not None
    assert duration_ms(kept) == 400
    speaker.switch(GONE)
    with pytest.raises(SpeakerError):
        asyncio.run(speaker.stream(_blocks(2), 60, about=ABOUT))
