"""Updates of a box as it is started by its machine: real processes, a real broker, real kills."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.mqtt import kinds, topics
from tests.conftest import wait_for
from tests.updating import cutting
from tests.updating.test_fetching import Served, served
from tests.ward_node.conftest import ROOT, Broker, FakeCentral, NodeProcess, broker, central
from ward_node.core.reports import FIRMWARE
from ward_node.cpython.updating import __main__ as starter
from ward_node.cpython.updating import bundle, packing
from ward_node.cpython.updating.places import MOST_STARTS, Places

__all__ = ["broker", "central", "served"]

OLD, NEW = "1.0", "1.2"
INSTALLING = ("make room", "unpack", "name", "name kept", "trial", "link", "switch", "switched")
KEEPING = ("count", "end trial")
GOING_BACK = ("keep log",)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version's own code, which can be cut off at every step."""
    made = tmp_path_factory.mktemp("version") / "tree"
    for part in packing.PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "micropython", "station")
        shutil.copytree(ROOT / part, made / part, ignore=ignored)
    shutil.copyfile(cutting.__file__, made / "sitecustomize.py")
    return made


class Box(NodeProcess):
    """Started as a machine does, and again whenever it ends."""

    def __init__(self, folder: Path, broker_port: int, tree: Path, served: Served) -> None:
        super().__init__(folder, broker_port)
        self.places = Places(folder / "root")
        self.seen = folder / "seen"
        self.seen.write_text("")
        (folder / "first.json").write_bytes(served.repository.first_root)
        self.config["updates"] = {"url": served.url, "root": str(folder / "first.json")}
        self.places.install(OLD, bundle.pack(tree))
        self.places.begin(OLD)

    def command(self, path: Path) -> list[str]:
        root = str(self.folder / "root")
        words = ["tests.updating.cutting", "--root", root, "--config", str(path)]
        return ["env", f"{cutting.VARIABLE}={self.seen}", sys.executable, "-P", "-m", *words]

    def skip(self, *steps: str) -> None:
        self.seen.write_text("".join(f"{step}\n" for step in steps))

    def cut(self) -> list[str]:
        return self.seen.read_text().split("\n")[:-1]

    def update(self, central: FakeCentral, version: str, over: Callable[[], bool]) -> None:
        """Central asks for it at each birth until it is over, as it repeats what is unanswered."""
        asked = 0

        def go_on() -> bool:
            nonlocal asked
            if self.process is None or self.process.poll() is not None:
                self.launch()
            births = [each for each in central.of(topics.STATE) if each["state"] == "ready"]
            if len(births) > asked and not births[-1]["trial"]:
                asked = len(births)
                central.command("5-box", f"u{asked}", kinds.UPDATE, {"version": version})
            return over()

        wait_for(go_on, f"the update to {version}, cut so far: {self.cut()}")


@pytest.fixture
def box(tmp_path: Path, broker: Broker, tree: Path, served: Served) -> Box:
    return Box(tmp_path, broker.port, tree, served)


def firmwares(central: FakeCentral) -> list[tuple[str, bool]]:
    found = [each for each in central.of(topics.STATE) if each["state"] == "ready"]
    return [(each["firmware"], each["trial"]) for each in found]


def version_of(tree: Path, folder: Path, **changed: str) -> bytes:
    shutil.copytree(tree, folder)
    for file, text in changed.items():
        path = folder / file.replace("__", "/").replace("_py", ".py")
        path.write_text(path.read_text() + text)
    return bundle.pack(folder)


