"""`./wardline demo`: a small hospital on this machine, from brokers to beds, until Ctrl-C."""

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TextIO

import aiohttp
import aiomqtt

from central.clock import FileClock
from central.config import use_timezone
from central.directory import model as directory
from central.store import Store
from central.wards import model as wards
from gateway.mqtt import kinds, topics
from gateway.mqtt.checked import RejectedMessageError, decode
from gateway.mqtt.tls import context
from gateway.telephone.exchange import Exchange
from provisioning import demo_information, demo_patient, hospital, root
from provisioning import exchange as asterisk
from provisioning.environment import ROOT
from provisioning.layout import DEMO, TIMEZONE, Layout, demo_wards
from provisioning.mosquitto import PasswordFileError
from provisioning.supervisor import NotReadyError, Ready, Supervisor, first_free_port

CONSOLE_PORT = 8080
HTTP_TIMEOUT_S = 5.0
CENTRAL_KNOWS_TIMEOUT_S = 20.0
# By this file a folder is known to be a demo's, so that its contents may be replaced.
MARK = "wardline-demo.lock"
FRESH = (
    "wardline.db", "wardline.db-wal", "wardline.db-shm", "brokers", "nodes", "speech", "logs",
    "clock.json", "web.secret", "pins.secret", "exchange",
    "provisioning", "claims.secret",
)  # fmt: skip

Say = Callable[[str], None]


class FolderInUseError(Exception):
    """The folder belongs to a running demo, or to something else altogether."""

    error_id = "demo-folder"


def default_folder() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "wardline" / "demo"


def claim(folder: Path, keep: bool) -> TextIO:
    """Make `folder` this process's own, emptied unless `keep`. Hold the answer open.
    Raises FolderInUseError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = folder / MARK
    if not mark.exists() and any(folder.iterdir()):
        raise FolderInUseError(f"{folder} holds other files; name an empty one with --folder")
    file = mark.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise FolderInUseError(
            f"a demo is running in {folder} already; stop it, or name another one with --folder"
        ) from None
    for name in () if keep else FRESH:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return file


class Demo:
    """The running hospital of a layout."""

    def __init__(self, layout: Layout, say: Say) -> None:
        self.layout = layout
        self.clock = FileClock(layout.clock_file)
        self.supervisor = Supervisor(ROOT, layout.folder / "logs", say)
        self.http: aiohttp.ClientSession
        self._states: dict[str, str] = {}
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Write, load and start everything. Raises NotReadyError."""
        # What is today for the console is today for what is entered here.
        use_timezone(TIMEZONE)
        self.layout.folder.mkdir(parents=True, exist_ok=True)
        self.clock.set_rate(1)
        self.layout.write()
        self.store = Store(self.layout.database, self.clock)
        self._stack.callback(self.store.close)
        with self.store.transaction() as tx:
            hospital.load(tx, self.layout.wards)
            demo_information.enter(tx)
            self.layout.record_certificates(tx)
            self.layout.write_exchange(directory.directory(tx))
        demo_patient.enter(self.store)
        timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S)
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        nodes = [node for ward in self.layout.wards for node in ward.nodes]
        console = self._answers(f"{self.layout.web_url}/login")
        programs = self.layout.programs(console, {node: self._is_up(node) for node in nodes})
        listening = asyncio.create_task(self._listen())
        self._stack.push_async_callback(_cancel, listening)
        await self.supervisor.start(programs)
        await self._until_central_knows(nodes)

    async def stop(self) -> None:
        await self.supervisor.stop()
        await self._stack.aclose()

    def _answers(self, url: str) -> Ready:
        async def ready() -> bool:
            try:
                async with self.http.get(url) as answer:
                    return answer.status == 200
            except (aiohttp.ClientError, TimeoutError):
                return False

        return ready

    def _is_up(self, node: str) -> Ready:
        """A node is up when its birth stands at the hospital's broker, across both brokers,
        and its own panel answers (a birth may be left over from an earlier demo)."""
        panel = self._answers(self.layout.panel(node) + "/spoken")

        async def ready() -> bool:
            return self._states.get(node) == kinds.READY and await panel()

        return ready

    async def _listen(self) -> None:
        """Follow the retained states of the nodes at the hospital's broker."""
        broker = self.layout.as_central(DEMO)
        while True:
            try:
                async with aiomqtt.Client(
                    broker["host"],
                    broker["port"],
                    username=broker.get("username"),
                    password=broker.get("password"),
                    tls_context=context(broker),
                    protocol=aiomqtt.ProtocolVersion.V5,
                ) as client:
                    await client.subscribe(topics.every(topics.STATE), qos=1)
                    async for message in client.messages:
                        self._heard(str(message.topic), bytes(message.payload))
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)  # the broker is not up yet, or has died

    def _heard(self, topic: str, payload: bytes) -> None:
        try:
            _, node, _, message = decode(topic, payload)
        except RejectedMessageError:
            return  # the bridge quarantines it
        self._states[node] = message["state"]

    async def _until_central_knows(self, nodes: list[str]) -> None:
        """A command goes only to a node whose birth central has taken in."""
        deadline = time.monotonic() + CENTRAL_KNOWS_TIMEOUT_S
        while True:
            rows = {row["id"]: row["state"] for row in wards.nodes(self.store.read())}
            absent = [node for node in nodes if rows[node] != kinds.READY]
            if not absent:
                return
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"central has not heard of {', '.join(absent)} within"
                    f" {CENTRAL_KNOWS_TIMEOUT_S:.0f} s; see {self.layout.folder}/logs/bridge.log"
                )
            await asyncio.sleep(0.02)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# Plays a story through a running demo and prints it; whether all of it held.
