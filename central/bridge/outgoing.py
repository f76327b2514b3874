"""Commands on their way to nodes: in order for each node, never one node waiting for another."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from central import commands
from central.store import Row, Store
from gateway.mqtt import topics
from gateway.mqtt.link import LinkDownError
from gateway.speech.library import SpeechUnavailableError

log = logging.getLogger("wardline.bridge")

# How long a command waits for its audio before it goes without; the node then speaks itself.
AUDIO_TIMEOUT_S = 1.5


class Speech(Protocol):
    async def audio(self, lang: str, text: str) -> Any: ...

    async def known(self, words: Sequence[tuple[str, str]]) -> list[Any]: ...


class Publish(Protocol):
    async def __call__(
        self, ward: str, node: str, kind: str, message: dict[str, Any], ttl_ms: int | None = None
    ) -> None: ...


def as_message(audio: Any) -> dict[str, Any]:
    """A sound as the contract has it beside the words it says."""
    return {"sha256": audio.sha256, "url": audio.url, "duration_ms": audio.duration_ms}


class Outgoing:
    """Sends what `commands` holds, with the audio of its words."""

    def __init__(self, store: Store, speech: Speech, publish: Publish) -> None:
        self._store = store
        self._speech = speech
        self._publish = publish
        self._queues: dict[str, asyncio.Queue[Row]] = {}
        self._workers: set[asyncio.Task[None]] = set()

    async def flush(self) -> None:
        """Hand every command that is due to its node's worker."""

        def take(tx: Any) -> list[Row]:
            rows = commands.unsent(tx)
            commands.mark_sent(tx, [row["id"] for row in rows])
            return rows

        if not commands.unsent(self._store.read()):
            return
        for row in await self._store.write(take):
            self._queue(row["node"]).put_nowait(row)

    def _queue(self, node: str) -> "asyncio.Queue[Row]":
        if node not in self._queues:
            self._queues[node] = asyncio.Queue()
            self._workers.add(asyncio.create_task(self._work(self._queues[node])))
        return self._queues[node]

    async def _work(self, queue: "asyncio.Queue[Row]") -> None:
        while True:
            row = await queue.get()
            try:
                await self._send(row)
            except LinkDownError as error:
                log.debug("command %s to %s waits: %s", row["id"], row["node"], error)
            except Exception:
                log.exception("command %s to %s was not sent; tried again", row["id"], row["node"])

    async def _send(self, row: Row) -> None:
        body = await self._with_audio(json.loads(row["body"]))
        message = {
            "id": str(row["id"]),
            "type": row["type"],
            "bed": row["bed"],
            "expires_at_ms": row["expires_real_ms"],
            "body": body,
        }
        left_ms = row["expires_real_ms"] - self._store.clock.real_ms()
        if left_ms > 0:
            await self._publish(row["ward"], row["node"], topics.COMMAND, message, ttl_ms=left_ms)

    async def _with_audio(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with audio added to its words, wherever they stand."""
        if body.get("words"):
            body["words"] = await self._voiced(body["words"])
        for prompt in body.get("prompts", ()):
            prompt["words"] = await self._voiced(prompt["words"])
        return body

    async def _voiced(self, words: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(AUDIO_TIMEOUT_S):
                audio = await self._speech.audio(words["lang"], words["text"])
        except (SpeechUnavailableError, TimeoutError) as error:
            log.warning("no audio for %r (%s): the node speaks it itself", words["text"], error)
            return words
        return words | {"audio": as_message(audio)}

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
