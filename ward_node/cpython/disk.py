"""What must survive a power cut: the boot number and what the core wants remembered."""

import fcntl
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, BinaryIO

log = logging.getLogger("wardline.node")


class DataFolderError(Exception):
    """The data folder cannot be used; says why."""

    error_id = "data-folder"


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file as a whole; on disk when this returns. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def claim(folder: Path) -> BinaryIO:
    """Make the data folder ours until the returned file is closed: two programs with one
    outbox would lose events. Raises DataFolderError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("ab")
    except OSError as error:
        raise DataFolderError(f"{folder} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataFolderError(f"{folder} is used by another node that runs: end it") from error
    return lock


def next_boot(folder: Path) -> int:
    """Count this start. Central drops repeats by boot and sequence, so a number may never come
    again: where the counter is lost, it starts from the time of day in seconds, which is above
    any count of starts. Raises DataFolderError."""
    path = folder / "boot"
    try:
        boot = int(path.read_text()) + 1
    except (OSError, ValueError):
        boot = int(time.time())
    try:
        write_durably(path, str(boot).encode())
    except OSError as error:
        raise DataFolderError(f"{path} cannot be written: {error.strerror}") from error
    return boot


class Memory:
    """Values of the core's `Remember` effect, a file each."""

    NAMES = ("config", "drips", "station")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> dict[str, Any]:
        """What is kept. A damaged file is left out: central tells it all again."""
        found = {}
        for name in self.NAMES:
            try:
                found[name] = json.loads(self._path(name).read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                log.error("%s is left out: %s", self._path(name), error)
        return found

    def keep(self, name: str, value: Any) -> None:
        """Raises OSError."""
        write_durably(self._path(name), json.dumps(value, ensure_ascii=False).encode())

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
