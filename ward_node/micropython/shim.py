"""What this port needs of the system, and how MicroPython's builds differ in it.

All that is not the same everywhere (asyncio, clocks, files, pins) is here and nowhere else in
the port; `ward_node/compat.py` is the core's part of it.
"""

import asyncio
import os
import sys
import time

from ward_node.compat import Any

TICKS_PERIOD = 1 << 30  # the least there is: a board's ticks start again after 12 days
TCP_NODELAY = (6, 1, 1)  # small packets go at once
ENOSPC = 28  # MicroPython's errno names few
COPY_BYTES = 1024
FIRST_YEAR = 2024  # no earlier time is the present one
EPOCH_2000_S = 946_684_800  # of boards whose time begins in 2000
BOOT_ID = "/proc/sys/kernel/random/boot_id"

# Their functions of MicroPython are unknown to CPython's type stubs.
_asyncio: Any = asyncio
_sys: Any = sys
_time: Any = time


class SteadyClock:
    """ms since some moment, never going back, over the ticks' new start. It must be asked at
    least every six days."""

    def __init__(self) -> None:
        self._ticks = _time.ticks_ms()
        self._now_ms = self._ticks

    def __call__(self) -> int:
        ticks = _time.ticks_ms()
        self._now_ms += max(0, _time.ticks_diff(ticks, self._ticks))
        self._ticks = ticks
        return self._now_ms


def wall_ms() -> int | None:
    """The wall clock, ms since 1970; None where nobody has set it: a board without a battery
    starts in the year its firmware was born, or its epoch."""
    if _time.gmtime()[0] < FIRST_YEAR:
        return None
    since_epoch_s = int(_time.time())
    return (since_epoch_s + (EPOCH_2000_S if _time.gmtime(0)[0] == 2000 else 0)) * 1000


def machine_run(otherwise: str) -> str:
    """The name of the run of the machine through which its ticks go on: a board's end with each
    start of the program, those of a machine with Linux do not."""
    try:
        with open(BOOT_ID) as file:
            return file.read().strip()
    except OSError:
        return otherwise


def arguments() -> "list[str]":
    return sys.argv[1:]


def end(code: int) -> None:
    sys.exit(code)


def note(text: str) -> None:
    """A line for whoever looks at the console."""
    print(text)


def failed(what: str, error: Exception) -> None:
    """A defect, with the place where it is."""
    print(what + ":")
    _sys.print_exception(error)


def board_pin(number: int, is_input: bool) -> Any:
    """A pin of this board, an input pulled up. Raises ImportError where there are none."""
    from machine import Pin

    return Pin(number, Pin.IN, Pin.PULL_UP) if is_input else Pin(number, Pin.OUT, value=0)


# --- files ---


def write(file: Any, data: bytes) -> None:
    """All of it. Raises OSError."""
    written = file.write(data)
    while written < len(data):
        more = file.write(data[written:])
        if not more:
            raise OSError(ENOSPC)
        written += more


def flush(file: Any) -> None:
    """Have on the medium what was written. Raises OSError.

    MicroPython's files have no fsync: `flush` is it, on flash and (as a system call) on Linux.
    """
    file.flush()
    if hasattr(os, "sync"):
        os.sync()


def replace(fresh: str, path: str) -> None:
    """Put the file `fresh` in the place of `path`. Raises OSError."""
    try:
        os.rename(fresh, path)
    except OSError:
        # FAT does not rename onto a file. `settle` repairs a power cut between these two.
        os.stat(fresh)
        remove(path)
        os.rename(fresh, path)


def settle(fresh: str, path: str) -> None:
    """Finish a `replace` that a power cut broke off."""
    if not exists(path) and exists(fresh):
        os.rename(fresh, path)


def exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def size(path: str) -> int:
    """Bytes. Raises OSError."""
    return int(os.stat(path)[6])


def names(folder: str) -> "list[str]":
    """What is in a folder; nothing when there is none."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def copy(path: str, target: str) -> None:
    """Raises OSError."""
    with open(path, "rb") as source, open(target, "wb") as file:
        while True:
            piece = source.read(COPY_BYTES)
            if not piece:
                break
            write(file, piece)
        flush(file)


def remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass


def make_folder(path: str) -> None:
    """Make `path` and what is above it. Raises OSError."""
    made = ""
    for part in path.split("/"):
        made += part + "/"
        if len(made) > 1 and not exists(made[:-1]):
            os.mkdir(made[:-1])


def chance() -> int:
    """64 random bits."""
    found = 0
    for byte in os.urandom(8):
        found = found * 256 + byte
    return found


# --- asyncio ---

sleep_ms = _asyncio.sleep_ms


async def connect(host: str, port: int) -> "tuple[Any, Any]":
    """(reader, writer) of a TCP connection that sends at once. Raises OSError."""
    reader, writer = await _asyncio.open_connection(host, port)
    try:
        writer.s.setsockopt(TCP_NODELAY[0], TCP_NODELAY[1], TCP_NODELAY[2])
    except (AttributeError, OSError):
        pass  # not every board's socket has it; the link works without
    return reader, writer


class NoAnswerError(OSError):
    """What was waited for did not come in time."""

    error_id = "no-answer"


async def within_ms(work: Any, ms: int) -> Any:
    """The answer of `work`. Raises NoAnswerError when it takes longer."""
    try:
        return await _asyncio.wait_for_ms(work, ms)
    except asyncio.TimeoutError:  # noqa: UP041 (there is no other here)
        raise NoAnswerError("no answer in time")  # noqa: B904


async def close(writer: Any) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass
