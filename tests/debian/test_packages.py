"""What is in the Debian packages: all that their code imports, and units that systemd reads."""

import ast
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from provisioning.debian import build, wheels
from provisioning.debian.recipes import (
    ARCHITECTURES,
    CENTRAL,
    MACHINES,
    NODE,
    PYTHONS,
    RECIPES,
)
from tests.conftest import program
from ward_node.core import reports

# Only beside virtual hardware, which no box has.
VIRTUAL = "hw/virtual/"
# Commands of a folder with the sources.
SOURCES_ONLY = {
    ("provisioning/bench.py", "tests.bench"),
    ("provisioning/cli.py", "provisioning.debian"),
}
LOOKS_LIKE_ONE = re.compile(r"^[ \t]*(?:from|import)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
UNITS = sorted(build.FILES.rglob("*.service"))
SCRIPTS = [*build.FILES.rglob("DEBIAN/*"), *build.FILES.rglob("bin/*"), *build.FILES.rglob("run")]


@pytest.fixture(scope="module", params=RECIPES.values(), ids=RECIPES)
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged") / request.param.name
    build.stage(request.param, "arm64", folder, pythons=())
    return folder


def imports(text: str) -> set[str]:
    """The modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def test_all_that_is_imported_is_in_the_package(staged: Path) -> None:
    recipe = RECIPES[staged.name]
    code = staged / recipe.folder
    names = (*(recipe.needs or wheels.production(recipe.spares)), *recipe.needs_on_arm64)
    closed = set.intersection(
        *(set(wheels.closure(names, python, MACHINES["arm64"])) for python in PYTHONS)
    )
    known = metadata.packages_distributions()

    def is_there(name: str) -> bool:
        top = name.partition(".")[0]
        if (code / top).exists():
            inside = code.joinpath(*name.split("."))
            return inside.exists() or inside.with_suffix(".py").exists()
        return top in sys.stdlib_module_names or any(
            canonicalize_name(each) in closed for each in known.get(top, [top])
        )

    absent = set()
    for path in code.rglob("*.py"):
        place, text = path.relative_to(code).as_posix(), path.read_text()
        # Most files are seen to be whole without reading them as Python does.
        doubtful = {name for name in LOOKS_LIKE_ONE.findall(text) if not is_there(name)}
        if doubtful and not place.startswith(VIRTUAL):
            absent |= {(place, name) for name in doubtful & imports(text)}
    assert {each for each in absent if each not in SOURCES_ONLY} == set()


def test_what_a_need_needs_is_there_and_what_only_proves_is_not() -> None:
    node = wheels.closure(NODE.needs or (), "3.11", "x86_64")
    assert {"paho-mqtt", "cffi", "colorzero", "securesystemslib"} <= set(node)
    assert "flask" not in node
    central = wheels.closure(wheels.production(CENTRAL.spares), "3.13", "aarch64")
    assert {"flask", "gunicorn", "reportlab"} <= set(central)
    # Nobody has made one for that Python, and a centre has no pins.
    assert "lgpio" not in central
    assert not {"pytest", "playwright", "mypy"} & set(central)
    # Only older Pythons want it of one of ours.
    pinned = wheels.locked()["cryptography"][1]
    assert ";" not in pinned
    assert "--hash=sha256:" in pinned


def test_the_newest_python_has_the_pins_from_the_system(tmp_path: Path) -> None:
    build.stage(NODE, "arm64", tmp_path / "arm", pythons=())
    build.stage(NODE, "amd64", tmp_path / "amd", pythons=())
    assert "python3-lgpio" in (tmp_path / "arm" / "DEBIAN" / "control").read_text()
    assert "python3-lgpio" not in (tmp_path / "amd" / "DEBIAN" / "control").read_text()


def test_a_package_says_what_it_is_and_holds_no_more_than_its_code(
    staged: Path, tmp_path: Path
) -> None:
    control = (staged / "DEBIAN" / "control").read_text()
    assert f"Version: {build.version()}\n" in control
    assert "python3 (>= 3.11)" in control
    recipe = RECIPES[staged.name]
    code = staged / recipe.folder
    assert not list(code.rglob("__pycache__"))
    assert not (code / "tests").exists()
    assert (code / "hw").exists() == (code / "ward_node" / "core").exists() == (recipe is NODE)
    assert (code / "central").exists() == (recipe is CENTRAL)
    made = tmp_path / "made.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(staged), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    listed = subprocess.run(["dpkg-deb", "-c", str(made)], capture_output=True, text=True).stdout
    assert listed.count(" root/root ") == len(listed.splitlines())
    assert "drwxr-xr-x" in listed.splitlines()[0]


def test_package_and_box_say_the_same_version() -> None:
    assert build.version() == reports.FIRMWARE


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_units_and_finds_them_closed_in() -> None:
    done = subprocess.run(
        [program("systemd-analyze"), "verify", *map(str, UNITS)], capture_output=True, text=True
    )
    # It looks for our programs on this machine.
    complaints = [
        line for line in done.stderr.splitlines() if "/run is not executable" not in line
    ]  # fmt: skip
    assert complaints == []
    judged = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=yes", "--threshold=20",
         *map(str, UNITS)], capture_output=True, text=True,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-300:]  # at most 2.0 of 10 exposed


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_every_unit_starts_again_has_a_limit_and_says_its_name(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert "User=wardline" in lines
    assert "StandardOutput=journal" in lines
    if "Type=oneshot" not in lines:
        assert "Restart=always" in lines
        assert any(line.startswith("StartLimitBurst=") for line in lines)
    if unit.stem in ("wardline-node", "wardline-bridge"):
        assert any(line.startswith("WatchdogSec=") for line in lines)
    if unit.stem == "wardline-renew-broker":
        assert "OnCalendar=daily" in unit.with_suffix(".timer").read_text()
    started = (build.FILES / unit.relative_to(build.FILES).parts[0] / "DEBIAN/postinst").read_text()
    assert unit.stem in started


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_scripts_are_read_by_a_shell_and_may_run(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert script.stat().st_mode & 0o111


def test_every_architecture_is_known() -> None:
    assert set(ARCHITECTURES) == set(MACHINES)
