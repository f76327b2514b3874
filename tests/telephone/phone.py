"""A telephone that nobody here wrote: baresip, steered over its control port."""

import asyncio
import contextlib
import json
import wave
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.speech.sound import Sound
from tests.conftest import free_port, program

WAIT_S = 20.0
MODULES = ("g711", "account", "menu", "ctrl_tcp", "aufile", "sndfile", "srtp")

HUM_S = 20.0
HEADER_BYTES = 44
SAMPLES_PER_MS = 8


def tone(path: Path, seconds: float) -> None:
    """A WAV file at 8 kHz that is far from silent."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x20\x00\x20\x00\xe0\x00\xe0" * int(2000 * seconds))


class Baresip:
    """A phone called `device` at the exchange whose SIP port is `sip`. It hums by itself for
    hum_s, which is how long a call lasts, and writes what it hears into `folder`. tls: it speaks
    TLS alone, and `sip` is the TLS port; this baresip believes any certificate."""

    def __init__(
        self,
        folder: Path,
        device: str,
        password: str,
        sip: int,
        *,
        account: str = "",
        tls: bool = False,
        hum_s: float = HUM_S,
        modules: Sequence[str] = (),
    ) -> None:
        self.device = device
        self.folder = folder
        self._host = f"127.0.0.1:{sip}"
        self._control = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._events: deque[dict[str, Any]] = deque()
        self._came = asyncio.Event()
        self._log = folder / "log"
        folder.mkdir(parents=True)
        tone(folder / "hum.wav", hum_s)
        lines = [
            "sip_listen 127.0.0.1:0",
            f"ctrl_tcp_listen 127.0.0.1:{self._control}",
            f"audio_source aufile,{folder}/hum.wav",
            "ausrc_srate 8000",
            "audio_channels 1-1",
            f"snd_path {folder}",
            "module_path /usr/lib/baresip/modules",
            *(f"module {each}.so" for each in (*MODULES, *modules)),
        ]
        (folder / "config").write_text("\n".join(lines) + "\n")
        # It gets its account only once we listen, so that we hear all it has to tell.
        (folder / "accounts").write_text("")
        transport = ";transport=tls" if tls else ""
        self._account = (
            f"<sip:{device}@{self._host}{transport}>;auth_pass={password};regint=60"
            f";audio_codecs=PCMA/8000/1;dtmfmode=rtpevent{account}"
        )

    async def __aenter__(self) -> "Baresip":
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program("baresip"), "-f", str(self.folder), stdin=asyncio.subprocess.DEVNULL,
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
        assert self._writer is not None
        text = json.dumps({"command": command, "params": params}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        await self._writer.drain()

    async def event(self, *types: str) -> dict[str, Any]:
        """The next event of one of `types`; what comes before is passed over."""
        async with asyncio.timeout(WAIT_S):
            while True:
                while self._events:
                    event = self._events.popleft()
                    if event["type"] in types:
                        return event
                self._came.clear()
                await self._came.wait()

    async def registered(self) -> "Baresip":
        await self.event("REGISTER_OK")
        return self

    async def dial(self, number: str) -> None:
        await self.do("dial", f"sip:{number}@{self._host}")

    async def transfer(self, number: str) -> None:
        await self.do("transfer", f"sip:{number}@{self._host}")

    async def hears(self, ms: int = 100) -> None:
        """Returns once it has been spoken to for so long."""
        async with asyncio.timeout(WAIT_S):
            while self._heard_samples() < ms * SAMPLES_PER_MS:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def _heard_samples(self) -> int:
        return sum(each.stat().st_size - HEADER_BYTES for each in self.recordings()) // 2

    def recordings(self) -> list[Path]:
        return list(self.folder.glob("dump-*-dec.wav"))

    def heard(self) -> tuple[float, int]:
        """How loud (root mean square) and how long (ms) was what it heard in its one call. Its
        recording may lack the length in its header, so that is not looked at."""
        (recorded,) = self.recordings()
        samples = array("h", recorded.read_bytes()[HEADER_BYTES:])
        return Sound(samples).rms, len(samples) // SAMPLES_PER_MS
