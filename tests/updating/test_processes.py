"""Updates of a box as it is started by its machine: real processes, a real broker, real kills."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from central.bridge.bridge import HEARD, Bridge
from central.capabilities import Rules
from central.clock import SystemClock
from central.store import Store
from central.updates import model
from central.updates import service as updates
from central.wards import model as wards
from gateway.mqtt import kinds, topics
from gateway.mqtt.link import BrokerLink
from tests.bridge.test_bridge import Mute
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
GOING_BACK = ("keep log", "count", "link", "switch", "switched", "end trial")


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
        self.launches = 0
        self.places = Places(folder / "root")
        self.seen = folder / "seen"
        self.seen.write_text("")
        (folder / "first.json").write_bytes(served.repository.first_root)
        self.config["updates"] = {"url": served.url, "root": str(folder / "first.json")}
        self.places.install(OLD, bundle.pack(tree))
        self.places.begin(OLD)

    def launch(self) -> None:
        self.launches += 1
        super().launch()

    def command(self, path: Path) -> list[str]:
        root = str(self.folder / "root")
        words = ["tests.updating.cutting", "--root", root, "--config", str(path)]
        return ["env", f"{cutting.VARIABLE}={self.seen}", sys.executable, "-P", "-m", *words]

    def cut(self) -> list[str]:
        return self.seen.read_text().split("\n")[:-1]

    def goes_on(self, over: Callable[[], bool], what: str) -> None:
        """It is started whenever it ends, until it is over."""

        def go_on() -> bool:
            if self.process is None or self.process.poll() is not None:
                self.launch()
            return over()

        wait_for(go_on, f"{what}; cut so far: {self.cut()}")

    def update(self, central: FakeCentral, version: str, over: Callable[[], bool]) -> None:
        """Central asks for it at each birth until it is over, as it repeats what is unanswered."""
        asked = 0

        def ask() -> bool:
            nonlocal asked
            births = [each for each in central.of(topics.STATE) if each["state"] == "ready"]
            if len(births) > asked and not births[-1]["trial"]:
                asked = len(births)
                central.command("5-box", f"u{asked}", kinds.UPDATE, {"version": version})
            return over()

        self.goes_on(ask, f"the update to {version}")


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
        central.receipts = False  # so the press still calls after each kill
        box.start()
        box.operate("1", "press")

        def held() -> bool:
            beats = central.of(topics.HEARTBEAT)[-1:]
            told = (beats[0]["update"] if beats else None) or {"held_by": []}
            return "calling at bed 1" in told["held_by"]

        box.update(central, NEW, held)
        assert box.cut() == list(INSTALLING[:4])
        assert box.places.trial() is None
        central.receipts = True
        box.operate("1", "presence")
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


@contextmanager
def centre(store: Store, port: int) -> Iterator[None]:
    """The real bridge, with the rules of updates."""
    store.clock = SystemClock()
    rules = Rules()
    rules.add(updates)
    link = BrokerLink({"host": "127.0.0.1", "port": port}, "wardline-bridge", HEARD)
    bridge = Bridge(store, rules, Mute(), link, 480)
    loop = asyncio.new_event_loop()
    running = loop.create_task(bridge.run())
    thread = threading.Thread(target=loop.run_until_complete, args=(asyncio.wait({running}),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(running.cancel)
        thread.join()
        loop.close()


def test_a_version_that_fails_its_test_goes_back_though_killed_at_each_step_and_all_stops(
    box: Box, broker: Broker, store: Store, tree: Path, served: Served, tmp_path: Path
) -> None:
    broken = "\n\nasync def _gone(self):\n    raise SpeakerError('no such device')\n"
    broken += "\n\nRecordingSpeaker.probe = _gone\n"
    bad = version_of(tree, tmp_path / "bad", hw__virtual__speaker_py=broken)
    served.repository.publish(NEW, bad)
    box.seen.write_text(f"{cutting.FROM}{GOING_BACK[0]}\n")
    with store.transaction() as tx:
        wards.add_ward(tx, "5", "五病区", "Ward 5")
        wards.add_node(tx, "5-box", "5", "bedside")
        updates.published(tx, NEW, "", "gong")

    def is_(state: str, firmware: str) -> bool:
        row = wards.node(store.read(), "5-box")
        assert row is not None
        rollout = model.rollouts(store.read())[0]["state"]
        return (rollout, row["state"], row["firmware"]) == (state, "ready", firmware)

    def begin() -> None:
        with store.transaction() as tx:
            updates.start(tx, version=NEW, canary="5-box", soak_ms=0, by="gong")

    with centre(store, broker.port):
        try:
            box.start()
            updatable = "SELECT updatable FROM nodes"
            wait_for(lambda: store.read().value(updatable), "the birth")
            begin()
            box.goes_on(lambda: is_(model.STOPPED, OLD), "the box to go back")
            assert box.cut()[1:] == list(GOING_BACK)
            # Once, and where the starter was killed itself: at its third start it had given the
            # version up. The trial was begun, and all else started, in its own place.
            assert box.launches == 1 + len({"count", "switched", "end trial"})
            found = model.failure(store.read(), 1)
            assert found is not None
            assert (found["version"], found["why"]) == (NEW, "speaker: no such device")
            assert "goes back" in found["log"]
            with store.transaction() as tx:
                updates.end(tx, "gong")
            begin()
            wait_for(lambda: is_(model.STOPPED, OLD), "the box to refuse it")
            assert "given up" in model.rollouts(store.read())[0]["why"]
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
        environment = starter._environment(folder, Places(root))
        assert starter.Watched(Places(root), command, environment).run() is None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert Places(root).current() == OLD
    assert "did not prove itself within" in Places(root).failed()[NEW]


def test_the_first_start_keeps_what_came_with_the_machine_and_tries_out_what_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(tmp_path / "root")
    assert starter._next(places).name == FIRMWARE
    assert (tmp_path / "root" / "versions" / FIRMWARE / "ward_node" / "cpython").is_dir()
    assert places.trial() is None
    monkeypatch.setattr(starter, "FIRMWARE", "9.0")
    assert starter._next(places).name == "9.0"
    assert places.trial() is not None
    places.go_back("no lamp")
    assert starter._next(places).name == FIRMWARE, "not again by itself"
