"""A web panel for what hands do at a real ward: press, pull, unplug, listen. JSON on loopback.

GET  /state           the beds as they look now
POST /operate         {"bed", "control"}
POST /bus             {"noise", "drop", "gone"}, each optional (bedside bus only)
GET  /spoken          what the loudspeaker said, newest last; its state; the box's power
POST /speaker         {"state"}: whole, torn, dead or gone
POST /power           {"mains", "weak", "battery_pct"}, each optional
GET  /spoken/<id>.wav the sound itself
"""

import inspect
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web


class WardControls(Protocol):
    """Virtual buttons and lights of some beds."""

    def state(self) -> dict[str, Any]: ...

    def operate(self, bed: str, control: str) -> Any:
        """May be a coroutine. Raises KeyError (no such bed), ValueError (no such control)."""

    def disturb(
        self, *, noise: float | None = None, drop: float | None = None, gone: bool | None = None
    ) -> None:
        """Raises ValueError or TypeError for what cannot be disturbed."""


class SpokenRecord(Protocol):
    """What a virtual loudspeaker keeps."""

    def spoken(self) -> list[dict[str, Any]]: ...

    def wav(self, spoken_id: int) -> Path | None: ...

    @property
    def state(self) -> str: ...

    def switch(self, state: str) -> None:
        """Raises ValueError."""


class PowerSwitches(Protocol):
    """What feeds a virtual box."""

    def state(self) -> dict[str, Any]: ...

    def switch(
        self, *, mains: bool | None = None, weak: bool | None = None, battery_pct: int | None = None
    ) -> None:
        """Raises ValueError."""


class Panel:
    """Serves `ward` and `speaker`, either of which may be None."""

    def __init__(
        self,
        ward: WardControls | None = None,
        speaker: SpokenRecord | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        power: PowerSwitches | None = None,
    ) -> None:
        self._ward = ward
        self._speaker = speaker
        self._power = power
        self._host = host
        self.port = port  # 0: the free one that `start` found
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        app = web.Application()
        if self._ward is not None:
            app.router.add_get("/state", self._get_state)
            app.router.add_post("/operate", self._post_operate)
            app.router.add_post("/bus", self._post_bus)
        if self._speaker is not None:
            app.router.add_get("/spoken", self._get_spoken)
            app.router.add_post("/speaker", self._post_speaker)
            app.router.add_get(r"/spoken/{id:\d+}.wav", self._get_wav)
        if self._power is not None:
            app.router.add_post("/power", self._post_power)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _get_state(self, request: web.Request) -> web.Response:
        assert self._ward is not None
        return web.json_response(self._ward.state())

    async def _post_operate(self, request: web.Request) -> web.Response:
        assert self._ward is not None
        try:
            asked = await request.json()
            done = self._ward.operate(str(asked["bed"]), str(asked["control"]))
            if inspect.isawaitable(done):
                await done
        except KeyError as problem:
            return _refused(f"there is no {problem.args[0]} here")
        except (ValueError, TypeError) as problem:
            return _refused(str(problem))
        return web.json_response(self._ward.state())

    async def _post_bus(self, request: web.Request) -> web.Response:
        assert self._ward is not None
        try:
            asked = await request.json()
            self._ward.disturb(
                **{name: asked[name] for name in ("noise", "drop", "gone") if name in asked}
            )
        except (ValueError, TypeError) as problem:
            return _refused(str(problem))
        return web.json_response(self._ward.state())

    async def _get_spoken(self, request: web.Request) -> web.Response:
        assert self._speaker is not None
        return web.json_response(self._told())

    def _told(self) -> dict[str, Any]:
        assert self._speaker is not None
        power = None if self._power is None else self._power.state()
        return {"spoken": self._speaker.spoken(), "speaker": self._speaker.state, "power": power}

    async def _post_speaker(self, request: web.Request) -> web.Response:
        assert self._speaker is not None
        try:
            self._speaker.switch(str((await request.json())["state"]))
        except (ValueError, TypeError, KeyError) as problem:
            return _refused(str(problem))
        return web.json_response(self._told())

    async def _post_power(self, request: web.Request) -> web.Response:
        assert self._power is not None
        try:
            asked = await request.json()
            names = ("mains", "weak", "battery_pct")
            self._power.switch(**{name: asked[name] for name in names if name in asked})
        except (ValueError, TypeError) as problem:
            return _refused(str(problem))
        return web.json_response(self._power.state())

    async def _get_wav(self, request: web.Request) -> web.StreamResponse:
        assert self._speaker is not None
        found = self._speaker.wav(int(request.match_info["id"]))
        if found is None:
            return web.json_response({"error": "nothing spoken has this number"}, status=404)
        return web.FileResponse(found, headers={"Content-Type": "audio/wav"})


def _refused(why: str) -> web.Response:
    return web.json_response({"error": why}, status=400)
