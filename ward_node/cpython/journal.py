"""The outbox's journal: a file of lines, each on disk before its event is published."""

import os
from pathlib import Path

from ward_node.cpython.disk import sync_folder


class Journal:
    """The journal port of `ward_node.core.outbox` on a file. Raises OSError where said there."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        self._size = os.fstat(self._file).st_size

    def load(self) -> list[bytes]:
        """The whole lines; a torn last one, cut short by a power failure, is left out."""
        content = self._path.read_bytes()
        lines = content.split(b"\n")[:-1]
        return [line + b"\n" for line in lines]

    def append(self, line: bytes, durable: bool) -> None:
        """Add a line; on disk at return when `durable`."""
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if durable:
                os.fdatasync(self._file)
        except OSError:
            # A half line would swallow the next one.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def rewrite(self, lines: list[bytes]) -> None:
        """Replace all lines at once."""
        fresh = self._path.with_name(self._path.name + ".new")
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o640)
        try:
            rest = memoryview(b"".join(lines))
            size = len(rest)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
            fresh.replace(self._path)
        except OSError:
            os.close(file)
            raise
        os.close(self._file)
        self._file, self._size = file, size
        sync_folder(self._path.parent)

    def close(self) -> None:
        os.close(self._file)
