"""`./wardline packages --prove`: the packages live through a first day on a bare Debian.

First a card for a ward without a network makes a box of a Debian that has nothing but apt. Then,
centre and box in one room: the centre is set up, a ward's broker and a box take their places by
claims, and a press at a bed is a call in the centre. Every program is started as its unit says.
The bed's hardware alone is virtual. Takes root, and a minute or two after the first time.
"""

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from provisioning import root
from provisioning.boot import bundle, card, media
from provisioning.boot.card import Card
from provisioning.debian.recipes import CENTRAL, NODE, RECIPES
from provisioning.debian.room import Room, UnitFailedError
from provisioning.environment import alone, cache_folder

DEBS = "/srv/debs"
NODE_FILE = "/var/lib/wardline/identity/node.json"
WARD_BROKER_PORT, PANEL_PORT = 8885, 8999
CALL_LIMIT_S, LOOK_EVERY_S = 60.0, 0.2
CENTRE = (
    "wardline-hospital-broker", "wardline-provisioning", "wardline-hospital-keeper",
    "wardline-bridge", "wardline-web",
)  # fmt: skip
WARD_BROKER = ("wardline-enrol-broker", "wardline-ward-broker", "wardline-ward-keeper")
CARD = "/boot/firmware"
_MANAGER = """#!/bin/sh
echo "$*" >>/run/asked
"""
# What an engineer does in the console.
_WARD = """
from central.clock import SystemClock
from central.store import Store
from central.wards import model as wards
store = Store("/var/lib/wardline/wardline.db", SystemClock())
with store.transaction() as tx:
    wards.add_ward(tx, "3", "三病区", "Ward 3")
store.close()
"""
_CALLS = """
import sqlite3
rows = sqlite3.connect("/var/lib/wardline/wardline.db").execute("SELECT ward, bed FROM calls")
print(rows.fetchall())
"""
_PRESS = f"""
from urllib.request import Request, urlopen
body, kind = b'{{"bed": "1", "control": "press"}}', {{"Content-Type": "application/json"}}
print(urlopen(Request("http://127.0.0.1:{PANEL_PORT}/operate", body, kind)).status)
"""


class NotProvedError(Exception):
    """The packages do not do what they should; says what."""

    error_id = "packages-not-proved"


