"""How warm and how full a box is, from folders in the shape of /sys and a real disk."""

import shutil
from pathlib import Path

import pytest

from hw.machine import Machine
from hw.virtual.power import TEMPERATURE_C, VirtualPower


def sensors(folder: Path, *told: str) -> Path:
    for number, text in enumerate(told):
        zone = folder / f"class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("told", "warmest"),
    [
        ((), None),
        (("47300\n",), 47),
        (("47300\n", "61900\n"), 62),
        (("nonsense\n", "51000\n"), 51),
        (("-274000\n", "2147483647\n"), None),  # of a sensor that is broken
        (("-5000\n",), -5),
    ],
)
def test_the_warmest_sensor_that_can_be_read_counts(
    tmp_path: Path, told: tuple[str, ...], warmest: int | None
) -> None:
    assert Machine(tmp_path, sensors(tmp_path / "sys", *told)).read().temperature_c == warmest


def test_the_room_is_what_may_still_be_written(tmp_path: Path) -> None:
    disk = shutil.disk_usage(tmp_path)
    reading = Machine(tmp_path, tmp_path).read()
    assert reading.disk_free_mb == pytest.approx(disk.free / 2**20, rel=0.05)
    assert reading.disk_free_pct == pytest.approx(100 * disk.free / (disk.used + disk.free), abs=2)
    assert Machine(tmp_path / "gone", tmp_path).read() == (None, None, None)


def test_a_virtual_box_has_a_temperature(tmp_path: Path) -> None:
    VirtualPower(tmp_path)
    assert Machine(tmp_path, tmp_path).read().temperature_c == TEMPERATURE_C
