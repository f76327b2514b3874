"""The outbox's journal as the core uses it: sealed lines under a header, and what went wrong.

The journal port:
`load() -> [bytes]`, the lines kept, a torn last one without its line end or left out;
`append(line, durable)`, on disk at return when `durable`;
`rewrite(lines)`, on disk at return, all at once or not at all;
`keep_beside(why)`, give the present content a second name "<journal>.<why>.<when>", durable and
bounded in number (`rewrite` comes next); `beside() -> [str]`, those names.
All but the last raise OSError when the disk refuses.
"""

import binascii
import json

from ward_node.compat import Any

# The first line of every format, past and to come, is a sealed header that tells it; format 1
# had none. A program that meets a higher number leaves the journal alone.
FORMAT = 2

# Why a journal was put beside, or what is wrong now: codes of the box's faults.
NEWER = "newer"
FOREIGN = "foreign"
NOISE = "noise"
DAMAGED = "damaged"
UNREADABLE = "unreadable"
DISK_FULL = "disk-full"
READ_ONLY = "read-only"
DISK = "disk"
KEPT = (NEWER, FOREIGN, NOISE, DAMAGED, UNREADABLE)

# By number, for MicroPython's errno names few of them: EPERM, EACCES, EROFS; EFBIG, ENOSPC, EDQUOT.
_CODES = {1: READ_ONLY, 13: READ_ONLY, 30: READ_ONLY, 27: DISK_FULL, 28: DISK_FULL, 122: DISK_FULL}


def seal(record: dict[str, Any]) -> bytes:
    """A journal line: checksum, then JSON."""
    body = json.dumps(record).encode()
    return _checksum(body) + body + b"\n"


def unseal(line: bytes) -> "dict[str, Any] | None":
    """The record of a journal line, or None when it was damaged."""
    body = line[9:].rstrip(b"\n")
    if line[:9] != _checksum(body):
        return None
    try:
        record = json.loads(body)
    except (ValueError, RuntimeError):
        return None  # sealed, but not by us
    return record if isinstance(record, dict) else None


def _checksum(body: bytes) -> bytes:
    return ("%08x " % (binascii.crc32(body) & 0xFFFFFFFF)).encode()


class Shelf:
    """Never raises: a refusing disk is told by `disk_code` and `disk_error`."""

    def __init__(self, journal: Any, ward: str, node: str, boot: int) -> None:
        self.damaged = 0  # lines that could not be read
        self.disk_code: str | None = None
        self.disk_error: str | None = None
        self.lines = 0
        self._journal = journal
        self._header = seal({"format": FORMAT, "ward": ward, "node": node})
        self._owner = (ward, node)
        self._boot = boot
        self._beside = journal.beside()
        self._aside: str | None = None  # why the present journal must be kept before it is replaced

    def load(self) -> "list[dict[str, Any]]":
        """The records of this box. A journal that is not ours, or not whole, is kept beside
        before anything is written."""
        try:
            lines = self._journal.load()
        except OSError as error:
            self._refused(error)
            self._aside = UNREADABLE
            return []
        whole = [line for line in lines if line.endswith(b"\n")]
        found = [unseal(line) for line in whole]
        records = [each for each in found if each is not None]
        if records:
            self._aside = self._not_ours(records)
            if self._aside is not None:
                return []
        self.damaged = len(whole) - len(records)
        if self.damaged:
            self._aside = DAMAGED if records else NOISE
        elif lines and not whole and not _may_be_torn(lines[0]):
            self._aside = NOISE
        return records

    def _not_ours(self, records: "list[dict[str, Any]]") -> str | None:
        form = records[0].get("format", 1)
        if not isinstance(form, int) or form > FORMAT:
            return NEWER
        for each in records:
            owner = each if "format" in each else each.get("e")
            if isinstance(owner, dict) and "ward" in owner and "node" in owner:
                return None if (owner["ward"], owner["node"]) == self._owner else FOREIGN
        return None

    def spoilt(self) -> None:
        """A record was whole and made no sense."""
        self.damaged += 1
        self._aside = DAMAGED

    def append(self, line: bytes, durable: bool) -> None:
        """Add a line, unless the disk refuses or has refused what came before it."""
        if self.disk_error is not None:
            return
        try:
            self._journal.append(line, durable)
            self.lines += 1
        except OSError as error:
            self._refused(error)

    def replace(self, lines: "list[bytes]") -> None:
        """Write everything anew."""
        try:
            if self._aside is not None:
                self._journal.keep_beside(self._aside + "-" + str(self._boot))
                self._aside = None
                self.look()
            self._journal.rewrite([self._header] + lines)  # noqa: RUF005
        except OSError as error:
            self._refused(error)
            return
        self.lines = len(lines) + 1
        self.disk_code = self.disk_error = None

    def look(self) -> None:
        """See which old journals are kept beside: an engineer may have taken them away."""
        self._beside = self._journal.beside()

    def troubles(self) -> dict[str, str]:
        """What is wrong now: a detail for the engineer by code."""
        found: dict[str, str] = {}
        if self.disk_code is not None and self.disk_error is not None:
            found[self.disk_code] = self.disk_error
        if self._aside is not None:
            found[self._aside] = "left where it is, nothing is written"
        for name in self._beside:
            why = name.rsplit(".", 2)[-2].split("-")[0]
            if why in KEPT:
                found[why] = "kept as " + name
        return found

    def _refused(self, error: OSError) -> None:
        number = error.args[0] if error.args else None
        self.disk_code = _CODES.get(number, DISK) if isinstance(number, int) else DISK
        self.disk_error = str(error)


def _may_be_torn(line: bytes) -> bool:
    """Whether this may be the beginning of a first line that a power cut tore."""
    for each in line[:8]:
        if each not in b"0123456789abcdef":
            return False
    return line[8:10] in (b"", b" ", b" {")
