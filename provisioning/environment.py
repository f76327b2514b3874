"""The virtual environment: made once for each lock file and Python, from hashed packages.

It is built under a passing name and renamed when whole, so an interrupted installation leaves
nothing that looks finished; a lock file keeps two of them apart. Standard library only.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"


class EnvironmentNotMadeError(Exception):
    """The virtual environment could not be made; holds the last lines of what went wrong."""

    error_id = "environment-not-made"


def cache_folder() -> Path:
    """Where what can be made again is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wardline"


def folder(lock: Path = LOCK) -> Path:
    """The environment that belongs to `lock` and this Python, whether it is there or not."""
    facts = f"{sys.version}\n{sys.base_prefix}\n{platform.machine()}\n".encode()
    name = hashlib.sha256(facts + lock.read_bytes()).hexdigest()[:16]
    return cache_folder() / f"venv-{name}"


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def ensure(say: Callable[[str], None], lock: Path = LOCK) -> Path:
    """The environment for `lock`, made now if need be. Raises EnvironmentNotMadeError."""
    ready = folder(lock)
    if ready.exists():
        return ready
    ready.parent.mkdir(parents=True, exist_ok=True)
    with alone(ready.parent / "venv.lock", say):
        if not ready.exists():  # another one may have made it while we waited
            _make(ready, lock, say)
    return ready


@contextmanager
def alone(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file `path`, waited for when another one has it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another wardline is installing; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(ready: Path, lock: Path, say: Callable[[str], None]) -> None:
    # We hold the lock, so whatever stands here half made is of an interrupted installation.
    for left in ready.parent.glob("making-*"):
        shutil.rmtree(left, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=ready.parent))
    try:
        say("making a virtual environment")
        _run([sys.executable, "-m", "venv", str(making)], lambda line: None)
        python = str(python_of(making))
        _run(
            [python, "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input",
             "--disable-pip-version-check", "--progress-bar", "off", "-r", str(lock)],
            _Progress(lock, say),
        )  # fmt: skip
        _settle(making, ready)
        making.rename(ready)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _settle(making: Path, ready: Path) -> None:
    """Let the scripts name the folder they are about to live in."""
    for script in (making / "bin").iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        text = script.read_bytes()
        if bytes(making) in text and not text.startswith(b"\x7fELF"):
            script.write_bytes(text.replace(bytes(making), bytes(ready)))


class _Progress:
    """Turns pip's lines into one short line per package."""

    def __init__(self, lock: Path, say: Callable[[str], None]) -> None:
        self._say = say
        self._done = 0
        lines = lock.read_text().splitlines()
        self._total = sum(1 for line in lines if line and not line.startswith((" ", "#", "-")))

    def __call__(self, line: str) -> None:
        if line.startswith("Collecting "):
            self._done += 1
            name = line.split()[1].replace("==", " ")
            self._say(f"  package {self._done} of {self._total}: {name}")
        elif line.startswith("Installing collected packages"):
            self._say("  unpacking them")


def _run(command: list[str], tell: Callable[[str], None]) -> None:
    lines: list[str] = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=environment,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            lines.append(line.rstrip())
            tell(line)
    if process.returncode:
        raise EnvironmentNotMadeError("\n".join(lines[-8:]))
