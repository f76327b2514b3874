"""The hardware objects that the configuration names. Each kind is imported only when used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hw.machine import Machine
from hw.power import MainsPin, Power
from hw.ward import NoWard, WardHardware
from ward_node.cpython.config import Config


def ward_and_controls(config: Config, known_counters: dict[str, Any]) -> tuple[WardHardware, Any]:
    """The beds' hardware, and the hands of the virtual one for the panel (None: real).
    Raises hw.errors.WiringError."""
    wanted = config.hardware
    if wanted["kind"] == "bus":
        from hw.bus import BusWard

        return BusWard(wanted["port"], wanted["beds"], known_counters=known_counters), None
    if wanted["kind"] == "gpio":
        if wanted["virtual"]:
            from hw.virtual.pins import virtual_gpio

            return virtual_gpio(wanted["beds"])
        from hw.gpio import GpioWard

        return GpioWard(wanted["beds"]), None
    return NoWard(), None


def speaker(config: Config) -> Any:
    """The loudspeaker, as `hw.speaker.Speaker`."""
    if config.speaker["kind"] == "alsa":
        from hw.speaker import AlsaSpeaker

        return AlsaSpeaker(config.speaker["device"])
    from hw.virtual.speaker import RecordingSpeaker

    return RecordingSpeaker(config.speaker["folder"])


def ear(config: Config, loudspeaker: Any) -> Any:
    """What hears the loudspeaker, as `ward_node.cpython.care.Ear`; None when nothing does."""
    given = config.speaker["microphone"]
    if given is None:
        return None
    from ward_node.cpython.care import Ear, Tone

    microphone: Any
    if config.speaker["kind"] == "alsa":
        from hw.microphone import AlsaMicrophone

        microphone = AlsaMicrophone(given["device"])
    else:
        from hw.virtual.speaker import VirtualMicrophone

        microphone = VirtualMicrophone(loudspeaker)
    tone = Tone(
        given["tone_hz"], given["level_db"], given["faint_below_db"], given["every_s"] * 1000
    )
    return Ear(loudspeaker, microphone, tone, config.data)


def power_and_switches(config: Config) -> tuple[Power, Any]:
    """The box's power, and the switches of the virtual one for the panel (None: real).
    Raises hw.errors.WiringError."""
    wanted = config.power
    pin = None
    if wanted["mains_pin"] is not None:
        pin = MainsPin(wanted["mains_pin"], wanted["mains_good"])
    switches = None
    if wanted["virtual"]:
        from hw.virtual.power import VirtualPower

        switches = VirtualPower(wanted["sysfs"])
    return Power(Path(wanted["sysfs"]), pin), switches


def machine(config: Config) -> Machine:
    """What tells how warm the box is and how full its disk."""
    return Machine(config.data, Path(config.power["sysfs"]))


def panel(config: Config, controls: Any, loudspeaker: Any, switches: Any) -> Any:
    """The web panel of a virtual box, None when none is configured."""
    if config.panel is None:
        return None
    from hw.virtual.panel import Panel

    heard = loudspeaker if config.speaker["kind"] == "recording" else None
    return Panel(controls, heard, config.panel["host"], config.panel["port"], power=switches)


def page(config: Config, steady_ms: Callable[[], int]) -> Any:
    """The page of a nurse station, None when none is configured."""
    if config.page is None:
        return None
    from ward_node.cpython.station.page import Page

    return Page(config.ward, config.lang, steady_ms, config.page["host"], config.page["port"])


def station_lamp(config: Config) -> Any:
    """The lamp of a nurse station, as `hw.lamp.BoxLamp`; None when it has none."""
    if config.lamp is None:
        return None
    from hw.lamp import BoxLamp

    return BoxLamp(config.lamp)


def drip_clock(config: Config, steady_ms: Callable[[], int]) -> Callable[[], int]:
    """The clock of infusions: steady time, or the file of a demonstration."""
    if config.clock_file is None:
        return steady_ms
    from hw.virtual.clock import FileClock

    return FileClock(config.clock_file).drip_ms
