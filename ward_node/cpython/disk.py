"""What must survive a power cut: the boot number and what the core wants remembered."""

import fcntl
import json
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Any

from ward_node.core import starts

log = logging.getLogger("wardline.node")

FIRST_TIME_S = 1_704_067_200  # the year 2024: no earlier time is the present one
# Far above what central and the drips make of it.
MEMORY_BYTES = 4 * 1024 * 1024


class DataFolderError(Exception):
    """The data folder cannot be used; says why."""

    error_id = "data-folder"


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file as a whole; on disk when this returns. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)  # half a copy would take the room from the next try
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Claim:
    """A data folder that is ours until this is closed."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def claim(folder: Path) -> Claim:
    """Make the data folder ours: two programs with one outbox would lose events. The folder
    itself is locked, which a full or read-only disk does not hinder. A folder that cannot be made
    or opened hinders no start: the events are then held in memory, and the outbox tells the
    fault. Raises DataFolderError when another node has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        log.error("%s cannot be used, all is held in memory: %s", folder, error.strerror)
        return Claim(None)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise DataFolderError(f"{folder} is used by another node that runs: end it") from error
    return Claim(descriptor)


def next_boot(folder: Path) -> int:
    """The number of this start, see `ward_node.core.starts`."""
    path = folder / "boot"
    now_s = int(time.time()) if time.time() >= FIRST_TIME_S else None
    chance = secrets.randbits(64)
    last: int | None = None
    try:
        last = int(path.read_bytes())
    except (OSError, ValueError):
        log.warning("%s is not there or not readable", path)
    count = starts.count(last, now_s, chance)
    try:
        write_durably(path, str(count).encode())
    except OSError as error:
        log.error("%s cannot be written: %s", path, error.strerror)
        return starts.unkept(last, now_s, chance)
    return starts.kept(count)


class Memory:
    """Values of the core's `Remember` effect, a file each."""

    NAMES = ("config", "drips", "faults", "station")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> dict[str, Any]:
        """What is kept. A damaged file is left out: central tells it all again."""
        found = {}
        for name in self.NAMES:
            try:
                if self._path(name).stat().st_size > MEMORY_BYTES:
                    raise ValueError("too large")
                found[name] = json.loads(self._path(name).read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, RecursionError) as error:
                log.error("%s is left out: %s", self._path(name), error)
        return found

    def keep(self, name: str, value: Any) -> None:
        """Raises OSError."""
        write_durably(self._path(name), json.dumps(value, ensure_ascii=False).encode())

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
