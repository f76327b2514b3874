"""One bedside unit as its firmware would be: buttons in, counters and lights out."""

import asyncio
from collections.abc import Callable
from typing import Any

from hw.clock import steady_ms
from hw.registers import (
    HOLD_MS,
    IDENTITY_START,
    MAP_VERSION,
    OUTPUTS_MASK,
    SELFTEST_COIL,
    SPEAKER_COIL,
    TEST_PRESS_COIL,
    WRAP,
    Counters,
    Reading,
    Status,
    patterns,
)

PRESS_MS = 150
FORGOTTEN_AFTER_MS = 5000
FIRMWARE = 1 << 8 | 1
# Lights that may not go on promising when nobody polls the unit any more.
PROMISES = 0b111 << 3 | 1 << SPEAKER_COIL
BROKEN_LAMP = 1


class VirtualUnit:
    """Lives in an event loop, which times how long a finger stays on the button."""

    def __init__(
        self, serial: int, *, clock_ms: Callable[[], int] = steady_ms, hold_ms: int = HOLD_MS
    ) -> None:
        self.serial = serial
        self.dead = False
        self.selftest = 0  # the SELFTEST register
        self.racing = False  # it counts presses that nobody makes
        self.numb = False  # its red input is broken: it answers, and feels no press
        self._clock_ms = clock_ms
        self._hold_ms = hold_ms
        self._boots = 0
        self._cord = False
        self._presence = False
        self._plugged = True
        self._finger: asyncio.TimerHandle | None = None
        self._polled_ms = clock_ms()
        self.reboot()

    def reboot(self) -> None:
        """Power lost and back: the counters begin anew, the lights are out."""
        self._boots = (self._boots + 1) % WRAP
        self._counts = {"presses": 0, "holds": 0, "cord": 0, "presence": 0, "plug": 0, "tests": 0}
        self._outputs = 0
        self._lift()

    def operate(self, control: str) -> None:
        """Do what a person would. Raises ValueError for an unknown control."""
        controls: dict[str, Callable[[], None]] = {
            "press": lambda: self._press(PRESS_MS, holds=0),
            "hold": lambda: self._press(self._hold_ms, holds=1),
            "cord": lambda: self._turn("cord", True),
            "cord_reset": lambda: self._turn("cord", False),
            "presence": lambda: self._turn("presence", True),
            "presence_end": lambda: self._turn("presence", False),
            "unplug": lambda: self._turn("plug", False, "plugged"),
            "plug": lambda: self._turn("plug", True, "plugged"),
            "die": lambda: setattr(self, "dead", True),
            "revive": lambda: setattr(self, "dead", False),
            "reboot": self.reboot,
            "break": lambda: setattr(self, "selftest", BROKEN_LAMP),
            "numb": lambda: setattr(self, "numb", True),
            "race": lambda: setattr(self, "racing", True),
            "mend": self._mend,
        }
        if control not in controls:
            raise ValueError(f"there is no control {control}; there are {', '.join(controls)}")
        controls[control]()

    def state(self) -> dict[str, Any]:
        lamp, reassurance, speaker = patterns(self._outputs)
        return {
            "red": self._finger is not None,
            "cord": self._cord,
            "presence": self._presence,
            "plugged": self._plugged,
            "lamp": lamp,
            "reassurance": reassurance,
            "speaker": speaker,
            "counters": {"boots": self._boots, **self._counts},
            "dead": self.dead,
        }

    def registers(self, address: int) -> list[int]:
        """The input registers of the block that begins at `address`, as a poll reads them."""
        if address >= IDENTITY_START:
            high, low = divmod(self.serial, WRAP)
            return [MAP_VERSION, FIRMWARE, high, low, self.selftest]
        if self._clock_ms() - self._polled_ms > FORGOTTEN_AFTER_MS:
            self._outputs &= ~PROMISES
        self._polled_ms = self._clock_ms()
        if self.racing:
            self._up("presses")  # at every look: no two answers are the same
        status = Status(
            self._finger is not None, self._cord, self._presence, self._plugged, self.selftest != 0
        )
        counters = Counters(self.serial % WRAP, self._boots, **self._counts, levels=0)
        return Reading(status, self._outputs, counters).words()

    def write_coils(self, first: int, values: list[bool]) -> None:
        for coil, on in enumerate(values, first):
            if coil == TEST_PRESS_COIL:
                if on and not self.numb and self._finger is None:
                    self._up("tests")
            elif coil != SELFTEST_COIL:  # the test itself is over at once and finds `selftest`
                self._outputs = (self._outputs & ~(1 << coil) | on << coil) & OUTPUTS_MASK

    def _mend(self) -> None:
        self.selftest = 0
        self.numb = self.racing = False

    def _press(self, for_ms: int, holds: int) -> None:
        if self.numb:
            return
        self._lift()
        self._up("presses")
        self._finger = asyncio.get_running_loop().call_later(
            for_ms / 1000, self._released_after, holds
        )

    def _released_after(self, holds: int) -> None:
        self._finger = None
        if holds:
            self._up("holds")

    def _lift(self) -> None:
        if self._finger is not None:
            self._finger.cancel()
            self._finger = None

    def _turn(self, counter: str, on: bool, level: str | None = None) -> None:
        attribute = "_" + (level or counter)
        if getattr(self, attribute) != on:
            setattr(self, attribute, on)
            self._up(counter)

    def _up(self, counter: str) -> None:
        self._counts[counter] = (self._counts[counter] + 1) % WRAP
