"""`./wardline node`: claims for boxes and an end to their certificates, from the command line."""

import argparse
import getpass
import sys
from typing import TextIO

import segno

from central import config as configuration
from central.clock import SystemClock
from central.enrolment import brokers, claims, service
from central.enrolment.settings import KEY, Settings, from_config
from central.errors import FieldError
from central.store import Store
from gateway.mqtt import claim as writing
from provisioning.endpoint import prepare


def main(arguments: argparse.Namespace, out: TextIO = sys.stdout) -> int:
    """1, and why, when it cannot be done."""
    do = {"add": _add, "revoke": _revoke}[arguments.deed]
    try:
        config = configuration.load(arguments.config)
        settings = from_config(config)
        if settings is None:
            raise configuration.ConfigError(f'{arguments.config} says nothing under "{KEY}"')
        store = Store(config["database"], SystemClock())
        try:
            return do(arguments, store, settings, out)
        finally:
            store.close()
    except FieldError as error:
        print(f"--{error.field}: {error.message % error.values}", file=sys.stderr)
    except (configuration.ConfigError, OSError) as error:
        print(error, file=sys.stderr)
    return 1


def who() -> str:
    """Who did it, in the audit."""
    try:
        return f"{getpass.getuser()}@command-line"
    except (KeyError, OSError):
        return "command-line"


def _add(arguments: argparse.Namespace, store: Store, settings: Settings, out: TextIO) -> int:
    prepare.authority(settings, store.clock)
    key, lasts_ms = settings.digest_key(), arguments.hours * claims.HOUR_MS
    is_broker = arguments.role == claims.BROKER
    with store.transaction() as tx:
        if is_broker:
            brokers.ensure_possible(settings)
            made = brokers.make(
                tx, key, ward=arguments.ward, host=arguments.host or "", port=arguments.port,
                lasts_ms=lasts_ms, by=who(),
            )  # fmt: skip
        else:
            made = service.make(
                tx,
                key,
                ward=arguments.ward,
                role=arguments.role,
                node=arguments.name or "",
                beds=tuple((arguments.beds or "").replace(",", " ").split()),
                lasts_ms=lasts_ms,
                by=who(),
            )
    text = writing.write(made.secret, settings.fingerprint())
    whole = f"{settings.address}#{text}"
    where = " --broker" if is_broker else ""
    print(
        f"{made.node} of ward {arguments.ward}, once, within {arguments.hours} h:\n  {text}\n"
        f"on the box:\n  sudo wardline-enrol{where} '{whole}'\n"
        "or on its card:\n  ./wardline image"
        f" --{'broker-' if is_broker else ''}claim '{whole}' ...",
        file=out,
    )
    if out.isatty():
        segno.make(whole, micro=False, error="m").terminal(out, compact=True)
    return 0


def _revoke(arguments: argparse.Namespace, store: Store, settings: Settings, out: TextIO) -> int:
    with store.transaction() as tx:
        count = service.revoke(tx, arguments.name, who(), arguments.why or "")
    if not count:
        print(f"{arguments.name} has no certificate that holds", file=sys.stderr)
        return 1
    print(f"{arguments.name} is revoked; its brokers put it out within seconds", file=out)
    return 0
