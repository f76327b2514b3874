"""MLLP framing without I/O: VT, the message, FS CR.

Neither UTF-8 nor GB18030 ever uses these three bytes inside a character, so frames can be cut
before anything is decoded.
"""

import re
from dataclasses import dataclass

START = b"\x0b"
END = b"\x1c\r"
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# What is kept of a broken frame: enough for an engineer to see who sent what.
HEAD_BYTES = 64 * 1024

_VT, _FS, _CR = 0x0B, 0x1C, 0x0D
_MARK = re.compile(rb"[\x0b\x1c]")
# Some senders put these between frames; they mean nothing there.
_PADDING = b"\r\n \t\x00"

NO_START = "no-start"
NO_END = "no-end"
NO_RETURN = "no-return"
TOO_LARGE = "too-large"


@dataclass(frozen=True)
class Frame:
    """One whole message, as it was sent."""

    payload: bytes


@dataclass(frozen=True)
class Broken:
    """Bytes that are no whole frame. `reason` is one of this module's constants, `head` the
    first HEAD_BYTES of them, `size` how many bytes there were."""

    reason: str
    head: bytes
    size: int


def frame(payload: bytes) -> bytes:
    """The payload as it goes over the wire."""
    return START + payload + END


class Deframer:
    """Cuts a stream of bytes into frames. After a broken frame the next VT begins anew."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._begin(False)

    def _begin(self, opened: bool) -> None:
        self._opened = opened
        self._reason: str | None = None
        self._buffer = bytearray()
        self._size = 0
        self._fs = False

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._opened or self._size > 0 or self._fs

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """Take the next bytes, in pieces of any size. Returns what they complete, in order."""
        done: list[Frame | Broken] = []
        at = 0
        while at < len(data):
            if self._fs:
                self._fs = False
                if data[at] == _CR:
                    done.append(self._finish())
                    at += 1
                else:
                    self._spoil(NO_RETURN)
                    self._add(b"\x1c")
                continue
            mark = _MARK.search(data, at)
            end = mark.start() if mark else len(data)
            if end > at:
                self._add(data[at:end])
            if mark is None:
                break
            if data[end] == _VT:
                if self._size > 0 or self._fs:  # a VT after a VT is no message: nothing to answer
                    self._spoil(NO_END)
                    done.append(self._finish())
                self._begin(True)
            else:
                self._fs = True
            at = end + 1
        return done

    def close(self) -> list[Broken]:
        """The stream ended, or its sender fell silent: what was begun is broken."""
        if not self.pending:
            return []
        self._spoil(NO_END)
        broken = self._finish()
        return [broken] if isinstance(broken, Broken) else []

    def _add(self, run: bytes) -> None:
        if not self._opened and self._size == 0:
            run = run.lstrip(_PADDING)
            if not run:
                return
            self._spoil(NO_START)
        self._size += len(run)
        if self._size > self._max_bytes:
            self._spoil(TOO_LARGE)
        self._buffer += run if self._reason is None else run[: HEAD_BYTES - len(self._buffer)]

    def _spoil(self, reason: str) -> None:
        """The first reason found is the one told."""
        if self._reason is None:
            self._reason = reason
            del self._buffer[HEAD_BYTES:]

    def _finish(self) -> Frame | Broken:
        if not self._opened:
            self._spoil(NO_START)
        payload, size, reason = bytes(self._buffer), self._size, self._reason
        self._begin(False)
        return Frame(payload) if reason is None else Broken(reason, payload, size)
