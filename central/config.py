"""The one configuration file of central's processes, checked when it is read."""

import json
import os
import time
from pathlib import Path
from typing import Any

_REQUIRED = {
    "database": str,
    "broker": dict,
    "mllp": dict,
    "speech": dict,
    "timezone": str,
    "web": dict,
}

CLOCK_SKEW_LIMIT_S = 60


class ConfigError(Exception):
    """The configuration cannot be used; names the file, the field and what belongs there."""

    error_id = "config-wrong"


def use_timezone(name: str) -> None:
    """Let this process live in the hospital's time zone, whatever the machine's is: nights,
    volume bands and spoken times follow it."""
    os.environ["TZ"] = name
    time.tzset()


def load(path: str | Path) -> dict[str, Any]:
    """Read central's JSON configuration. Raises ConfigError."""
    try:
        config = json.loads(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: not JSON, line {error.lineno}: {error.msg}") from error
    for field, wanted in _REQUIRED.items():
        if not isinstance(config.get(field), wanted):
            shape = "a group of settings" if wanted is dict else "a text"
            raise ConfigError(f"{path}: {field} is missing or not {shape}")
    limit = config.get("clock_skew_limit_s", CLOCK_SKEW_LIMIT_S)
    if type(limit) is not int or limit < 1:
        raise ConfigError(f"{path}: clock_skew_limit_s must be a number of seconds, 1 or more")
    return config


def skew_limit_ms(config: dict[str, Any]) -> int:
    """How far the clock of a box may be off before that is a fault."""
    return int(config.get("clock_skew_limit_s", CLOCK_SKEW_LIMIT_S)) * 1000
