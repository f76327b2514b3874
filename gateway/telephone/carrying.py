"""The voice of a bridge, brought out of the exchange in blocks (RTP to a UDP port of ours)."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.ari.reading import Lane
from gateway.telephone.cutting import Cutter
from gateway.telephone.rtp import NotRtpError, parse
from ward_node.contract.sound import BLOCK_MS

# So much later than its time a block is filled up with silence.
SLACK_S = 0.15
# What nobody has fetched by then (5 s) is not wanted.
MOST_WAITING = 25


class _Receiver(asyncio.DatagramProtocol):
    """Takes the packets of one port of the exchange, and no others."""

    def __init__(self) -> None:
        self.cutter = Cutter()
        self.blocks: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self.sender: tuple[str, int] | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[:2] != self.sender:
            return
        with contextlib.suppress(NotRtpError, asyncio.QueueFull):
            for block in self.cutter.take(parse(data)):
                self.blocks.put_nowait(block)


async def carry(actions: Actions, room: Lane, on_block: Callable[[bytes], Awaitable[None]]) -> None:
    """Until cancelled or the exchange ends it: give `on_block` what is heard in the bridge `room`,
    BLOCK_MS of mu-law at a time, in its time. Raises ExchangeError's kinds, LaneEndedError when the
    exchange ends it before it began, OSError."""
    loop = asyncio.get_running_loop()
    there = (await loop.getaddrinfo(actions.host, None, family=socket.AF_INET))[0][4][0]
    receiver = _Receiver()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: receiver, local_addr=(_address_towards(str(there)), 0)
    )
    try:
        here, port = transport.get_extra_info("sockname")
        lane, from_port = await actions.send_voice(here, port)
        receiver.sender = (str(there), from_port)
        try:
            while not (await lane.next()).arrives:
                pass
            await actions.join(room.subject.id, lane.subject.id, listening=True)
            await _first(_hand_on(receiver, on_block), _ended(lane))
        finally:
            with contextlib.suppress(ExchangeError):
                await actions.hang_up(lane.subject.id)
    finally:
        transport.close()


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Returns when one of them does, with what it raised, and ends the others."""
    tasks = [asyncio.create_task(each) for each in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ended(lane: Lane) -> None:
    async for _ in lane:
        pass


async def _hand_on(receiver: _Receiver, on_block: Callable[[bytes], Awaitable[None]]) -> None:
    await on_block(await receiver.blocks.get())  # nothing is heard before somebody speaks
    due = asyncio.get_running_loop().time() + BLOCK_MS / 1000 + SLACK_S
    while True:
        try:
            async with asyncio.timeout_at(due):
                block = await receiver.blocks.get()
        except TimeoutError:
            block = receiver.cutter.wait()
        due += BLOCK_MS / 1000
        await on_block(block)


def _address_towards(there: str) -> str:
    """Under which of our addresses `there` sees us. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((there, 9))
        return str(probe.getsockname()[0])
