"""A small MLLP client: for the demo, the tests, and an engineer who tries the listener."""

import asyncio
import contextlib

from gateway.his import framing
from gateway.his.framing import Deframer, Frame

TIMEOUT_S = 20.0


class NoAnswerError(Exception):
    """The other side closed the connection or sent something that is no answer."""

    error_id = "his-no-answer"


class Connection:
    """One open connection. Use `connect`; `async with` closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._deframer = Deframer()
        self._frames: list[bytes] = []

    async def write(self, data: bytes) -> None:
        """Send bytes as they are, framed or not."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, timeout_s: float = TIMEOUT_S) -> bytes:
        """The next answer, unframed. Raises NoAnswerError, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not self._frames:
                data = await self._reader.read(64 * 1024)
                if not data:
                    raise NoAnswerError("the connection was closed without an answer")
                for item in self._deframer.feed(data):
                    if not isinstance(item, Frame):
                        raise NoAnswerError(f"a broken frame came back: {item.reason}")
                    self._frames.append(item.payload)
        return self._frames.pop(0)

    async def send(self, raw: bytes) -> bytes:
        """Send one message and return its answer, both unframed."""
        await self.write(framing.frame(raw))
        return await self.answer()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def connect(host: str, port: int) -> Connection:
    """Raises OSError when nobody listens there."""
    return Connection(*await asyncio.open_connection(host, port))


async def send(host: str, port: int, raw: bytes) -> bytes:
    """Send one unframed message over a connection of its own; returns the unframed answer.
    Raises OSError, NoAnswerError, TimeoutError."""
    async with await connect(host, port) as connection:
        return await connection.send(raw)
