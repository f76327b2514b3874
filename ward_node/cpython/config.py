"""The configuration of one node: a JSON file, checked when it is read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROLES = ("bedside", "station")
HARDWARE = ("bus", "gpio", "none")
SPEAKERS = ("alsa", "recording")
LEVELS = ("high", "low")
POWER = {"sysfs": "/sys", "virtual": False, "mains_pin": None, "mains_good": "high"}


class ConfigError(Exception):
    """The configuration cannot be used; names the file, the field and what belongs there."""

    error_id = "config-wrong"


@dataclass(frozen=True)
class Config:
    """What a node must know to start. `hardware`, `speaker`, `power` and `panel` are as in the
    file. A station may have a `page` (host and port) and a `lamp` (its pin)."""

    ward: str
    node: str
    role: str
    lang: str
    broker: dict[str, Any]
    data: Path
    hardware: dict[str, Any]
    speaker: dict[str, Any]
    power: dict[str, Any]
    panel: dict[str, Any] | None
    page: dict[str, Any] | None
    lamp: int | None
    clock_file: Path | None
    # Where an enrolled box has its certificate renewed.
    endpoint: str | None = None
    # Where versions come from, if not from there: `url` of the repository, `root` a file.
    updates: dict[str, str] | None = None

    @property
    def beds(self) -> list[str]:
        """The beds that the hardware serves."""
        return list(self.hardware.get("beds", ()))


def load(path: str | Path) -> Config:
    """Read the configuration. Raises ConfigError."""
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: not JSON, line {error.lineno}: {error.msg}") from error
    try:
        return of(given)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def of(given: Any) -> Config:
    """The configuration of parsed JSON. Raises ConfigError naming the field."""
    fields = _Fields(given, "")
    hardware = fields.group("hardware")
    speaker = fields.group("speaker")
    config = Config(
        ward=fields.name("ward"),
        node=fields.name("node"),
        role=fields.one_of("role", ROLES),
        lang=fields.one_of("lang", ("zh", "en")),
        broker=_broker(fields.group("broker")),
        data=Path(fields.text("data")),
        hardware=_hardware(hardware),
        speaker=_speaker(speaker),
        power=_power(fields.group("power")) if fields.has("power") else dict(POWER),
        panel=_address(fields, "panel"),
        page=_address(fields, "page"),
        lamp=fields.pin("lamp") if fields.has("lamp") else None,
        clock_file=Path(fields.text("clock_file")) if fields.has("clock_file") else None,
        endpoint=fields.text("endpoint") if fields.has("endpoint") else None,
        updates=_updates(fields.group("updates")) if fields.has("updates") else None,
    )
    if config.role == "station" and config.beds:
        raise ConfigError("hardware.beds: a station node has no beds; leave them out")
    if config.role == "bedside" and not config.beds:
        raise ConfigError("hardware.beds: a bedside node needs at least one bed")
    for name in ("page", "lamp"):
        if config.role != "station" and getattr(config, name) is not None:
            raise ConfigError(f"{name}: only a station node has one")
    return config


class _Fields:
    """A JSON object and where it stands in the file."""

    def __init__(self, given: Any, where: str) -> None:
        if not isinstance(given, dict):
            raise ConfigError(f"{where or 'the whole'} must be a group of settings in braces")
        self.given = given
        self._where = where

    def path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def has(self, name: str) -> bool:
        return self.given.get(name) is not None

    def group(self, name: str) -> "_Fields":
        if not self.has(name):
            raise ConfigError(f"{self.path(name)} is missing")
        return _Fields(self.given[name], self.path(name))

    def text(self, name: str) -> str:
        value = self.given.get(name)
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{self.path(name)} is missing or not a text")
        return value

    def name(self, name: str) -> str:
        """A text that can stand in a topic."""
        value = self.text(name)
        if any(letter in value for letter in "/+#") or len(value) > 100:
            raise ConfigError(f"{self.path(name)}: at most 100 characters, without / + #")
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        value = self.given.get(name)
        if value not in known:
            raise ConfigError(f"{self.path(name)} must be one of {', '.join(known)}")
        return str(value)

    def pin(self, name: str) -> int:
        value = self.given.get(name)
        if type(value) is not int or not 0 <= value <= 27:
            raise ConfigError(f"{self.path(name)} must be the number of a pin, 0 to 27 (BCM)")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.given.get(name, default)
        if type(value) is not int or not least <= value <= most:
            raise ConfigError(f"{self.path(name)} must be a whole number, {least} to {most}")
        return value

    def port(self, name: str) -> int:
        value = self.given.get(name)
        if type(value) is not int or not 0 <= value <= 65535:
            raise ConfigError(f"{self.path(name)} must be a port number, 0 to 65535")
        return value


def _address(fields: _Fields, name: str) -> dict[str, Any] | None:
    if not fields.has(name):
        return None
    group = fields.group(name)
    return {"host": group.text("host"), "port": group.port("port")}


def _updates(fields: _Fields) -> dict[str, str]:
    return {"url": fields.text("url"), "root": fields.text("root")}


def _broker(fields: _Fields) -> dict[str, Any]:
    """tls: files (root, certificate, key) of a box that shows a certificate."""
    tls = None
    if fields.has("tls"):
        group = fields.group("tls")
        tls = {name: group.text(name) for name in ("root", "certificate", "key")}
    return {
        "tls": tls,
        "host": fields.text("host"),
        "port": fields.port("port"),
        "username": fields.text("username") if fields.has("username") else None,
        "password": fields.text("password") if fields.has("password") else None,
    }


def _hardware(fields: _Fields) -> dict[str, Any]:
    kind = fields.one_of("kind", HARDWARE)
    if kind == "none":
        return {"kind": kind}
    beds = fields.given.get("beds")
    if kind == "bus":
        if not isinstance(beds, dict) or not all(type(each) is int for each in beds.values()):
            raise ConfigError('hardware.beds must give each bed its address: {"1": 1, "2": 2}')
        _bed_names(list(beds))
        return {"kind": kind, "port": fields.text("port"), "beds": beds}
    if not isinstance(beds, list):
        raise ConfigError('hardware.beds must list the beds: ["1", "2"]')
    _bed_names(beds)
    return {"kind": kind, "beds": beds, "virtual": bool(fields.given.get("virtual", False))}


def _bed_names(beds: list[Any]) -> None:
    for bed in beds:
        if not isinstance(bed, str) or not 0 < len(bed) <= 32:
            raise ConfigError("hardware.beds: a bed's name is a text of at most 32 characters")


def _speaker(fields: _Fields) -> dict[str, Any]:
    kind = fields.one_of("kind", SPEAKERS)
    microphone = None
    if fields.has("microphone"):
        microphone = _microphone(fields.group("microphone"), kind)
    if kind == "alsa":
        device = fields.given.get("device") or "default"
        return {"kind": kind, "device": device, "microphone": microphone}
    return {"kind": kind, "folder": fields.text("folder"), "microphone": microphone}


def _microphone(fields: _Fields, kind: str) -> dict[str, Any]:
    """What hears the loudspeaker, and the tone it is to hear."""
    return {
        "device": fields.text("device") if kind == "alsa" else None,
        "tone_hz": fields.number("tone_hz", 16_000, 100, 20_000),
        # Never so loud that somebody could wake.
        "level_db": fields.number("level_db", -40, -80, -30),
        "faint_below_db": fields.number("faint_below_db", -70, -110, -20),
        "every_s": fields.number("every_s", 300, 1, 86_400),
    }


def _power(fields: _Fields) -> dict[str, Any]:
    return {
        "sysfs": fields.text("sysfs") if fields.has("sysfs") else POWER["sysfs"],
        "virtual": fields.given.get("virtual") is True,
        "mains_pin": fields.pin("mains_pin") if fields.has("mains_pin") else None,
        "mains_good": fields.one_of("mains_good", LEVELS) if fields.has("mains_good") else "high",
    }
