"""Serve the endpoint: `python -m provisioning.endpoint --config central.json`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from central import config as configuration
from central.clock import SystemClock
from central.enrolment import settings as reading
from central.store import Store
from provisioning.authority.authority import AuthorityUnusableError
from provisioning.authority.keys import KeyUnusableError
from provisioning.endpoint import app as serving
from provisioning.endpoint import prepare
from provisioning.updates import publishing


async def serve(store: Store, settings: reading.Settings) -> None:
    """Until SIGTERM or SIGINT."""
    clock = SystemClock()
    authority = prepare.authority(settings, clock)
    files = prepare.endpoint(authority, settings, clock)
    context = serving.tls(str(files.certificate), str(files.key), str(prepare.clients(settings)))
    runner = web.AppRunner(serving.app(store, authority, settings), access_log=None)
    await runner.setup()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
        signing = asyncio.create_task(publishing.sign_on(settings))
        await stop.wait()
        signing.cancel()
        await asyncio.gather(signing, return_exceptions=True)
    finally:
        await runner.cleanup()


def main() -> int:
    """2 when it cannot start as configured."""
    parser = argparse.ArgumentParser(prog="provisioning-endpoint", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="central.json")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    os.umask(0o077)
    try:
        config = configuration.load(parser.parse_args().config)
        settings = reading.from_config(config)
        if settings is None:
            raise configuration.ConfigError(f'central.json says nothing under "{reading.KEY}"')
        store = Store(config["database"], SystemClock())
        try:
            asyncio.run(serve(store, settings))
        finally:
            store.close()
    except (
        configuration.ConfigError, AuthorityUnusableError, KeyUnusableError, OSError,
    ) as error:  # fmt: skip
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
