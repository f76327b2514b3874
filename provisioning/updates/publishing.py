"""`./wardline updates`, and signing anew every day what is published."""

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from central import config as configuration
from central.clock import SystemClock
from central.enrolment.settings import KEY, Settings, from_config
from central.store import Store
from central.updates import model, service
from provisioning.authority.keys import KeyFolder, KeyUnusableError
from provisioning.environment import ROOT
from provisioning.nodes import who
from provisioning.updates.repository import NotPublishedError, Repository

log = logging.getLogger("wardline.provisioning")

SIGN_EVERY_S = 12 * 3600.0


def repository(settings: Settings, locked: Path) -> Repository:
    """The hospital's; its online keys lie beside it. locked: the folder of the others."""
    online = KeyFolder(settings.folder / "updates-keys")
    return Repository(settings.updates, KeyFolder(locked), online, lambda: datetime.now(UTC))


async def sign_on(settings: Settings) -> None:
    """For ever: the newest state is still this one. Boxes that hear nothing new for days take
    nothing any more, lest somebody withholds it from them."""
    made = repository(settings, settings.folder / "nowhere")
    while True:
        try:
            if made.exists:
                await asyncio.to_thread(made.refresh)
        except (NotPublishedError, KeyUnusableError, OSError) as error:
            log.error("the state of the versions is not signed anew: %s", error)
        await asyncio.sleep(SIGN_EVERY_S)


def main(arguments: argparse.Namespace, out: TextIO = sys.stdout) -> int:
    """1, and why, when it cannot be done."""
    do = {"create": _create, "publish": _publish, "withdraw": _withdraw}[arguments.deed]
    try:
        config = configuration.load(arguments.config)
        settings = from_config(config)
        if settings is None:
            raise configuration.ConfigError(f'{arguments.config} says nothing under "{KEY}"')
        made = repository(settings, arguments.keys)
        if arguments.deed != "create" and not made.exists:
            raise NotPublishedError("there are no keys yet: ./wardline updates create makes them")
        do(arguments, made, lambda: Store(config["database"], SystemClock()), out)
    except (configuration.ConfigError, NotPublishedError, KeyUnusableError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


OpenStore = Callable[[], Store]


def _create(
    arguments: argparse.Namespace, made: Repository, store: OpenStore, out: TextIO
) -> None:  # fmt: skip
    if made.exists:
        raise NotPublishedError("the keys were made already")
    made.create()
    print(f"made; lock {arguments.keys} away, and keep a copy of it", file=out)


def _publish(
    arguments: argparse.Namespace, made: Repository, store: OpenStore, out: TextIO
) -> None:  # fmt: skip
    made.publish(arguments.version, _packed(arguments.tree), arguments.note)
    opened = store()
    try:
        with opened.transaction() as tx:
            service.published(tx, arguments.version, arguments.note, who())
    finally:
        opened.close()
    print(f"version {arguments.version} is published; begin it in the console: Versions", file=out)


def _packed(tree: Path) -> bytes:
    """By the node's own program: the same for the same files. Raises NotPublishedError, OSError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bundle"
        command = ["ward_node.cpython.updating.packing", "--tree", str(tree.absolute())]
        done = subprocess.run(
            [sys.executable, "-P", "-m", *command, "--output", str(file)], cwd=ROOT,
            capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        if done.returncode:
            raise NotPublishedError(done.stderr.strip() or f"packing ended with {done.returncode}")
        return file.read_bytes()


def _withdraw(
    arguments: argparse.Namespace, made: Repository, store: OpenStore, out: TextIO
) -> None:  # fmt: skip
    made.withdraw(arguments.version)
    opened = store()
    try:
        with opened.transaction() as tx:
            if model.version(tx, arguments.version) is not None:
                service.withdrawn(tx, arguments.version, who())
    finally:
        opened.close()
    print(f"version {arguments.version} is withdrawn", file=out)
