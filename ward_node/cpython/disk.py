"""What must survive a power cut: the boot number and what the core wants remembered."""

import fcntl
import json
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Any

log = logging.getLogger("wardline.node")

# Two starts that cannot be counted get one number once in so many times, if their clocks agree.
CHANCE = 1 << 40
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
    """Count this start. Central drops repeats by boot and sequence, so a number may never come
    again: where the counter is lost, it starts from the time of day in seconds, which is above
    any count of starts. Where it cannot be kept, chance is added, for the clock of a box without
    a disk may stand at the same moment after each start."""
    path = folder / "boot"
    try:
        boot = int(path.read_bytes()) + 1
    except (OSError, ValueError):
        boot = int(time.time())
    try:
        write_durably(path, str(boot).encode())
    except OSError as error:
        log.error("%s cannot be written: %s", path, error.strerror)
        boot = max(boot, int(time.time())) + secrets.randbelow(CHANCE)
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
