"""The exchange root: built once and whole, or not at all; programs of it run."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from provisioning import doctor, root
from provisioning.root import RootNotMadeError

# What mmdebstrap does, in small: progress, then a tar of the tree.
MAKER = """#!/bin/sh
echo once >> {folder}/runs
echo 'I: installing...' >&2
cd {folder}/tree && tar --create --file=- .
{end}
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, a mirror in a folder, and a maker that is quick."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = tmp_path / "mirror" / "dists" / root.SUITE / "InRelease"
    release.parent.mkdir(parents=True)
    release.write_text("a list of packages\n")
    apt_sources(tmp_path, monkeypatch, f"deb copy:{tmp_path}/mirror/ bookworm main\n")
    (tmp_path / "tree" / "etc").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    maker(tmp_path, "true")
    return tmp_path / "cache" / "wardline"


def apt_sources(folder: Path, monkeypatch: pytest.MonkeyPatch, sources: str) -> None:
    (folder / "sources.list").write_text(sources)
    settings = f'Dir::Etc::sourcelist "{folder}/sources.list";\nDir::Etc::sourceparts "-";\n'
    (folder / "apt.conf").write_text(settings)
    monkeypatch.setenv("APT_CONFIG", str(folder / "apt.conf"))


def maker(folder: Path, end: str) -> None:
    path = folder / "bin" / "mmdebstrap"
    path.parent.mkdir(exist_ok=True)
    path.write_text(MAKER.format(folder=folder, end=end))
    path.chmod(0o755)


def left_in(cache: Path) -> list[str]:
    return sorted(each.name for each in cache.iterdir())


def test_it_is_built_once_with_progress_and_knows_its_machine(cache: Path, tmp_path: Path) -> None:
    said: list[str] = []
    built = root.ensure(said.append)
    assert said == ["building the exchange root (asterisk, micropython from Debian sid)",
                    "  installing..."]  # fmt: skip
    assert os.uname().nodename in (built / "etc" / "hosts").read_text()
    assert built.stat().st_mode & 0o755 == 0o755
    (built / "etc" / "hosts").write_text("127.0.0.1 another\n")
    assert root.ensure(said.append) == built
    assert os.uname().nodename in (built / "etc" / "hosts").read_text()
    assert (tmp_path / "runs").read_text() == "once\n"


def test_two_at_once_build_one(cache: Path, tmp_path: Path) -> None:
    threads = [threading.Thread(target=root.ensure, args=(lambda _: None,)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (tmp_path / "runs").read_text() == "once\n"


@pytest.mark.parametrize("end", ["echo 'E: no space left' >&2; exit 1", "kill -9 $$"])
def test_a_failed_build_leaves_nothing_that_looks_finished(
    cache: Path, tmp_path: Path, end: str
) -> None:
    maker(tmp_path, end)
    with pytest.raises(RootNotMadeError, match=r"no space left|installing"):
        root.ensure(lambda _: None)
    assert left_in(cache) == ["root.lock"]
    maker(tmp_path, "true")
    assert root.ensure(lambda _: None).exists()


def test_a_build_killed_in_the_middle_is_swept_away_by_the_next(cache: Path) -> None:
    (cache / "building-before" / "etc").mkdir(parents=True)
    assert not root.folder().exists()
    built = root.ensure(lambda _: None)
    assert left_in(cache) == [built.name, "root.lock"]


def test_ctrl_c_leaves_nothing_and_ends_the_maker(cache: Path, tmp_path: Path) -> None:
    maker(tmp_path, "exec sleep 600")

    def interrupt(text: str) -> None:
        if "installing" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        root.ensure(interrupt)
    assert left_in(cache) == ["root.lock"]


@pytest.mark.parametrize("sources", ["", "deb copy:/nonexistent/ bookworm main\n"])
def test_no_mirror_is_said_in_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: str
) -> None:
    apt_sources(tmp_path, monkeypatch, sources)
    with pytest.raises(RootNotMadeError) as caught:
        root.ensure(lambda _: None)
    assert "add a Debian mirror" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_doctor_tells_that_it_is_missing(cache: Path) -> None:
    found = {name: (fine, what) for fine, name, what in doctor.findings()}
    assert found["exchange root"] == (False, "built by the first ./wardline demo or test")


def test_asterisk_and_micropython_run_in_the_real_one(exchange_root: Path, tmp_path: Path) -> None:
    found = {name: (fine, what) for fine, name, what in doctor.findings()}
    assert found["exchange root"] == (True, str(exchange_root))
    assert found["asterisk"][1].startswith("Asterisk 22")
    assert "MicroPython v1" in found["micropython"][1]
    (tmp_path / "told").write_text("from outside")
    program = "print(open('/srv/it/told').read()); open('/run/it/new', 'w').write('from inside')"
    (tmp_path / "out").mkdir()
    command = root.command(
        ["micropython", "-c", program],
        readable={tmp_path: "/srv/it"},
        writable={tmp_path / "out": "/run/it"},
    )
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "from outside\n"), done.stderr
    assert (tmp_path / "out" / "new").read_text() == "from inside"
