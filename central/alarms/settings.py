"""Alarm managers of central.json.

"alarm_managers": [{"name": "AM", "host": "10.1.2.4", "port": 2575, "app": "AM",
                    "facility": "H1", "encoding": "utf-8", "patients": false}]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from central.config import ConfigError
from gateway.his.alarm import CHARSETS


@dataclass(frozen=True)
class Manager:
    """One receiver. `patients`: whether it is told the patient's number; a name never."""

    name: str
    host: str
    port: int
    app: str = ""
    facility: str = ""
    encoding: str = "utf-8"
    patients: bool = False


_KINDS = {
    "name": str, "host": str, "port": int, "app": str, "facility": str, "encoding": str,
    "patients": bool,
}  # fmt: skip


def from_config(config: Mapping[str, Any]) -> tuple[Manager, ...]:
    """Raises ConfigError naming the field."""
    given = config.get("alarm_managers", [])
    if not isinstance(given, list):
        raise ConfigError("alarm_managers: must be a list")
    found: list[Manager] = []
    for n, each in enumerate(given):
        at = f"alarm_managers[{n}]"
        if not isinstance(each, dict):
            raise ConfigError(f"{at}: must be a group of settings")
        for name in each.keys() | {"name", "host", "port"}:
            kind = _KINDS.get(name)
            if kind is None:
                raise ConfigError(f"{at}.{name}: is not known; known are {', '.join(_KINDS)}")
            if type(each.get(name)) is not kind:
                raise ConfigError(f"{at}.{name}: must be of the type {kind.__name__}")
        made = Manager(**each)
        if made.encoding not in CHARSETS:
            raise ConfigError(f"{at}.encoding: must be one of {', '.join(CHARSETS)}")
        if made.name in {other.name for other in found}:
            raise ConfigError(f"{at}.name: another one has this name")
        found.append(made)
    return tuple(found)
