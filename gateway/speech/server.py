"""Serves the library's sounds to the nodes: GET /speech/<sha256>.wav; and as telephones sound, to
an Asterisk that is not our own: GET /telephone/<sha256>.wav."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from gateway.speech import sound
from gateway.speech.library import Audio

PATH = "/speech/{sha256:[0-9a-f]{64}}.wav"
TELEPHONE_PATH = "/telephone/{sha256:[0-9a-f]{64}}.wav"
TELEPHONE_HZ = 8_000
# A name is its content's hash, so what it names never changes.
IMMUTABLE = "public, max-age=31536000, immutable"


def handler(cache: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that answers with a sound of the folder `cache`, or 404."""

    async def sound(request: web.Request) -> web.StreamResponse:
        sha256 = request.match_info["sha256"]
        path = cache / f"{sha256}.wav"
        try:
            os.utime(path)  # fetched now: the last to be evicted
        except OSError:
            raise web.HTTPNotFound(
                text=f"Sound {sha256} is not in the library; ask for it by its text again."
            ) from None
        headers = {"Cache-Control": IMMUTABLE, "Content-Type": "audio/wav"}
        return web.FileResponse(path, headers=headers)

    return sound


def telephone_url(audio: Audio) -> str:
    """Where `audio` is served at 8 kHz."""
    return f"{audio.url.removesuffix(f'/speech/{audio.sha256}.wav')}/telephone/{audio.sha256}.wav"


def telephone_handler(cache: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """As `handler`, at 8 kHz. Converted at each request: whoever asks keeps it."""

    async def telephone_sound(request: web.Request) -> web.StreamResponse:
        sha256 = request.match_info["sha256"]
        try:
            body = await asyncio.to_thread(_at_8_khz, cache / f"{sha256}.wav")
        except OSError:
            raise web.HTTPNotFound(text=f"Sound {sha256} is not in the library.") from None
        headers = {"Cache-Control": IMMUTABLE}
        return web.Response(body=body, content_type="audio/wav", headers=headers)

    return telephone_sound


def _at_8_khz(path: Path) -> bytes:
    os.utime(path)
    with tempfile.TemporaryDirectory(prefix="wardline-telephone-") as folder:
        converted = Path(folder) / path.name
        sound.write(converted, sound.read(path), TELEPHONE_HZ)
        return converted.read_bytes()


def application(cache: Path) -> web.Application:
    """An aiohttp application with the two routes."""
    app = web.Application()
    app.router.add_get(PATH, handler(cache))
    app.router.add_get(TELEPHONE_PATH, telephone_handler(cache))
    return app


async def start(cache: Path, host: str, port: int) -> web.AppRunner:
    """Serve until the runner's `cleanup()`. Raises OSError when the port is taken."""
    runner = web.AppRunner(application(cache), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
