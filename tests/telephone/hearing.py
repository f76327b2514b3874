"""Who hears whom: each telephone hums a tone of its own, and is asked which tones it hears."""

import asyncio
import math
import wave
from array import array

from gateway.telephone.standing import HOLD_HZ
from tests.telephone.phone import HEADER_BYTES, WAIT_S, Baresip

RATE_HZ = 8000
# Far enough apart and no multiples of each other.
TONES_HZ = (400, 700, 1100, 1700)
LOUD = 6000
MOMENT = RATE_HZ // 20
WINDOW = 6 * MOMENT
# Of a tone in what is heard just now, against one that is there alone.
HEARD = 0.2
# Those notes are quieter, nearer to each other and die away: a longer moment tells them apart.
NOTE = RATE_HZ // 10
NOTE_HEARD = 0.15


def hum(phone: Baresip, hz: int, seconds: float) -> None:
    """Let it hum so from its next call on."""
    samples = array(
        "h",
        (int(LOUD * math.sin(math.tau * hz * n / RATE_HZ)) for n in range(int(RATE_HZ * seconds))),
    )
    with wave.open(str(phone.folder / "hum.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def strength(samples: "array[int]", hz: int) -> float:
    """How loud a tone is in `samples`, 1 for one of LOUD (Goertzel's filter)."""
    turn = 2 * math.cos(math.tau * hz / RATE_HZ)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(power, 0)) / len(samples) / LOUD


def tones(phone: Baresip) -> set[int]:
    """Those that it has heard all through the last moments."""
    found: set[int] = set()
    for path in phone.recordings():
        recorded = path.read_bytes()[HEADER_BYTES:]
        samples = array("h", recorded[: len(recorded) // 2 * 2])
        moments = [samples[-WINDOW:][n : n + MOMENT] for n in range(0, WINDOW, MOMENT)]
        if len(samples) >= WINDOW:
            found |= {hz for hz in TONES_HZ if all(strength(each, hz) > HEARD for each in moments)}
    return found


def notes(phone: Baresip, after_ms: int = 0) -> set[int]:
    """The notes of the exchange for who waits that it has heard since."""
    found: set[int] = set()
    for path in phone.recordings():
        recorded = path.read_bytes()[HEADER_BYTES:]
        samples = array("h", recorded[: len(recorded) // 2 * 2])[after_ms * RATE_HZ // 1000 :]
        for start in range(0, len(samples) - NOTE, NOTE):
            moment = samples[start : start + NOTE]
            found |= {hz for hz in HOLD_HZ if strength(moment, hz) > NOTE_HEARD}
    return found


async def hears(phone: Baresip, *wanted: int) -> None:
    """Returns once it hears all of these tones and no other, at the same time."""
    async with asyncio.timeout(WAIT_S):
        while tones(phone) != set(wanted):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
