"""What the console needs of central.json's "exchange": an account that only looks, and where
telephones register."""

from collections.abc import Mapping
from typing import Any

from central.config import ConfigError
from central.telephone.settings import KEY
from gateway.telephone.ari.account import Account
from gateway.telephone.exchange import CONSOLE

USUAL_SIP_PORT = 5060
PASSWORD = "console_password"


def account(config: Mapping[str, Any]) -> Account | None:
    """None where no exchange is configured, or none that the console may look at. `url` names
    another place than this machine's own. Raises ConfigError."""
    said = _said(config)
    password = said.get(PASSWORD, "")
    if not isinstance(password, str):
        raise ConfigError(f"{KEY}.{PASSWORD} must be a text: what {CONSOLE} has in ari.conf")
    if not password:
        return None
    url = said.get("url") or f"http://127.0.0.1:{_port(said, 'ari')}/ari"
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ConfigError(f"{KEY}.url must be an address, such as http://127.0.0.1:8088/ari")
    return Account(url.rstrip("/"), CONSOLE, password)


def registrar(config: Mapping[str, Any], *, encrypts: bool = False) -> tuple[str, int] | None:
    """Where a telephone registers: host and SIP port, of TLS for one that encrypts where that is
    known. None without an exchange. Raises ConfigError."""
    said = _said(config)
    if not said:
        return None
    address = said.get("address")
    if not isinstance(address, str) or not address:
        raise ConfigError(f"{KEY}.address is missing or not a text: where phones reach it")
    tls = said.get("tls")
    if encrypts and isinstance(tls, dict) and type(tls.get("port")) is int:
        return address, tls["port"]
    if said.get("folder", "") is None and "ports" not in said:
        return address, USUAL_SIP_PORT  # the hospital's own, which tells us none
    return address, _port(said, "sip")


def _said(config: Mapping[str, Any]) -> Mapping[str, Any]:
    said = config.get(KEY) or {}
    if not isinstance(said, dict):
        raise ConfigError(f"{KEY} must be a group of settings")
    return said


def _port(said: Mapping[str, Any], name: str) -> int:
    ports = said.get("ports")
    port = ports.get(name) if isinstance(ports, dict) else None
    if type(port) is not int or not 0 < port < 65_536:
        raise ConfigError(f"{KEY}.ports.{name} must be a number from 1 to 65,535")
    return port
