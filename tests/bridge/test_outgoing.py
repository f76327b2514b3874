"""Commands on their way out, without a network."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from central import commands
from central.bridge.outgoing import Outgoing
from central.store import Store
from central.wards import model as wards
from gateway.mqtt import kinds
from gateway.mqtt.link import LinkDownError
from gateway.speech.library import SpeechUnavailableError


class Mute:
    async def audio(self, lang: str, text: str) -> Any:
        raise SpeechUnavailableError("no voice in this test")

    async def known(self, words: Sequence[tuple[str, str]]) -> list[Any]:
        return [None] * len(words)


@pytest.mark.parametrize(
    ("failure", "errors"), [(LinkDownError("away"), 0), (RuntimeError("a defect"), 2)]
)
def test_a_broker_that_is_away_is_no_error_of_each_command(
    store: Store, caplog: pytest.LogCaptureFixture, failure: Exception, errors: int
) -> None:
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-box", "3", "bedside")
        tx.execute("UPDATE nodes SET state = 'ready'")
        for _ in range(2):
            commands.send(tx, "3", "3-box", kinds.SELFTEST, {}, ttl_ms=60_000)

    async def story() -> None:
        tried: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def publish(
            ward: str, node: str, kind: str, message: dict[str, Any], ttl_ms: int | None = None
        ) -> None:
            tried.put_nowait(message)
            raise failure

        outgoing = Outgoing(store, Mute(), publish)
        await outgoing.flush()
        for _ in range(2):
            await tried.get()
        await outgoing.close()

    with caplog.at_level(logging.WARNING, "wardline.bridge"):
        asyncio.run(story())
    assert len(caplog.records) == errors
