"""central.json's "exchange": where it is, how it is steered, and the folder of its files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.config import ConfigError
from gateway.telephone.exchange import Exchange, Ports, Tls

KEY = "exchange"
_PORTS = ("sip", "ari", "rtp", "rtp_count")
# A hospital's own Asterisk listens where it likes.
_UNUSED = Ports(sip=5060, ari=8088, rtp=10_000)
_URL = re.compile(r"https?://[^/\s]+/[^\s]*")


@dataclass(frozen=True)
class Settings:
    """The exchange and its folder; None, where it is a hospital's own that we write nothing for."""

    exchange: Exchange
    folder: Path | None


def as_config(exchange: Exchange, folder: Path) -> dict[str, Any]:
    """The same for central.json."""
    ports = {name: getattr(exchange.ports, name) for name in _PORTS}
    tls = exchange.tls
    encrypted = {}
    if tls is not None:
        paths = {"certificate": str(tls.certificate), "key": str(tls.key)}
        encrypted = {"tls": {"port": tls.port, **paths}}
    return {
        **encrypted,
        "folder": str(folder),
        "address": exchange.address,
        "ports": ports,
        "password": exchange.ari_password,
        "console_password": exchange.console_password,
    }


def from_config(config: Mapping[str, Any]) -> Settings | None:
    """None where no exchange is configured. Raises ConfigError."""
    if KEY not in config:
        return None
    said = config[KEY]
    if not isinstance(said, dict):
        raise ConfigError(f"{KEY} must be a group of settings")
    if "folder" in said and said["folder"] is None:
        return _hospitals_own(config, said)
    for field in ("folder", "address", "password"):
        if not isinstance(said.get(field), str) or not said[field]:
            raise ConfigError(f"{KEY}.{field} is missing or not a text")
    ports = said.get("ports")
    if not isinstance(ports, dict):
        raise ConfigError(f"{KEY}.ports must be a group of settings")
    for field in _PORTS:
        if type(ports.get(field)) is not int or not 0 < ports[field] < 65_536:
            raise ConfigError(f"{KEY}.ports.{field} must be a number from 1 to 65,535")
    exchange = Exchange(
        Ports(*(ports[field] for field in _PORTS)),
        said["password"],
        said["address"],
        tls=_tls(said.get("tls")),
        timezone=config.get("timezone", Exchange.timezone),
        console_password=str(said.get("console_password", "")),
    )
    return Settings(exchange, Path(said["folder"]))


def _hospitals_own(config: Mapping[str, Any], said: Mapping[str, Any]) -> Settings:
    for field in ("url", "address", "password"):
        if not isinstance(said.get(field), str) or not said[field]:
            raise ConfigError(f"{KEY}.{field} is missing or not a text")
    if not _URL.fullmatch(said["url"]):
        raise ConfigError(f"{KEY}.url must be ARI's address, such as http://192.0.2.5:8088/ari")
    exchange = Exchange(
        _UNUSED,
        said["password"],
        said["address"],
        timezone=config.get("timezone", Exchange.timezone),
        url=said["url"].rstrip("/"),
        console_password=str(said.get("console_password", "")),
    )
    return Settings(exchange, None)


def _tls(said: Any) -> Tls | None:
    """None where telephones shall not encrypt."""
    if said is None:
        return None
    said = said if isinstance(said, dict) else {}
    paths = [str(said[field]) for field in ("certificate", "key") if said.get(field)]
    if len(paths) != 2:
        raise ConfigError(f"{KEY}.tls needs certificate and key, the paths of two PEM files")
    port = said.get("port")
    if type(port) is not int or not 0 < port < 65_536:
        raise ConfigError(f"{KEY}.tls.port must be a number from 1 to 65,535, such as 5061")
    return Tls(port, Path(paths[0]), Path(paths[1]))
