"""What every box is told of its ward: at once, with the sounds that are there already, and again
when the rest of its words have been made. A box needs its beds and volumes now; a ward of many
beds has words enough for minutes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from central.bridge.outgoing import Publish, Speech, as_message
from central.store import Row, Store
from central.wards import model as wards
from central.wards import service as fleet
from gateway.mqtt import topics
from gateway.mqtt.link import LinkDownError
from gateway.speech.library import SpeechUnavailableError

log = logging.getLogger("wardline.bridge")

Words = tuple[str, str]  # language and text


class Configuring:
    """Publishes the retained configurations. `calm` returns when there is time to make words."""

    def __init__(
        self, store: Store, speech: Speech, publish: Publish, calm: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._speech = speech
        self._publish = publish
        self._calm = calm
        # The later of two is published later, so that the newest is the one retained.
        self._in_turn = asyncio.Lock()
        self._lacking: dict[str, list[Words]] = {}  # words without a sound, by box
        self._wake = asyncio.Event()

    async def send(self, ward: str | None = None, node: str | None = None) -> None:
        """Configure the boxes of a ward (None: all), or one of them, now."""
        async with self._in_turn:
            for row in wards.nodes(self._store.read(), ward):
                if node is None or row["id"] == node:
                    lacking = await self._send(row, {})
                    if lacking is None:
                        return  # the broker is away; sent when it is back
                    self._lacking[row["id"]] = lacking
        self._wake.set()

    async def run(self) -> None:
        """Make the words that boxes lack, one at a time, so that those of a call never wait."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._lacking:
                # Most boxes lack the same few; a station has words for each bed.
                node = min(self._lacking, key=lambda node: len(self._lacking[node]))
                words = self._lacking.pop(node)
                try:
                    await self._voice(node, words)
                except Exception:
                    log.exception("box %s got no words; sent again at its next birth", node)

    async def _voice(self, node: str, words: list[Words]) -> None:
        made = {each: await self._make(*each) for each in words}
        row = wards.node(self._store.read(), node)
        if row is not None and any(made.values()):
            async with self._in_turn:
                await self._send(row, made)

    async def _send(self, row: Row, made: dict[Words, Any]) -> list[Words] | None:
        """Publish the configuration of a box, with the sounds that were `made` and those that are
        there. The words left without one; None when the broker is away."""
        config = fleet.config_for(self._store.read(), row)
        phrases = [(each, (each["lang"], each["text"])) for each in config["phrases"].values()]
        asked = [words for _, words in phrases]
        for (phrase, words), sound in zip(phrases, await self._speech.known(asked), strict=True):
            if (found := made.get(words) or sound) is not None:
                phrase["audio"] = as_message(found)
        try:
            await self._publish(row["ward"], row["id"], topics.CONFIG, config)
        except LinkDownError:
            return None
        return [words for phrase, words in phrases if "audio" not in phrase]

    async def _make(self, lang: str, text: str) -> Any:
        """The sound of words, None where there is none to be had."""
        await self._calm()
        try:
            return await self._speech.audio(lang, text)
        except SpeechUnavailableError as error:
            log.warning("no audio for %r (%s): the node speaks it itself", text, error)
            return None
