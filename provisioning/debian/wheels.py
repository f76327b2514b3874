"""The Python packages of a Debian package: those of `requirements.lock`, checked by their hashes,
unpacked for a Python and a machine that need not be ours. Kept in the cache."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from provisioning.debian.recipes import MACHINES
from provisioning.environment import LOCK, ROOT, alone, cache_folder

REQUIREMENTS = ROOT / "requirements.in"
# What follows proves Wardline, and runs nowhere else.
PROVES = "# What proves it."
# Debian 12 has glibc 2.36.
GLIBC = ("2_17", "2_28", "2_31", "2_34", "2_35")


class WheelsNotFoundError(Exception):
    """The Python packages could not be gathered; says why."""

    error_id = "wheels-not-found"


def production(without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What runs in production, by name."""
    said = REQUIREMENTS.read_text().partition(PROVES)[0]
    lines = [line.partition("#")[0].strip() for line in said.splitlines()]
    names = (_named(line).name for line in lines if line)
    return tuple(name for name in names if name not in without)


def _named(line: str) -> Requirement:
    try:
        return Requirement(line)
    except InvalidRequirement as error:
        raise WheelsNotFoundError(f"{line!r}: {error}") from error


def locked(lock: Path = LOCK) -> dict[str, tuple[Requirement, str]]:
    """By canonical name: the requirement, and its lines with hashes and without conditions."""
    found: dict[str, tuple[Requirement, str]] = {}
    for block in lock.read_text().replace("\\\n", " ").splitlines():
        line = block.partition("#")[0].strip()
        if not line or line.startswith("-"):
            continue
        wanted, *hashes = (part.strip() for part in line.split("--hash="))
        named = _named(wanted)
        pinned = " ".join(
            [f"{named.name}{named.specifier}", *(f"--hash={each}" for each in hashes)]
        )
        found[canonicalize_name(named.name)] = named, pinned
    return found


def closure(names: Iterable[str], python: str, machine: str) -> list[str]:
    """`names` and all that they need on that Python and machine, by what the environment's own
    packages say; sorted."""
    about = {
        "python_version": python, "python_full_version": f"{python}.0",
        "platform_machine": machine, "extra": "",
    }  # fmt: skip
    known = locked()
    found: set[str] = set()
    waiting: list[str] = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in known:
            raise WheelsNotFoundError(f"{name} is not in {LOCK.name}")
        marker = known[name][0].marker
        if marker is not None and not marker.evaluate(about):
            continue
        found.add(name)
        waiting += _needed_by(name, about)
    return sorted(found)


def _needed_by(name: str, about: dict[str, str]) -> Iterator[str]:
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return  # of another machine only; those have no needs of their own
    for line in lines:
        need = _named(line)
        if need.marker is None or need.marker.evaluate(about):
            yield canonicalize_name(need.name)


def unpacked(
    names: Iterable[str], python: str, architecture: str, say: Callable[[str], None]
) -> Path:
    """A folder with these packages, ready to be a part of `PYTHONPATH`. Raises
    WheelsNotFoundError."""
    known = locked()
    lines = [known[name][1] for name in names]
    facts = "\n".join([python, architecture, *GLIBC, *lines]).encode()
    kept = cache_folder() / f"wheels-{hashlib.sha256(facts).hexdigest()[:16]}"
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with alone(kept.parent / "wheels.lock", say):
        if not kept.exists():  # another one may have made it while we waited
            for left in kept.parent.glob("unpacking-*"):
                shutil.rmtree(left, ignore_errors=True)
            say(f"fetching {len(lines)} Python packages for Python {python} on {architecture}")
            making = Path(tempfile.mkdtemp(prefix="unpacking-", dir=kept.parent))
            try:
                _fetch(lines, python, architecture, making)
                making.chmod(0o755)
                making.rename(kept)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return kept


def _fetch(lines: list[str], python: str, architecture: str, into: Path) -> None:
    listed = into.with_name(f"{into.name}.txt")
    listed.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-P", "-m", "pip", "install", "--target", str(into),
               "--python-version", python, "--implementation", "cp", "--only-binary=:all:",
               "--no-deps", "--require-hashes", "--no-compile", "--no-input",
               "--disable-pip-version-check", "--quiet", "-r", str(listed)]  # fmt: skip
    for each in GLIBC:
        command += ["--platform", f"manylinux_{each}_{MACHINES[architecture]}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    finally:
        listed.unlink()
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-4:])
        raise WheelsNotFoundError(f"for Python {python} on {architecture}: {last}")
    shutil.rmtree(into / "bin", ignore_errors=True)  # scripts that name our own Python
