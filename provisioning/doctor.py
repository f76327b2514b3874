"""`./wardline doctor`: what is installed, what is missing, which versions. Standard library
only, because it has to run exactly when things are missing."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from provisioning import environment, packages, root

TIMEOUT_S = 20


def main() -> int:
    """Print the state of this machine; 1 when something is missing."""
    whole = True
    for fine, name, what in findings():
        print(f"{'ok     ' if fine else 'missing'}  {name:<18} {what}")
        whole = whole and fine
    absent = packages.missing(packages.EVERY)
    if absent:
        print(f"\nInstall what is missing with: {packages.install_line(absent)}")
    return 0 if whole else 1


def findings() -> Iterator[tuple[bool, str, str]]:
    """(whether it is there, its name, its version or why it is wanted)."""
    yield True, "system", f"{_debian()}, {platform.machine()}"
    yield True, "python3", f"{platform.python_version()} ({sys.executable})"
    for package in packages.EVERY:
        place = package.found()
        if place is None:
            commands = [name for name, needs in packages.NEEDED.items() if package in needs]
            yield False, package.name, f"{package.why}; wanted by {', '.join(commands)}"
        else:
            yield True, package.name, _version(package, place)
    made = environment.folder()
    if made.exists():
        yield True, "environment", str(made)
        yield from _python_packages(made)
    else:
        yield False, "environment", "made by the first ./wardline demo or test"
    yield from _exchange_root()


def _exchange_root() -> Iterator[tuple[bool, str, str]]:
    if not root.folder().exists():
        yield False, "exchange root", "built by the first ./wardline demo or test"
        return
    yield True, "exchange root", str(root.folder())
    for program in root.INCLUDED:
        said = root.version(program)
        yield not said.startswith(root.DOES_NOT_RUN), program, said


def _version(package: packages.Package, place: str) -> str:
    if not package.version:
        return place
    try:
        done = subprocess.run(
            [place, *package.version], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{place} does not run: {error}"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else place


def _python_packages(made: Path) -> Iterator[tuple[bool, str, str]]:
    wanted = {}
    for line in environment.LOCK.read_text().splitlines():
        if "==" in line and not line.startswith((" ", "#")) and ";" not in line:
            name, version = line.rstrip(" \\").split("==")
            wanted[name] = version
    python = str(environment.python_of(made))
    program = (
        "from importlib.metadata import distributions as d\n"
        "for x in d(): print(x.metadata['Name'].lower().replace('_', '-').replace('.', '-'),"
        " x.version)"
    )
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True)
    present = dict(line.split() for line in done.stdout.splitlines())
    wrong = sorted(name for name, version in wanted.items() if present.get(name) != version)
    if wrong:
        yield False, "python packages", ", ".join(wrong)
    else:
        yield True, "python packages", f"all {len(wanted)} of requirements.lock"


def _debian() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()
