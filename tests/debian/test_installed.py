"""The packages, installed by dpkg and started as their units say, without systemd.

The file system is this machine's own with a layer over it. The Python packages are those of the
tests, compiled already; that a package holds its own is proved by `test_packages.py`, and with
real ones by `./wardline packages --prove`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.debian import build
from provisioning.debian.recipes import RECIPES
from provisioning.debian.room import Room
from tests.conftest import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a room takes root")
SITE = "/srv/site"
DEBS = "/srv/debs"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """With both packages installed and the centre set up."""
    folder = tmp_path_factory.mktemp("room")
    for recipe in RECIPES.values():
        architecture = build.architecture()
        build.build(recipe, architecture, folder / "debs", pythons=(), compression="none")
    ours = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    with Room(folder / "room", binds={folder / "debs": DEBS, ours: SITE}) as room:
        room.run("sh", "-c", f"dpkg --force-unsafe-io -i {DEBS}/*.deb")
        for recipe in RECIPES.values():
            packages = f"/{recipe.folder}/packages"
            version = f"3.{sys.version_info.minor}"
            room.run("sh", "-c", f"mkdir {packages} && ln -s {SITE} {packages}/{version}")
        yield room


def test_the_centre_is_set_up_and_starts(room: Room) -> None:
    set_up = ("wardline", "centre", "set-up", "--admin", "zhang", "--address")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        room.run(*set_up, "https://10.0.0.5/", input="a long enough word\n")
    assert "--address: An address or a name alone" in refused.value.stdout
    told = room.run(*set_up, "127.0.0.1", input="a long enough word\n")
    assert "boxes come to https://127.0.0.1:8884/" in told
    for name in ("broker", "provisioning", "keeper", "bridge", "web"):
        prefix = "wardline-hospital" if name in ("broker", "keeper") else "wardline"
        room.start(f"{prefix}-{name}")
    wait_for(
        lambda: "connected to the hospital broker" in room.said("wardline-bridge"),
        "the bridge at the broker",
    )
    wait_for(lambda: "u'web'" in room.said("wardline-hospital-broker"), "the console at the broker")
    assert "revoked so far: nobody" in wait_for(
        lambda: room.said("wardline-hospital-keeper"), "the keeper"
    )
    # Nothing that they wrote is anybody else's to read.
    loose = room.run(
        "find", "/var/lib/wardline", "/etc/wardline", "-perm", "/007", "-not", "-name", "*.pem"
    )
    assert loose == ""


def test_a_second_set_up_changes_nothing_and_a_start_keeps_who_may_use_the_broker(
    room: Room,
) -> None:
    rules = "/var/lib/wardline/hospital-broker/acl-certificates"
    before = room.run("sha256sum", "/etc/wardline/central.json", rules)
    room.run("wardline", "centre", "set-up", "--admin", "zhang", "--address", "10.9.9.9")
    assert room.run("sha256sum", "/etc/wardline/central.json", rules) == before
