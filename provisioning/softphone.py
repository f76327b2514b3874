"""A telephone that nobody here wrote: baresip as a process, steered over its control port."""

import asyncio
import contextlib
import json
import wave
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from provisioning.exchange import RTP_PORTS
from provisioning.packages import which
from provisioning.supervisor import free_ports

WAIT_S = 60.0
# As many signs of its log tell why it did not.
LAST_WORDS = 1500
MODULE_FOLDER = "/usr/lib/baresip/modules"
# What every one of them needs; g711 and aufile are the voices.
MODULES = ("account", "menu", "ctrl_tcp", "g711", "aufile")


def tone(path: Path, seconds: float) -> None:
    """A WAV file at 8 kHz that is far from silent: what somebody says who hums."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x20\x00\x20\x00\xe0\x00\xe0" * int(2000 * seconds))


def humming(folder: Path, seconds: float) -> tuple[str, ...]:
    """The lines of one without a sound card, who hums for so long; his call lasts no longer."""
    folder.mkdir(parents=True, exist_ok=True)
    tone(folder / "hum.wav", seconds)
    return (f"audio_source aufile,{folder}/hum.wav", "ausrc_srate 8000", "audio_channels 1-1")


class NoSoftphoneError(Exception):
    """baresip is not installed here."""

    error_id = "softphone-missing"


class Softphone:
    """A telephone in `folder`, with further lines of its configuration. account: as baresip writes
    it, "<sip:0015650a1b2c@127.0.0.1:5060>;auth_pass=..."; port: of its own, 0 is any."""

    def __init__(
        self,
        folder: Path,
        account: str,
        lines: Sequence[str] = (),
        modules: Sequence[str] = (),
        *,
        port: int = 0,
    ) -> None:
        self.folder = folder
        self._account = account
        self._control = free_ports(1)[0]
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._events: deque[dict[str, Any]] = deque()
        self._came = asyncio.Event()
        folder.mkdir(parents=True, exist_ok=True)
        config = [
            f"sip_listen 127.0.0.1:{port}",
            f"ctrl_tcp_listen 127.0.0.1:{self._control}",
            # Of itself it takes any from 1024 on: also one at which somebody is to listen.
            f"rtp_ports {RTP_PORTS[0]}-{RTP_PORTS[-1]}",
            *lines,
            f"module_path {MODULE_FOLDER}",
            *(f"module {each}.so" for each in (*MODULES, *modules)),
        ]
        (folder / "config").write_text("\n".join(config) + "\n")
        # It gets its account only once we listen, so that we hear all it has to tell.
        (folder / "accounts").write_text("")

    async def __aenter__(self) -> Self:
        """Raises NoSoftphoneError."""
        program = which("baresip")
        if program is None:
            raise NoSoftphoneError("baresip is not installed")
        with (self.folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-f", str(self.folder), stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(WAIT_S):
            while True:
                with contextlib.suppress(OSError):
                    reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
                    break
                await asyncio.sleep(0.02)
        self._reading = asyncio.create_task(self._read(reader))
        await self.do("uanew", self._account)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._writer is not None
        assert self._reading is not None
        self._reading.cancel()
        self._writer.close()
        self._process.kill()
        await self._process.wait()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Netstrings of JSON: 12:{"event":...},"""
        while True:
            length = int((await reader.readuntil(b":"))[:-1])
            message = json.loads(await reader.readexactly(length))
            await reader.readexactly(1)
            if message.get("event"):
                self._events.append(message)
                self._came.set()

    async def do(self, command: str, params: str = "") -> None:
        """What could be typed at it."""
        assert self._writer is not None
        text = json.dumps({"command": command, "params": params}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        await self._writer.drain()

    async def event(self, *types: str) -> dict[str, Any]:
        """The next event of one of `types`; what comes before is passed over. Raises TimeoutError,
        which shows what the telephone says."""
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._next(types)
        except TimeoutError:
            raise TimeoutError(f"none of {types} within {WAIT_S} s: {self.last_words}") from None

    async def _next(self, types: Sequence[str]) -> dict[str, Any]:
        while True:
            while self._events:
                event = self._events.popleft()
                if event["type"] in types:
                    return event
            self._came.clear()
            await self._came.wait()

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-LAST_WORDS:]
