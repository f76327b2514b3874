"""Set up what a command needs, then run it: Debian packages, then a locked virtual environment.

Runs on a bare Python (standard library only). The environment lives in the cache folder under a
name made from the lock file, so a changed lock makes a new one and an old checkout keeps its own.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning import packages

ROOT = Path(__file__).resolve().parent.parent
LOCK_FILE = ROOT / "requirements.lock"


class SetupError(Exception):
    """Something is missing that cannot be installed from here; says what to do."""

    error_id = "setup-incomplete"


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "wardline"


def environment_folder() -> Path:
    """Where the environment of this lock file and this Python lives."""
    fingerprint = hashlib.sha256(LOCK_FILE.read_bytes() + sys.version.encode()).hexdigest()
    return cache_folder() / f"venv-{fingerprint[:16]}"


def say(text: str) -> None:
    print(f"wardline: {text}", file=sys.stderr, flush=True)


def install_packages(command: str) -> None:
    """Install the Debian packages `command` lacks, when this user may. Raises SetupError."""
    wanted = packages.missing(command)
    if not wanted:
        return
    names = [package.name for package in wanted]
    by_hand = "apt-get install --no-install-recommends " + " ".join(names)
    as_root = _as_root()
    if as_root is None or shutil.which("apt-get") is None:
        raise SetupError(f"please install what is missing, as root: {by_hand}")
    for package in wanted:
        say(f"installing {package.name} ({package.why}) ...")
    quiet = {"stdout": subprocess.DEVNULL}
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    update = subprocess.run([*as_root, "apt-get", "update", "-qq"], **quiet)  # type: ignore[call-overload]
    install = subprocess.run(  # type: ignore[call-overload]
        [*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *names],
        env=environment,
        **quiet,
    )
    if update.returncode or install.returncode or packages.missing(command):
        raise SetupError(f"the packages could not be installed; please run as root: {by_hand}")


def _as_root() -> list[str] | None:
    """The words before a command that make it root's; None when this user may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(
        ["sudo", "-n", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return ["sudo", "-n"] if allowed.returncode == 0 else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two first runs at once: the second waits and then finds the work done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def environment() -> Path:
    """The Python of the locked environment, made when missing. Raises SetupError.

    It is built in place (an environment cannot be moved) and only believed once its last step
    has left a mark, so an interrupted build is thrown away and made anew.
    """
    folder = environment_folder()
    python, mark = folder / "bin" / "python", folder / "complete"
    if mark.exists():
        return python
    with _alone(folder):
        if mark.exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        say(f"making a virtual environment in {folder} ...")
        venv.create(folder, with_pip=True)
        _install_locked(python)
        mark.touch()
    say("ready")
    return python


def _install_locked(python: Path) -> None:
    total = sum(" --hash" not in line and "==" in line for line in LOCK_FILE.open())
    say(f"installing up to {total} locked and hashed packages ...")
    command = [str(python), "-m", "pip", "install", "--require-hashes", "--no-deps"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(LOCK_FILE)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    last: list[str] = []
    done = 0
    for line in process.stdout:
        last = [*last[-14:], line.rstrip()]
        if line.startswith("Collecting "):
            done += 1
            if done % 10 == 0:
                say(f"  {done} packages fetched")
        elif line.startswith("Installing collected"):
            say("  putting them in place ...")
    if process.wait():
        raise SetupError("the Python packages could not be installed:\n" + "\n".join(last))


def main(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "help"
    try:
        if command == "doctor":
            # Looks only; must work where everything is missing.
            from provisioning import doctor

            return doctor.main()
        install_packages(command)
        python = environment()
    except SetupError as error:
        say(str(error))
        return 1
    os.environ["PYTHONPATH"] = str(ROOT)
    os.execv(python, [str(python), "-m", "provisioning.cli", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
