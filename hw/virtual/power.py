"""The power and warmth of a virtual box: the files the kernel of a Pi with a battery would show."""

from contextlib import suppress
from pathlib import Path
from typing import Any

# What a Pi in a cupboard has.
TEMPERATURE_C = 47


class VirtualPower:
    """Writes `folder` in the shape of /sys, as far as `hw.power` and `hw.machine` read it."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._mains, self._weak, self._battery_pct = True, False, 100
        with suppress(OSError):  # on a full disk a box lives on, and its power is not measured
            self._write()

    def state(self) -> dict[str, Any]:
        return {"mains": self._mains, "weak": self._weak, "battery_pct": self._battery_pct}

    def switch(
        self, *, mains: bool | None = None, weak: bool | None = None, battery_pct: int | None = None
    ) -> None:
        """`weak`: the Pi gets too little voltage. Raises ValueError for what cannot be."""
        for given in (mains, weak):
            if given is not None and type(given) is not bool:
                raise ValueError(f"true or false, not {given}")
        if battery_pct is not None and not (type(battery_pct) is int and 0 <= battery_pct <= 100):
            raise ValueError(f"a battery holds 0 to 100 per cent, not {battery_pct}")
        self._mains = self._mains if mains is None else mains
        self._weak = self._weak if weak is None else weak
        self._battery_pct = self._battery_pct if battery_pct is None else battery_pct
        self._write()

    def _write(self) -> None:
        supplies = self.folder / "class/power_supply"
        self._put(supplies / "line/type", "Mains")
        self._put(supplies / "line/online", int(self._mains))
        self._put(supplies / "battery/type", "Battery")
        self._put(supplies / "battery/capacity", self._battery_pct)
        self._put(supplies / "battery/status", "Full" if self._mains else "Discharging")
        self._put(self.folder / "class/hwmon/hwmon0/name", "rpi_volt")
        self._put(self.folder / "class/hwmon/hwmon0/in0_lcrit_alarm", int(self._weak))
        self._put(self.folder / "class/thermal/thermal_zone0/type", "cpu-thermal")
        self._put(self.folder / "class/thermal/thermal_zone0/temp", TEMPERATURE_C * 1000)

    def _put(self, path: Path, value: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(f"{value}\n")
        fresh.replace(path)
