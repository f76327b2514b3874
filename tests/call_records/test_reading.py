"""The exchange's file: read as it grows, put aside when long, removed when read, nothing lost."""

from pathlib import Path

import pytest

from gateway.telephone import cel
from gateway.telephone.cel import Written
from tests.call_records.conftest import NAMES, lines


class Steady:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / cel.WRITTEN
    path.parent.mkdir(parents=True)
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_line_that_is_half_written_is_read_when_it_is_whole(live: Path, tmp_path: Path) -> None:
    first, second = lines("service")[:2]
    written = Written(tmp_path)
    assert written.look({}).events == ()
    append(live, first[:40])
    assert written.look({}).events == ()
    append(live, first[40:] + second[:-1])
    piece = written.look({})
    assert [each.type for each in piece.events] == ["CHAN_START"]
    assert written.look(piece.cursor).events == ()
    append(live, b"\n" + b"torn{\n")
    piece = written.look(piece.cursor)
    assert [each.type for each in piece.events] == ["APP_START"]
    assert piece.torn == 1


def test_a_long_file_is_put_aside_and_goes_when_nobody_can_write_to_it_any_more(
    live: Path, tmp_path: Path, steady: Steady, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cel, "LONG_BYTES", 1000)
    written = Written(tmp_path, steady)
    every = [line for name in NAMES for line in lines(name)]
    append(live, b"".join(every[:10]))
    piece = written.look({})
    written.tidy(piece.cursor)
    assert not live.exists()
    aside = live.with_name("aside.json")
    # Somebody had it open and writes on; the others write to a new file.
    append(live, every[11])
    append(aside, every[10])
    steady.now_s = 61
    written.tidy(piece.cursor)
    assert aside.exists(), "it holds a line that nobody has read"
    piece = written.look(piece.cursor)
    assert len(piece.events) == 2
    written.tidy(piece.cursor)
    assert not aside.exists()
    append(live, every[12])
    assert len(written.look(piece.cursor).events) == 1


def test_a_cursor_of_another_file_of_this_name_skips_nothing(live: Path, tmp_path: Path) -> None:
    append(live, b"".join(lines("passed_on")))
    cursor = Written(tmp_path).look({}).cursor
    live.write_bytes(b"".join(lines("busy")))
    assert len(Written(tmp_path).look(cursor).events) == len(lines("busy"))


def test_much_is_read_in_pieces_and_in_order(
    live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cel, "MOST_BYTES", 3000)
    monkeypatch.setattr(cel, "LONG_BYTES", 1)
    written, cursor, found = Written(tmp_path), {}, []
    append(live, b"".join(lines("passed_on")))
    written.tidy({})
    append(live, b"".join(lines("handed_over")))
    while True:
        piece = written.look(cursor)
        found += piece.events
        cursor = dict(piece.cursor)
        if not piece.more:
            break
    assert len(found) == len(lines("passed_on")) + len(lines("handed_over"))
    assert [each.at_us for each in found] == sorted(each.at_us for each in found)
