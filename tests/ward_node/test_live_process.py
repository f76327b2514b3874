"""A live voice through a real broker to a box, a process of ward_node.cpython that records."""

import base64
import itertools
import threading
import time
import wave
from array import array

import pytest

from gateway.mqtt import kinds, topics
from gateway.speech.sound import Sound
from tests.conftest import wait_for
from tests.ward_node.conftest import FakeCentral, NodeProcess
from ward_node.contract import sound

LOUD = 1_000.0
# A tone of 500 Hz, in mu-law.
TONE = (b"\x80" * 8 + b"\x00" * 8) * (sound.BLOCK_BYTES // 16)


class Voice:
    """Somebody who speaks to ward 5 until told to stop."""

    def __init__(self, central: FakeCentral, stream: str, klass: str) -> None:
        self._central, self._stream, self._klass = central, stream, klass
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._speak)
        self.blocks = 0

    def __enter__(self) -> "Voice":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _send(self, seq: int, **more: object) -> None:
        message = {
            "stream": self._stream, "seq": seq, "at_ms": time.time_ns() // 1_000_000,
            "class": self._klass,
        }  # fmt: skip
        self._central.send("5", topics.ALL, topics.VOICE, message | more)

    def _speak(self) -> None:
        for seq in itertools.count():
            self._send(seq, sound=base64.b64encode(TONE).decode())
            self.blocks = seq + 1
            if self._stop.wait(sound.BLOCK_MS / 1000):
                break
        self._send(self.blocks, end=True)


@pytest.fixture
def listening(central: FakeCentral, box: NodeProcess) -> NodeProcess:
    box.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    now_ms = time.time_ns() // 1_000_000
    clock = {"now_ms": now_ms, "real_ms": now_ms, "offset_min": 480, "session": "s"}
    central.send("5", topics.ALL, topics.CLOCK, clock)
    return box


def test_the_loudspeaker_has_the_voice_at_its_length(
    central: FakeCentral, listening: NodeProcess
) -> None:
    with Voice(central, "b-1", kinds.EMERGENCY) as voice:
        wait_for(lambda: voice.blocks >= 5, "a second of speech")
        said = wait_for(listening.spoken, "the box to speak")[0]
        assert (said["class"], said["beds"], said["ended_ms"]) == ("emergency", ["1", "2"], None)
    answer = central.answer("b-1")
    assert answer["result"] == "done"
    wait_for(lambda: listening.spoken()[0]["ended_ms"], "the end")
    with wave.open(str(listening.folder / "spoken" / "1.wav")) as file:
        assert file.getframerate() == sound.RATE_HZ
        assert file.getnframes() == voice.blocks * sound.BLOCK_BYTES
        assert Sound(array("h", file.readframes(file.getnframes()))).rms > LOUD


def test_an_emergency_at_a_bed_is_heard_between(
    central: FakeCentral, listening: NodeProcess
) -> None:
    with Voice(central, "b-2", kinds.EMERGENCY):
        wait_for(listening.spoken, "the box to speak")
        listening.operate("1", "press")
        wait_for(lambda: central.events(kinds.PRESS), "the press")
        words = {"lang": "zh", "text": "一床紧急呼叫"}
        body = {"utterance": "call-1", "class": kinds.EMERGENCY, "words": words}
        central.command("5-box", "1", kinds.SPEAK, body)
        assert central.answer("1")["result"] == "done"
        wait_for(lambda: len(listening.spoken()) == 3, "the voice to go on")
    assert central.answer("b-2")["result"] == "done"
    assert [(each["text"], each["interrupted"]) for each in listening.spoken()] == [
        ("", True), ("一床紧急呼叫", False), ("", False),
    ]  # fmt: skip
