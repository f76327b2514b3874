"""The last lines of the box's log, so that they can be asked for: in memory, and in two small files
that outlive a restart. A disk that refuses costs the files only."""

import logging
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
NAME = "recent.log"
MOST_LINES = 2_000
MOST_LETTERS = 400  # of a line
FILE_BYTES = 256 * 1024
# Central takes 16 KiB of a message, and JSON needs six letters for some.
PAGE_BYTES = 8 * 1024
GRAVE, PLAIN = "!", " "


class Line(NamedTuple):
    """One line. `grave`: a person must look at it."""

    grave: bool
    text: str


class Logbook(logging.Handler):
    """Keeps what is logged. `folder`: of the files, where what an earlier start wrote is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT))
        self._path = folder / NAME
        self._before = folder / f"{NAME}.1"
        self._file: IO[str] | None = None
        self._lines = deque(self._recall(), maxlen=MOST_LINES)

    def last(self, lines: int, grave_only: bool = False) -> list[str]:
        """The last lines, oldest first."""
        with self.lock:  # type: ignore[union-attr]
            found = [line.text for line in self._lines if line.grave or not grave_only]
        return found[-lines:]

    def emit(self, record: logging.LogRecord) -> None:
        try:
            texts = self.format(record).splitlines()
        except Exception:  # what logs badly may not harm the box
            self.handleError(record)
            return
        for text in texts:
            line = Line(record.levelno >= logging.WARNING, text[:MOST_LETTERS])
            self._lines.append(line)
            self._keep(line)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()

    def _keep(self, line: Line) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(f"{GRAVE if line.grave else PLAIN}{line.text}\n")
            self._file.flush()
            if self._file.tell() > FILE_BYTES:
                self._file.close()
                self._file = None
                self._path.replace(self._before)
        except OSError:
            # Tried again with the next line; telling it here would be another line.
            self._file = None

    def _recall(self) -> Iterator[Line]:
        for path in (self._before, self._path):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            for each in text.splitlines():
                yield Line(each[:1] == GRAVE, each[1 : MOST_LETTERS + 1])


def pages(lines: list[str]) -> list[list[str]]:
    """The lines in portions that fit a message; one at least, empty where there are none."""
    found: list[list[str]] = [[]]
    room = PAGE_BYTES
    for line in lines:
        size = len(line.encode(errors="replace")) + 4
        if size > room and found[-1]:
            found.append([])
            room = PAGE_BYTES
        found[-1].append(line)
        room -= size
    return found