class Story:
    """What an engineer does, in a room where both packages are installed."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def set_up(self, address: str = "127.0.0.1") -> str:
        """The centre; what it says."""
        words = ("wardline", "centre", "set-up", "--admin", "zhang", "--address", address)
        return self._room.run(*words, input="a long enough word\n")

    def start(self, *units: str) -> None:
        for unit in units:
            self._room.start(unit)

    def add_ward(self) -> None:
        self._python(_WARD)

    def broker(self) -> None:
        """The broker of ward 3 takes its place and starts."""
        self._claim("broker-claim", "--role", "broker", "--host", "127.0.0.1", "--port",
                    str(WARD_BROKER_PORT))  # fmt: skip
        self.start(*WARD_BROKER)

    def box(self) -> None:
        """A box of ward 3 takes its place and starts, on hardware that is not there."""
        self._claim("claim", "--role", "bedside", "--beds", "1,2")
        self.start("wardline-enrol")
        told = json.loads(self._room.run("cat", NODE_FILE)) | {
            "hardware": {"kind": "gpio", "beds": ["1", "2"], "virtual": True},
            "speaker": {"kind": "recording", "folder": "/var/lib/wardline/spoken"},
            "panel": {"host": "127.0.0.1", "port": PANEL_PORT},
        }
        self._room.run("sh", "-c", f"cat >{NODE_FILE}", input=json.dumps(told))
        self.start("wardline-node")

    def press(self) -> None:
        self._python(_PRESS)

    def calls(self) -> list[tuple[str, str]]:
        """(ward, bed) of every call in the centre."""
        return re.findall(r"\('(\w+)', '(\w+)'\)", self._python(_CALLS))

    def _claim(self, name: str, *words: str) -> None:
        said = self._room.run("wardline", "node", "add", "--ward", "3", *words)
        found = re.search(r"wardline-enrol(?: --broker)? '(\S+)'", said)
        if found is None:
            raise NotProvedError(f"no claim was made: {said}")
        self._room.run("sh", "-c", f"cat >/etc/wardline/{name}", input=found[1])

    def _python(self, program: str) -> str:
        version = self._room.run(
            "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"
        ).strip()
        paths = f"PYTHONPATH=/{CENTRAL.folder}:/{CENTRAL.folder}/packages/{version}"
        return self._room.run("env", paths, "python3", "-P", "-c", program, user="wardline")


def bare(debian: str, say: Callable[[str], None]) -> Path:
    """A bare Debian with what the packages need of it, kept in the cache. Raises
    RootNotMadeError."""
    names = {"apt", "mosquitto"}
    for recipe in RECIPES.values():
        names |= {each.partition(" ")[0] for each in recipe.depends}
    return _root(debian, tuple(sorted(names)), say)


def _root(debian: str, included: tuple[str, ...], say: Callable[[str], None]) -> Path:
    ready = root.folder(bundle.SUITES[debian], included)
    with alone(cache_folder() / "root.lock", say):
        if not ready.exists():
            root.build(ready, say, bundle.SUITES[debian], included)
    return ready


def prove(debian: str, debs: list[Path], say: Callable[[str], None]) -> None:
    """Raises NotProvedError, RootNotMadeError, RoomNotMadeError."""
    below = bare(debian, say)
    began = time.monotonic()

    def done(what: str) -> None:
        say(f"  Debian {debian}: {what} ({time.monotonic() - began:.1f} s)")

    _from_a_card(debian, next(deb for deb in debs if deb.name.startswith(NODE.name)), say)
    done("a card without a network has installed a box")
    with tempfile.TemporaryDirectory(prefix="wardline-proof-") as passing:
        folder = Path(passing)
        with Room(folder / "room", below, {debs[0].parent: DEBS}) as room:
            story = Story(room)
            try:
                room.run("dpkg", "--force-unsafe-io", "-i", *(f"{DEBS}/{deb.name}" for deb in debs))
                done("installed")
                story.set_up()
                story.start(*CENTRE)
                done("the centre runs")
                story.add_ward()
                story.broker()
                done("the ward's broker has its place")
                story.box()
                done("the box has its place and is ready")
                story.press()
                _await_call(story, room)
                done("a press is a call")
                room.run("dpkg", "--purge", *(recipe.name for recipe in RECIPES.values()))
                _nothing_left(room)
                done("removed")
            except subprocess.CalledProcessError as error:
                raise NotProvedError(f"{' '.join(error.cmd[-6:])}: {error.stdout}") from error
            except UnitFailedError as error:
                raise NotProvedError(str(error)) from error


def _from_a_card(debian: str, node: Path, say: Callable[[str], None]) -> None:
    """A card with all that a box needs, in a room that has apt and nothing else, and no network."""
    ours = {node.name: node.read_bytes()}
    names = (NODE.name, "mosquitto")
    packages = ours | bundle.from_debian(debian, ours, names, say, node.stem.rpartition("_")[2])
    wanted = Card(
        debian, "https://10.0.0.5:8884/#7K3M", "3-box", packages=packages,
        index=bundle.index(packages), install=names, offline=True,
    )  # fmt: skip
    below = _root(debian, ("apt",), say)
    with tempfile.TemporaryDirectory(prefix="wardline-proof-") as passing:
        folder = Path(passing)
        media.Folder(folder / "card").write(card.files(wanted, "console=tty1\n", ""))
        with Room(folder / "room", below, {folder / "card": CARD}) as room:
            pretend_systemd(room)
            try:
                room.run("sh", f"{CARD}/wardline/first-boot.sh")
                room.run(f"/{NODE.folder}/run", "ward_node.cpython", "--help")
            except subprocess.CalledProcessError as error:
                log = room.run("tail", "-n", "20", f"{CARD}/wardline/first-boot.log")
                raise NotProvedError(f"the card: {error.stdout}\n{log}") from error


def pretend_systemd(room: Room) -> None:
    """What it is asked stands in /run/asked."""
    for name in ("systemctl", "hostnamectl"):
        place = f"/usr/local/bin/{name}"
        room.run("sh", "-c", f"cat >{place} && chmod 755 {place}", input=_MANAGER)


def _await_call(story: Story, room: Room) -> None:
    until = time.monotonic() + CALL_LIMIT_S
    while story.calls() != [("3", "1")]:
        if time.monotonic() > until:
            said = "\n".join(room.said(name)[-800:] for name in ("wardline-node", *CENTRE[:4]))
            raise NotProvedError(f"the press did not become a call:\n{said}")
        time.sleep(LOOK_EVERY_S)


def _nothing_left(room: Room) -> None:
    left = room.run("sh", "-c", "ls -d /usr/lib/wardline* /usr/bin/wardline* 2>/dev/null || true")
    if left:
        raise NotProvedError(f"left behind: {left}")
