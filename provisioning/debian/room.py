"""A room to try packages in: a Debian file system, with a layer over it that goes when the room
does, processes and a network of its own, and no systemd. What units say is done here as far as it
matters to programs: who runs what, after what, by which credentials, without which privileges.

Only for root: nobody else may lay one file system over another.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED = "/run/wardline-room"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOTIFY_TIMEOUT_S = 60.0
PR_SET_MDWE = 65  # from Linux 6.3 on; as MemoryDenyWriteExecute=
# The loopback of a new network is down.
LOOPBACK_UP = (
    "import fcntl, socket, struct; s = socket.socket();"
    " fcntl.ioctl(s, 0x8914, struct.pack('16sH14s', b'lo', 0x41, b''))"
)
_MAKE = """
set -e
mount --make-rprivate /
cd {folder}
mount -t overlay overlay -o lowerdir={lower},upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p .{shared}
mount --bind {folder}/shared .{shared}
{binds}
exec chroot . /bin/sh -c 'echo made; exec sleep infinity'
"""


class RoomNotMadeError(Exception):
    """The room could not be made; says why."""

    error_id = "room-not-made"


class UnitFailedError(Exception):
    """A unit did not start as it should; names it, with the end of what it said."""

    error_id = "unit-failed"


@dataclass(frozen=True)
class Unit:
    """The settings of a unit's [Service] and [Unit], each with all its values in order."""

    name: str
    settings: Mapping[str, Sequence[str]]

    def last(self, setting: str) -> str:
        return (self.settings.get(setting) or ("",))[-1]


def read_unit(name: str, text: str) -> Unit:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return Unit(name, found)


