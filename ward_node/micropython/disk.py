"""What the node keeps in its folder beside the journal: how often it started, and what the core
wants remembered."""

import json

from ward_node.compat import Any
from ward_node.core import starts
from ward_node.micropython import shim


def write_durably(path: str, content: bytes) -> None:
    """Replace the file's content at once and for good. Raises OSError."""
    fresh = path + ".new"
    try:
        with open(fresh, "wb") as file:
            shim.write(file, content)
            shim.flush(file)
    except OSError:
        shim.remove(fresh)  # half a copy would take the room from the next try
        raise
    shim.replace(fresh, path)


def read(path: str) -> "bytes | None":
    """The content, None when there is none."""
    shim.settle(path + ".new", path)
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def next_boot(folder: str) -> int:
    """The number of this start, see `ward_node.core.starts`."""
    wall_ms = shim.wall_ms()
    now_s = None if wall_ms is None else wall_ms // 1000
    chance = shim.chance()
    last: int | None = None
    try:
        last = int(read(folder + "/boot") or b"")
    except ValueError:
        pass
    count = starts.count(last, now_s, chance)
    try:
        write_durably(folder + "/boot", str(count).encode())
    except OSError as error:
        shim.note("the count of starts cannot be written: " + str(error))
        return starts.unkept(last, now_s, chance)
    return starts.kept(count)


class Memory:
    """Values of the core's `Remember` effect, a file each."""

    NAMES = ("config", "drips", "faults")

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def load(self) -> "dict[str, Any]":
        """What is kept. A damaged file is left out: central tells it all again."""
        found = {}
        for name in self.NAMES:
            content = read(self._path(name))
            if content is None:
                continue
            try:
                found[name] = json.loads(content)
            except ValueError:
                shim.note(self._path(name) + " is damaged and left out")
        return found

    def keep(self, name: str, value: Any) -> None:
        """Raises OSError."""
        write_durably(self._path(name), json.dumps(value).encode())

    def _path(self, name: str) -> str:
        return self._folder + "/" + name + ".json"
