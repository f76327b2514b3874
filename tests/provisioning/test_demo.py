"""The demo as a person meets it: its folder, its end by Ctrl-C, its second start."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

import pytest

from central.clock import SystemClock
from central.store import Store
from central.wards import model as wards
from provisioning import hospital
from provisioning.demo import FolderInUseError, claim
from provisioning.layout import demo_wards
from tests.conftest import answers, free_port, wait_for
from tests.e2e.conftest import command, environment, facts_of
from tests.provisioning.test_supervisor import alive

pytestmark = pytest.mark.long


@contextmanager
def started(*arguments: str) -> Iterator["tuple[subprocess.Popen[str], dict[str, Any]]"]:
    """A demo in a session of its own, as a terminal gives it one, and its facts."""
    process = subprocess.Popen(
        command("demo", "--json", "--port", str(free_port()), *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, facts_of(process)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is none of the demo's business."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def modes_below(folder: Path) -> dict[Path, int]:
    """The mode of every file; what is renamed while we look is seen under its other name."""
    modes = {}
    for parent, _, names in os.walk(folder):
        for each in (Path(parent, name) for name in names):
            with suppress(FileNotFoundError):
                modes[each] = each.lstat().st_mode
    return modes


def test_a_killed_demo_leaves_nothing_and_the_next_one_goes_on_until_ctrl_c(
    tmp_path: Path, bystander: "subprocess.Popen[bytes]"
) -> None:
    folder = tmp_path / "demo"
    with started("--folder", str(folder)) as (process, facts):
        assert len(facts["pids"]) == 12  # 3 brokers, units, exchange, bridge, web, 5 nodes
        assert all(alive(pid) for pid in facts["pids"].values())
        store = Store(folder / "wardline.db", SystemClock())
        lost = store.read().all("SELECT node FROM faults WHERE code = 'lost'")
        assert lost == [], "no box was waited for in vain while the demo started"
        process.kill()
        process.wait()
        wait_for(
            lambda: not any(alive(pid) for pid in facts["pids"].values()), "the processes to end"
        )
    with store.transaction() as tx:
        tx.execute("UPDATE wards SET name_en = 'Kept' WHERE id = '3'")
    store.close()

    with started("--keep", "--folder", str(folder)) as (process, facts):
        kept = Store(folder / "wardline.db", SystemClock())
        row = wards.ward(kept.read(), "3")
        kept.close()
        assert row is not None
        assert row["name_en"] == "Kept"
        modes = modes_below(folder)
        assert "wardline.db" in {each.name for each in modes}
        assert [each for each, mode in modes.items() if S_ISREG(mode) and mode & 0o077] == []
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        assert process.wait() == 0
        assert not any(alive(pid) for pid in facts["pids"].values())
        assert not answers(int(facts["url"].rsplit(":", 1)[1]))
        assert not answers(facts["mllp"])
    assert bystander.poll() is None


def test_ctrl_c_while_it_starts(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        command("demo", "--port", str(free_port()), "--folder", str(folder)),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: (folder / "logs" / "bridge.log").exists(), "the demo to be half started")
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 0, out
    central = json.loads((folder / "central.json").read_text())
    assert not answers(central["broker"]["port"])
    assert not answers(central["web"]["port"])


def test_a_wanted_port_that_somebody_has_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("demo", "--port", str(port), "--folder", str(tmp_path / "demo")),
            env=environment(), capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"port {port}" in done.stderr


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    first = claim(tmp_path / "demo", keep=False)
    with pytest.raises(FolderInUseError, match="running in"):
        claim(tmp_path / "demo", keep=False)
    first.close()
    claim(tmp_path / "demo", keep=False).close()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text("my own")
    with pytest.raises(FolderInUseError, match="other files"):
        claim(tmp_path, keep=False)
    assert (tmp_path / "nodes").read_text() == "my own"


def test_a_fresh_start_forgets_and_keep_does_not(tmp_path: Path) -> None:
    claim(tmp_path, keep=False).close()
    for name in ("wardline.db", "notes.txt"):
        (tmp_path / name).write_text("x")
    claim(tmp_path, keep=True).close()
    assert (tmp_path / "wardline.db").exists()
    claim(tmp_path, keep=False).close()
    assert not (tmp_path / "wardline.db").exists()
    assert (tmp_path / "notes.txt").exists()  # not ours


def test_loading_the_hospital_again_changes_nothing(store: Store) -> None:
    def everything() -> list[tuple[Any, ...]]:
        tx = store.read()
        tables = ("wards", "nodes", "beds", "users", "his_locations", "audit")
        return [tuple(row) for table in tables for row in tx.all(f"SELECT * FROM {table}")]

    with store.transaction() as tx:
        hospital.load(tx, demo_wards(with_communicator=True))
    before = everything()
    with store.transaction() as tx:
        hospital.load(tx, demo_wards(with_communicator=True))
    assert everything() == before
    assert len(wards.beds(store.read(), "3")) == 8
    assert len(wards.beds(store.read(), "5")) == 5
