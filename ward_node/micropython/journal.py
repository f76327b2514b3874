"""The outbox's journal in flash: lines, each on the medium before its event is published."""

from ward_node.compat import Any
from ward_node.micropython import shim

# Far more than a full outbox takes: what is larger is not ours, and would fill the memory.
MAX_BYTES = 1024 * 1024
KEPT_BESIDE = 3


class Journal:
    """The journal port of `ward_node.core.shelf` on a file, which is opened when it is written.
    Raises OSError where said there.

    MicroPython cannot cut a file short, so a line that a full medium left half written is closed
    before the next one is added: the half line fails its checksum and stands alone."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fresh = path + ".new"
        self._file: Any = None
        self._half = False

    def load(self) -> "list[bytes]":
        """The lines; a torn last one, cut short by a power failure, has no line end."""
        shim.settle(self._fresh, self._path)
        if not shim.exists(self._path):
            return []
        if shim.size(self._path) > MAX_BYTES:
            raise OSError(27)  # EFBIG
        with open(self._path, "rb") as file:
            content = file.read()
        lines = content.split(b"\n")
        torn = lines.pop()
        self._half = bool(torn)
        whole = [line + b"\n" for line in lines]
        return whole + [torn] if torn else whole  # noqa: RUF005

    def append(self, line: bytes, durable: bool) -> None:
        """Add a line; on the medium at return when `durable`."""
        if self._file is None:
            self._file = open(self._path, "ab")  # noqa: SIM115 (kept open)
        whole = b"\n" + line if self._half else line
        self._half = True
        shim.write(self._file, whole)
        if durable:
            shim.flush(self._file)
        self._half = False

    def rewrite(self, lines: "list[bytes]") -> None:
        """Replace all lines at once; on the medium at return."""
        try:
            with open(self._fresh, "wb") as file:
                for line in lines:
                    shim.write(file, line)
                shim.flush(file)
        except OSError:
            shim.remove(self._fresh)  # half a copy would take the room from the next try
            raise
        self.close()
        shim.replace(self._fresh, self._path)
        self._half = False

    def keep_beside(self, why: str) -> None:
        """Copy the file to a name that says why and in which order; it stays until `rewrite`."""
        order = 0
        for name in self.beside():
            order = max(order, _order(name))
        if shim.exists(self._path):
            shim.copy(self._path, self._path + "." + why + "." + str(order + 1))
        for old in self.beside()[:-KEPT_BESIDE]:
            shim.remove(old)

    def beside(self) -> "list[str]":
        """The paths of the old journals kept, the oldest first."""
        folder, _, own = self._path.rpartition("/")
        found = [
            folder + "/" + name
            for name in shim.names(folder)
            if name.startswith(own + ".") and name.count(".") == own.count(".") + 2
        ]
        found.sort(key=_order)
        return found

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _order(name: str) -> int:
    last = name.rpartition(".")[2]
    return int(last) if last.isdigit() else 0
