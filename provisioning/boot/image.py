"""`./wardline image`: the files of a card, written, read back, and told what they make."""

import argparse
import re
import sys
from collections.abc import Callable

from central.errors import FieldError
from gateway.mqtt import claim
from provisioning.boot import asking, bundle, card, media
from provisioning.boot.bundle import BundleNotMadeError
from provisioning.boot.card import Card, Network
from provisioning.boot.media import Medium, NotACardError

BROKER = "mosquitto"
# Of Raspberry Pi OS, not of Debian. For a card with --offline its file may lie beside ours.
PINS = "python3-lgpio"


class NotAsWrittenError(Exception):
    """The card does not hold what was written; names the files."""

    error_id = "card-not-as-written"


def main(arguments: argparse.Namespace) -> int:
    """1, and why, when there is no good card at the end."""

    def say(text: str) -> None:
        print(f"wardline: {text}", file=sys.stderr, flush=True)

    try:
        medium = media.find(arguments.output)
        wanted, boxes = _wanted(arguments, say)
        write(medium, wanted)
    except FieldError as error:
        say(f"--{error.field}: {error.message % error.values}")
        return 1
    except (NotACardError, NotAsWrittenError, BundleNotMadeError, OSError) as error:
        say(str(error))
        return 1
    size = sum(map(len, wanted.packages.values())) / 1e6
    print(
        f"{arguments.output}: written and read back, {len(wanted.packages)} packages,"
        f" {size:.0f} MB; for Debian {wanted.debian}, {wanted.hostname}",
    )
    for box in boxes:
        print(f"this card makes {box}")
    print(
        "Put it into the Pi and switch that on. What it does stands in wardline/first-boot.log on"
        " the card; the box is in the console within some minutes.",
    )
    return 0


def _wanted(arguments: argparse.Namespace, say: Callable[[str], None]) -> tuple[Card, list[str]]:
    """The card, and what its claims are for. Raises FieldError, BundleNotMadeError, OSError."""
    boxes = []
    for whole in (arguments.claim, arguments.broker_claim):
        if whole is None:
            continue
        if arguments.unasked:
            _read(whole)
        else:
            boxes.append(asking.box_of(whole))
    hostname = arguments.hostname or re.sub(r"[^a-z0-9-]", "-", boxes[0].lower() if boxes else "")
    ours = bundle.in_folder(arguments.packages)
    if not any(name.startswith("wardline-node_") for name in ours):
        raise FieldError(
            "packages",
            "There is no wardline-node for arm64 in %(folder)s: ./wardline packages --architecture"
            " arm64 --output %(folder)s",
            folder=str(arguments.packages),
        )
    debian = ("wardline-node", *((BROKER,) if arguments.broker_claim else ()))
    install = debian
    if arguments.debian == "13" and arguments.hardware == "gpio":
        install = (*debian, PINS)
    wanted = Card(
        arguments.debian,
        arguments.claim,
        hostname,
        arguments.hardware,
        arguments.broker_claim,
        _network(arguments),
        arguments.ssh_key.read_text().strip() if arguments.ssh_key else None,
        arguments.time_server,
        install=install,
        offline=arguments.offline,
    )
    card.check(wanted)
    packages = dict(ours)
    if arguments.offline:
        packages |= bundle.from_debian(arguments.debian, ours, debian, say)
    known = bundle.index(packages)
    return Card(**(vars(wanted) | {"packages": packages, "index": known})), boxes


def _read(whole: str) -> None:
    try:
        address, _, _ = claim.read(whole)
    except ValueError as error:
        raise FieldError("claim", str(error)) from error
    if not address:
        raise FieldError("claim", "With the address before it: https://10.0.0.5:8884/#7K3M-...")


def _network(arguments: argparse.Namespace) -> Network:
    password = ""
    if arguments.wifi is not None:
        if arguments.wifi_password_file is None:
            raise FieldError("wifi-password-file", "A file that holds the network's password.")
        password = arguments.wifi_password_file.read_text().rstrip("\n")
    return Network(
        arguments.address,
        arguments.gateway,
        tuple(arguments.dns or ()),
        arguments.wifi,
        password,
        arguments.wifi_country or "",
    )


def write(medium: Medium, wanted: Card) -> None:
    """Write the card and read it back. Raises NotAsWrittenError, NotACardError, FieldError,
    OSError."""
    made = card.files(
        wanted,
        medium.read(media.CMDLINE).decode(),
        medium.read(media.CONFIG).decode(),
    )
    medium.write(made)
    wrong = sorted(name for name, content in made.items() if medium.read(name) != content)
    if wrong:
        raise NotAsWrittenError(f"the card does not hold what was written: {', '.join(wrong)}")
