"""The line that the chaos bench cuts does what it says."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest

from tests.bench.proxy import Proxy

ANSWER_TIMEOUT_S = 10.0


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[Proxy]:
    """A line to a server that says back what it hears."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while heard := await reader.read(100):
                writer.write(heard)
        writer.transport.abort()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
        server.close()


@contextlib.asynccontextmanager
async def said(proxy: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which "hello" was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(b"hello")
        yield reader, writer
    finally:
        writer.transport.abort()


BROKEN_OFF = (asyncio.IncompleteReadError, ConnectionError)


def test_bytes_come_through_later_when_it_is_slow() -> None:
    async def story() -> float:
        async with echo() as proxy:
            proxy.delay_s = 0.05
            began = time.monotonic()
            async with said(proxy) as (reader, _):
                assert await reader.readexactly(5) == b"hello"
            return time.monotonic() - began

    assert asyncio.run(story()) >= 0.1  # 50 ms there and 50 ms back


def test_a_cut_breaks_connections_off_and_refuses_new_ones_until_it_is_mended() -> None:
    async def story() -> None:
        async with echo() as proxy, said(proxy) as (first, _):
            await first.readexactly(5)
            proxy.cut()
            with pytest.raises(BROKEN_OFF):
                await first.readexactly(1)
            async with said(proxy) as (second, _):
                with pytest.raises(BROKEN_OFF):
                    await second.readexactly(1)
            proxy.mend()
            async with said(proxy) as (third, _):
                assert await third.readexactly(5) == b"hello"

    asyncio.run(asyncio.wait_for(story(), ANSWER_TIMEOUT_S))


def test_a_stall_holds_everything_back_and_breaks_nothing() -> None:
    async def story() -> None:
        async with echo() as proxy, said(proxy) as (reader, writer):
            await reader.readexactly(5)
            proxy.stall()
            writer.write(b"more")
            silent = asyncio.create_task(reader.readexactly(4))
            done, _ = await asyncio.wait({silent}, timeout=0.2)
            assert not done
            proxy.mend()
            assert await silent == b"more"

    asyncio.run(asyncio.wait_for(story(), ANSWER_TIMEOUT_S))


def test_nobody_behind_the_line_is_a_connection_that_ends() -> None:
    async def story() -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            proxy = Proxy(nobody.getsockname()[1])
            await proxy.start()
            async with said(proxy) as (reader, _):
                with pytest.raises(BROKEN_OFF):
                    await reader.readexactly(1)
            await proxy.close()

    asyncio.run(asyncio.wait_for(story(), ANSWER_TIMEOUT_S))
