"""The exchange root: a small Debian file system with Asterisk and MicroPython, which this
machine's own Debian does not have. Built once, in the cache folder, and run by bubblewrap.

All files belong to the one who builds it, so it can be removed like any folder. It is built
under a passing name and renamed when whole; a lock file keeps two builds apart. Standard
library only.
"""

import hashlib
import os
import platform
import shutil
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from provisioning.environment import alone, cache_folder

SUITE = "sid"
INCLUDED = ("asterisk", "micropython")
APT_TIMEOUT_S = 30
RUN_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10
UNPRIVILEGED = "1000"
DOES_NOT_RUN = "does not run"
APT_HELPER = "/usr/lib/apt/apt-helper"
# Mirrors may lag behind the date until which their list says it is good.
APT_OPTIONS = ('Acquire::Check-Valid-Until "false"', 'APT::Install-Recommends "false"')
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")


class RootNotMadeError(Exception):
    """The exchange root could not be built; says why."""

    error_id = "exchange-root-not-made"


def folder(suite: str = SUITE, included: Sequence[str] = INCLUDED) -> Path:
    """The root of this recipe, whether it is there or not."""
    recipe = "\n".join((suite, platform.machine(), *included, *APT_OPTIONS, *LEFT_OUT))
    return cache_folder() / f"root-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


def ensure(say: Callable[[str], None]) -> Path:
    """The root, built now if need be. Raises RootNotMadeError."""
    ready = folder()
    if not ready.exists():
        ready.parent.mkdir(parents=True, exist_ok=True)
        with alone(ready.parent / "root.lock", say):
            if not ready.exists():  # another one may have built it while we waited
                build(ready, say)
    _name_hosts(ready)
    return ready


def command(
    program: Sequence[str],
    *,
    readable: Mapping[Path, str] | None = None,
    writable: Mapping[Path, str] | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: str = "/",
    powerless: bool = False,
) -> list[str]:
    """The command line that runs `program` inside the root, with this machine's network.

    `readable` and `writable` give folders or files of this machine and where they stand inside
    (below /run, /srv or /tmp, which are made for it). The program dies with the one who starts
    it; killing what this starts kills the program. `powerless`: without the privileges of the one
    who starts it, even root's."""
    line = ["bwrap", "--die-with-parent", "--ro-bind", str(folder()), "/"]
    line += ["--dev", "/dev", "--proc", "/proc"]
    if powerless:
        line += ["--unshare-user", "--uid", UNPRIVILEGED, "--gid", UNPRIVILEGED]
    for each in ("/tmp", "/run", "/srv"):
        line += ["--tmpfs", each]
    for option, binds in (("--ro-bind", readable), ("--bind", writable)):
        for outside, inside in (binds or {}).items():
            line += [option, str(outside), inside]
    line += ["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin"]
    for name, value in (environment or {}).items():
        line += ["--setenv", name, value]
    return [*line, "--chdir", cwd, *program]


def version(program: str) -> str:
    """What `program` ("asterisk" or "micropython") in the root says of itself, or why it does
    not run."""
    ask = {
        "asterisk": ["asterisk", "-V"],
        "micropython": ["micropython", "-c", "import sys; print(sys.version)"],
    }
    try:
        done = subprocess.run(
            command(ask[program]), capture_output=True, text=True, timeout=RUN_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{DOES_NOT_RUN}: {error}"
    if done.returncode:
        return f"{DOES_NOT_RUN}: {done.stderr.strip()}"
    return done.stdout.strip()


def mirror(suite: str = SUITE) -> str:
    """The address of a Debian mirror that has the suite, out of this machine's apt sources.
    Raises RootNotMadeError."""
    targets = ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)"]
    known = _output([*targets, "Component: main", "Identifier: Packages"])
    for address in dict.fromkeys(known.split()):
        with (
            suppress(RootNotMadeError),
            tempfile.TemporaryDirectory(prefix="wardline-apt-") as passing,
        ):
            release = f"{address}dists/{suite}/InRelease"
            _output([APT_HELPER, "download-file", release, f"{passing}/InRelease"])
            return address
    raise RootNotMadeError(
        f"no source of this machine's apt has Debian {suite}; add a Debian mirror to"
        " /etc/apt/sources.list"
    )


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=APT_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RootNotMadeError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        raise RootNotMadeError(done.stderr.strip())
    return done.stdout


def build(
    ready: Path,
    say: Callable[[str], None],
    suite: str = SUITE,
    included: Sequence[str] = INCLUDED,
) -> None:
    """A root at `ready`, for who holds the lock. Raises RootNotMadeError."""
    # We hold the lock, so whatever stands here half built is of an interrupted build.
    for left in ready.parent.glob("building-*"):
        shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix="building-", dir=ready.parent))
    try:
        named = "the exchange root" if included is INCLUDED else "a bare root"
        say(f"building {named} ({', '.join(included)} from Debian {suite})")
        _fill(building, say, suite, included)
        building.chmod(0o755)
        os.sync()
        building.rename(ready)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fill(building: Path, say: Callable[[str], None], suite: str, included: Sequence[str]) -> None:
    """Let mmdebstrap make the file system and unpack it as our own files. Raises
    RootNotMadeError."""
    source = f"deb {mirror(suite)} {suite} main"
    mode = "root" if os.geteuid() == 0 else "unshare"
    make = ["mmdebstrap", f"--mode={mode}", "--variant=minbase", "--format=tar",
            f"--include={','.join(included)}"]  # fmt: skip
    make += [f"--aptopt={each}" for each in APT_OPTIONS]
    make += [f"--dpkgopt=path-exclude={each}" for each in LEFT_OUT]
    make.append("--dpkgopt=force-unsafe-io")  # the whole is synced once, before its renaming
    unpack = ["tar", "--extract", "--no-same-owner", "--exclude=./dev/*", "-C", str(building)]
    # mmdebstrap's helper user must reach its passing folder, which one of ours would not let it.
    environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    environment["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    try:
        with (
            subprocess.Popen(
                [*make, suite, "-", source], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            ) as maker,
            subprocess.Popen(unpack, stdin=maker.stdout, stderr=subprocess.DEVNULL) as unpacker,
        ):  # fmt: skip
            try:
                if maker.stdout is not None:
                    maker.stdout.close()  # the unpacker's alone
                last = _tell(maker.stderr or (), say)
                failed = bool(maker.wait()) | bool(unpacker.wait())
            finally:
                _stop(maker)
                _stop(unpacker)
    except OSError as error:
        raise RootNotMadeError(f"mmdebstrap does not run: {error}") from error
    if failed:
        raise RootNotMadeError("\n".join(last))


def _tell(lines: Iterable[str], say: Callable[[str], None]) -> list[str]:
    """Pass on mmdebstrap's progress; returns its last lines."""
    last: deque[str] = deque(maxlen=8)
    for line in lines:
        last.append(line.rstrip())
        if line.startswith("I: ") and line.endswith("...\n"):
            say("  " + line[3:].rstrip())
    return list(last)


def _stop(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """Let what still runs clean up after itself and end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _name_hosts(root: Path) -> None:
    """Name this machine inside, or each call of Asterisk waits for a failing look-up."""
    hosts = f"127.0.0.1 localhost\n127.0.1.1 {socket.gethostname()}\n::1 localhost\n"
    path = root / "etc" / "hosts"
    if not path.exists() or path.read_text() != hosts:
        with tempfile.TemporaryDirectory(prefix="hosts-", dir=path.parent) as passing:
            fresh = Path(passing) / path.name
            fresh.write_text(hosts)
            fresh.replace(path)
