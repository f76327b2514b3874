"""From nothing to a running command: packages, environment, the `wardline` script."""

import base64
import hashlib
import os
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioning import cli, doctor, environment, packages
from provisioning.environment import ROOT, EnvironmentNotMadeError
from provisioning.packages import Package, PackagesMissingError

pytestmark = pytest.mark.long

ABSENT = Package("wardline-nonesuch", "nothing at all", "wardline-nonesuch")


def wheel(folder: Path) -> Path:
    """A package of one module, as small as they come."""
    info = "tiny-1.0.dist-info"
    files = {
        "tiny.py": "WORD = 'tiny'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntiny = tiny:WORD.upper\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{name},sha256={digest.decode()},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@contextmanager
def no_index(folder: Path) -> Iterator[Path]:
    """The cache, in `folder`; packages come from nowhere but a file."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patched.setenv("PIP_NO_INDEX", "1")
        # Of pip itself, which runs here once and never again.
        patched.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield folder / "cache" / "wardline"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    with no_index(tmp_path) as made:
        yield made


def lock(folder: Path, digest: str | None = None) -> Path:
    made = wheel(folder)
    digest = digest or hashlib.sha256(made.read_bytes()).hexdigest()
    path = folder / "requirements.lock"
    path.write_text(f"{made} --hash=sha256:{digest}\n")
    return path


@dataclass
class Made:
    """An environment: made by two at once, where an interrupted installation had left rubble."""

    cache: Path
    lock: Path
    paths: list[Path]
    said: list[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("environment")
    with no_index(folder) as cache:
        (cache / "making-half").mkdir(parents=True)
        (cache / "making-half" / "rubble").touch()
        found = Made(cache, lock(folder), [], [])

        def ensure() -> None:
            found.paths.append(environment.ensure(found.said.append, found.lock))

        threads = [threading.Thread(target=ensure) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield found


def test_an_environment_is_made_once_from_hashed_packages(made: Made) -> None:
    path = made.paths[0]
    assert path.parent == made.cache
    python = str(environment.python_of(path))
    word = subprocess.run([python, "-c", "import tiny; print(tiny.WORD)"], capture_output=True)
    assert word.stdout == b"tiny\n"
    # Scripts find their Python although the folder was renamed after they were written.
    assert subprocess.run([str(path / "bin" / "tiny")], capture_output=True).returncode in (0, 1)
    assert (path / "bin" / "tiny").read_text().startswith(f"#!{path}/bin/python")
    said: list[str] = []
    assert environment.ensure(said.append, made.lock) == path
    assert said == []


def test_two_at_once_make_one(made: Made) -> None:
    assert made.paths[0] == made.paths[1]
    assert made.said.count("making a virtual environment") == 1


def test_what_an_interrupted_installation_left_is_cleared(made: Made) -> None:
    there = sorted(path.name for path in made.cache.iterdir())
    assert there == sorted([made.paths[0].name, "venv.lock"])


def test_a_package_with_a_wrong_hash_leaves_no_environment(cache: Path, tmp_path: Path) -> None:
    wanted = lock(tmp_path, "0" * 64)
    with pytest.raises(EnvironmentNotMadeError, match="HASH"):
        environment.ensure(lambda text: None, wanted)
    assert [path.name for path in cache.iterdir()] == ["venv.lock"]


def test_another_lock_is_another_environment(cache: Path, tmp_path: Path) -> None:
    wanted = lock(tmp_path)
    first = environment.folder(wanted)
    wanted.write_text("# changed\n")
    assert environment.folder(wanted) != first


def test_what_may_not_be_installed_is_one_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "may_install", lambda: None)
    said: list[str] = []
    with pytest.raises(PackagesMissingError) as caught:
        packages.install(packages.missing([ABSENT, packages.MOSQUITTO]), said.append)
    assert str(caught.value) == (
        "install what is missing with: "
        "sudo apt-get install --no-install-recommends wardline-nonesuch"
    )
    assert said == []


def test_only_what_is_missing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for apt-get notes how it is called and brings the program."""
    programs = tmp_path / "bin"
    programs.mkdir()
    apt = programs / "apt-get"
    apt.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n'
        f'case "$*" in *install*) ln -s /bin/true {programs}/wardline-nonesuch;; esac\n'
    )
    apt.chmod(apt.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(packages, "may_install", list)
    packages.install(packages.missing([ABSENT, packages.MOSQUITTO]), lambda text: None)
    assert (tmp_path / "calls").read_text().splitlines() == [
        "-q -y update",
        "-q -y install --no-install-recommends wardline-nonesuch",
    ]


def test_a_daemon_is_found_without_the_system_folders_on_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert packages.which("mosquitto") == "/usr/sbin/mosquitto"


def test_doctor_names_what_is_missing_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    monkeypatch.setattr(packages, "EVERY", (packages.MOSQUITTO, ABSENT))
    assert doctor.main() == 1
    told = capsys.readouterr().out
    assert "mosquitto version" in told
    assert "missing  wardline-nonesuch" in told
    assert "apt-get install --no-install-recommends wardline-nonesuch" in told
    assert "missing  environment" in told


def test_the_script_runs_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "provisioning").mkdir()  # must not be taken for ours
    done = subprocess.run(
        [str(ROOT / "wardline"), "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for command in ("demo", "test", "bench", "phone", "doctor"):
        assert command in done.stdout


def test_a_wrong_command_is_told_the_usage() -> None:
    done = subprocess.run([str(ROOT / "wardline"), "demi"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage: ./wardline" in done.stderr


@pytest.mark.parametrize("command", ["demo", "test", "bench", "phone", "doctor"])
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.parse([command, "--help"])
    assert caught.value.code == 0
    assert f"./wardline {command}" in capsys.readouterr().out


def test_nothing_is_needed_before_the_environment_is_there() -> None:
    """The modules that set up must import with the standard library alone."""
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", "import provisioning.bootstrap"],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
