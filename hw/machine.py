"""How warm a box is and how much room its disk has, as the kernel tells it."""

import os
from pathlib import Path
from typing import NamedTuple

from hw.power import SYSFS

# A sensor that tells less or more is broken: no box is that cold or hot and still runs.
COLDEST_C, HOTTEST_C = -40, 125


class Reading(NamedTuple):
    """`temperature_c`: of the warmest sensor; the others of the disk that holds the box's data.
    Each is None where nothing tells it."""

    temperature_c: int | None
    disk_free_pct: int | None
    disk_free_mb: int | None


class Machine:
    """Reads this machine. `data`: a folder on the disk that counts; `sysfs`: where the kernel
    tells of its sensors."""

    def __init__(self, data: Path, sysfs: Path = SYSFS) -> None:
        self._data = data
        self._sysfs = sysfs

    def read(self) -> Reading:
        return Reading(self._temperature(), *self._room())

    def _temperature(self) -> int | None:
        found = []
        for each in self._sysfs.glob("class/thermal/thermal_zone*/temp"):
            try:
                told_c = round(int(each.read_text()) / 1000)
            except (OSError, ValueError):
                continue  # a sensor that is off answers with an error
            if COLDEST_C <= told_c <= HOTTEST_C:
                found.append(told_c)
        return max(found, default=None)

    def _room(self) -> tuple[int | None, int | None]:
        """What an ordinary user may still write: a disk keeps a part for root."""
        try:
            disk = os.statvfs(self._data)
        except OSError:
            return None, None
        usable = disk.f_blocks - disk.f_bfree + disk.f_bavail
        if usable <= 0:
            return None, None
        return disk.f_bavail * 100 // usable, disk.f_bavail * disk.f_frsize // 2**20
