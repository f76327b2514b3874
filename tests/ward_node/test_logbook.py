"""The last lines of a box's log: over restarts, on bad disks, in portions that fit a message."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt import checked, topics
from ward_node.cpython import logbook
from ward_node.cpython.logbook import Logbook


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Logbook, logging.Logger]]:
    """A logbook and what logs into it alone."""
    book = Logbook(folder)
    log = logging.Logger("box")
    log.addHandler(book)
    yield book, log
    book.close()


def test_what_was_logged_before_a_restart_is_told_too(tmp_path: Path) -> None:
    with opened(tmp_path) as (book, log):
        log.info("connected")
        log.error("the disk is full\nand another line")
        assert [each[-9:] for each in book.last(9)] == ["connected", "k is full", "ther line"]
    with opened(tmp_path) as (book, log):
        log.warning("病人按铃")
        found = book.last(2)
        assert found[0].endswith("and another line")
        assert found[1].endswith("WARNING box 病人按铃")
        assert len(book.last(9, grave_only=True)) == 3


def test_the_files_stay_small_and_the_newest_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as (_book, log):
        for number in range(3 * logbook.FILE_BYTES // logbook.MOST_LETTERS):
            log.info("%s %s", number, "x" * 2 * logbook.MOST_LETTERS)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < logbook.FILE_BYTES + 4 * logbook.MOST_LETTERS
    with opened(tmp_path) as (book, _log):
        assert f" {number} x" in book.last(1)[0]


def test_a_disk_that_refuses_costs_the_files_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with opened(tmp_path / "file") as (book, log):
        log.info("connected")
        assert book.last(1)[0].endswith("connected")


def test_what_logs_badly_harms_nothing(tmp_path: Path, monkeypatch: object) -> None:
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        with opened(tmp_path) as (book, log):
            log.info("%s %s", "one")
            log.info("half a character: \ud800")
            log.info("goes on")
            assert book.last(1)[0].endswith("goes on")
    finally:
        logging.raiseExceptions = before


@given(st.lists(st.text(max_size=logbook.MOST_LETTERS), max_size=60))
def test_portions_hold_all_lines_and_fit_a_message(lines: list[str]) -> None:
    pages = logbook.pages(lines)
    assert [line for page in pages for line in page] == lines
    for part, page in enumerate(pages):
        told = {"command": "7", "part": part, "parts": len(pages), "lines": page}
        payload = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(
            errors="replace"
        )
        checked.decode(topics.topic("3", "3-box", topics.LOG), payload)
