"""Sets the centre up, and makes its files anew at each start: `./wardline centre set-up`, and

    python -m provisioning.centre --config central.json

before the hospital's broker starts: certificates of our own programs that are about to end, the
broker's configuration, its keeper's, and web.json, which is central.json with the console's own
log-in. What the keeper has written, who may use the broker, stays.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from central import config as configuration
from central.clock import Clock, SystemClock
from central.console import model as users
from central.console import service as people
from central.enrolment.settings import KEY, Settings, from_config
from central.errors import FieldError
from central.store import Store
from provisioning import cli, mosquitto
from provisioning.authority.authority import AuthorityUnusableError
from provisioning.authority.keys import KeyUnusableError
from provisioning.endpoint import prepare as preparing
from provisioning.keeper import ACCESS
from provisioning.mosquitto import Broker, PasswordFileError, as_text, write_private

LOOPBACK = "127.0.0.1"
# Everywhere: boxes, browsers and the hospital system come from other machines.
ANY = "0.0.0.0"
ENDPOINT_PORT, BROKER_PORT, WEB_PORT, MLLP_PORT, SPEECH_PORT = 8884, 8883, 8080, 2575, 8090


def first_config(address: str, timezone: str, state: Path) -> dict[str, Any]:
    """central.json of a new centre that others reach at `address`. Raises FieldError."""
    if not address or any(letter in address for letter in "/: #@"):
        raise FieldError(
            "address", "An address or a name alone, such as 10.0.0.5: boxes reach the centre by it."
        )
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FieldError("timezone", "Such as Asia/Shanghai.") from error
    folder = state / "provisioning"
    login = folder / "services"
    return {
        "database": str(state / "wardline.db"),
        "timezone": timezone,
        "broker": {
            "host": LOOPBACK,
            "port": BROKER_PORT,
            "tls": {
                "root": str(folder / "authority" / "root.pem"),
                "certificate": str(login / "bridge.pem"),
                "key": str(login / "bridge.key"),
            },
        },
        "web": {"host": ANY, "port": WEB_PORT, "secret_file": str(state / "web.secret")},
        "mllp": {"host": ANY, "port": MLLP_PORT},
        "speech": {
            "host": ANY,
            "port": SPEECH_PORT,
            "url": f"http://{address}:{SPEECH_PORT}",
            "cache": str(state / "speech"),
        },
        KEY: {
            "folder": str(folder),
            "host": ANY,
            "port": ENDPOINT_PORT,
            "address": f"https://{address}:{ENDPOINT_PORT}/",
            "hospital": {"port": BROKER_PORT},
        },
    }


def prepare(config: dict[str, Any], clock: Clock) -> Broker:
    """The files that the centre's programs need, as far as they are missing or old; the hospital's
    broker. Raises ConfigError, AuthorityUnusableError, KeyUnusableError, OSError."""
    settings = from_config(config)
    if settings is None or settings.hospital_port is None:
        raise configuration.ConfigError(f'central.json says nothing under "{KEY}": hospital')
    state = settings.database.parent
    authority = preparing.authority(settings, clock)
    bridge, web = (
        preparing.identity(authority, settings, name, clock) for name in ("bridge", "web")
    )
    hosts = (LOOPBACK, settings.here)
    tls = preparing.broker(authority, settings, "hospital", hosts, clock)
    users = (mosquitto.bridge_user(None), mosquitto.web_user(None))
    broker = Broker(state / "hospital-broker", settings.hospital_port, users, tls=tls, address=ANY)
    mosquitto.write(broker, keep_rules=(broker.folder / ACCESS).exists())
    write_private(
        broker.folder / "keeper.json",
        {
            "folder": str(broker.folder),
            "port": broker.port,
            "endpoint": f"https://{_own_endpoint(settings)}/v1/access/hospital",
            "tls": as_text(tls),
            "identity": as_text(bridge),
        },
    )
    as_web = config["broker"] | {"tls": as_text(web)}
    write_private(state / "web.json", config | {"broker": as_web})
    return broker


def _own_endpoint(settings: Settings) -> str:
    """The endpoint as programs of this machine reach it, by a name that its certificate has."""
    return f"{settings.here}:{settings.port}"


def set_up(
    path: Path,
    address: str,
    timezone: str,
    admin: str,
    password: Callable[[], str],
    *,
    state: Path = Path(cli.STATE),
) -> None:
    """Write central.json and all that belongs to it, and add the first user. What is there already
    stays. Raises FieldError, ConfigError, OSError."""
    clock = SystemClock()
    if not path.exists():
        config = first_config(address, timezone, state)
        write_private(path, config)
    config = configuration.load(path)
    prepare(config, clock)
    store = Store(config["database"], clock)
    try:
        with store.transaction() as tx:
            if users.user(tx, admin) is None:
                people.add_user(tx, admin, admin, "admin", password(), by="command-line")
    finally:
        store.close()


def _password() -> str:
    """Typed, or from where the command's input comes."""
    if sys.stdin.isatty():
        return getpass.getpass("password of the first administrator (10 letters or more): ")
    return sys.stdin.readline().rstrip("\n")


def main(arguments: argparse.Namespace) -> int:
    """`./wardline centre set-up`; 1, and why, when it cannot be done."""
    os.umask(0o077)
    try:
        set_up(
            arguments.config,
            arguments.address,
            arguments.timezone,
            arguments.admin,
            _password,
            state=arguments.state,
        )
    except FieldError as error:
        print(f"--{error.field}: {error.message % error.values}", file=sys.stderr)
        return 1
    except (
        configuration.ConfigError, AuthorityUnusableError, KeyUnusableError, PasswordFileError,
        OSError,
    ) as error:  # fmt: skip
        print(error, file=sys.stderr)
        return 1
    settings = from_config(configuration.load(arguments.config))
    assert settings is not None
    print(f"{arguments.config} is written; boxes come to {settings.address}")
    return 0


def at_start() -> int:
    """2 when the files cannot be made."""
    parser = argparse.ArgumentParser(prog="centre", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="central.json")
    os.umask(0o077)
    try:
        prepare(configuration.load(parser.parse_args().config), SystemClock())
    except (
        configuration.ConfigError, AuthorityUnusableError, KeyUnusableError, PasswordFileError,
        OSError,
    ) as error:  # fmt: skip
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(at_start())