class Room:
    """lower: the file system below. binds: folders of this machine, by where they stand inside."""

    def __init__(
        self, folder: Path, lower: Path = Path("/"), binds: Mapping[Path, str] | None = None
    ):
        self.folder = folder
        self._lower = lower
        self._binds = binds or {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._leader: subprocess.Popen[str] | None = None
        self._pid = 0

    def __enter__(self) -> "Room":
        """Raises RoomNotMadeError."""
        for name in ("upper", "work", "root", "shared", "logs"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "shared").chmod(0o777)
        binds = "".join(
            f"mkdir -p .{inside}; mount --bind {outside} .{inside}\n"
            for outside, inside in self._binds.items()
        )
        script = _MAKE.format(lower=self._lower, folder=self.folder, shared=SHARED, binds=binds)
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        self._leader = subprocess.Popen(
            [*command, "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._leader.stdout is not None
        if self._leader.stdout.readline() != "made\n":
            _, said = self._leader.communicate()
            raise RoomNotMadeError(said.strip())
        children = Path(f"/proc/{self._leader.pid}/task/{self._leader.pid}/children")
        self._pid = int(children.read_text().split()[0])
        up = [sys.executable, "-c", LOOPBACK_UP]
        done = subprocess.run(
            ["nsenter", "-t", str(self._pid), "-n", "--", *up], capture_output=True, text=True
        )
        if done.returncode:
            self.__exit__()
            raise RoomNotMadeError(f"its network cannot be set up: {done.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._leader is not None
        # The first process of the room takes all others with it.
        os.kill(self._pid, signal.SIGKILL)
        self._leader.communicate()
        for process in self._running.values():
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str, input: str = "", user: str = "", timeout_s: float = 300.0) -> str:
        """What it printed. Raises CalledProcessError with all that it said."""
        return subprocess.run(
            self._inside(command, user), input=input, check=True, text=True, timeout=timeout_s,
            umask=0o077 if user else 0o022, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ).stdout  # fmt: skip

    def _inside(
        self,
        command: Sequence[str],
        user: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> list[str]:
        line = ["nsenter", "-t", str(self._pid), "-m", "-n", "-p", "-r", "-w", "--",
                "env", "-i", f"PATH={PATH}", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
                *(f"{name}={value}" for name, value in (environment or {}).items())]  # fmt: skip
        if user:
            line += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups",
                     "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]  # fmt: skip
        return [*line, *command]

    # --- units ---

    def unit(self, name: str) -> Unit:
        return read_unit(name, self.run("cat", f"/usr/lib/systemd/system/{name}.service"))

    def start(self, name: str) -> Unit:
        """As systemd would: not when a condition fails, and no sooner done than the unit is ready.
        Raises UnitFailedError."""
        unit = self.unit(name)
        for needed in unit.settings.get("ConditionPathExists", ()):
            self._must(unit, "test", "-e", needed)
        environment = dict(each.split("=", 1) for each in unit.settings.get("Environment", ()))
        credentials = self._credentials(unit)
        for each in unit.settings.get("ExecStartPre", ()):
            self._must(unit, *self._words(each, credentials), user=unit.last("User"))
        words = self._words(unit.last("ExecStart"), credentials)
        kind = unit.last("Type")
        if kind == "oneshot":
            self._must(unit, *words, user=unit.last("User"))
            for each in unit.settings.get("ExecStartPost", ()):
                if "systemctl" not in each:
                    self._must(unit, *self._words(each.removeprefix("+"), credentials))
            return unit
        told = self._listen(name) if kind == "notify" else None
        if told is not None:
            environment |= {"NOTIFY_SOCKET": f"{SHARED}/{name}"}
            seconds = unit.last("WatchdogSec")
            environment |= {"WATCHDOG_USEC": f"{seconds}000000"} if seconds else {}
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._inside(words, unit.last("User"), environment),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_restrained(unit),
                umask=int(unit.last("UMask") or "0022", 8),
            )  # fmt: skip
        if told is not None:
            wanted = {b"READY=1"} | ({b"WATCHDOG=1"} if "WATCHDOG_USEC" in environment else set())
            self._hear(unit, told, wanted)
        return unit

    def _must(self, unit: Unit, *command: str, user: str = "") -> None:
        try:
            self.run(*command, user=user)
        except subprocess.CalledProcessError as error:
            raise UnitFailedError(f"{unit.name}: {' '.join(command)}: {error.stdout}") from error

    def _credentials(self, unit: Unit) -> str:
        folder = f"/run/credentials/{unit.name}"
        for each in unit.settings.get("LoadCredential", ()):
            name, _, source = each.partition(":")
            user = unit.last("User")
            self._must(unit, "install", "-d", "-o", user, "-m", "0500", folder)
            self._must(unit, "install", "-o", user, "-m", "0400", source, f"{folder}/{name}")
        return folder

    @staticmethod
    def _words(line: str, credentials: str) -> list[str]:
        return [word.replace("%d", credentials) for word in line.split()]

    def _listen(self, name: str) -> socket.socket:
        path = self.folder / "shared" / name
        path.unlink(missing_ok=True)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(str(path))
        path.chmod(0o777)
        told.settimeout(NOTIFY_TIMEOUT_S)
        return told

    def _hear(self, unit: Unit, told: socket.socket, wanted: set[bytes]) -> None:
        try:
            with told:
                while wanted:
                    wanted -= set(told.recv(4096).split(b"\n"))
        except TimeoutError as error:
            said = self.said(unit.name)[-2000:]
            raise UnitFailedError(f"{unit.name} did not tell {wanted}: {said}") from error

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def said(self, name: str) -> str:
        """What a unit wrote to its journal."""
        return self.log(name).read_text(errors="replace")

    def runs(self, name: str) -> bool:
        return self._running[name].poll() is None


def _restrained(unit: Unit) -> Callable[[], Any] | None:
    """Without memory that is both written and run, where the kernel can."""
    if unit.last("MemoryDenyWriteExecute") != "yes":
        return None
    return lambda: ctypes.CDLL(None).prctl(PR_SET_MDWE, 1, 0, 0, 0)
