"""The process of a ward's virtual bedside units.

python -m hw.virtual.units --link /tmp/ward3 --beds 1,2,3,4 --panel-port 8803
"""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

from hw.virtual.bus import VirtualBus, addresses
from hw.virtual.panel import Panel


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m hw.virtual.units", description="Serve virtual bedside units on one pty."
    )
    parser.add_argument("--link", required=True, type=Path, help="the serial port to offer")
    parser.add_argument("--beds", required=True, help="1,2,3 or 1=11,2=12 (bed=address)")
    parser.add_argument("--panel-host", default="127.0.0.1")
    parser.add_argument("--panel-port", type=int, default=0)
    given = parser.parse_args(arguments)
    # pymodbus calls every damaged request an error; damage is what this process is for.
    logging.getLogger("pymodbus_logging").setLevel(logging.CRITICAL)
    asyncio.run(_serve(given.link, given.beds.split(","), given.panel_host, given.panel_port))


async def _serve(link: Path, beds: list[str], host: str, port: int) -> None:
    ended = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    bus = VirtualBus(link, addresses(beds))
    await bus.start()
    panel = Panel(bus, None, host, port)
    try:
        await panel.start()
        print(f"{len(bus.beds)} units at {link}, panel at http://{host}:{panel.port}", flush=True)
        await ended.wait()
    finally:
        await panel.close()
        await bus.close()


if __name__ == "__main__":
    main()
