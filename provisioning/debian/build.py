"""`./wardline packages`: builds the Debian packages.

What a package holds is `recipes.py`; files that stand on the machine as they are lie in
`files/<package>/`, the scripts that dpkg runs in `files/<package>/DEBIAN/`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from provisioning import root
from provisioning.debian import proof, wheels
from provisioning.debian.recipes import MACHINES, PYTHONS, RECIPES, Recipe
from provisioning.debian.room import RoomNotMadeError
from provisioning.debian.wheels import WheelsNotFoundError
from provisioning.environment import ROOT

FILES = Path(__file__).with_name("files")
# The same in every build of the same files.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
# Both Debians read zstd, which packs in seconds what xz does in minutes.
COMPRESSIONS = ("zstd", "none")


class PackageNotBuiltError(Exception):
    """A Debian package could not be built; says why."""

    error_id = "package-not-built"


def version() -> str:
    """Of Wardline."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def architecture() -> str:
    """Debian's word for this machine."""
    done = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True)
    return done.stdout.strip()


def build(
    recipe: Recipe,
    architecture: str,
    output: Path,
    say: Callable[[str], None] = lambda text: None,
    *,
    pythons: tuple[str, ...] = PYTHONS,
    compression: str = "zstd",
) -> Path:
    """The package of `recipe` in `output`. Raises PackageNotBuiltError, WheelsNotFoundError."""
    output.mkdir(parents=True, exist_ok=True)
    made = output / f"{recipe.name}_{version()}_{architecture}.deb"
    with tempfile.TemporaryDirectory(prefix="wardline-deb-") as passing:
        staged = Path(passing) / recipe.name
        stage(recipe, architecture, staged, say, pythons)
        say(f"packing {made.name}")
        command = ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", str(staged)]
        clock = {"SOURCE_DATE_EPOCH": str(_changed(staged))}
        done = subprocess.run(
            [*command, str(made)], capture_output=True, text=True, env=os.environ | clock
        )
    if done.returncode:
        raise PackageNotBuiltError(done.stderr.strip())
    return made


def _changed(staged: Path) -> int:
    """When the newest of our files changed: no build is younger than what it was built of."""
    return int(max(path.lstat().st_mtime for path in staged.rglob("*") if path.is_file()))


def stage(
    recipe: Recipe,
    architecture: str,
    staged: Path,
    say: Callable[[str], None] = lambda text: None,
    pythons: tuple[str, ...] = PYTHONS,
) -> None:
    """Lay out in `staged` what will be on the machine, with dpkg's own folder."""
    shutil.copytree(FILES / recipe.name, staged)
    for each in (staged, *staged.rglob("*")):
        if each.is_dir():
            each.chmod(0o755)
    code = staged / recipe.folder
    for folder in recipe.code:
        _copy_code(folder, code, recipe.without)
    for python in pythons:
        names = recipe.needs or wheels.production(recipe.spares)
        if architecture == "arm64":
            names += recipe.needs_on_arm64
        absent = recipe.from_system.get(python, ())
        wanted = [
            name
            for name in wheels.closure(names, python, MACHINES[architecture])
            if name not in absent
        ]
        found = wheels.unpacked(wanted, python, architecture, say)
        shutil.copytree(found, code / "packages" / python, ignore=LEFT_OUT)
    more = recipe.recommends_on_arm64 if architecture == "arm64" else ()
    size = sum(path.stat().st_size for path in staged.rglob("*") if path.is_file()) // 1024
    fields = {
        "Package": recipe.name,
        "Version": version(),
        "Architecture": architecture,
        "Maintainer": "Wardline <wardline@localhost>",
        "Depends": ", ".join(recipe.depends),
        "Recommends": ", ".join(recipe.recommends + more),
        "Section": "misc",
        "Priority": "optional",
        "Installed-Size": str(size),
        "Description": f"Wardline, {recipe.says}",
    }
    (staged / "DEBIAN" / "control").write_text(
        "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    )


def _copy_code(place: str, into: Path, without: tuple[str, ...]) -> None:
    def left(at: str, names: list[str]) -> set[str]:
        here = Path(at).relative_to(ROOT).as_posix()
        gone = {name for name in names if f"{here}/{name}" in without}
        return gone | LEFT_OUT(at, names)

    source, target = ROOT / place, into / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=left)
    else:
        shutil.copy(source, target)
    # A part of a folder needs the folder above it to be one of Python's.
    for above in Path(place).parents:
        if above != Path() and (ROOT / above / "__init__.py").exists():
            shutil.copy(ROOT / above / "__init__.py", into / above / "__init__.py")


def main(arguments: argparse.Namespace) -> int:
    """1, and why, when one could not be built."""

    def say(text: str) -> None:
        print(f"wardline: {text}", file=sys.stderr, flush=True)

    try:
        made = {
            each: [build(recipe, each, arguments.output, say) for recipe in RECIPES.values()]
            for each in dict.fromkeys(arguments.architecture or (architecture(),))
        }
        for debian in arguments.prove:
            proof.prove(debian, made[architecture()], say)
    except KeyError:
        say("--prove needs the packages of this machine's architecture")
        return 1
    except (
        PackageNotBuiltError, WheelsNotFoundError, proof.NotProvedError, RoomNotMadeError,
        root.RootNotMadeError, OSError,
    ) as error:  # fmt: skip
        say(str(error))
        return 1
    for path in (path for paths in made.values() for path in paths):
        print(path)
    return 0
