"""Whether a loudspeaker is heard: judged from samples, looked at in time, never in the way."""

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ward_node.core import hearing
from ward_node.core.hearing import SpeakerCheck, Verdict

RATE = 8_000
TONE_HZ = 2_000
FAINT_BELOW_DB = -60
KNOWN_WITHIN_MS = 10_000
LOOK_MS = 250


def sound(level_db: float | None, noise: int, *, at_ms: int = 0, hz: float = TONE_HZ) -> list[int]:
    """Half a second of a room with `noise`, in it a tone of 300 ms."""
    chance = Random(7)
    heard = [chance.randint(-noise, noise) for _ in range(RATE // 2)]
    if level_db is not None:
        peak = 32_767 * 10 ** (level_db / 20)
        for index in range(300 * RATE // 1000):
            heard[at_ms * RATE // 1000 + index] += round(
                peak * math.sin(2 * math.pi * hz * index / RATE)
            )
    return heard


@pytest.mark.parametrize(
    ("level_db", "noise", "word"),
    [
        (-40, 0, hearing.HEARD),
        (-40, 300, hearing.HEARD),  # the noise as strong as the tone
        (-70, 10, hearing.FAINT),
        (None, 10, hearing.SILENT),
        (None, 0, hearing.SILENT),
        (None, 8_000, hearing.NOISY),
        (-70, 8_000, hearing.NOISY),
    ],
)
def test_what_a_microphone_heard_is_judged(level_db: float | None, noise: int, word: str) -> None:
    heard = hearing.judge(sound(level_db, noise), RATE, TONE_HZ, FAINT_BELOW_DB)
    assert heard.word == word


@pytest.mark.parametrize("at_ms", [0, 60, 130, 200])
def test_the_tone_may_begin_at_any_time(at_ms: int) -> None:
    heard = hearing.judge(sound(-40, 30, at_ms=at_ms), RATE, TONE_HZ, FAINT_BELOW_DB)
    assert heard.word == hearing.HEARD
    assert -43 <= heard.level_db <= -39


def test_speech_hum_and_a_cut_recording_are_no_tone() -> None:
    for hz in (50, 440, 1_000, 3_000):
        heard = hearing.judge(sound(-12, 5, hz=hz), RATE, TONE_HZ, FAINT_BELOW_DB)
        assert heard.word in (hearing.SILENT, hearing.NOISY)
    assert hearing.judge([], RATE, TONE_HZ, FAINT_BELOW_DB).word == hearing.SILENT


def codes(found: Any) -> dict[str, bool]:
    """By code whether it is a fault."""
    return {each.code: each.detail is not None for each in found}


@settings(max_examples=25)
@given(st.integers(0, 20_000), st.integers(0, 1_500))
def test_a_loudspeaker_that_is_pulled_out_is_known_within_10_s(out_ms: int, took_ms: int) -> None:
    """Whenever it is pulled, and however long the device takes to refuse."""
    check = SpeakerCheck(False, 0)
    now_ms = 0
    while True:
        if check.due(now_ms) == "probe":
            gone = now_ms >= out_ms
            now_ms += took_ms
            found = codes(check.probed("no such device" if gone else None, now_ms))
            if found.get(hearing.SPEAKER_GONE):
                break
        now_ms += LOOK_MS
    assert now_ms - out_ms <= KNOWN_WITHIN_MS
    assert check.told(now_ms)["speaker_test"] == hearing.GONE
    assert codes(check.probed(None, now_ms)) == {
        hearing.SPEAKER_GONE: False, hearing.SPEAKER_FAILED: False,
    }  # fmt: skip
    assert check.told(now_ms)["speaker_test"] == hearing.UNTESTABLE


def outcome(check: Any, word: str, now_ms: int) -> dict[str, bool]:
    return codes(check.tested(Verdict(word, -50), now_ms))


def test_silence_is_believed_the_second_time_and_ends_with_the_first_tone() -> None:
    check = SpeakerCheck(True, 0)
    assert check.told(0) == {
        "speaker_test": hearing.UNTESTED, "speaker_tested_ago_ms": None,
    }  # fmt: skip
    assert check.due(0) == "probe"
    check.probed(None, 0)
    assert check.due(0) == "test"
    assert hearing.SPEAKER_SILENT not in outcome(check, hearing.SILENT, 1_000)
    check.probed(None, hearing.TEST_AGAIN_MS)
    assert check.due(1_000 + hearing.TEST_AGAIN_MS) == "test"
    silent, faint = hearing.SPEAKER_SILENT, hearing.SPEAKER_FAINT
    found = outcome(check, hearing.SILENT, 12_000)
    assert (found[silent], found[faint]) == (True, False)
    found = outcome(check, hearing.FAINT, 23_000)
    assert (found[silent], found[faint]) == (False, True)
    found = outcome(check, hearing.HEARD, 34_000)
    assert (found[silent], found[faint]) == (False, False)
    assert check.told(35_000) == {
        "speaker_test": hearing.HEARD, "speaker_tested_ago_ms": 1_000,
    }  # fmt: skip
    check.probed(None, 34_000 + hearing.TEST_EVERY_MS - 1)
    assert check.due(34_000 + hearing.TEST_EVERY_MS - 1) is None
    assert check.due(34_000 + hearing.TEST_EVERY_MS) == "test"


def test_a_loud_room_says_nothing_of_the_loudspeaker() -> None:
    check = SpeakerCheck(True, 0)
    outcome(check, hearing.SILENT, 1_000)
    assert outcome(check, hearing.NOISY, 12_000) == {hearing.MICROPHONE_FAILED: False}
    assert outcome(check, hearing.SILENT, 23_000)[hearing.SPEAKER_SILENT]


def test_without_its_microphone_a_box_says_that_it_cannot_tell() -> None:
    check = SpeakerCheck(True, 0)
    assert codes(check.deaf("no such device", 1_000)) == {hearing.MICROPHONE_FAILED: True}
    assert check.told(1_000)["speaker_test"] == hearing.UNTESTABLE
    assert outcome(check, hearing.HEARD, 12_000)[hearing.MICROPHONE_FAILED] is False


def test_words_that_sounded_show_that_the_device_works() -> None:
    check = SpeakerCheck(False, 0)
    check.driven(20_000)  # a long announcement kept the probe waiting
    check.probed("no such device", 21_000)
    found = check.probed("no such device", 22_000)
    assert (found[0].code, found[0].for_ms) == (hearing.SPEAKER_GONE, 2_000)


def test_words_that_broke_it_off_put_it_off_a_little() -> None:
    check = SpeakerCheck(True, 0)
    check.broken_off(500)
    assert check.due(500 + hearing.AGAIN_MS - 1) is None
    assert check.due(500 + hearing.AGAIN_MS) == "probe"
    check.probed("busy", 2_000)
    check.probed("busy", 3_000)
    assert check.due(3_100) is None  # no tone into a device that is gone