Play = Callable[[Demo], Awaitable[bool]]


@contextlib.asynccontextmanager
async def running(layout: Layout, say: Say) -> AsyncIterator[Demo]:
    """A demo from its start to its stop, whatever happens in between."""
    demo = Demo(layout, say)
    try:
        await demo.start()
        yield demo
    finally:
        await demo.stop()


def facts(demo: Demo) -> dict[str, Any]:
    """What another program needs to find its way about the demo."""
    layout = demo.layout
    return {
        "url": layout.web_url,
        "logins": [login.name for login in hospital.logins(layout.wards)],
        "password": hospital.PASSWORD,
        "mllp": layout.ports["mllp"],
        "controls": {ward.id: layout.controls(ward) for ward in layout.wards},
        "bedside": {
            bed: layout.panel(node) for w in layout.wards for node, bed in w.own_boxes.items()
        },
        "spoken": {node: layout.panel(node) for ward in layout.wards for node in ward.nodes},
        "stations": {ward.id: layout.station_page(ward) for ward in layout.wards},
        "telephones": telephones(demo),
        "folder": str(layout.folder),
        "pids": demo.supervisor.pids,
    }


def telephones(demo: Demo) -> list[dict[str, str]]:
    """What a softphone must be told to be one of the demo's telephones; none without an
    exchange."""
    exchange = demo.layout.exchange
    if exchange is None:
        return []
    rows = {row["device"]: row for row in directory.phones(demo.store.read())}
    return [
        {
            "number": each.number,
            "label": each.label,
            "server": f"{exchange.address}:{exchange.ports.sip}",
            "user": each.address,
            "password": rows[each.address]["password"],
        }
        for each in hospital.phones(demo.layout.wards)
        if each.address in rows
    ]


WELCOME = """
Wardline is running: {url}

  log-in     for                        first page
  nurse3     nurse of ward 3            the board of ward 3
  nurse5     nurse of ward 5            the board of ward 5
  head       head nurse of ward 3       all wards
  head5      head nurse of ward 5       all wards
  manager    duty manager               all wards
  engineer   engineer                   faults and boxes
  registry   registry clerk             patients, cards and PINs
  admin      administrator              users, health of the whole

  The password of each is {password}. English and 中文 at the top right.

A patient's page for the telephone: {url}/my with card {card} and PIN {pin}.

Three things to try
  1. Log in as nurse3, open "Virtual ward" in a second window and press a red button: the call
     is on the board, the lamp blinks, the bed says so. "Accept" it on the board, then press
     "Nurse comes" at the bed.
  2. "Start a drip" on the board, then let hospital time run 600x on the virtual ward's page:
     the bed speaks before the bottle is empty. Let it run 1x again.
  3. "Cut its power" at a bed of the virtual ward: board and station know of it within seconds.

The hospital system may send ADT messages over MLLP to port {mllp}.
{ringing}
Files and logs: {folder}
Ctrl-C stops everything.
"""


