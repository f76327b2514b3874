"""Debian packages: which a command needs, which are missing, and how they get here.

Standard library only: it runs before anything is installed.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

APT_TIMEOUT_S = 1800
# Debian keeps daemons where an ordinary user's PATH does not look.
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


class PackagesMissingError(Exception):
    """Debian packages are missing and may not be installed from here; says what to type."""

    error_id = "packages-missing"


@dataclass(frozen=True)
class Package:
    """A Debian package, known to be there by a program or a file it brings. others: programs of
    other packages that do as well."""

    name: str
    why: str
    program: str | None = None
    file: str | None = None
    version: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def found(self) -> str | None:
        """Where it is, or None."""
        if self.program is not None:
            return next(filter(None, map(which, (self.program, *self.others))), None)
        return self.file if self.file and Path(self.file).exists() else None


MOSQUITTO = Package("mosquitto", "the message brokers", "mosquitto", version=("-h",))
ESPEAK = Package("espeak-ng", "the voice", "espeak-ng", version=("--version",))
# Without the window that nobody sees it needs half the time.
CHROMIUM = Package(
    "chromium-headless-shell",
    "the board in a real browser",
    "chromium-headless-shell",
    version=("--version",),
    others=("chromium",),
)
ALSA = Package("alsa-utils", "sound, as on a ward box", "aplay", version=("--version",))
CHINESE = Package(
    "fonts-wqy-zenhei",
    "Chinese on the board's screenshot",
    file="/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
)
MMDEBSTRAP = Package("mmdebstrap", "builds the exchange root", "mmdebstrap", version=("--version",))
BUBBLEWRAP = Package("bubblewrap", "runs programs in it", "bwrap", version=("--version",))
UIDMAP = Package("uidmap", "lets an ordinary user build it", "newuidmap")
BARESIP = Package("baresip-core", "a telephone that calls", "baresip")
SIPP = Package("sip-tester", "telephones that misbehave", "sipp")
OPENSSL = Package("openssl", "certificates of the tests", "openssl", version=("version",))
MTOOLS = Package("mtools", "writes cards", "mcopy")
EXCHANGE_ROOT = (MMDEBSTRAP, BUBBLEWRAP, UIDMAP)

NEEDED: dict[str, tuple[Package, ...]] = {
    "exchange": (),
    "phone": (),
    "node": (),
    "updates": (),
    "centre": (),
    "packages": EXCHANGE_ROOT,
    "image": (MTOOLS,),
    "demo": (MOSQUITTO, ESPEAK, *EXCHANGE_ROOT),
    "test": (
        MOSQUITTO,
        ESPEAK,
        CHROMIUM,
        CHINESE,
        ALSA,
        BARESIP,
        SIPP,
        OPENSSL,
        MTOOLS,
        *EXCHANGE_ROOT,
    ),
    "bench": (MOSQUITTO, ESPEAK, CHROMIUM, CHINESE, *EXCHANGE_ROOT),
}
EVERY = tuple(dict.fromkeys(each for packages in NEEDED.values() for each in packages))


def which(program: str) -> str | None:
    """The path of `program`, looked for in the system's folders too."""
    return shutil.which(program, path=os.environ.get("PATH", "") + os.pathsep + _SYSTEM_PATH)


def missing(packages: Sequence[Package]) -> list[Package]:
    return [each for each in packages if each.found() is None]


def install_line(packages: Sequence[Package]) -> str:
    """What a person types to install `packages`."""
    names = " ".join(each.name for each in packages)
    return f"sudo apt-get install --no-install-recommends {names}"


def may_install() -> list[str] | None:
    """The words before `apt-get`: none as root, sudo where it asks for no password, None when
    we may not."""
    if which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return None


def install(packages: Sequence[Package], say: Callable[[str], None]) -> None:
    """Install `packages`, telling `say` what happens. Raises PackagesMissingError."""
    prefix = may_install()
    if prefix is None:
        raise PackagesMissingError(f"install what is missing with: {install_line(packages)}")
    for each in packages:
        say(f"installing {each.name} ({each.why})")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    _show([*apt, "update"], say)  # an old list may still do, so the install decides
    failed = _show(
        [*apt, "install", "--no-install-recommends", *(each.name for each in packages)], say
    )
    absent = missing(packages)
    if failed or absent:
        raise PackagesMissingError(
            f"apt-get could not install everything; try: {install_line(absent or packages)}"
        )


def _show(command: list[str], say: Callable[[str], None]) -> int:
    """Run apt-get and pass on the lines that show it is getting on."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            if line.startswith(("Get:", "Unpacking", "Setting up", "E:", "Err:", "Need to get")):
                say("  " + line.rstrip())
        return process.wait(APT_TIMEOUT_S)
