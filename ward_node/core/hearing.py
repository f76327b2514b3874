"""Whether a loudspeaker sounds: a test tone looked for in what a microphone heard, and when to
look. Pure and portable: samples and times in, verdicts and findings out.
"""

import math
from collections import namedtuple

from ward_node.compat import Any

# --- what became of a test ---
HEARD = "heard"
FAINT = "faint"  # heard, and much weaker than it should be
SILENT = "silent"
NOISY = "noisy"  # the room is too loud to tell
# --- and where there is none ---
UNTESTED = "untested"
UNTESTABLE = "untestable"  # nothing here can hear
GONE = "gone"  # the loudspeaker's device does not open

SPEAKER, MICROPHONE = "speaker", "microphone"
SPEAKER_GONE, SPEAKER_SILENT, SPEAKER_FAINT = "speaker-gone", "speaker-silent", "speaker-faint"
SPEAKER_FAILED = "speaker-failed"  # words could not be played
MICROPHONE_FAILED = "microphone-failed"

WINDOW_MS = 250
# The tone must stand out of its neighbours by 12 dB to count as heard.
STANDS_OUT = 4
NEIGHBOURS_HZ = (-180, -120, -60, 60, 120, 180)
FULL_SCALE = 32_768
LEAST_DB = -120  # of digital silence

PROBE_EVERY_MS = 3_000  # known within 10 s, though each probe takes its time-out
AGAIN_MS = 1_000
TEST_EVERY_MS = 300_000
TEST_AGAIN_MS = 10_000
# A door that slams or a hand over the microphone is no broken loudspeaker.
BAD_IN_A_ROW = 2

# Something to tell: `detail` None when it is over; `for_ms`: how long it may have been so.
Finding = namedtuple("Finding", ("device", "code", "detail", "for_ms"))
# What a test heard: one of the words above, and the tone's level in dB of full scale.
Verdict = namedtuple("Verdict", ("word", "level_db"))


def amplitude(samples: Any, start: int, count: int, rate: int, tone_hz: float) -> float:
    """How much of `tone_hz` is in these samples (signed, 16 bits): 1.0 is a full-scale sine.
    Goertzel's algorithm: one bin of a Fourier transform in constant memory."""
    turn = 2 * math.pi * tone_hz / rate
    factor = 2 * math.cos(turn)
    last = before = 0.0
    for index in range(start, start + count):
        last, before = samples[index] + factor * last - before, last
    power = last * last + before * before - factor * last * before
    return 2 * math.sqrt(max(0.0, power)) / count / FULL_SCALE


