"""The configuration of a communicator: a JSON file in the shape of `ward_node/cpython/config.py`,
with hardware of the kind "communicator" at one bed."""

import json

from ward_node.compat import Any
from ward_node.micropython.communicator import PINS


class ConfigError(Exception):
    """The configuration cannot be used; names the file, the field and what belongs there."""

    error_id = "config-wrong"


class Config:
    """What a communicator must know to start. `pins`: numbers by use. `virtual`: the pins are
    in memory, worked by the panel at `panel` ({"host", "port"} or None)."""

    def __init__(self, given: "dict[str, Any]") -> None:
        """Raises ConfigError."""
        self.ward = _text(given, "ward")
        self.node = _text(given, "node")
        self.data = _text(given, "data")
        self.broker = _group(given, "broker")
        _text(self.broker, "host")
        _whole(self.broker, "port")
        hardware = _group(given, "hardware")
        beds = hardware.get("beds")
        if hardware.get("kind") != "communicator" or type(beds) is not list or len(beds) != 1:
            raise ConfigError('hardware must be {"kind": "communicator", "beds": [one bed]}')
        self.bed = _text({"hardware.beds": beds[0]}, "hardware.beds")
        self.virtual = bool(hardware.get("virtual"))
        self.pins = dict(PINS)
        self.pins.update(_group(hardware, "pins") if hardware.get("pins") else {})
        for name in PINS:
            _whole(self.pins, name)
        self.panel = _group(given, "panel") if given.get("panel") else None
        self.clock_file = _text(given, "clock_file") if given.get("clock_file") else None


def load(path: str) -> Config:
    """Read the configuration. Raises ConfigError."""
    try:
        with open(path) as file:
            given = json.load(file)
    except OSError as error:
        raise ConfigError(path + ": cannot be read: " + str(error))  # noqa: B904
    except ValueError:
        raise ConfigError(path + ": not JSON")  # noqa: B904
    if type(given) is not dict:
        raise ConfigError(path + ": the whole must be a group of settings in braces")
    try:
        return Config(given)
    except ConfigError as error:
        raise ConfigError(path + ": " + str(error))  # noqa: B904


def _group(given: "dict[str, Any]", name: str) -> "dict[str, Any]":
    value = given.get(name)
    if type(value) is not dict:
        raise ConfigError(name + " must be a group of settings in braces")
    return value


def _text(given: "dict[str, Any]", name: str) -> str:
    value = given.get(name)
    if type(value) is not str or not value:
        raise ConfigError(name + " is missing or not a text")
    return value


def _whole(given: "dict[str, Any]", name: str) -> None:
    value = given.get(name)
    if type(value) is not int or value < 0:
        raise ConfigError(name + " must be a number, 0 or more")