RINGING = """
A softphone on this machine is a telephone of the hospital (README tells what to dial):

  number  server           user          password
{lines}
"""


def welcome(known: dict[str, Any]) -> str:
    """What a person needs to find his way about the demo."""
    lines = [
        f"  {each['number']:6}  {each['server']:15}  {each['user']:12}  {each['password']}"
        f"  {each['label']}"
        for each in known["telephones"]
    ]
    ringing = RINGING.format(lines="\n".join(lines)) if lines else ""
    return WELCOME.format(**known, ringing=ringing, card=demo_patient.CARD, pin=demo_patient.PIN)


def _has_root(say: Say) -> bool:
    """Build the exchange root, if it is missing; the demo goes on without what is in it."""
    try:
        root.ensure(say)
    except root.RootNotMadeError as error:
        say(
            "no telephones, and no communicator at bed 5 of ward 5, for there is neither Asterisk"
            f" nor MicroPython: {error}"
        )
        return False
    return True


def _exchange(folder: Path, web_port: int, say: Say) -> Exchange | None:
    """Where the exchange of the demo shall listen, if it can run here; not where the console
    will."""
    try:
        asterisk.ensure_possible()
    except asterisk.ExchangeNotRunError as error:
        say(f"no telephones: {error}")
        return None
    return asterisk.fresh(folder, {web_port})


async def _run(arguments: argparse.Namespace, folder: Path, say: Say, play: Play) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    port = first_free_port(arguments.port or CONSOLE_PORT)
    if arguments.port not in (None, port):
        say(f"port {arguments.port} is taken; name another one with --port, or none")
        return 1
    has_root = await asyncio.to_thread(_has_root, say)
    exchange = await asyncio.to_thread(_exchange, folder, port, say) if has_root else None
    layout = Layout(
        folder, demo_wards(with_communicator=has_root), port, exchange=exchange, tls=arguments.tls
    )
    work = asyncio.create_task(_work(layout, arguments, say, play))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        return work.result()
    say("stopping")
    # From here on a further Ctrl-C changes nothing: everything is being stopped already.
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return 1 if arguments.check else 0


async def _work(layout: Layout, arguments: argparse.Namespace, say: Say, play: Play) -> int:
    began = time.monotonic()
    say("starting brokers, bridge, console and the boxes of two wards")
    async with running(layout, say) as demo:
        say(f"ready after {time.monotonic() - began:.1f} s")
        for ward in layout.wards:
            for bed in ward.communicators:
                say(f"bed {bed} of ward {ward.id} has a communicator that runs MicroPython")
        known = facts(demo)
        if arguments.check:
            return 0 if await play(demo) else 1
        print(welcome(known), flush=True)
        if arguments.json:
            print(json.dumps(known, ensure_ascii=False), flush=True)
        await asyncio.Event().wait()
    return 0


def main(arguments: argparse.Namespace, play: Play) -> int:
    """Run the demo until Ctrl-C; with `--check` play its story and tell whether it held."""

    def say(text: str) -> None:
        print(f"wardline: {text}", file=sys.stderr, flush=True)

    os.umask(0o077)  # passwords and patients, in the files of every process it starts
    folder = (arguments.folder or default_folder()).resolve()
    try:
        with claim(folder, arguments.keep):
            return asyncio.run(_run(arguments, folder, say, play))
    except (FolderInUseError, NotReadyError, PasswordFileError) as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"the demo could not start: {error}")
        return 1
