"""The outbox's journal: a file of lines, each on disk before its event is published."""

import errno
import os
import shutil
import time
from pathlib import Path

from ward_node.cpython.disk import sync_folder

# Ten times what a full outbox takes: what is larger is not ours, and would fill the memory.
MAX_BYTES = 64 * 1024 * 1024
# So many old journals are kept beside; the oldest go first.
KEPT_BESIDE = 5


class Journal:
    """The journal port of `ward_node.core.shelf` on a file, which is opened when it is written.
    Raises OSError where said there."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file: int | None = None
        self._size = 0

    def load(self) -> list[bytes]:
        """The lines; a torn last one, cut short by a power failure, has no line end."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return []
        if size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"{size} bytes are too many", str(self._path))
        *whole, torn = self._path.read_bytes().split(b"\n")
        return [line + b"\n" for line in whole] + ([torn] if torn else [])

    def append(self, line: bytes, durable: bool) -> None:
        """Add a line; on disk at return when `durable`."""
        file = self._opened()
        try:
            _write(file, line)
            if durable:
                os.fdatasync(file)
        except OSError:
            # A half line would swallow the next one.
            os.ftruncate(file, self._size)
            raise
        self._size += len(line)

    def rewrite(self, lines: list[bytes]) -> None:
        """Replace all lines at once; on disk at return."""
        fresh = self._path.with_name(self._path.name + ".new")
        content = b"".join(lines)
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o640)
        try:
            _write(file, content)
            os.fsync(file)
            fresh.replace(self._path)
        except OSError:
            os.close(file)
            fresh.unlink(missing_ok=True)  # half a copy would take the room from the next try
            raise
        self.close()
        self._file, self._size = file, len(content)
        sync_folder(self._path.parent)

    def keep_beside(self, why: str) -> None:
        """Give the file a second name that says why and when; it stays until `rewrite`."""
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name = self._path.with_name(f"{self._path.name}.{why}.{when}")
        if self._path.is_dir():
            self._path.rename(name)
        else:
            try:
                os.link(self._path, name)
            except (FileExistsError, FileNotFoundError):
                pass  # kept a moment ago, by a try that then failed; or there is nothing to keep
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                shutil.copyfile(self._path, name)  # this file system has no second names
        sync_folder(self._path.parent)
        for old in self._beside()[:-KEPT_BESIDE]:
            if old.is_file():
                old.unlink()

    def beside(self) -> list[str]:
        """The paths of the old journals kept, the oldest first."""
        return [str(each) for each in self._beside()]

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _beside(self) -> list[Path]:
        found = self._path.parent.glob(self._path.name + ".*.*")
        return sorted(found, key=lambda each: each.name.rsplit(".", 1)[1])

    def _opened(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
            self._size = os.fstat(self._file).st_size
            sync_folder(self._path.parent)
        return self._file


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
