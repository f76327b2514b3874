"""The communicator's files and clocks, by real MicroPython on a real file system."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ward_node import remote
from ward_node.core import starts

LINES = [b"one\n", "二\n".encode(), b"three\n"]


@pytest.fixture
def flash() -> Iterator[Path]:
    """A folder that MicroPython sees as `remote.FOLDER`, empty."""
    folder = remote.peer().folder
    yield folder
    for each in folder.iterdir():
        each.unlink()


def journal(name: str = f"{remote.FOLDER}/journal") -> Any:
    return remote.peer().of("ward_node.micropython.journal", "Journal")(name)


def filled() -> Any:
    made = journal()
    for line in LINES:
        made.append(line, True)
    return made


def test_lines_are_kept_and_replaced_as_a_whole(flash: Path) -> None:
    made = filled()
    assert (flash / "journal").read_bytes() == b"".join(LINES)
    assert journal().load() == LINES
    made.rewrite([b"new\n"])
    made.append(b"more\n", False)
    made.close()
    assert journal().load() == [b"new\n", b"more\n"]
    assert [each.name for each in flash.iterdir()] == ["journal"]


def test_torn_at_every_byte_all_whole_lines_and_the_next_one_are_read(flash: Path) -> None:
    filled().close()
    content = (flash / "journal").read_bytes()
    for cut in range(len(content) + 1):
        (flash / "journal").write_bytes(content[:cut])
        *whole, torn = content[:cut].split(b"\n")
        kept = [line + b"\n" for line in whole]
        again = journal()
        assert again.load() == kept + ([torn] if torn else [])
        again.append(b"next\n", True)
        again.close()
        # The half line has an end of its own, so it does not swallow the next.
        assert journal().load() == kept + ([torn + b"\n"] if torn else []) + [b"next\n"]


def test_a_replacement_that_a_power_cut_broke_off_is_finished(flash: Path) -> None:
    filled().close()
    (flash / "journal").rename(flash / "journal.new")  # FAT: removed, not yet renamed
    assert journal().load() == LINES
    (flash / "journal.new").write_bytes(b"half a fresh o")  # the old one still stands
    assert journal().load() == LINES


def test_a_full_medium_is_told() -> None:
    with pytest.raises(OSError, match="28"):
        journal("/dev/full").append(b"x\n", True)


def test_old_journals_are_kept_beside_in_a_bounded_number(flash: Path) -> None:
    for number in range(5):
        made = journal()
        made.rewrite([b"%d\n" % number])
        made.keep_beside(f"noise-{number}")
        made.close()
    assert journal().load() == [b"4\n"]
    assert [(flash / Path(each).name).read_bytes() for each in journal().beside()] == [
        b"2\n", b"3\n", b"4\n",
    ]  # fmt: skip
    assert journal().beside()[-1].split(".")[-2] == "noise-4"


def test_starts_are_counted_and_a_lost_count_takes_a_number_never_used(flash: Path) -> None:
    next_boot = remote.peer().of("ward_node.micropython.disk", "next_boot")
    first = next_boot(remote.FOLDER)
    later = [next_boot(remote.FOLDER) for _ in range(3)]
    assert [first, *later] == sorted({first, *later})
    (flash / "boot").write_bytes(b"\xff")
    assert next_boot(remote.FOLDER) >= starts.kept(starts.LOST)
    assert next_boot("/proc") != next_boot("/proc")  # cannot be kept


def test_what_the_core_remembers_survives_and_damage_is_left_out(flash: Path) -> None:
    memory = remote.peer().of("ward_node.micropython.disk", "Memory")(remote.FOLDER)
    memory.keep("config", {"lang": "zh", "phrases": {"好": None}})
    memory.keep("drips", [1])
    assert memory.load() == {"config": {"lang": "zh", "phrases": {"好": None}}, "drips": [1]}
    (flash / "drips.json").write_bytes(b"{")
    assert memory.load() == {"config": {"lang": "zh", "phrases": {"好": None}}}


class BoardTime:
    """The `time` of a board whose clock counts from `epoch` and shows `year`."""

    def __init__(self, year: int, epoch: int) -> None:
        self._year, self._epoch = year, epoch

    def gmtime(self, seconds: int | None = None) -> tuple[int, ...]:
        return (self._epoch if seconds == 0 else self._year, 1, 1, 0, 0, 0, 0, 1)

    def time(self) -> int:
        return 1_000


@pytest.mark.parametrize(
    ("year", "epoch", "wall_ms"),
    [
        (2000, 2000, None),
        (2021, 1970, None),
        (2026, 1970, 1_000_000),
        (2026, 2000, 946_685_800_000),
    ],
)
def test_a_board_whose_clock_nobody_has_set_has_none(
    year: int, epoch: int, wall_ms: int | None
) -> None:
    shim = remote.peer().ask("module", "ward_node.micropython.shim")
    own = shim._time
    shim._time = BoardTime(year, epoch)
    try:
        assert shim.wall_ms() == wall_ms
    finally:
        shim._time = own
    assert shim.wall_ms() > 1_700_000_000_000
