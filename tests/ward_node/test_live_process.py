"""A live voice through a real broker to a box, a process of ward_node.cpython that records."""

import base64
import itertools
import threading
import time
import wave
from typing import Any

import pytest

from gateway.mqtt import kinds, topics
from hw.telephone import linear
from tests.conftest import wait_for
from tests.telephone.phone import HEADER_BYTES
from tests.ward_node.conftest import FakeCentral, NodeProcess
from ward_node.contract import sound

# Blocks of 500 Hz in mu-law, one after the other half as loud, so that none is taken for the next.
TONES = [
    (bytes([0x80 | level]) * 8 + bytes([level]) * 8) * (sound.BLOCK_BYTES // 16)
    for level in (0x00, 0x10, 0x20, 0x30)
]
A_SECOND = 1_000 // sound.BLOCK_MS


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
            tone = TONES[seq % len(TONES)]
            self._send(seq, sound=base64.b64encode(tone).decode())
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


def _in_a_row(heard: bytes) -> int:
    """How many blocks were heard as they were spoken, one after the other. A machine that falters
    for a moment costs the voice a few, as a line does."""
    size = 2 * sound.BLOCK_BYTES
    known = [linear(each) for each in TONES]
    blocks = [heard[at : at + size] for at in range(0, len(heard) - size + 1, size)]
    most, row, before = 0, 0, -1
    for block in blocks:
        number = known.index(block) if block in known else -1
        follows = row > 0 and number == (before + 1) % len(TONES)
        row = 0 if number < 0 else row + 1 if follows else 1
        most, before = max(most, row), number
    return most


def _sounding(box: NodeProcess) -> list[dict[str, Any]]:
    return [each for each in box.spoken() if each["ended_ms"] is None]


def test_the_loudspeaker_has_the_voice_at_its_length(
    central: FakeCentral, listening: NodeProcess
) -> None:
    def path(said: dict[str, Any]) -> str:
        return str(listening.folder / "spoken" / f"{said['id']}.wav")

    def with_a_second_of_it() -> list[dict[str, Any]]:
        found = []
        for each in _sounding(listening):
            with open(path(each), "rb") as file:  # its header does not tell yet how long it is
                if _in_a_row(file.read()[HEADER_BYTES:]) >= A_SECOND:
                    found.append(each)
        return found

    with Voice(central, "b-1", kinds.EMERGENCY):
        said = wait_for(with_a_second_of_it, "a second of speech")[0]
        assert (said["class"], said["beds"]) == ("emergency", ["1", "2"])
    answer = central.answer("b-1")
    assert answer["result"] == "done"
    wait_for(lambda: not _sounding(listening), "the end")
    with wave.open(path(said)) as file:
        assert file.getframerate() == sound.RATE_HZ
        assert _in_a_row(file.readframes(file.getnframes())) >= A_SECOND


def test_an_emergency_at_a_bed_is_heard_between(
    central: FakeCentral, listening: NodeProcess
) -> None:
    with Voice(central, "b-2", kinds.EMERGENCY):
        wait_for(listening.spoken, "the box to speak")
        listening.operate("1", "press")
        wait_for(lambda: central.events(kinds.PRESS), "the press")
        wait_for(lambda: _sounding(listening), "the voice, which may have paused")
        words = {"lang": "zh", "text": "一床紧急呼叫"}
        body = {"utterance": "call-1", "class": kinds.EMERGENCY, "words": words}
        central.command("5-box", "1", kinds.SPEAK, body)
        assert central.answer("1")["result"] == "done"
        (place,) = [
            place for place, each in enumerate(listening.spoken()) if each["text"] == words["text"]
        ]
        wait_for(lambda: len(listening.spoken()) > place + 1, "the voice to go on")
    assert central.answer("b-2")["result"] == "done"
    assert [
        (each["text"], each["interrupted"]) for each in listening.spoken()[place - 1 : place + 2]
    ] == [("", True), ("一床紧急呼叫", False), ("", False)]
