"""Power as the kernel tells it, from folders in the shape of /sys."""

from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from hw import power
from hw.errors import WiringError
from hw.power import MainsPin, Power, PowerWatch, Reading
from hw.virtual.power import VirtualPower

WELL = Reading(power.MAINS, 100, False, False)


def sysfs(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


SUPPLY = "class/power_supply"
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"


@pytest.mark.parametrize(
    ("files", "reading"),
    [
        ({}, (power.UNKNOWN, None, None, None)),
        ({THROTTLED: "0"}, (power.UNKNOWN, None, False, False)),
        ({THROTTLED: "50005"}, (power.UNKNOWN, None, True, True)),
        ({THROTTLED: "50000"}, (power.UNKNOWN, None, False, False)),  # it was, it is not now
        ({THROTTLED: "nonsense"}, (power.UNKNOWN, None, None, None)),
        (
            {"class/hwmon/hwmon1/name": "rpi_volt", "class/hwmon/hwmon1/in0_lcrit_alarm": "1",
             "class/hwmon/hwmon0/name": "cpu_thermal"},
            (power.UNKNOWN, None, True, None),
        ),
        (
            {f"{SUPPLY}/ups/type": "Battery", f"{SUPPLY}/ups/status": "Discharging",
             f"{SUPPLY}/ups/capacity": "61"},
            (power.BATTERY, 61, None, None),
        ),
        (
            {f"{SUPPLY}/ups/type": "Battery", f"{SUPPLY}/ups/status": "Full"},
            (power.MAINS, None, None, None),
        ),
        (
            {f"{SUPPLY}/ac/type": "Mains", f"{SUPPLY}/ac/online": "0",
             f"{SUPPLY}/bat/type": "Battery", f"{SUPPLY}/bat/status": "Unknown"},
            (power.BATTERY, None, None, None),
        ),
        # A line that is off where no battery takes over feeds nothing of ours.
        ({f"{SUPPLY}/poe/type": "Mains", f"{SUPPLY}/poe/online": "0"},
         (power.UNKNOWN, None, None, None)),
        (
            {f"{SUPPLY}/mouse/type": "Battery", f"{SUPPLY}/mouse/scope": "Device",
             f"{SUPPLY}/mouse/status": "Discharging", f"{SUPPLY}/mouse/capacity": "3"},
            (power.UNKNOWN, None, None, None),
        ),
        (
            {f"{SUPPLY}/slot/type": "Battery", f"{SUPPLY}/slot/present": "0",
             f"{SUPPLY}/slot/status": "Discharging"},
            (power.UNKNOWN, None, None, None),
        ),
    ],
)  # fmt: skip
def test_what_the_kernel_tells(
    tmp_path: Path, files: dict[str, str], reading: tuple[object, ...]
) -> None:
    assert Power(sysfs(tmp_path, files)).read() == reading


@pytest.mark.parametrize("good", ["high", "low"])
def test_the_pin_of_a_battery_board(tmp_path: Path, good: str) -> None:
    factory = MockFactory()
    pin = MainsPin(19, good, factory=factory)
    box = Power(tmp_path, pin)
    mock = factory.pin(19)
    assert box.read().supply == power.BATTERY, "a wire that came off is no mains"
    (mock.drive_high if good == "high" else mock.drive_low)()
    assert box.read().supply == power.MAINS
    with pytest.raises(WiringError, match="pin 19"):
        MainsPin(19, good, factory=factory)
    box.close()


def told(watch: PowerWatch, reading: Reading, now_ms: int) -> dict[str, str | None]:
    return {code: detail for code, detail, _ in watch.look(reading, now_ms)}


def test_trouble_is_told_at_once_and_its_end_when_it_has_settled() -> None:
    watch = PowerWatch(0)
    assert set(told(watch, WELL, 1_000).values()) == {None}
    low = Reading(power.BATTERY, power.LOW_PCT, True, True)
    assert [(code, for_ms) for code, _, for_ms in watch.look(low, 3_000)] == [
        (code, 2_000) for code in power.CODES
    ]
    assert told(watch, WELL, 5_000) == {}
    assert told(watch, WELL, 3_000 + power.SETTLED_MS) == dict.fromkeys(power.CODES)


def test_a_battery_that_is_charged_on_the_mains_is_not_low() -> None:
    assert not any(told(PowerWatch(0), Reading(power.MAINS, 5, None, None), 0).values())
    assert told(PowerWatch(0), Reading(power.BATTERY, None, None, None), 0) == {
        power.MAINS_LOST: "mains lost, battery level unknown",
        power.BATTERY_LOW: None, power.UNDERVOLTAGE: None, power.THROTTLED: None,
    }  # fmt: skip


def test_the_virtual_power_is_read_like_the_real_one(tmp_path: Path) -> None:
    switches = VirtualPower(tmp_path)
    box = Power(tmp_path)
    assert box.read() == (power.MAINS, 100, False, None)
    switches.switch(mains=False, weak=True, battery_pct=12)
    assert box.read() == (power.BATTERY, 12, True, None)
    assert switches.state() == {"mains": False, "weak": True, "battery_pct": 12}
    for wrong in ({"mains": "no"}, {"battery_pct": 101}, {"battery_pct": True}):
        with pytest.raises(ValueError, match="not"):
            switches.switch(**wrong)  # type: ignore[arg-type]
