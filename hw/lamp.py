"""The one lamp of a box without beds, such as a nurse station's, on a pin of its own."""

import asyncio
from typing import Any

from gpiozero import DigitalOutputDevice, GPIOZeroError

from hw.errors import WiringError
from hw.kinds import BLINK, FAST, OFF, PATTERNS

# Half a period of each pattern.
HALF_S = {FAST: 0.125, BLINK: 0.5}


class BoxLamp:
    """A lamp on `pin` (BCM number). Made and used within the running event loop's thread."""

    def __init__(self, pin: int, *, factory: Any = None) -> None:
        """`factory`: a gpiozero pin factory, by default the machine's own. Raises WiringError."""
        try:
            self._light = DigitalOutputDevice(pin, pin_factory=factory)
        except GPIOZeroError as problem:
            raise WiringError(f"pin {pin} of this box cannot be had: {problem}") from problem
        self._blinking: asyncio.Task[None] | None = None

    def show(self, pattern: str) -> None:
        """Show `pattern`. Raises ValueError for an unknown one."""
        if pattern not in PATTERNS:
            raise ValueError(f"unknown light pattern: {pattern}")
        self._stop()
        self._light.value = pattern != OFF
        if pattern in HALF_S:
            self._blinking = asyncio.create_task(self._blink(HALF_S[pattern]))

    async def close(self) -> None:
        """Light out, the pin given back."""
        self._stop()
        self._light.close()

    def _stop(self) -> None:
        if self._blinking is not None:
            self._blinking.cancel()
            self._blinking = None

    async def _blink(self, half_s: float) -> None:
        while True:
            await asyncio.sleep(half_s)
            self._light.value = not self._light.value
