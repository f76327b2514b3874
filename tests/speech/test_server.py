"""Sounds over HTTP."""

import asyncio
import hashlib
from pathlib import Path

import aiohttp
import pytest

from gateway.speech import server
from gateway.speech.library import SpeechLibrary
from tests.conftest import free_port
from tests.speech.conftest import FakeEngine


async def get(port: int, path: str) -> tuple[int, bytes, dict[str, str]]:
    """One request with `path` exactly as given, past any client's tidying."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split()[1]), body, headers


def test_a_node_fetches_a_sound(tmp_path: Path, engine: FakeEngine) -> None:
    async def scenario() -> None:
        port = free_port()
        library = SpeechLibrary(tmp_path, [engine], url=f"http://127.0.0.1:{port}")
        runner = await server.start(tmp_path, "127.0.0.1", port)
        try:
            audio = await library.audio("zh", "您好")
            async with aiohttp.ClientSession() as session, session.get(audio.url) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Type"] == "audio/wav"
                assert "immutable" in answer.headers["Cache-Control"]
                assert hashlib.sha256(await answer.read()).hexdigest() == audio.sha256
        finally:
            await runner.cleanup()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/speech/",
        "/speech/" + "0" * 64 + ".wav",
        "/speech/" + "0" * 63 + ".wav",
        "/speech/" + "G" * 64 + ".wav",
        "/speech/../secret.wav",
        "/speech/..%2Fsecret.wav",
        "/speech/%2e%2e/secret.wav",
        "/speech/keys/" + "0" * 64,
    ],
)
def test_nothing_but_sounds_is_served(tmp_path: Path, path: str) -> None:
    cache = tmp_path / "cache"
    (cache / "keys").mkdir(parents=True)
    (cache / "keys" / ("0" * 64)).write_text("{}")
    (tmp_path / "secret.wav").write_bytes(b"secret")

    async def scenario() -> None:
        port = free_port()
        runner = await server.start(cache, "127.0.0.1", port)
        try:
            status, body, headers = await get(port, path)
        finally:
            await runner.cleanup()
        assert status == 404
        assert b"secret" not in body
        assert "immutable" not in headers.get("cache-control", "")

    asyncio.run(scenario())


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        runner = await server.start(tmp_path, "127.0.0.1", port)
        try:
            with pytest.raises(OSError, match=str(port)):
                await server.start(tmp_path, "127.0.0.1", port)
        finally:
            await runner.cleanup()

    asyncio.run(scenario())
