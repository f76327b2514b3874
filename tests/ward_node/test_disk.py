"""What the node keeps on disk: the journal, boot numbers, its claim on its folder."""

import os
from pathlib import Path

import pytest

from ward_node.contract import kinds
from ward_node.core import starts
from ward_node.core.outbox import Outbox
from ward_node.cpython import disk
from ward_node.cpython.journal import Journal


def test_an_event_is_on_disk_before_add_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    path = tmp_path / "journal"
    outbox = Outbox("3", "3-box", 1, Journal(path), "run", 0)
    real = os.fdatasync

    def spy(file: int) -> None:
        real(file)
        synced.append(path.read_bytes())

    monkeypatch.setattr(os, "fdatasync", spy)
    outbox.add(kinds.PRESS, "1", {}, 0)
    assert len(synced) == 1
    assert b'"press"' in synced[0]


def test_a_torn_tail_in_a_real_file_has_no_line_end(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(b"one\n", True)
    journal.append(b"two\n", True)
    with path.open("ab") as file:
        file.write(b"thr")
    again = Journal(path)
    assert again.load() == [b"one\n", b"two\n", b"thr"]
    again.rewrite([b"two\n"])
    again.append(b"four\n", True)
    assert path.read_bytes() == b"two\nfour\n"


def test_half_a_line_is_taken_back_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(b"one\n", True)
    real = os.write
    left = [2]

    def full(file: int, content: memoryview) -> int:
        if not left[0]:
            raise OSError(28, "No space left on device")
        written = real(file, content[: left[0]])
        left[0] = 0
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        journal.append(b"two\n", True)
    monkeypatch.setattr(os, "write", real)
    journal.append(b"three\n", True)
    assert journal.load() == [b"one\n", b"three\n"]


def test_boot_numbers_only_rise(tmp_path: Path) -> None:
    numbers = [disk.next_boot(tmp_path) for _ in range(3)]
    kept = (tmp_path / "boot").read_bytes()
    (tmp_path / "boot").unlink()
    (tmp_path / "boot").mkdir()  # neither to be read nor to be replaced
    numbers.append(disk.next_boot(tmp_path))
    assert numbers[-1] > starts.kept(int(kept) - 3), "the clock is above any count of starts"
    (tmp_path / "boot").rmdir()
    (tmp_path / "boot").write_bytes(kept)
    numbers.append(disk.next_boot(tmp_path))
    assert numbers[:3] == sorted(set(numbers[:3]))
    assert numbers[4] > max(numbers[:4])


def test_one_folder_one_node(tmp_path: Path) -> None:
    lock = disk.claim(tmp_path / "data")
    with pytest.raises(disk.DataFolderError, match="another node"):
        disk.claim(tmp_path / "data")
    lock.close()
    disk.claim(tmp_path / "data").close()


def test_memory_leaves_out_what_is_damaged(tmp_path: Path) -> None:
    memory = disk.Memory(tmp_path)
    assert memory.load() == {}
    memory.keep("config", {"lang": "中"})
    memory.keep("drips", {"a": 1})
    (tmp_path / "drips.json").write_bytes(b"\x00\x00")
    assert disk.Memory(tmp_path).load() == {"config": {"lang": "中"}}
