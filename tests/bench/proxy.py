"""A TCP line between two processes that can be cut, stalled and slowed at any byte."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

READ_BYTES = 4096
TCP_NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Proxy:
    """Takes connections at `port` on loopback and carries their bytes to `target_port`.

    cut: connections break off, whatever is under way is gone, new ones are refused at once.
    stalled: connections stay, and nothing comes through; new ones stall as well.
    delay_s: every piece arrives this much later, in order.
    refused: set once a connection was refused.
    """

    def __init__(self, target_port: int, host: str = "127.0.0.1") -> None:
        self.port = 0  # the free one that `start` found
        self.delay_s = 0.0
        self.refused = asyncio.Event()
        self._host = host
        self._target_port = target_port
        self._cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._lines: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection off and take no new one until `mend`."""
        self._cut = True
        for line in self._lines:
            line.cancel()

    def stall(self) -> None:
        """Let nothing through until `mend`."""
        self._flows.clear()

    def mend(self) -> None:
        self._cut = False
        self._flows.set()
        self.delay_s = 0.0

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            if self._cut:
                self.refused.set()
            else:
                await self._carry(reader, writer)
        except asyncio.CancelledError:
            pass  # cut: to the two ends it is a reset
        finally:
            writer.transport.abort()
            self._lines.discard(line)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._onward() as (onward_reader, onward_writer):
            both = [
                asyncio.ensure_future(self._pump(reader, onward_writer)),
                asyncio.ensure_future(self._pump(onward_reader, writer)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in both:
                    pump.cancel()
                await asyncio.gather(*both, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _onward(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """The connection to the target; the near end is dropped when there is none."""
        await self._flows.wait()
        try:
            reader, writer = await asyncio.open_connection(self._host, self._target_port)
        except OSError:
            raise asyncio.CancelledError from None
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes one way until either end is gone."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(READ_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flows.wait()
                writer.write(piece)
                await writer.drain()
