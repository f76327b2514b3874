"""Up to four beds wired straight to the pins of a Raspberry Pi, through gpiozero.

The box cannot see whether a handset is plugged in: its pins do not suffice for that.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gpiozero import Device, DigitalInputDevice, DigitalOutputDevice, GPIOZeroError

from hw.clock import steady_ms
from hw.debounce import FREED, HELD, PRESSED, RELEASED, STUCK_MS, Debouncer
from hw.debounce import STUCK as STAYS_CLOSED
from hw.errors import WiringError
from hw.kinds import (
    BLINK,
    BUTTON_DOWN,
    CORD,
    CORD_RESET,
    FAST,
    FAULT,
    HOLD,
    OFF,
    PATTERNS,
    PIN_LOST,
    PRESENCE,
    PRESENCE_END,
    PRESS,
    RECOVERED,
    STEADY,
    STUCK,
    TEST_PRESS,
)
from hw.pins import BOX_OF_FOUR, BoxPins
from hw.ward import OnEvent

# Half a period of FAST (4 Hz); BLINK (1 Hz) is four of these on and four off.
BLINK_STEP_S = 0.125
BLINK_STEPS = 4
# A driver may lose an edge of a chattering contact, so the levels are looked at as well.
LOOK_EVERY_S = 0.5

MEANINGS = {
    "red": {PRESSED: PRESS, HELD: HOLD, STAYS_CLOSED: FAULT, FREED: RECOVERED},
    "presence": {PRESSED: PRESENCE, RELEASED: PRESENCE_END},
    "cord": {PRESSED: CORD, RELEASED: CORD_RESET},
}

# A cord may hang pulled and somebody may stay at a bed for hours; nobody presses for minutes.
MAY_STICK = "red"
DETAIL = "the red button is pressed for minutes: jammed, or its cable shorted"
ABOUT = {
    FAULT: {"device": "red button", "code": STUCK, "detail": DETAIL},
    RECOVERED: {"device": "red button", "code": STUCK},
}


class _Input:
    """One contact: its pin, its debouncer and the timer of its next certainty."""

    def __init__(self, bed: str, name: str, device: Any) -> None:
        self.bed = bed
        self.meanings = MEANINGS[name]
        self.device = device
        self.contact = Debouncer(stuck_ms=STUCK_MS if name == MAY_STICK else None)
        self.name = name
        self.test_wanted = False  # answered by the loop that looks at the levels
        self.timer: asyncio.TimerHandle | None = None


class GpioWard:
    """The ward hardware on the pins of this machine, as `hw.ward.WardHardware`."""

    poll_ms: int | None = None

    def __init__(
        self,
        beds: Sequence[str],
        *,
        pins: BoxPins | None = None,
        clock_ms: Callable[[], int] = steady_ms,
        factory: Any = None,
    ) -> None:
        """`beds` in the order of the pin map. `factory`: a gpiozero pin factory, by default
        the machine's own. Raises WiringError for more beds than the map has."""
        self.pins = pins or BOX_OF_FOUR
        self.beds = list(beds)
        if len(self.beds) > len(self.pins.beds):
            raise WiringError(
                f"{len(self.beds)} beds, but this box has pins for {len(self.pins.beds)}"
            )
        if len(set(self.beds)) != len(self.beds):
            raise WiringError("a bed is named twice")
        self._clock_ms = clock_ms
        self._factory = factory
        self._inputs: list[_Input] = []
        self._lights: dict[tuple[str, str], Any] = {}
        self._shown = {(bed, light): OFF for bed in self.beds for light in ("lamp", "reassurance")}
        self._amplifier: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_event: OnEvent | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, on_event: OnEvent) -> None:
        """Claim the pins and begin to report. Raises WiringError when they are taken."""
        self._loop = asyncio.get_running_loop()
        self._on_event = on_event
        try:
            self._claim()
        except GPIOZeroError as problem:
            self._release()
            raise WiringError(f"the pins of this box cannot be had: {problem}") from problem
        self._tasks = [
            self._loop.create_task(self._blink()),
            self._loop.create_task(self._look()),
        ]

    async def close(self) -> None:
        """All lights out, the pins given back."""
        self._on_event = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._release()

    def set_lamp(self, bed: str, pattern: str) -> None:
        self._show(bed, "lamp", pattern)

    def set_reassurance(self, bed: str, pattern: str) -> None:
        self._show(bed, "reassurance", pattern)

    def route(self, beds: Sequence[str]) -> None:
        """The box has one amplifier for its beds; without beds its own speaker sounds."""
        for bed in beds:
            if bed not in self.beds:
                raise KeyError(bed)
        if self._amplifier is not None:
            self._amplifier.value = bool(beds)

    async def selftest(self) -> dict[str, dict[str, Any]]:
        """Look whether each pin is still what it was set to. A lamp that is burnt out looks whole:
        these pins cannot feel their load."""
        found: dict[str, dict[str, Any]] = {bed: {"broken": []} for bed in self.beds}
        pins = [(each.bed, each.name, each.device, "input") for each in self._inputs]
        pins += [(bed, light, device, "output") for (bed, light), device in self._lights.items()]
        for bed, name, device, function in pins:
            if device.closed or device.pin.function != function:
                found[bed]["broken"].append(name)
        return found

    async def prove(self, bed: str) -> tuple[str, str] | None:
        """Read the input line of the red button back: that it is still an input that is pulled
        up and open; the test press is then told by the loop that looks at it, so that this loop
        is known to live. A broken wire behind the pin looks like an open button."""
        (red,) = [each for each in self._inputs if (each.bed, each.name) == (bed, "red")]
        pin = red.device.pin
        if (pin.function, pin.pull) != ("input", "up"):
            return PIN_LOST, f"the pin is {pin.function}, pulled {pin.pull}: something else took it"
        if red.device.is_active:
            return BUTTON_DOWN, "the red button is down, or its cable shorted"
        red.test_wanted = True
        return None

    def silent_beds(self) -> list[str]:
        return []

    def shown(self, bed: str, light: str) -> str:
        """The pattern of "lamp" or "reassurance"."""
        return self._shown[bed, light]

    def _show(self, bed: str, light: str, pattern: str) -> None:
        if pattern not in PATTERNS:
            raise ValueError(f"unknown light pattern: {pattern}")
        self._shown[bed, light]  # KeyError for a bed that is not wired
        self._shown[bed, light] = pattern
        if (bed, light) in self._lights:
            # A blinking light begins lit, so that it answers the finger at once.
            self._lights[bed, light].value = pattern != OFF

    def _claim(self) -> None:
        if self._factory is None:
            Device.ensure_pin_factory()
        factory = self._factory or Device.pin_factory
        for bed, pins in zip(self.beds, self.pins.beds, strict=False):
            for name in MEANINGS:
                device = DigitalInputDevice(getattr(pins, name), pull_up=True, pin_factory=factory)
                contact = _Input(bed, name, device)
                self._inputs.append(contact)
                device.when_activated = partial(self._from_pin, contact, True)
                device.when_deactivated = partial(self._from_pin, contact, False)
            for light in ("lamp", "reassurance"):
                pin = getattr(pins, light)
                self._lights[bed, light] = DigitalOutputDevice(pin, pin_factory=factory)
        self._amplifier = DigitalOutputDevice(self.pins.amplifier, pin_factory=factory)
        for (bed, light), pattern in self._shown.items():
            self._show(bed, light, pattern)  # asked for before the start

    def _release(self) -> None:
        for contact in self._inputs:
            if contact.timer is not None:
                contact.timer.cancel()
            contact.device.close()
        for light in self._lights.values():
            light.close()
        if self._amplifier is not None:
            self._amplifier.close()
        self._inputs, self._lights, self._amplifier = [], {}, None

    async def _blink(self) -> None:
        step = 0
        while True:
            await asyncio.sleep(BLINK_STEP_S)
            step += 1
            lit = {FAST: step % 2 == 0, BLINK: step // BLINK_STEPS % 2 == 0}
            for place, pattern in self._shown.items():
                if pattern not in (OFF, STEADY):
                    self._lights[place].value = lit[pattern]

    async def _look(self) -> None:
        while True:
            for contact in self._inputs:
                closed = bool(contact.device.is_active)
                self._edge(contact, closed, self._clock_ms())
                if contact.test_wanted:
                    contact.test_wanted = False
                    self._test_pressed(contact, closed)
            await asyncio.sleep(LOOK_EVERY_S)

    def _from_pin(self, contact: _Input, closed: bool) -> None:
        """Called by gpiozero, in a thread of its own; the edge is dated here."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._edge, contact, closed, self._clock_ms())
        except RuntimeError:
            pass  # the loop ended between the edge and its telling

    def _edge(self, contact: _Input, closed: bool, at_ms: int) -> None:
        self._tell(contact, contact.contact.edge(closed, at_ms))
        self._arm(contact)

    def _tick(self, contact: _Input) -> None:
        self._tell(contact, contact.contact.tick(self._clock_ms()))
        self._arm(contact)

    def _arm(self, contact: _Input) -> None:
        if contact.timer is not None:
            contact.timer.cancel()
            contact.timer = None
        due_ms = contact.contact.due_ms()
        if due_ms is not None and self._on_event is not None and self._loop is not None:
            wait_s = max(1, due_ms - self._clock_ms()) / 1000
            contact.timer = self._loop.call_later(wait_s, self._tick, contact)

    def _test_pressed(self, contact: _Input, closed: bool) -> None:
        if not closed and self._on_event is not None:
            self._on_event(contact.bed, TEST_PRESS, {})

    def _tell(self, contact: _Input, certain: list[str]) -> None:
        for what in certain:
            kind = contact.meanings.get(what)
            if kind is not None and self._on_event is not None:
                self._on_event(contact.bed, kind, dict(ABOUT.get(kind, {})))
