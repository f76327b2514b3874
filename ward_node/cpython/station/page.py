"""The page a nurse station serves by itself, for when central cannot show anything.

GET /          the page, in the ward's language or the one of ?lang=
GET /state     what it shows, asked for by the page every half second
GET /page.css, /page.js

It tells bed numbers and what is wanted, as the lamp over the door does, and takes no orders.
"""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from aiohttp import web
from babel.messages.pofile import read_po

HERE = Path(__file__).parent
LOCALES = {"zh": "zh_CN", "en": "en"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
# Nothing heard from the core yet.
NOTHING: dict[str, Any] = {"broker": False, "central": False, "calls": []}


def words(lang: str) -> dict[str, str]:
    """The page's words by English text, which is the message id."""
    with (HERE / "words" / f"{LOCALES[lang]}.po").open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    return {str(each.id): str(each.string or each.id) for each in catalogue if each.id}


class Page:
    """Serves what `show` was given last."""

    def __init__(
        self,
        ward: str,
        lang: str,
        steady_ms: Callable[[], int],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._ward = ward
        self._lang = lang
        self._steady_ms = steady_ms
        self._host = host
        self.port = port  # 0: the free one that `start` found
        self._words = {each: words(each) for each in LOCALES}
        self._picture = NOTHING
        self._runner: web.AppRunner | None = None

    def show(self, picture: dict[str, Any], lang: str) -> None:
        """Take the picture of an `effects.Show`, and the ward's language."""
        self._picture = picture
        self._lang = lang

    def state(self) -> dict[str, Any]:
        """What the page shows now: durations instead of moments on a clock of ours."""
        now_ms = self._steady_ms()
        calls = [
            {key: each[key] for key in each if key != "since_ms"}
            | {"for_ms": max(0, now_ms - each["since_ms"])}
            for each in self._picture["calls"]
        ]
        return self._picture | {"calls": calls, "ward": self._ward}

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/", self._get_page)
        app.router.add_get("/state", self._get_state)
        for name in ("page.css", "page.js"):
            app.router.add_get(f"/{name}", self._get_file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _get_page(self, request: web.Request) -> web.Response:
        asked = request.query.get("lang", self._lang)
        lang = asked if asked in LOCALES else self._lang
        said = self._words[lang]
        template = Template((HERE / "page.html").read_text(encoding="utf-8"))
        text = template.substitute(
            locale={"zh": "zh-CN", "en": "en"}[lang],
            title=escape(said["Nurse station, ward {ward}"].replace("{ward}", self._ward)),
            words=escape(json.dumps(said, ensure_ascii=False)),
            noscript=escape(said["This page needs scripts."]),
        )
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def _get_state(self, request: web.Request) -> web.Response:
        return web.json_response(self.state(), headers=HEADERS)

    async def _get_file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / request.path.lstrip("/"), headers=HEADERS)
