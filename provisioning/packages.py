"""Which Debian packages each command needs, and whether they are there. Standard library only."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

# Debian keeps daemons where an ordinary user's PATH does not look.
PROGRAM_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"))


@dataclass(frozen=True)
class Package:
    """A Debian package, and the program or file by which its presence is known."""

    name: str
    proof: str
    why: str

    def present(self) -> bool:
        if self.proof.startswith("/"):
            return Path(self.proof).exists()
        return shutil.which(self.proof, path=PROGRAM_PATH) is not None


_WARD = (
    Package("mosquitto", "mosquitto", "the MQTT brokers"),
    Package("espeak-ng", "espeak-ng", "the voice"),
)
_BROWSER = (
    Package("chromium", "chromium", "the board is tried in a real browser"),
    Package(
        "fonts-wqy-zenhei",
        "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
        "Chinese on screenshots",
    ),
)
BY_COMMAND = {
    "demo": _WARD,
    "test": _WARD + _BROWSER,
    "bench": _WARD + _BROWSER,
}


def missing(command: str) -> list[Package]:
    """The packages `command` needs and this machine lacks."""
    return [package for package in BY_COMMAND.get(command, ()) if not package.present()]
