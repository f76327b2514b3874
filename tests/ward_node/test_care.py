"""A box looks after its loudspeaker: tests wait for words, and words wait for no test."""

import asyncio
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hw.clock import steady_ms
from hw.machine import Machine
from hw.microphone import RATE
from hw.power import Power
from hw.virtual.power import VirtualPower
from hw.virtual.speaker import DEAD, GONE, WHOLE, RecordingSpeaker, VirtualMicrophone
from hw.ward import NoWard
from tests.conftest import WAIT_S
from tests.hw.conftest import eventually
from ward_node.core import hearing
from ward_node.core.effects import Speak
from ward_node.core.hearing import Finding
from ward_node.cpython.audio import Audio
from ward_node.cpython.care import Care, Ear, Tone
from ward_node.cpython.voice import Mouth

TONE = Tone(16_000, -40, -70, every_ms=100)


class Box:
    """A mouth, a loudspeaker that a microphone hears, and who looks after them."""

    def __init__(self, folder: Path) -> None:
        self.speaker = RecordingSpeaker(folder / "said")
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.done: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        self.mouth = Mouth(
            Audio(folder / "audio"),
            self.speaker,
            NoWard(),
            on_begun=self.begun.put_nowait,
            on_done=lambda name, failure: self.done.put_nowait((name, failure)),
        )
        VirtualPower(folder / "sys")
        ear = Ear(self.speaker, VirtualMicrophone(self.speaker), TONE, folder)
        self.found: list[Finding] = []
        self.care = Care(
            self.mouth,
            self.speaker,
            ear,
            Power(folder / "sys"),
            Machine(folder, folder / "sys"),
            steady_ms,
            self.found.append,
        )

    def faults(self) -> set[str]:
        """The codes that are not over."""
        last = {each.code: each.detail for each in self.found}
        return {code for code, detail in last.items() if detail is not None}


def run(folder: Path, story: Callable[[Box], Awaitable[None]]) -> None:
    async def whole() -> None:
        box = Box(folder)
        care = asyncio.create_task(box.care.run())
        try:
            async with asyncio.timeout(WAIT_S):
                await story(box)
        finally:
            care.cancel()
            await asyncio.gather(care, return_exceptions=True)
            await box.mouth.close()

    asyncio.run(whole())


def chime(name: str) -> Speak:
    return Speak(name, None, "call", 50, "low", ())


def test_what_happens_to_a_loudspeaker_is_found_and_told(tmp_path: Path) -> None:
    async def story(box: Box) -> None:
        await eventually(
            lambda: box.care.told()["speaker_test"] == hearing.HEARD, "a test that hears it"
        )
        assert box.care.told()["supply"] == "mains"
        box.speaker.switch(GONE)
        await eventually(lambda: box.faults() == {hearing.SPEAKER_GONE}, "what is gone")
        box.speaker.switch(DEAD)
        await eventually(lambda: box.faults() == {hearing.SPEAKER_SILENT}, "what is dead")
        box.speaker.switch(WHOLE)
        await eventually(lambda: box.faults() == set(), "the end of it")
        assert box.speaker.spoken() == []

    run(tmp_path, story)


def test_words_break_a_test_off_at_once_and_it_says_nothing_of_the_loudspeaker(
    tmp_path: Path,
) -> None:
    async def story(box: Box) -> None:
        begun_ms = steady_ms()
        await eventually(lambda: box.speaker.in_the_air(begun_ms), "the tone")
        box.mouth.speak(chime("call"))
        assert await box.begun.get() == "call"
        assert box.care.told()["speaker_test"] == hearing.UNTESTED
        assert await box.done.get() == ("call", None)
        await eventually(
            lambda: box.care.told()["speaker_test"] == hearing.HEARD, "a test that hears it"
        )

    run(tmp_path, story)


def test_the_microphone_listens_before_the_tone_begins(tmp_path: Path) -> None:
    """Else a machine that stalls between the two hears a loudspeaker that is silent."""
    happened = []

    class Loudspeaker(RecordingSpeaker):
        async def play(self, wav_path: str | Path, volume: int, *, about: dict[str, Any]) -> None:
            happened.append("sounds")

    class Ears(VirtualMicrophone):
        async def record(self, for_ms: int) -> "array[int]":
            happened.append("listens")
            return array("h", [0] * RATE)

    speaker = Loudspeaker(tmp_path)
    asyncio.run(Ear(speaker, Ears(speaker), TONE, tmp_path).listen())
    assert happened == ["listens", "sounds"]


def test_no_test_begins_while_words_sound(tmp_path: Path) -> None:
    async def story(box: Box) -> None:
        async def tone() -> str:
            return "played"

        box.mouth.speak(chime("call"))
        assert await box.mouth.borrow(tone()) is None
        await box.begun.get()
        assert await box.mouth.borrow(tone()) is None
        await box.done.get()
        await eventually(
            lambda: box.mouth._playing is not None and box.mouth._playing.done(),
            "the end of the words",
        )
        assert await box.mouth.borrow(tone()) == "played"

    run(tmp_path, story)
