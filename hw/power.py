"""What feeds a box: mains or battery, and whether the Pi gets enough. Read from sysfs, as the
kernel tells it, and from the pin of a battery board that says whether mains is there."""

from pathlib import Path
from typing import Any, NamedTuple

from hw.errors import WiringError

SYSFS = Path("/sys")

MAINS, BATTERY, UNKNOWN = "mains", "battery", "unknown"

# Codes of faults.
MAINS_LOST = "mains-lost"
BATTERY_LOW = "battery-low"
UNDERVOLTAGE = "undervoltage"
THROTTLED = "throttled"
CODES = (MAINS_LOST, BATTERY_LOW, UNDERVOLTAGE, THROTTLED)

LOW_PCT = 20
# A supply at its limit dips again and again; it is well when it has been so for a while.
SETTLED_MS = 10_000

# Bits of the firmware's `get_throttled`: what is so now.
UNDERVOLTAGE_NOW = 1 << 0
SLOWED_NOW = 1 << 1 | 1 << 2 | 1 << 3


class Reading(NamedTuple):
    """`supply`: MAINS, BATTERY or UNKNOWN. The others are None where nothing tells them."""

    supply: str
    battery_pct: int | None
    undervoltage: bool | None
    throttled: bool | None


class Power:
    """Reads the power of this machine. `sysfs`: where the kernel tells of its devices."""

    def __init__(self, sysfs: Path = SYSFS, mains_is_good: "MainsPin | None" = None) -> None:
        self._sysfs = sysfs
        self._mains_is_good = mains_is_good

    def read(self) -> Reading:
        supply, battery_pct = self._supply()
        undervoltage, throttled = self._firmware()
        alarm = self._voltage_alarm()
        return Reading(
            supply, battery_pct, undervoltage if alarm is None else alarm or bool(undervoltage),
            throttled,
        )  # fmt: skip

    def close(self) -> None:
        """Give the pin back."""
        if self._mains_is_good is not None:
            self._mains_is_good.close()

    def _supply(self) -> tuple[str, int | None]:
        """A mouse has a battery, too: only what feeds the whole machine counts, and a line that
        is off says nothing where no battery takes over."""
        online, draining, levels = [], [], []
        for each in sorted(self._sysfs.glob("class/power_supply/*")):
            if _text(each / "scope") == "Device":
                continue
            kind = _text(each / "type")
            if kind == "Battery" and _text(each / "present") != "0":
                draining.append(_text(each / "status") == "Discharging")
                levels.append(_number(each / "capacity"))
            elif kind in ("Mains", "USB"):
                online.append(_number(each / "online"))
        known = [level for level in levels if level is not None]
        battery_pct = min(known) if known else None
        if self._mains_is_good is not None:
            return (MAINS if self._mains_is_good() else BATTERY), battery_pct
        if any(online):
            return MAINS, battery_pct
        if draining:
            on_battery = any(draining) or bool(online)
            return (BATTERY if on_battery else MAINS), battery_pct
        return UNKNOWN, battery_pct

    def _firmware(self) -> tuple[bool | None, bool | None]:
        told = _text(self._sysfs / "devices/platform/soc/soc:firmware/get_throttled")
        try:
            bits = int(told or "", 16)
        except ValueError:
            return None, None
        return bool(bits & UNDERVOLTAGE_NOW), bool(bits & SLOWED_NOW)

    def _voltage_alarm(self) -> bool | None:
        for each in sorted(self._sysfs.glob("class/hwmon/hwmon*")):
            if _text(each / "name") == "rpi_volt":
                alarm = _number(each / "in0_lcrit_alarm")
                return None if alarm is None else bool(alarm)
        return None


class MainsPin:
    """The pin of a battery board that tells whether mains is there."""

    def __init__(self, number: int, good: str, *, factory: Any = None) -> None:
        """`good`: the level that means mains, "high" or "low"; a wire that came off reads as the
        other one. `factory`: a gpiozero pin factory. Raises WiringError."""
        from gpiozero import DigitalInputDevice, GPIOZeroError

        try:
            self._device = DigitalInputDevice(number, pull_up=good == "low", pin_factory=factory)
        except GPIOZeroError as problem:
            raise WiringError(f"pin {number} of this box cannot be had: {problem}") from problem

    def __call__(self) -> bool:
        return bool(self._device.is_active)

    def close(self) -> None:
        self._device.close()


class PowerWatch:
    """What to tell of readings. Pure: it is given them and the time."""

    def __init__(self, now_ms: int) -> None:
        self._well_ms = dict.fromkeys(CODES, now_ms)
        self._ill_ms: dict[str, int] = {}

    def look(self, reading: Reading, now_ms: int) -> list[tuple[str, str | None, int]]:
        """(code, detail, for_ms) of every code: `detail` None when that is over, `for_ms` how long
        it may have been so."""
        found: list[tuple[str, str | None, int]] = []
        for code, detail in _troubles(reading).items():
            if detail is not None:
                self._ill_ms[code] = now_ms
                found.append((code, detail, now_ms - self._well_ms[code]))
                continue
            self._well_ms[code] = now_ms
            ill_ms = self._ill_ms.get(code)
            if ill_ms is None or now_ms - ill_ms >= SETTLED_MS:
                found.append((code, None, 0))
        return found


def _troubles(reading: Reading) -> dict[str, str | None]:
    """By code what is wrong, for an engineer; None for what is not."""
    pct = reading.battery_pct
    left = "battery level unknown" if pct is None else f"battery at {pct} %"
    on_battery = reading.supply == BATTERY
    low = on_battery and pct is not None and pct <= LOW_PCT
    return {
        MAINS_LOST: f"mains lost, {left}" if on_battery else None,
        BATTERY_LOW: left if low else None,
        UNDERVOLTAGE: "under-voltage at the Pi's 5 V" if reading.undervoltage else None,
        THROTTLED: "the Pi slows down: too hot or too little power" if reading.throttled else None,
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _number(path: Path) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None