def test_a_box_killed_at_each_step_of_an_update_is_the_old_or_the_new_and_then_the_new(
    box: Box, central: FakeCentral, tree: Path, served: Served
) -> None:
    served.repository.publish(NEW, bundle.pack(tree))
    try:
        box.start()
        box.operate("1", "press")
        wait_for(lambda: central.events(kinds.PRESS), "the press")
        central.command("5-box", "first", kinds.UPDATE, {"version": NEW})
        box.skip(*INSTALLING)  # not before it is known that a call holds it

        def held() -> bool:
            told = central.of(topics.HEARTBEAT)[-1]["update"] or {}
            return "calling at bed 1" in told.get("held_by", ())

        wait_for(held, "the box to be held")
        assert box.places.trial() is None
        box.kill()
        shutil.rmtree(box.folder / "root" / "versions" / NEW)
        box.skip()
        box.update(central, NEW, lambda: firmwares(central)[-1:] == [(NEW, False)])
        assert {*box.cut()} >= {*INSTALLING, *KEEPING}
        assert {version for version, _ in firmwares(central)} == {OLD, NEW}
        assert Places(box.folder / "root").versions() == [OLD, NEW]
        wait_for(box.state, "the panel")
        presses = len(central.events(kinds.PRESS))
        box.operate("2", "press")
        wait_for(lambda: len(central.events(kinds.PRESS)) > presses, "a press in the new version")
    finally:
        box.kill()


def test_a_version_that_fails_its_test_goes_back_though_killed_at_each_step(
    box: Box, central: FakeCentral, tree: Path, served: Served, tmp_path: Path
) -> None:
    broken = "\n\nasync def _gone(self):\n    raise SpeakerError('no such device')\n"
    broken += "\n\nRecordingSpeaker.probe = _gone\n"
    bad = version_of(tree, tmp_path / "bad", hw__virtual__speaker_py=broken)
    served.repository.publish(NEW, bad)
    box.skip(*INSTALLING[:-3], "count")
    try:
        box.update(central, NEW, lambda: bool(central.events(kinds.UPDATE_FAILED)))
        assert {*box.cut()} >= {*GOING_BACK, "switch", "end trial"}
        (about,) = [each["about"] for each in central.events(kinds.UPDATE_FAILED)[:1]]
        assert (about["version"], about["why"]) == (NEW, "speaker: no such device")
        assert "goes back" in about["log"]
        assert firmwares(central)[-1] == (OLD, False)
        assert (NEW, False) not in firmwares(central)
        central.command("5-box", "again", kinds.UPDATE, {"version": NEW})
        assert "given up" in central.answer("again")["reason"]
    finally:
        box.kill()


# --- the starter by itself, with versions that are no nodes ---


def toy(root: Path, version: str, code: str) -> None:
    """A version whose program is `code`."""
    folder = root.parent / f"toy-{version}" / "ward_node" / "cpython"
    folder.mkdir(parents=True)
    (folder / "__main__.py").write_text(code)
    Places(root).install(version, bundle.pack(root.parent / f"toy-{version}"))


def start(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "ward_node.cpython.updating", "--root", str(root)]
    return subprocess.run(
        [*command, "--config", "x"], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_version_that_falls_over_again_and_again_is_given_up_and_the_old_one_runs(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    toy(root, OLD, "import sys; print('old runs', sys.argv[-1])")
    toy(root, NEW, "raise SystemExit('it is broken')")
    Places(root).begin(OLD)
    Places(root).begin(NEW)
    done = start(root)
    assert (done.stdout, done.returncode) == (f"old runs {OLD}\n", 0)
    assert done.stderr.count("it is broken") == MOST_STARTS
    text = Places(root).failed()[NEW]
    assert "never proved itself" in text
    assert text.count("it is broken") == MOST_STARTS


def test_a_version_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    toy(root, OLD, "")
    toy(
        root, NEW, "import sys, time\nprint('I hang', file=sys.stderr, flush=True)\ntime.sleep(600)"
    )
    Places(root).begin(OLD)
    Places(root).begin(NEW)
    monkeypatch.setattr(starter, "TRIAL_LIMIT_S", 0.0)
    folder = Places(root).start()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        command = [sys.executable, "-P", "-m", "ward_node.cpython"]
        environment = starter._environment(folder, root)
        assert starter.Watched(Places(root), command, environment).run() is None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert Places(root).current() == OLD
    assert "did not prove itself within" in Places(root).failed()[NEW]


def test_the_first_start_keeps_what_came_with_the_machine(tmp_path: Path) -> None:
    places = Places(tmp_path / "root")
    assert starter._next(places).name == FIRMWARE
    assert (tmp_path / "root" / "versions" / FIRMWARE / "ward_node" / "cpython").is_dir()
    assert places.trial() is None
