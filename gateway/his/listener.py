"""The MLLP listener: every frame is given to `take`, and answered with what it returns.

Storing is `take`'s business and done before it returns, so nothing is acknowledged that is not
stored. Messages of one connection are taken one after the other, in the order they came.
"""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from typing import Protocol

from gateway.his import ack, framing
from gateway.his.framing import Broken, Deframer, Frame
from gateway.his.message import Parsed, parse, parse_broken
from gateway.his.refusals import FAILED, INTERNAL, MISTAKE, Refusal

log = logging.getLogger("wardline.his")

MAX_CONNECTIONS = 32
# Senders keep their connection open over a quiet night.
IDLE_TIMEOUT_S = 12 * 3600.0
# Silence in the middle of a frame.
FRAME_TIMEOUT_S = 30.0
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


class Listener:
    """Serves MLLP until closed. Time-outs in seconds, per connection."""

    def __init__(
        self,
        hospital: Hospital,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_bytes: int = framing.MAX_MESSAGE_BYTES,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
        frame_timeout_s: float = FRAME_TIMEOUT_S,
    ) -> None:
        self._hospital = hospital
        self._max_connections = max_connections
        self._max_bytes = max_bytes
        self._idle_timeout_s = idle_timeout_s
        self._frame_timeout_s = frame_timeout_s
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
        try:
            if len(self._connections) > self._max_connections:
                log.error("%s refused: %s connections are open", peer, self._max_connections)
                return
            await self._converse(peer, reader, writer)
        except (ConnectionError, TimeoutError) as error:
            log.warning("connection of %s ended: %s", peer, error or "it does not read its answers")
        except Exception:
            log.exception("connection of %s ended by a mistake", peer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await writer.wait_closed()

    async def _converse(
        self, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        deframer = Deframer(self._max_bytes)
        while True:
            pending = deframer.pending
            try:
                async with asyncio.timeout(
                    self._frame_timeout_s if pending else self._idle_timeout_s
                ):
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
            await self._answer(peer, deframer.feed(data), writer)

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
