"""Serves the library's sounds to the nodes: GET /speech/<sha256>.wav."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

PATH = "/speech/{sha256:[0-9a-f]{64}}.wav"
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


def application(cache: Path) -> web.Application:
    """An aiohttp application with the one route."""
    app = web.Application()
    app.router.add_get(PATH, handler(cache))
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
