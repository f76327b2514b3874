"""A ward box whose pins are gpiozero's mock pins, and the hands that work them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from gpiozero.pins.mock import MockFactory

from hw.clock import steady_ms
from hw.debounce import HOLD_MS
from hw.gpio import GpioWard
from hw.pins import BoxPins

PRESS_MS = 150
HOLD_MARGIN_MS = 200


class GpioControls:
    """What hands do at a `GpioWard` built by `virtual_gpio`."""

    def __init__(self, ward: GpioWard, factory: MockFactory) -> None:
        self._ward = ward
        self._factory = factory
        self._fingers: dict[str, asyncio.TimerHandle] = {}

    def state(self) -> dict[str, Any]:
        beds = {
            bed: {
                **{name: not self._pin(bed, name).state for name in ("red", "cord", "presence")},
                "plugged": True,
                "lamp": self._ward.shown(bed, "lamp"),
                "reassurance": self._ward.shown(bed, "reassurance"),
                "speaker": bool(self._factory.pin(self._ward.pins.amplifier).state),
                "counters": None,
                "dead": False,
            }
            for bed in self._ward.beds
        }
        return {"beds": beds, "noise": 0.0, "drop": 0.0, "gone": False}

    def operate(self, bed: str, control: str) -> None:
        """Raises KeyError for an unknown bed, ValueError for what this box does not have."""
        if bed not in self._ward.beds:
            raise KeyError(bed)
        controls: dict[str, Callable[[], None]] = {
            "press": lambda: self._press(bed, PRESS_MS),
            "hold": lambda: self._press(bed, HOLD_MS + HOLD_MARGIN_MS),
            "cord": self._pin(bed, "cord").drive_low,
            "cord_reset": self._pin(bed, "cord").drive_high,
            "presence": self._pin(bed, "presence").drive_low,
            "presence_end": self._pin(bed, "presence").drive_high,
        }
        if control not in controls:
            raise ValueError(
                f"a box on pins has no control {control}; it has {', '.join(controls)}"
            )
        controls[control]()

    def disturb(
        self, *, noise: float | None = None, drop: float | None = None, gone: bool | None = None
    ) -> None:
        raise ValueError("this ward is wired to pins and has no bus to disturb")

    def _pin(self, bed: str, name: str) -> Any:
        pins = self._ward.pins.beds[self._ward.beds.index(bed)]
        return self._factory.pin(getattr(pins, name))

    def _press(self, bed: str, for_ms: int) -> None:
        red = self._pin(bed, "red")
        finger = self._fingers.pop(bed, None)
        if finger is not None:
            finger.cancel()
        red.drive_low()
        loop = asyncio.get_running_loop()
        self._fingers[bed] = loop.call_later(for_ms / 1000, self._lift, bed)

    def _lift(self, bed: str) -> None:
        self._fingers.pop(bed, None)
        self._pin(bed, "red").drive_high()


def virtual_gpio(
    beds: Sequence[str],
    *,
    pins: BoxPins | None = None,
    clock_ms: Callable[[], int] = steady_ms,
) -> tuple[GpioWard, GpioControls]:
    """A ward box on mock pins of its own, and its controls for the panel."""
    factory = MockFactory()
    ward = GpioWard(beds, pins=pins, clock_ms=clock_ms, factory=factory)
    return ward, GpioControls(ward, factory)
