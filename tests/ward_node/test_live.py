"""A live voice at a box: heard in order and never late, beside what else the ward must hear."""

import base64
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt import topics
from tests.ward_node.support import CONFIG, Rig
from ward_node.contract import kinds, sound
from ward_node.core import effects, live, stream, voice

REAL_MS = 1_790_000_000_000
STREAM = "broadcast-1"
NIGHT = [{"from_min": 0, "to_min": 1439, "volume": 20}]
SILENT = [{"from_min": 0, "to_min": 1439, "volume": 0}]


def block(number: int) -> bytes:
    return bytes([number % 200]) * sound.BLOCK_BYTES


class Speaker:
    """Somebody who speaks to the box of `rig`, in blocks."""

    def __init__(self, rig: Rig, klass: str = kinds.ANNOUNCEMENT, stream: str = STREAM) -> None:
        self.rig, self.klass, self.stream = rig, klass, stream
        self.seq = 0

    def send(self, seq: int, *, late_ms: int = 0, **more: Any) -> None:
        """Block `seq`, spoken `late_ms` ago."""
        at_ms = REAL_MS + self.rig.now_ms - late_ms
        message = {"stream": self.stream, "seq": seq, "at_ms": at_ms, "class": self.klass}
        text = base64.b64encode(block(seq)).decode()
        self.rig.message(topics.VOICE, message | ({"sound": text} | more), node=topics.ALL)

    def pause(self, ms: int) -> None:
        for _ in range(ms // 50):
            self.rig.tick(50)

    def end(self) -> None:
        message = {"stream": self.stream, "seq": self.seq, "at_ms": REAL_MS, "class": self.klass}
        self.rig.message(topics.VOICE, message | {"end": True}, node=topics.ALL)

    def speak(self, blocks: int, *, lost: tuple[int, ...] = ()) -> None:
        """So many blocks, each in its time; the numbers of `lost` never come."""
        for _ in range(blocks):
            if self.seq not in lost:
                self.send(self.seq)
            self.seq += 1
            self.pause(sound.BLOCK_MS)


@pytest.fixture
def rig() -> Rig:
    return a_rig()


def a_rig(**more: Any) -> Rig:
    rig = Rig(**more)
    rig.connect()
    rig.beacon(REAL_MS + rig.now_ms)
    return rig


def test_what_is_spoken_is_heard_at_the_beds_and_answered(rig: Rig) -> None:
    speaker = Speaker(rig)
    speaker.speak(10)
    speaker.end()
    assert rig.blocks == [block(seq) for seq in range(10)]
    assert rig.listened == [
        effects.Listen(STREAM, kinds.ANNOUNCEMENT, voice.DAY_VOLUME, rig.node.me.beds)
    ]
    assert rig.is_finished
    ack = rig.ack(STREAM)
    assert ack is not None
    assert (ack["result"], ack["reason"]) == ("done", "2000 ms heard, 0 ms lost")
    rig.hear()
    assert rig.sounding is None
    speaker.send(10)  # one that was overtaken by the end
    rig.tick()
    assert rig.sounding is None


def test_what_is_lost_is_silence_and_what_comes_after_its_moment_is_left_out(rig: Rig) -> None:
    speaker = Speaker(rig)
    speaker.speak(6, lost=(2, 3))
    speaker.send(3)
    speaker.speak(2)
    speaker.end()
    silence = sound.SILENCE * sound.BLOCK_BYTES
    assert rig.blocks == [
        block(0), block(1), silence, silence, block(4), block(5), block(6), block(7),
    ]  # fmt: skip


def test_a_line_that_has_become_slower_is_followed(rig: Rig) -> None:
    speaker = Speaker(rig)
    speaker.speak(3)
    speaker.pause(1_000)
    speaker.speak(live.MOST_BEHIND + 4)
    heard = [each for each in rig.blocks if each != sound.SILENCE * sound.BLOCK_BYTES]
    assert heard[-5:] == [block(seq) for seq in range(speaker.seq - 5, speaker.seq)]


def test_blocks_that_overtake_each_other_are_put_in_order(rig: Rig) -> None:
    speaker = Speaker(rig)
    for seq in (0, 2, 1, 1, 3):
        speaker.send(seq)
    speaker.end()
    assert rig.blocks == [block(seq) for seq in range(4)]


def test_nothing_begins_that_is_old(rig: Rig) -> None:
    """A line that was held up gives all it has at once."""
    speaker = Speaker(rig)
    for seq in range(20):
        speaker.send(seq, late_ms=6_000 - seq * 200)
    rig.tick()
    assert not rig.listened
    speaker.send(30, late_ms=stream.LATE_MS)
    rig.tick()
    assert rig.blocks == [block(30)]


def test_without_centrals_clock_nothing_begins() -> None:
    rig = Rig()
    rig.connect()
    speaker = Speaker(rig)
    speaker.speak(3)
    assert not rig.listened
    rig.beacon(REAL_MS + rig.now_ms)
    speaker.speak(1)
    assert rig.blocks == [block(3)]


def test_a_clock_set_back_is_not_believed_at_once(rig: Rig) -> None:
    """After a long hold-up the beacons are as old as the voice behind them."""
    rig.run(20_000)
    late_ms = 12_000
    rig.beacon(REAL_MS + rig.now_ms - late_ms)
    speaker = Speaker(rig)
    speaker.send(0, late_ms=late_ms)
    rig.tick()
    assert not rig.listened
    rig.beacon(REAL_MS + rig.now_ms)
    rig.run(stream.SETTLE_MS)
    speaker.send(20)
    rig.tick()
    assert rig.blocks == [block(20)]


def test_after_a_pause_it_goes_on_with_what_is_said_then(rig: Rig) -> None:
    speaker = Speaker(rig)
    speaker.speak(3)
    speaker.pause(live.PAUSE_MS)
    assert rig.is_finished
    rig.hear()
    speaker.seq = 40
    speaker.speak(2)
    assert rig.blocks[-2:] == [block(40), block(41)]
    assert len(rig.listened) == 2
    speaker.end()
    assert rig.result(STREAM) == "done"


def test_a_voice_without_an_end_is_over_after_a_while(rig: Rig) -> None:
    speaker = Speaker(rig)
    speaker.speak(3)
    speaker.pause(live.PAUSE_MS)
    rig.hear()
    rig.run(stream.OVER_MS)
    assert rig.result(STREAM) == "done"
    speaker.seq = 300
    speaker.speak(1)  # it was cut off for so long
    assert rig.blocks[-1] == block(300)


def test_a_patients_emergency_breaks_in_and_the_voice_goes_on(rig: Rig) -> None:
    speaker = Speaker(rig, kinds.EMERGENCY)
    speaker.speak(3)
    rig.speak("e", kinds.EMERGENCY)
    assert [each.utterance for each in rig.spoken] == ["e"]
    speaker.speak(5)
    assert len(rig.blocks) == 3
    rig.hear()
    speaker.speak(2)
    speaker.end()
    assert rig.blocks[3:] == [block(8), block(9)]


def test_repeats_of_an_emergency_and_calls_wait_for_a_share_only(rig: Rig) -> None:
    rig.speak("e", kinds.EMERGENCY, repeat_every_ms=1_000)
    rig.hear()
    speaker = Speaker(rig, kinds.EMERGENCY)
    speaker.speak(1)
    rig.speak("call", kinds.CALLING)
    speaker.speak(voice.LIVE_SHARE_MS // sound.BLOCK_MS - 2)
    assert [each.utterance for each in rig.spoken] == ["e"]
    speaker.speak(2)
    assert [each.utterance for each in rig.spoken] == ["e", "e"]
    rig.hear()
    heard = len(rig.blocks)
    speaker.speak(voice.LIVE_SHARE_MS // sound.BLOCK_MS - 2)
    assert len(rig.blocks) > heard + 40, "the voice has its share"
    speaker.speak(2)
    rig.hear()
    speaker.speak(voice.LIVE_SHARE_MS // sound.BLOCK_MS + 2)
    assert "call" in [each.utterance for each in rig.spoken]


def test_an_emergency_voice_breaks_into_words_and_an_ordinary_one_waits(rig: Rig) -> None:
    rig.speak("call", kinds.CALLING)
    ordinary = Speaker(rig)
    ordinary.speak(2)
    assert not rig.listened
    urgent = Speaker(rig, kinds.EMERGENCY, "broadcast-2")
    urgent.speak(2)
    assert [each.utterance for each in rig.listened] == ["broadcast-2"]
    assert rig.result(STREAM) == "declined"
    ordinary.speak(2)
    urgent.speak(1)
    assert [each.utterance for each in rig.listened] == ["broadcast-2"]
    urgent.end()
    rig.hear()
    assert rig.spoken[-1].utterance == "call", "what was broken off is spoken again"


def test_a_call_breaks_into_an_ordinary_voice(rig: Rig) -> None:
    speaker = Speaker(rig)
    speaker.speak(2)
    rig.speak("call", kinds.CALLING)
    assert rig.spoken[-1].utterance == "call"
    rig.hear()
    speaker.speak(1)
    assert rig.blocks[-1] == block(2)


@pytest.mark.parametrize(
    ("klass", "bands", "volume"),
    [
        (kinds.ANNOUNCEMENT, NIGHT, 20),
        (kinds.EMERGENCY, NIGHT, voice.DAY_VOLUME),
        (kinds.EMERGENCY, SILENT, voice.DAY_VOLUME),
    ],
)
def test_quiet_hours_lower_an_ordinary_voice_only(
    rig: Rig, klass: str, bands: list[dict[str, int]], volume: int
) -> None:
    rig.message(topics.CONFIG, CONFIG | {"bands": bands})
    Speaker(rig, klass).speak(1)
    assert [each.volume for each in rig.listened] == [volume]


def test_a_mute_ward_declines_an_ordinary_voice(rig: Rig) -> None:
    rig.message(topics.CONFIG, CONFIG | {"bands": SILENT})
    speaker = Speaker(rig)
    speaker.speak(20)
    speaker.end()
    assert not rig.listened
    assert rig.result(STREAM) == "declined"


def test_a_loudspeaker_that_fails_is_tried_again_and_told(rig: Rig) -> None:
    speaker = Speaker(rig, kinds.EMERGENCY)
    speaker.speak(1)
    rig.hear("unplugged")
    speaker.speak(3)
    assert len(rig.listened) == 1
    assert rig.events(kinds.FAULT)
    speaker.speak(live.AGAIN_MS // sound.BLOCK_MS)
    assert len(rig.listened) == 2
    rig.hear("unplugged")
    speaker.end()
    ack = rig.ack(STREAM)
    assert ack is not None
    assert (ack["result"], ack["reason"]) == ("refused", "unplugged")


def test_a_box_without_a_voice_sounds_a_tone_once_and_declines() -> None:
    rig = a_rig(has_voice=False)
    speaker = Speaker(rig, kinds.EMERGENCY)
    speaker.speak(3)
    assert [(each.chime, each.words) for each in rig.spoken] == [("high", None)]
    rig.hear()
    speaker.speak(3)
    speaker.end()
    assert len(rig.spoken) == 1
    ack = rig.ack(STREAM)
    assert ack is not None
    assert (ack["result"], ack["reason"]) == ("declined", stream.NO_WORDS)


@pytest.mark.parametrize("text", ["", "AA==", "*" * 100, "ÿ"])
def test_sound_that_is_none_is_refused(rig: Rig, text: str) -> None:
    Speaker(rig).send(0, sound=text)
    assert rig.node.quarantined == 1
    assert not rig.listened


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("block"), st.integers(0, 12), st.integers(0, 3_000)),
            st.tuples(st.just("tick"), st.integers(1, 1_000), st.just(0)),
            st.tuples(st.just("call"), st.sampled_from(kinds.SPEECH_CLASSES), st.just(0)),
            st.tuples(st.just("heard"), st.just(0), st.just(0)),
            st.tuples(st.just("end"), st.just(0), st.just(0)),
        ),
        max_size=40,
    ),
    st.sampled_from(kinds.LIVE_CLASSES),
)
def test_whatever_comes_in_whatever_order_the_rules_hold(steps: list[Any], klass: str) -> None:
    """The rig sees to it that one thing sounds at a time, and that blocks have a place to go."""
    rig = a_rig()
    speaker = Speaker(rig, klass)
    for what, given_, late_ms in steps:
        if what == "block":
            speaker.seq = max(speaker.seq, speaker.seq + given_ - 4)
            speaker.send(speaker.seq, late_ms=late_ms)
        elif what == "tick":
            rig.tick(given_)
        elif what == "call":
            rig.speak(f"words-{random.random()}", given_)
        elif what == "heard" and rig.sounding is not None:
            rig.hear()
        elif what == "end":
            speaker.end()
    heard = [each[0] for each in rig.blocks if each != sound.SILENCE * sound.BLOCK_BYTES]
    assert len(heard) == len(set(heard)), "no block is heard twice"
    assert heard == sorted(heard)