def judge(samples: Any, rate: int, tone_hz: float, faint_below_db: float) -> Verdict:
    """What is to be heard of the tone: the strongest stretch of WINDOW_MS counts, since nobody
    knows when a player begins. Below `faint_below_db` it is too weak."""
    count = rate * WINDOW_MS // 1000
    if len(samples) < count:
        return Verdict(SILENT, LEAST_DB)
    strongest, at = -1.0, 0
    for start in range(0, len(samples) - count + 1, count // 2):
        heard = amplitude(samples, start, count, rate, tone_hz)
        if heard > strongest:
            strongest, at = heard, start
    floor = 0.0
    for apart_hz in NEIGHBOURS_HZ:
        floor += amplitude(samples, at, count, rate, tone_hz + apart_hz) / len(NEIGHBOURS_HZ)
    level_db = _db(strongest)
    if strongest > STANDS_OUT * floor:
        return Verdict(FAINT if level_db < faint_below_db else HEARD, level_db)
    # In this noise a tone of the right strength would have been lost, too.
    return Verdict(NOISY if _db(STANDS_OUT * floor) > faint_below_db else SILENT, level_db)


def _db(share: float) -> int:
    return LEAST_DB if share <= 0 else max(LEAST_DB, round(20 * math.log(share) / math.log(10)))


class SpeakerCheck:
    """When to probe the device and when to play the tone, and what to tell of it."""

    def __init__(self, can_hear: bool, now_ms: int, test_every_ms: int = TEST_EVERY_MS) -> None:
        """`can_hear`: there is a microphone or a loopback."""
        self._can_hear = can_hear
        self._test_every_ms = test_every_ms
        self._probe_ms = now_ms
        self._test_ms = now_ms
        self._well_ms = now_ms
        self._tested_ms: int | None = None
        self._word = UNTESTED if can_hear else UNTESTABLE
        self._bad_probes = 0
        self._bad_tests = 0
        self._heard_ms = now_ms
        self._gone: bool | None = None  # not known yet

    def due(self, now_ms: int) -> str | None:
        """What is to be done now, if nothing sounds: "probe" or "test"."""
        if now_ms >= self._probe_ms:
            return "probe"
        if self._can_hear and not self._gone and now_ms >= self._test_ms:
            return "test"
        return None

    def broken_off(self, now_ms: int) -> None:
        """Words came before the probe or test was over. They wait for nobody."""
        self._probe_ms = max(self._probe_ms, now_ms + AGAIN_MS)
        self._test_ms = max(self._test_ms, now_ms + AGAIN_MS)

    def driven(self, now_ms: int) -> None:
        """Words were played to their end: the device works."""
        self._well_ms = now_ms

    def probed(self, failure: str | None, now_ms: int) -> "list[Finding]":
        """The device opened, or why it did not."""
        if failure is None:
            found = [Finding(SPEAKER, SPEAKER_GONE, None, 0)]
            if self._gone is not False:
                # What could not be played meanwhile could not for that reason.
                found.append(Finding(SPEAKER, SPEAKER_FAILED, None, 0))
            self._bad_probes = 0
            self._gone = False
            self._well_ms = now_ms
            self._probe_ms = now_ms + PROBE_EVERY_MS
            return found
        self._bad_probes += 1
        if self._bad_probes < BAD_IN_A_ROW:
            self._probe_ms = now_ms + AGAIN_MS  # somebody else may have had it for a moment
            return []
        self._gone = True
        self._test_ms = now_ms  # due as soon as it is back
        self._probe_ms = now_ms + PROBE_EVERY_MS
        return [
            Finding(SPEAKER, SPEAKER_GONE, failure, now_ms - self._well_ms),
            Finding(SPEAKER, SPEAKER_FAILED, None, 0),  # that is why
        ]

    def tested(self, verdict: Verdict, now_ms: int) -> "list[Finding]":
        """The tone was played and listened for."""
        found = [Finding(MICROPHONE, MICROPHONE_FAILED, None, 0)]
        self._word = verdict.word
        self._tested_ms = now_ms
        if verdict.word == NOISY:
            self._test_ms = now_ms + TEST_AGAIN_MS
            return found
        if verdict.word == HEARD:
            self._bad_tests = 0
            self._heard_ms = now_ms
            self._test_ms = now_ms + self._test_every_ms
        else:
            self._bad_tests += 1
            self._test_ms = now_ms + min(TEST_AGAIN_MS, self._test_every_ms)
            if self._bad_tests < BAD_IN_A_ROW:
                return found
        detail = "the test tone came back at " + str(verdict.level_db) + " dB of full scale"
        for_ms = now_ms - self._heard_ms
        for word, code in ((SILENT, SPEAKER_SILENT), (FAINT, SPEAKER_FAINT)):
            is_so = verdict.word == word
            found.append(Finding(SPEAKER, code, detail if is_so else None, for_ms if is_so else 0))
        return found

    def deaf(self, failure: str, now_ms: int) -> "list[Finding]":
        """The microphone could not be used."""
        self._word = UNTESTABLE
        self._test_ms = now_ms + TEST_AGAIN_MS
        return [Finding(MICROPHONE, MICROPHONE_FAILED, failure, 0)]

    def told(self, now_ms: int) -> dict[str, Any]:
        """For the heartbeat."""
        return {
            "speaker_test": GONE if self._gone else self._word,
            "speaker_tested_ago_ms": None if self._tested_ms is None else now_ms - self._tested_ms,
        }
