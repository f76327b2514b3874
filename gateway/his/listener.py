"""The MLLP listener: every frame is given to `take`, and answered with what it returns.

Storing is `take`'s business and done before it returns, so nothing is acknowledged that is not
stored. Messages of one connection are taken one after the other, in the order they came.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from gateway.his import ack, framing
from gateway.his.framing import Broken, Deframer, Frame
from gateway.his.message import Parsed, parse, parse_broken
from gateway.his.refusals import FAILED, INTERNAL, MISTAKE, Refusal

log = logging.getLogger("wardline.his")

MAX_CONNECTIONS = 32
# A sender that never closes its old connections does not take the places of the others.
MAX_OF_ONE_PEER = 8
# Senders keep their connection open over a quiet night.
IDLE_TIMEOUT_S = 12 * 3600.0
# Silence in the middle of a frame.
FRAME_TIMEOUT_S = 30.0
# From the first byte of a frame to its end, however busily it drips.
FRAME_LONGEST_S = 120.0
# A peer that does not read its answers.
WRITE_TIMEOUT_S = 30.0
CHUNK_BYTES = 64 * 1024

# Unframed bytes of the answer; None when the sender wants none.
Answer = bytes | None


class Hospital(Protocol):
    """Who takes the messages."""

    def encoding_of(self, peer: str) -> str | None:
        """The Python codec set for the peer (its address), or None."""
        ...

    async def take(self, peer: str, raw: bytes, parsed: Parsed) -> Answer:
        """Store the message, then answer it."""
        ...


class BadPeerError(ValueError):
    """What is configured as a peer is no address and no network."""

    error_id = "his-bad-peer"


class Peers:
    """Who may send: this machine, and the addresses and networks ("10.1.2.0/24") of `allowed`.
    A message moves patients, and MLLP knows no password."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        try:
            self._networks = [ipaddress.ip_network(each) for each in allowed]
        except ValueError as error:
            raise BadPeerError(str(error)) from error

    def may_send(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or any(address in each for each in self._networks)


class Listener:
    """Serves MLLP until closed. Time-outs in seconds, per connection."""

    def __init__(
        self,
        hospital: Hospital,
        *,
        peers: Peers | None = None,
        max_connections: int = MAX_CONNECTIONS,
        max_of_one_peer: int = MAX_OF_ONE_PEER,
        max_bytes: int = framing.MAX_MESSAGE_BYTES,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
        frame_timeout_s: float = FRAME_TIMEOUT_S,
        frame_longest_s: float = FRAME_LONGEST_S,
    ) -> None:
        self._hospital = hospital
        self._peers = peers or Peers()
        self._max_connections = max_connections
        self._max_of_one_peer = max_of_one_peer
        self._of_peer: Counter[str] = Counter()
        self._max_bytes = max_bytes
        self._idle_timeout_s = idle_timeout_s
        self._frame_timeout_s = frame_timeout_s
        self._frame_longest_s = frame_longest_s
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._taking: set[asyncio.Task[Answer]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen. Returns the port, which port 0 leaves to the system. Raises OSError."""
        self._server = await asyncio.start_server(self._connected, host, port)
        listening = int(self._server.sockets[0].getsockname()[1])
        log.info("waiting for the hospital information system on %s:%s", host, listening)
        return listening

    async def close(self) -> None:
        """Stop listening and end every connection; what is being stored is finished first."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, *self._taking, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("unknown",))[0])
        self._of_peer[peer] += 1
        try:
            if (reason := self._unwelcome(peer)) is not None:
                log.error("%s refused: %s", peer, reason)
                return
            await self._converse(peer, reader, writer)
        except (ConnectionError, TimeoutError) as error:
            log.warning("connection of %s ended: %s", peer, error or "it does not read its answers")
        except Exception:
            log.exception("connection of %s ended by a mistake", peer)
        finally:
            self._of_peer[peer] -= 1
            if not self._of_peer[peer]:
                del self._of_peer[peer]
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await writer.wait_closed()

    def _unwelcome(self, peer: str) -> str | None:
        if not self._peers.may_send(peer):
            return "it is not among the configured peers"
        if self._of_peer[peer] > self._max_of_one_peer:
            return f"it has {self._max_of_one_peer} connections open already"
        if len(self._connections) > self._max_connections:
            return f"{self._max_connections} connections are open"
        return None

    async def _converse(
        self, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        deframer = Deframer(self._max_bytes)
        loop = asyncio.get_running_loop()
        ends_s = 0.0
        while True:
            pending = deframer.pending
            wait_s = self._idle_timeout_s
            if pending:
                wait_s = min(self._frame_timeout_s, ends_s - loop.time())
            try:
                async with asyncio.timeout(wait_s):
                    data = await reader.read(CHUNK_BYTES)
            except TimeoutError:
                if not pending:
                    log.info("%s was silent for %s s: closed", peer, self._idle_timeout_s)
                    return
                await self._answer(peer, deframer.close(), writer)
                continue
            if not data:
                await self._answer(peer, deframer.close(), writer)
                return
            items = deframer.feed(data)
            if items or not pending:
                ends_s = loop.time() + self._frame_longest_s  # a frame begins here, if at all
            await self._answer(peer, items, writer)

    async def _answer(
        self, peer: str, items: "list[Frame | Broken] | list[Broken]", writer: asyncio.StreamWriter
    ) -> None:
        for item in items:
            # A task of its own: `close` ends the connection, not a storing that has begun.
            taking = asyncio.create_task(self._taken(peer, item))
            self._taking.add(taking)
            taking.add_done_callback(self._taking.discard)
            answer = await asyncio.shield(taking)
            if answer is not None:
                writer.write(framing.frame(answer))
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    await writer.drain()

    async def _taken(self, peer: str, item: Frame | Broken) -> Answer:
        parsed: Parsed | None = None
        try:
            if isinstance(item, Frame):
                raw = item.payload
                parsed = parse(raw, self._hospital.encoding_of(peer))
            else:
                raw = item.head
                parsed = parse_broken(item, self._max_bytes)
            return await self._hospital.take(peer, raw, parsed)
        except Exception:
            log.exception("a message of %s could not be taken", peer)
            return ack.build(
                parsed.header if parsed else None,
                Refusal(FAILED, INTERNAL, MISTAKE),
                encoding=parsed.encoding if parsed else "utf-8",
                own_id="0",
                at=datetime.now(UTC).astimezone(),
            )
