"""Keeps one broker's gate: who is let in, what each may say and hear, and who no more.

    python -m provisioning.keeper --config keeper.json

It runs beside a broker, under the same user, and asks the provisioning endpoint every two seconds,
as the broker's own identity. What changed it writes into the broker's files, and has the broker
started anew by them (`broker.py`): sessions of revoked certificates end by that, all others come
back within a second or two and lose nothing. While the endpoint cannot be reached all stays as it
is.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from provisioning import mosquitto
from provisioning.authority.keys import put
from provisioning.mosquitto import Broker, Identity, Tls, User

log = logging.getLogger("wardline.keeper")

ASK_EVERY_S = 2.0
# What the running broker was started by, beside its own files.
ACCESS = "access.json"
ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Access:
    """Who may use a broker. revoked: the list for the broker, PEM; ended: the names whose
    certificates hold no more, by serial, as far as they had rights here; users: those who come by
    certificate."""

    revoked: str
    ended: dict[str, str] = field(default_factory=dict)
    users: tuple[User, ...] = ()


def read(told: Any) -> Access:
    """The access that the endpoint's JSON tells. Raises ValueError, KeyError, TypeError."""
    users: list[User] = []
    if "wards" in told:
        users += [mosquitto.bridge_user(None), mosquitto.web_user(None)]
        for ward in told["wards"]:
            users += [mosquitto.ward_events_user(ward, None), mosquitto.ward_user(ward, None)]
    for each in told.get("nodes", ()):
        users.append(mosquitto.node_user(told["ward"], each["name"], each["role"], None))
    return Access(str(told["revoked"]), dict(told["ended"]), tuple(users))


def mark_of(access: Access) -> bytes:
    """By this a keeper knows what the running broker was started by."""
    users = sorted((user.name, user.rules) for user in access.users)
    return json.dumps([sorted(access.ended), users]).encode()


class Keeper:
    """The gate of `broker`, which takes certificates. tell: has it started anew."""

    def __init__(self, broker: Broker, *, tell: Callable[[], None] | None = None) -> None:
        assert broker.tls is not None
        self._broker = broker
        self._tls: Tls = broker.tls
        self._tell = tell or self._signal
        # On disk, for this process may be started anew.
        self._kept = broker.folder / ACCESS

    def apply(self, access: Access) -> bool:
        """Make it so; whether the broker had to be started anew for it. Raises OSError."""
        put(self._tls.revoked, access.revoked.encode())
        mark = mark_of(access)
        if self._mark() == mark:
            return False
        mosquitto.write_rules(self._broker, access.users)
        self._tell()
        log.warning(
            "who may use the broker has changed, it is started anew; revoked so far: %s",
            ", ".join(sorted(set(access.ended.values()))) or "nobody",
        )
        # Only now: whoever is ended before does it again at the next start.
        put(self._kept, mark)
        return True

    def _mark(self) -> bytes | None:
        try:
            return self._kept.read_bytes()
        except FileNotFoundError:
            return None

    def _signal(self) -> None:
        try:
            os.kill(int(self._broker.pid_file.read_text()), signal.SIGHUP)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            log.warning("the broker does not run; it reads its files when it starts")


async def keep(keeper: Keeper, endpoint: str, identity: Identity) -> None:
    """Ask the endpoint for ever. endpoint: the address of what this identity may ask."""
    context = ssl.create_default_context(cafile=str(identity.root))
    context.load_cert_chain(identity.certificate, identity.key)
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
    mark = ""
    async with aiohttp.ClientSession(timeout=timeout) as http:
        while True:
            try:
                headers = {"If-None-Match": mark} if mark else {}
                async with http.get(endpoint, ssl=context, headers=headers) as answer:
                    if answer.status == 200:
                        keeper.apply(read(await answer.json()))
                        mark = answer.headers.get("ETag", "")
                    elif answer.status != 304:
                        log.error("%s answers %s: %s", endpoint, answer.status, await answer.text())
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.error("%s cannot be asked (%s): the broker's gate stays", endpoint, error)
            except (ValueError, KeyError, TypeError) as error:
                log.error("%s says what is not understood (%r)", endpoint, error)
            await asyncio.sleep(ASK_EVERY_S)


def main() -> int:
    """2 when it cannot start as configured."""
    parser = argparse.ArgumentParser(prog="keeper", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = json.loads(parser.parse_args().config.read_text())
        tls = Tls(
            *(Path(config["tls"][name]) for name in ("certificate", "key", "clients", "revoked"))
        )
        broker = Broker(Path(config["folder"]), config["port"], tls=tls)
        identity = Identity(
            *(Path(config["identity"][name]) for name in ("certificate", "key", "root"))
        )
        asyncio.run(keep(Keeper(broker), config["endpoint"], identity))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"the keeper cannot start: {error!r}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
