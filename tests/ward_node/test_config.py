"""A wrong configuration is refused with the field's name and what belongs there."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ward_node.cpython import config

GOOD: dict[str, Any] = {
    "ward": "3",
    "node": "3-box",
    "role": "bedside",
    "lang": "zh",
    "broker": {"host": "127.0.0.1", "port": 1883},
    "data": "/var/lib/wardline",
    "hardware": {"kind": "bus", "port": "/dev/ttyUSB0", "beds": {"1": 1, "12+1": 2}},
    "speaker": {"kind": "alsa", "device": "default"},
    "panel": None,
    "clock_file": None,
}


def test_good_ones() -> None:
    made = config.of(GOOD)
    assert made.beds == ["1", "12+1"]
    assert made.panel is None
    station = config.of(GOOD | {"role": "station", "hardware": {"kind": "none"}})
    assert (station.beds, station.page, station.lamp) == ([], None, None)
    page = {"host": "127.0.0.1", "port": 0}
    shown = GOOD | {"role": "station", "hardware": {"kind": "none"}, "page": page, "lamp": 17}
    assert (config.of(shown).page, config.of(shown).lamp) == (page, 17)
    heard = GOOD["speaker"] | {"microphone": {"device": "hw:1", "tone_hz": 14_000}}
    microphone = config.of(GOOD | {"speaker": heard}).speaker["microphone"]
    assert (microphone["tone_hz"], microphone["level_db"], microphone["every_s"]) == (
        14_000, -40, 300,
    )  # fmt: skip
    assert made.power["sysfs"] == "/sys"
    powered = config.of(GOOD | {"power": {"mains_pin": 19, "mains_good": "low"}}).power
    assert (powered["mains_pin"], powered["mains_good"]) == (19, "low")
    pins = {"kind": "gpio", "beds": ["1"], "virtual": True}
    panel = {"host": "127.0.0.1", "port": 0}
    assert config.of(GOOD | {"hardware": pins, "panel": panel}).panel == panel


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("ward", "3/4", "ward: at most"),
        ("node", None, "node is missing"),
        ("role", "king", "role must be one of bedside, station"),
        ("role", "station", "hardware.beds: a station node has no beds"),
        ("lang", "de", "lang must be one of"),
        ("broker.port", "1883", "broker.port must be a port number"),
        ("broker", None, "broker is missing"),
        ("broker", [], "broker must be a group"),
        ("data", "", "data is missing"),
        ("hardware.kind", "usb", "hardware.kind must be one of"),
        ("hardware.beds", ["1"], "hardware.beds must give each bed its address"),
        ("hardware.beds", {}, "hardware.beds: a bedside node needs"),
        ("hardware.beds", {"": 1}, "hardware.beds: a bed's name"),
        ("speaker", {"kind": "recording"}, "speaker.folder is missing"),
        ("speaker.microphone", {}, "speaker.microphone.device is missing"),
        ("speaker.microphone", {"device": "a", "level_db": -20}, "level_db must be a whole"),
        ("power", {"mains_pin": 40}, "power.mains_pin must be the number"),
        ("power", {"mains_good": "yes"}, "power.mains_good must be one of high, low"),
        ("panel", {"host": "127.0.0.1", "port": 99999}, "panel.port must be"),
        ("clock_file", 7, "clock_file is missing or not a text"),
    ],
)
def test_wrong_ones(path: str, value: Any, complaint: str, tmp_path: Path) -> None:
    wrong = copy.deepcopy(GOOD)
    holder = wrong
    *groups, last = path.split(".")
    for group in groups:
        holder = holder[group]
    holder[last] = value
    file = tmp_path / "box.json"
    file.write_text(json.dumps(wrong))
    with pytest.raises(config.ConfigError) as refused:
        config.load(file)
    assert complaint in str(refused.value)
    assert str(file) in str(refused.value)


def test_not_json_and_not_there(tmp_path: Path) -> None:
    file = tmp_path / "box.json"
    with pytest.raises(config.ConfigError, match="cannot be read"):
        config.load(file)
    file.write_text("{\n oops")
    with pytest.raises(config.ConfigError, match="not JSON, line 2"):
        config.load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(config.ConfigError, match="not UTF-8"):
        config.load(file)
