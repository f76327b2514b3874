"""A person at the console, as a program: logs in, sends forms, watches a board."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

_CSRF = re.compile(r'<meta name="csrf-token" content="([^"]+)">')
REQUEST_TIMEOUT_S = 10.0


class ConsoleRefusedError(Exception):
    """The console answered otherwise than hoped; holds what was asked and the answer."""

    error_id = "console-refused"


class Visitor:
    """One browser session without the browser. Use `visit`."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._csrf = ""

    async def log_in(self, name: str, password: str) -> None:
        """Raises ConsoleRefusedError."""
        await self._learn_csrf("/login")
        fields = {"name": name, "password": password, "csrf_token": self._csrf}
        async with self._http.post(f"{self._url}/login", data=fields, allow_redirects=False) as got:
            if got.status not in (302, 303):
                raise ConsoleRefusedError(f"log-in of {name}: {got.status}")
        await self._learn_csrf("/me")

    async def _learn_csrf(self, path: str) -> None:
        found = _CSRF.search(await self.page(path))
        if found is None:
            raise ConsoleRefusedError(f"{path} carries no token for forms")
        self._csrf = found.group(1)

    async def page(self, path: str) -> str:
        """The text at `path`. Raises ConsoleRefusedError."""
        async with self._http.get(self._url + path) as got:
            text = await got.text()
            if got.status != 200:
                raise ConsoleRefusedError(f"GET {path}: {got.status} {text[:200]}")
            return text

    async def get(self, path: str) -> Any:
        """JSON from `path`."""
        return json.loads(await self.page(path))

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send JSON and return the JSON that comes back. Raises ConsoleRefusedError."""
        headers = {"X-CSRFToken": self._csrf, "Accept": "application/json"}
        async with self._http.post(self._url + path, json=body or {}, headers=headers) as got:
            text = await got.text()
            if got.status >= 300:
                raise ConsoleRefusedError(f"POST {path}: {got.status} {text[:300]}")
            return json.loads(text)

    @contextlib.asynccontextmanager
    async def board(self, ward: str) -> AsyncIterator["Board"]:
        """The live board of a ward, for as long as the context lasts."""
        board = Board()
        endless = aiohttp.ClientTimeout(total=None, sock_read=30)
        path = f"{self._url}/board/stream?ward={ward}"
        async with self._http.get(path, timeout=endless) as stream:
            if stream.status != 200:
                raise ConsoleRefusedError(f"board of ward {ward}: {stream.status}")
            reading = asyncio.create_task(board.read(stream))
            try:
                yield board
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)


class Board:
    """What the board of a ward shows now."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] | None = None
        self.at_ns = 0  # CLOCK_MONOTONIC of its arrival
        self._changed = asyncio.Event()
        self.on_shown: Callable[[dict[str, Any], int], None] = lambda shown, at_ns: None

    async def read(self, stream: aiohttp.ClientResponse) -> None:
        event = ""
        async for raw in stream.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: ") and event == "board":
                self.at_ns = time.monotonic_ns()
                self.shown = json.loads(line.removeprefix("data: "))
                self.on_shown(self.shown, self.at_ns)
                self._changed.set()

    def call(self, bed: str) -> dict[str, Any] | None:
        """The call of a bed that the board shows."""
        calls = self.shown["calls"] if self.shown else []
        return next((call for call in calls if call["bed"] == bed), None)

    async def until(self, condition: Callable[[], Any]) -> Any:
        """The first true answer of `condition`, looked at after each change."""
        while True:
            answer = self.shown is not None and condition()
            if answer:
                return answer
            self._changed.clear()
            await self._changed.wait()


@contextlib.asynccontextmanager
async def visit(url: str) -> AsyncIterator[Visitor]:
    """A session of its own at the console."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    # Without "unsafe" the jar keeps no cookie of an address without a name.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as http:
        yield Visitor(http, url)
