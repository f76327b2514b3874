"""Start the bridge: `python -m central.bridge --config central.json`."""

import argparse
import asyncio
import datetime
import gc
import logging
import os
import signal
import sys
import time
import zoneinfo
from pathlib import Path
from typing import Any

from central import config as configuration
from central.alarms import settings as alarm_managers
from central.alarms.running import Alarms
from central.bridge.bridge import HEARD, Bridge
from central.capabilities import modules, rules
from central.clock import Clock, FileClock, SystemClock
from central.hospital.intake import intake
from central.polling.running import Polling
from central.store import Store
from central.telephone.running import NoTelephone, Telephone
from central.telephone.settings import from_config
from central.voicemail import mailing
from gateway.his.listener import BadPeerError, Listener, Peers
from gateway.his.poller import settings as polls
from gateway.manager import Manager
from gateway.mqtt.link import BrokerLink
from gateway.speech import library as speech_library
from gateway.speech import server as speech_server


def clock_of(config: dict[str, Any]) -> Clock:
    """System time, or the demo's file clock when one is configured."""
    return FileClock(config["clock_file"]) if config.get("clock_file") else SystemClock()


# Young objects before the collector looks at them: Python's 700 are a few messages.
COLLECT_AFTER = 20_000


def offset_min(timezone: str) -> int:
    """The zone's present offset from UTC in minutes."""
    now = datetime.datetime.now(zoneinfo.ZoneInfo(timezone))
    offset = now.utcoffset() or datetime.timedelta()
    return int(offset.total_seconds()) // 60


async def run(config: dict[str, Any]) -> None:
    """Everything the bridge does, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    store = Store(config["database"], clock_of(config))
    try:
        with store.transaction() as tx:
            for service in modules("service"):
                if hasattr(service, "recover"):
                    service.recover(tx)
        speech = speech_library.from_config(config["speech"])
        settings = config["speech"]
        server = await speech_server.start(
            Path(settings["cache"]), settings["host"], settings["port"]
        )
        listener = Listener(
            intake(store, zoneinfo.ZoneInfo(config["timezone"])),
            peers=Peers(config["mllp"].get("peers", ())),
        )
        await listener.start(config["mllp"]["host"], config["mllp"]["port"])
        link = BrokerLink(config["broker"], "bridge", HEARD)
        gathered, exchange = rules(), from_config(config)
        mail = mailing.from_config(config)
        telephone = (
            Telephone(exchange, store, gathered, speech, mail)
            if exchange
            else NoTelephone(store, gathered)
        )
        bridge = Bridge(
            store, gathered, speech, link, offset_min(config["timezone"]),
            skew_limit_ms=configuration.skew_limit_ms(config), telephone=telephone,
        )  # fmt: skip
        _settle()
        running = asyncio.create_task(bridge.run())
        zone = zoneinfo.ZoneInfo(config["timezone"])
        polling = asyncio.create_task(Polling(store, polls.from_config(config), zone).run())
        alarms = Alarms(store, alarm_managers.from_config(config), zone)
        telling = asyncio.create_task(alarms.run())
        living = asyncio.create_task(_live(Manager(dict(os.environ))))
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, running, polling, telling, living):
            task.cancel()
        await asyncio.gather(running, stopping, polling, telling, living, return_exceptions=True)
        await listener.close()
        await server.cleanup()
        await speech.close()
        if running in done:
            running.result()
    finally:
        store.close()


async def _live(manager: Manager) -> None:
    """Tell systemd, if it asked, that this loop runs."""
    manager.ready()
    while True:
        manager.alive(time.monotonic_ns() // 1_000_000)
        await asyncio.sleep(max(manager.every_ms, 1000) / 1000)


def _settle() -> None:
    """What the start has made stays for good. The garbage collector need not look at it: a full
    look takes 30 ms, in which nothing is received or receipted, and comes in floods."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def main() -> int:
    parser = argparse.ArgumentParser(prog="wardline-bridge", description=__doc__)
    parser.add_argument("--config", required=True, help="central's configuration, a JSON file")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = configuration.load(arguments.config)
        Peers(config["mllp"].get("peers", ()))
        from_config(config)
        mailing.from_config(config)
        polls.from_config(config)
        alarm_managers.from_config(config)
    except (configuration.ConfigError, BadPeerError, polls.PollConfigError) as error:
        print(error, file=sys.stderr)
        return 2
    os.umask(0o077)  # the database holds names of patients
    configuration.use_timezone(config["timezone"])
    asyncio.run(run(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
