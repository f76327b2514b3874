"""The packages, installed by dpkg and started as their units say, without systemd.

The file system is this machine's own with a layer over it. The Python packages are those of the
tests, compiled already; that a package holds its own is proved by `test_packages.py`, and with
real ones by `./wardline packages --prove`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.boot import bundle, card, media
from provisioning.boot.card import Card
from provisioning.debian import build
from provisioning.debian.proof import (
    CARD,
    CENTRE,
    NODE_FILE,
    WARD_BROKER_PORT,
    Story,
    pretend_systemd,
)
from provisioning.debian.recipes import CENTRAL, NODE, RECIPES
from provisioning.debian.room import Room
from tests.conftest import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a room takes root")
SITE = "/srv/site"
DEBS = "/srv/debs"
CLAIM = "https://127.0.0.1:8884/#7K3M-Q0ZT"

# What others may do something with. The broker may be starting: what it tries vanishes meanwhile,
# which `find` takes for a failure.
LOOSE = """
import contextlib, os, sys
for parent, _, files in (each for top in sys.argv[1:] for each in os.walk(top)):
    for name in ("", *files):
        path = os.path.join(parent, name)
        with contextlib.suppress(FileNotFoundError):
            if os.lstat(path).st_mode & 0o007 and not name.endswith(".pem"):
                print(path)
"""

FIRST_BOOT = f"{CARD}/wardline/first-boot.sh"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """With a card in it, the package of the centre installed, and what systemd is asked noted."""
    folder = tmp_path_factory.mktemp("room")
    made = {
        name: build.build(
            recipe, build.architecture(), folder / "debs", pythons=(), compression="none"
        )
        for name, recipe in RECIPES.items()
    }
    node = made[NODE.name]
    held = {node.name: node.read_bytes()}
    claims = {"claim": CLAIM, "broker_claim": CLAIM}
    wanted = Card("13", hostname="3-box", packages=held, index=bundle.index(held), offline=True,
                  **claims)  # fmt: skip
    media.Folder(folder / "card").write(card.files(wanted, "console=tty1\n", ""))
    ours = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    with Room(
        folder / "room", binds={folder / "debs": DEBS, ours: SITE, folder / "card": CARD}
    ) as room:
        pretend_systemd(room)
        room.run("sh", "-c", f"dpkg --force-unsafe-io -i {DEBS}/{CENTRAL.name}_*.deb")
        # A card that was worn out on the way is found out, by name, and nothing is installed.
        room.run("sh", "-c", f"cp {FIRST_BOOT} /run/worn && echo '# x' >>{FIRST_BOOT}")
        with pytest.raises(subprocess.CalledProcessError) as stopped:
            room.run("sh", FIRST_BOOT)
        assert "first-boot.sh: FAILED" in stopped.value.stdout
        assert "tried again in 30 s" in stopped.value.stdout
        room.run("sh", "-c", f"cp /run/worn {FIRST_BOOT}")
        room.run("sh", FIRST_BOOT)
        for recipe in RECIPES.values():
            packages = f"/{recipe.folder}/packages"
            version = f"3.{sys.version_info.minor}"
            room.run("sh", "-c", f"mkdir {packages} && ln -s {SITE} {packages}/{version}")
        yield room


def test_a_card_has_installed_the_box_and_left_the_claim_to_it_alone(room: Room) -> None:
    assert room.run("dpkg-query", "-Wf", "${Status}", NODE.name) == "install ok installed"
    for name in ("claim", "broker-claim"):
        assert room.run("cat", f"/etc/wardline/{name}") == CLAIM + "\n"
        assert room.run("stat", "-c", "%a %U", f"/etc/wardline/{name}") == "600 root\n"
        with pytest.raises(subprocess.CalledProcessError):
            room.run("test", "-e", f"{CARD}/wardline/{name}")
    asked = room.run("cat", "/run/asked").splitlines()
    assert asked[0] == "set-hostname 3-box"
    assert "disable --quiet --now mosquitto.service" in asked
    assert asked[-3:] == [
        "start --no-block wardline-enrol-broker.service",
        "start --no-block wardline-enrol.service",
        "disable --quiet wardline-first-boot.service",
    ]
    with pytest.raises(subprocess.CalledProcessError):
        room.run("test", "-e", "/etc/apt/sources.list.d/wardline.list")
    # A power cut once the claims are gone: it does all of it again.
    room.run("sh", FIRST_BOOT)
    assert room.run("cat", f"{CARD}/wardline/first-boot.log").count(" done; ") == 2


def test_the_centre_is_set_up_and_starts(room: Room) -> None:
    story = Story(room)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        story.set_up("https://10.0.0.5/")
    assert "--address: An address or a name alone" in refused.value.stdout
    assert "boxes come to https://127.0.0.1:8884/" in story.set_up()
    story.start(*CENTRE)
    wait_for(
        lambda: "connected to the hospital broker" in room.said("wardline-bridge"),
        "the bridge at the broker",
    )
    wait_for(lambda: "u'web'" in room.said("wardline-hospital-broker"), "the console at the broker")
    wait_for(
        lambda: "revoked so far: nobody" in room.said("wardline-hospital-keeper"), "the keeper"
    )
    # Nothing that they wrote is anybody else's to read.
    assert room.run("python3", "-c", LOOSE, "/var/lib/wardline", "/etc/wardline") == ""


def test_a_second_set_up_changes_nothing_and_a_start_keeps_who_may_use_the_broker(
    room: Room,
) -> None:
    rules = "/var/lib/wardline/hospital-broker/acl-certificates"
    before = room.run("sha256sum", "/etc/wardline/central.json", rules)
    Story(room).set_up("10.9.9.9")
    assert room.run("sha256sum", "/etc/wardline/central.json", rules) == before


def test_a_ward_s_broker_and_a_box_take_their_places_and_a_press_becomes_a_call(
    room: Room,
) -> None:
    story = Story(room)
    story.add_ward()
    story.broker()
    # Ready, and it lives: systemd was told both.
    story.box()
    with pytest.raises(subprocess.CalledProcessError):
        room.run("ls", "/etc/wardline/claim", "/etc/wardline/broker-claim")
    told = json.loads(room.run("cat", NODE_FILE))
    assert told["broker"]["port"] == WARD_BROKER_PORT  # where the ward's broker said that it is
    story.press()
    wait_for(lambda: story.calls() == [("3", "1")], "the call")
    assert all(room.runs(unit) for unit in ("wardline-node", "wardline-ward-broker"))


def test_the_ward_s_broker_has_its_certificates_renewed_only_when_it_is_time(room: Room) -> None:
    before = room.run("sha256sum", "/var/lib/wardline/broker/identity/server.pem")
    room.start("wardline-renew-broker")
    assert room.run("sha256sum", "/var/lib/wardline/broker/identity/server.pem") == before
