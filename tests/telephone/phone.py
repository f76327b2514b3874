"""A telephone of a test, which hums and remembers what it has heard."""

import asyncio
from array import array
from collections.abc import Sequence
from pathlib import Path

from gateway.speech.sound import Sound
from provisioning.softphone import WAIT_S, Softphone, humming
from provisioning.softphone import tone as tone

MODULES = ("sndfile", "srtp")

HUM_S = 20.0
HEADER_BYTES = 44
SAMPLES_PER_MS = 8


class Baresip(Softphone):
    """A phone called `device` at the exchange whose SIP port is `sip`. It hums by itself for
    hum_s, which is how long a call lasts, and writes what it hears into `folder`. tls: it speaks
    TLS alone, and `sip` is the TLS port; this baresip believes any certificate. port: where it is,
    as a stranger who registers nowhere."""

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
        port: int | None = None,
    ) -> None:
        self.device = device
        self._host = f"127.0.0.1:{sip}"
        folder.mkdir(parents=True)
        transport = ";transport=tls" if tls else ""
        super().__init__(
            folder,
            f"<sip:{device}@{self._host}{transport}>;auth_pass={password}"
            f";regint={0 if port else 60};audio_codecs=PCMA/8000/1;dtmfmode=rtpevent{account}",
            (*humming(folder, hum_s), f"snd_path {folder}"),
            (*MODULES, *modules),
            port=port or 0,
        )

    def happened(self, type: str) -> bool:
        """Whether such an event came and nobody has waited for it."""
        return any(each["type"] == type for each in self._events)

    async def registered(self) -> "Baresip":
        await self.event("REGISTER_OK")
        return self

    async def dial(self, number: str) -> None:
        await self.do("dial", f"sip:{number}@{self._host}")

    async def transfer(self, number: str, headers: str = "") -> None:
        """headers: what the other one shall send along ("?Replaces=...")."""
        await self.do("transfer", f"sip:{number}@{self._host}{headers}")

    async def hears(self, ms: int = 100) -> None:
        """Returns once it has been spoken to for so long."""
        async with asyncio.timeout(WAIT_S):
            while self.heard_ms() < ms:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def heard_ms(self) -> int:
        """How long it has been spoken to, in all its calls."""
        samples = sum(each.stat().st_size - HEADER_BYTES for each in self.recordings()) // 2
        return samples // SAMPLES_PER_MS

    def recordings(self) -> list[Path]:
        return list(self.folder.glob("dump-*-dec.wav"))

    def heard(self) -> tuple[float, int]:
        """How loud (root mean square) and how long (ms) was what it heard in its one call. Its
        recording may lack the length in its header, so that is not looked at."""
        (recorded,) = self.recordings()
        samples = array("h", recorded.read_bytes()[HEADER_BYTES:])
        return Sound(samples).rms, len(samples) // SAMPLES_PER_MS
