"""A node as a real process (ward_node.cpython) on bad disks: it starts, tells the fault, and
delivers its presses."""

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.mqtt import kinds, topics
from tests.conftest import wait_for
from tests.ward_node.conftest import FakeCentral, NodeProcess
from ward_node.core.shelf import FORMAT, seal

NOISE = random.Random(5).randbytes(20_000)


def _told(central: FakeCentral) -> dict[str, str]:
    """The outbox's faults by code, with their detail."""
    faults = [e["about"] for e in central.of(topics.EVENT) if e["type"] == kinds.FAULT]
    return {each["code"]: each["detail"] for each in faults if each["device"] == "outbox"}


def _recovered(central: FakeCentral) -> set[str]:
    return {
        event["about"]["code"]
        for event in central.of(topics.EVENT)
        if event["type"] == kinds.RECOVERED and event["about"]["device"] == "outbox"
    }


def _press_arrives(central: FakeCentral, box: NodeProcess) -> dict[str, Any]:
    box.operate("1", "press")
    wait_for(lambda: box.bed("1")["reassurance"] == "steady", "the light of a receipted press")
    return [each for each in central.of(topics.EVENT) if each["type"] == kinds.PRESS][-1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (seal({"format": FORMAT + 1, "ward": "5", "node": "5-box"}) + b"new\n", "newer"),
        (seal({"format": FORMAT, "ward": "5", "node": "5-old-box"}), "foreign"),
        (NOISE, "noise"),
    ],
)
def test_an_outbox_that_is_not_its_own_is_kept_beside(
    central: FakeCentral, box: NodeProcess, content: bytes, code: str
) -> None:
    data = Path(box.config["data"])
    data.mkdir()
    (data / "outbox.journal").write_bytes(content)
    for name in ("boot", "config.json", "drips.json"):
        (data / name).write_bytes(NOISE)
    box.start()
    detail = wait_for(lambda: _told(central).get(code), "the fault")
    _press_arrives(central, box)
    (kept,) = data.glob("outbox.journal.*")
    assert detail == f"kept as {kept}"
    assert kept.read_bytes() == content
    kept.unlink()
    wait_for(lambda: code in _recovered(central), "the end of the fault")


def _in_namespace(mount: str, data: Path) -> list[str] | None:
    """Words before a command that run it where `data` is mounted so; None if the kernel refuses.
    The mount is private to the command and needs no rights outside it."""
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    script = f'mount -t tmpfs -o size=64k none "$0"; {mount}; exec "$@"'
    prefix = [*words, script, str(data)]
    done = subprocess.run([*prefix, "true"], capture_output=True)
    return prefix if done.returncode == 0 else None


FULL = 'head -c 70000 /dev/zero > "$0/filler" || true'
READ_ONLY = 'mount -o remount,ro "$0"'


def _full(data: Path) -> list[str]:
    """The words for a full disk; without namespaces, files that may not grow."""
    return _in_namespace(FULL, data) or _no_file_grows(data)


def _no_file_grows(data: Path) -> list[str]:
    """The words for a process no file of which may grow, temporary ones included."""
    return ["sh", "-ec", 'ulimit -f 0; exec "$@"', "sh"]


def _read_only(data: Path) -> list[str]:
    """The words for a read-only disk; without namespaces, a folder nobody may write to."""
    prefix = _in_namespace(READ_ONLY, data)
    if prefix is not None:
        return prefix
    data.chmod(0o555)
    if os.geteuid() == 0:
        return ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]
    return []


@pytest.mark.parametrize(
    ("words", "code"),
    [(_full, "disk-full"), (_no_file_grows, "disk-full"), (_read_only, "read-only")],
)
def test_on_a_disk_that_takes_nothing_presses_go_on_from_memory(
    central: FakeCentral,
    box: NodeProcess,
    words: Callable[[Path], list[str]],
    code: str,
) -> None:
    data = Path(box.config["data"])
    data.mkdir()
    box.prefix = words(data)
    box.start()
    assert wait_for(lambda: _told(central).get(code), "the fault")
    first = _press_arrives(central, box)
    box.kill()
    # Nothing could be counted, and yet the next press is no repeat of the first.
    box.start()
    second = wait_for(
        lambda: [s for s in central.states() if s == ("ready", s[1]) and s[1] != first["boot"]],
        "a birth with a number of its own",
    )[-1]
    assert _press_arrives(central, box)["boot"] == second[1]


def test_a_disk_that_takes_writes_again_ends_the_fault(
    central: FakeCentral, box: NodeProcess
) -> None:
    data = Path(box.config["data"])
    data.mkdir()
    # A folder where the journal is to be written: as broken as a disk, and mended by hand.
    (data / "outbox.journal.new").mkdir()
    central.receipts = False
    box.start()
    wait_for(lambda: "disk" in _told(central), "the fault")
    box.operate("1", "press")
    press = wait_for(
        lambda: [e for e in central.of(topics.EVENT) if e["type"] == kinds.PRESS], "the press"
    )[0]
    assert not (data / "outbox.journal").exists()
    (data / "outbox.journal.new").rmdir()
    wait_for(lambda: "disk" in _recovered(central), "the end of the fault")
    assert press["id"] in (data / "outbox.journal").read_text()


def test_a_folder_that_cannot_be_made_hinders_no_start(
    central: FakeCentral, box: NodeProcess
) -> None:
    (box.folder / "file").write_text("in the way")
    box.config["data"] = str(box.folder / "file" / "data")
    box.start()
    wait_for(lambda: "disk" in _told(central), "the fault")
    _press_arrives(central, box)


def test_the_noise_a_box_remembers_is_left_out(central: FakeCentral, box: NodeProcess) -> None:
    data = Path(box.config["data"])
    data.mkdir()
    contents = (b"", b"[]", b"[" * 50_000, b'{"schedules": 7}')
    for number, content in enumerate(contents):
        (data / "config.json").write_bytes(content)
        (data / "drips.json").write_bytes(contents[-1 - number])
        box.start()
        _press_arrives(central, box)
        box.operate("1", "presence")
        box.kill()
