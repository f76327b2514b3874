"""A box looks after its own loudspeaker, power, warmth and disk: it probes, listens and reads
unasked.

The tone of the test is chosen so that nobody wakes. 16 kHz lies above speech and most of the noise
of a ward; young ears need about 40 dB there, and older ones hear nothing. 40 dB below full scale, a
box that speaks with 85 dB at a metre makes 45 dB at most, and small loudspeakers give much less up
there. It swells and fades, so it does not click. A microphone finds it all the same, for the test
counts a quarter of a second of one narrow band. A loudspeaker that does not reach so high (a 100 V
line) is given another tone in the configuration, never one louder than 30 dB below full scale.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from hw.errors import HardwareError, MicrophoneError
from hw.machine import Machine
from hw.machine import Reading as MachineReading
from hw.microphone import RATE, Microphone
from hw.power import Power, PowerWatch
from hw.power import Reading as PowerReading
from hw.speaker import FULL_VOLUME, TEST, Speaker
from ward_node.core import hearing
from ward_node.core.hearing import Finding, SpeakerCheck, Verdict
from ward_node.cpython import chime
from ward_node.cpython.voice import Mouth

log = logging.getLogger("wardline.node")

LOOK_EVERY_S = 0.25
MACHINE_EVERY_S = 2.0
AFTER_FAILURE_S = 5.0
TONE_MS = 1_000
LISTEN_MS = 2_000  # programs take a moment to start, the player as well as the recorder
POWER = "power"


class Tone(NamedTuple):
    """What is played and how it must come back."""

    hz: int
    level_db: float
    faint_below_db: float
    every_ms: int


class Ear:
    """Plays the tone and listens."""

    def __init__(self, speaker: Speaker, microphone: Microphone, tone: Tone, folder: Path) -> None:
        self.tone = tone
        self._speaker = speaker
        self._microphone = microphone
        self._wav = folder / "tone.wav"

    async def listen(self) -> Verdict:
        """Raises MicrophoneError, SpeakerError."""
        tone = self.tone
        if not self._wav.exists():
            await asyncio.to_thread(chime.tone, self._wav, RATE, tone.hz, tone.level_db, TONE_MS)
        recording = asyncio.create_task(self._microphone.record(LISTEN_MS))
        try:
            await asyncio.sleep(0)  # it listens before there is anything to hear
            await self._speaker.play(self._wav, FULL_VOLUME, about={"class": TEST})
            heard = await recording
        finally:
            # What became of it is told by `heard` or no longer wanted.
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
        return await asyncio.to_thread(hearing.judge, heard, RATE, tone.hz, tone.faint_below_db)


class Care:
    """Runs beside the node. `on_found` is told findings, many of which are no news."""

    def __init__(
        self,
        mouth: Mouth,
        speaker: Speaker,
        ear: Ear | None,
        power: Power,
        machine: Machine,
        clock_ms: Callable[[], int],
        on_found: Callable[[Finding], None],
    ) -> None:
        now_ms = clock_ms()
        self._mouth = mouth
        self._speaker = speaker
        self._ear = ear
        self._power = power
        self._machine = machine
        self._clock_ms = clock_ms
        self._on_found = on_found
        self._power_watch = PowerWatch(now_ms)
        self._reading: PowerReading | None = None
        self._measured: MachineReading | None = None
        every_ms = hearing.TEST_EVERY_MS if ear is None else ear.tone.every_ms
        self._check = SpeakerCheck(ear is not None, now_ms, every_ms)

    async def run(self) -> None:
        await asyncio.gather(
            self._again_and_again(self._look_at_speaker, LOOK_EVERY_S),
            self._again_and_again(self._look_at_machine, MACHINE_EVERY_S),
        )

    def driven(self) -> None:
        """The loudspeaker was just driven without a failure."""
        self._check.driven(self._clock_ms())

    def told(self) -> dict[str, Any]:
        """For the heartbeat."""
        found = self._check.told(self._clock_ms())
        if self._reading is not None:
            found |= {
                "supply": self._reading.supply,
                "battery_pct": self._reading.battery_pct,
                "undervoltage": self._reading.undervoltage,
            }
        if self._measured is not None:
            found |= self._measured._asdict()
        return found

    async def _again_and_again(
        self, look: Callable[[], Coroutine[Any, Any, None]], every_s: float
    ) -> None:
        while True:
            try:
                await look()
            except Exception:
                log.exception("the box could not look after itself")
                await asyncio.sleep(AFTER_FAILURE_S)
            await asyncio.sleep(every_s)

    async def _look_at_speaker(self) -> None:
        what = self._check.due(self._clock_ms())
        if what is None:
            return
        found = await self._mouth.borrow(self._probe() if what == "probe" else self._test())
        if found is None:
            self._check.broken_off(self._clock_ms())
            return
        for each in found:
            self._on_found(each)

    async def _probe(self) -> list[Finding]:
        failure = None
        try:
            await self._speaker.probe()
        except HardwareError as error:
            failure = str(error)
        return self._check.probed(failure, self._clock_ms())

    async def _test(self) -> list[Finding]:
        assert self._ear is not None
        try:
            verdict = await self._ear.listen()
        except MicrophoneError as error:
            return self._check.deaf(str(error), self._clock_ms())
        except HardwareError as error:
            return self._check.probed(str(error), self._clock_ms())
        except OSError as error:
            return self._check.deaf(f"the test tone cannot be kept: {error}", self._clock_ms())
        return self._check.tested(verdict, self._clock_ms())

    async def _look_at_machine(self) -> None:
        self._reading = await asyncio.to_thread(self._power.read)
        self._measured = await asyncio.to_thread(self._machine.read)
        for code, detail, for_ms in self._power_watch.look(self._reading, self._clock_ms()):
            self._on_found(Finding(POWER, code, detail, for_ms))
