"""The speech library: text in, a WAV file by its content's name out, rendered only once.

    <cache>/<sha256>.wav       a sound, named by its content
    <cache>/keys/<sha256>      which sound a text is, in one language by one voice

Every file is replaced as a whole, so several processes may share a cache.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.speech import sound
from gateway.speech.engines import Engine, EngineFailedError, Espeak, Piper
from gateway.speech.recorded import Recordings

log = logging.getLogger("wardline.speech")

MAX_CACHE_BYTES = 512 * 1024 * 1024
RENDERS_AT_ONCE = 2
# How long an engine that failed is left alone while another one speaks.
ENGINE_REST_S = 60.0
# Eviction goes on to this share of the size, so that it is seldom needed.
KEPT_SHARE = 0.9
# When it has grown by this share, the cache is measured again: other processes fill it as well.
MEASURED_SHARE = 1 / 64
LEFTOVER_S = 3600.0


class SpeechUnavailableError(Exception):
    """No recording and no engine could say a text; the message says why of each."""

    error_id = "speech-unavailable"


@dataclass(frozen=True)
class Audio:
    """A sound a node can fetch from `url` and check by `sha256`."""

    sha256: str
    url: str
    duration_ms: int
    path: Path


class SpeechLibrary:
    """Says any text: recordings first, then the engines in their order.

    `url`: where nodes reach this library's server, without a trailing slash.
    """

    def __init__(
        self,
        cache: Path,
        engines: Sequence[Engine],
        recorded: Path | None = None,
        url: str = "",
        *,
        max_bytes: int = MAX_CACHE_BYTES,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cache = cache
        self._engines = list(engines)
        self._recordings = Recordings(recorded)
        self._url = url.rstrip("/")
        self._max_bytes = max_bytes
        self._steady_s = steady_s
        self._rendering: dict[str, asyncio.Task[Audio]] = {}
        self._rests_until_s: dict[str, float] = {}
        self._turns = asyncio.Semaphore(RENDERS_AT_ONCE)
        # What was kept since the cache was measured, and how much of it calls for doing so again.
        self._unmeasured_bytes = 0
        self._measured_after_bytes = 0.0
        (cache / "keys").mkdir(parents=True, exist_ok=True)

    async def audio(self, lang: str, text: str) -> Audio:
        """The sound of `text` in "zh" or "en". Raises SpeechUnavailableError."""
        reasons: list[str] = []
        recording = self._recordings.find(lang, text)
        if recording is not None:
            key = _recorded_key(recording)
            try:
                return await self._once(key, lambda: self._keep(key, recording))
            except sound.UnusableSoundError as error:
                log.error("a recording is passed over: %s", error)
                reasons.append(str(error))
        for engine in self._engines:
            if not engine.speaks(lang):
                continue
            if self._rests(engine):
                reasons.append(f"{engine.name}: failed a moment ago")
                continue
            try:
                return await self._by(engine, lang, text)
            except (EngineFailedError, sound.UnusableSoundError, OSError) as error:
                # Not what: it may name a patient.
                log.warning("%s could not say something in %s: %s", engine.name, lang, error)
                reasons.append(f"{engine.name}: {error}")
                if isinstance(error, EngineFailedError):
                    self._rests_until_s[engine.name] = self._steady_s() + ENGINE_REST_S
        raise SpeechUnavailableError("; ".join(reasons) or f"no voice for the language {lang}")

    async def sound(self, key: str, wav: Callable[[], bytes]) -> Audio:
        """A sound that is no words of ours: what a person said, by a key that is given to no other.
        wav: its file, asked for where it is not known yet. Raises SpeechUnavailableError."""

        async def keep() -> Audio:
            with tempfile.TemporaryDirectory(prefix=".rendering-", dir=self.cache) as folder:
                given = Path(folder) / "given.wav"
                given.write_bytes(await asyncio.to_thread(wav))
                return await self._keep(f"sound|{key}", given)

        try:
            return await self._once(f"sound|{key}", keep)
        except (sound.UnusableSoundError, OSError) as error:
            raise SpeechUnavailableError(f"the sound {key} cannot be kept: {error}") from error

    async def known(self, words: Sequence[tuple[str, str]]) -> list[Audio | None]:
        """The sounds of (lang, text) that `audio` would answer at once; None where it would have
        to make one."""
        voices = {lang: await self._voice(lang) for lang in {lang for lang, _ in words}}
        return await asyncio.to_thread(
            lambda: [self._known_in(voices[lang], lang, text) for lang, text in words]
        )

    def _known_in(self, voice: str | None, lang: str, text: str) -> Audio | None:
        recording = self._recordings.find(lang, text)
        try:
            key = _recorded_key(recording) if recording is not None else None
        except OSError:
            return None  # removed this moment
        if key is None and voice is not None:
            key = _key(voice, lang, text)
        return None if key is None else self._known(key)

    async def _voice(self, lang: str) -> str | None:
        """The identity of the engine that is asked first."""
        for engine in self._engines:
            if engine.speaks(lang) and not self._rests(engine):
                with contextlib.suppress(EngineFailedError):
                    return await engine.identity(lang)
        return None

    def _rests(self, engine: Engine) -> bool:
        """The last engine gets no rest: there is nobody to speak for it."""
        until_s = self._rests_until_s.get(engine.name, 0.0)
        return engine is not self._engines[-1] and self._steady_s() < until_s

    async def _by(self, engine: Engine, lang: str, text: str) -> Audio:
        key = _key(await engine.identity(lang), lang, text)

        async def render() -> Audio:
            async with self._turns:
                with tempfile.TemporaryDirectory(prefix=".rendering-", dir=self.cache) as folder:
                    target = Path(folder) / "said.wav"
                    await engine.render(lang, text, target)
                    return await self._keep(key, target)

        return await self._once(key, render)

    async def _once(self, key: str, make: Callable[[], Any]) -> Audio:
        """The cached sound of `key`, or the one that `make` gives, made once for all who ask.
        Who stops waiting does not stop the making."""
        known = self._known(key)
        if known is not None:
            return known
        if key not in self._rendering:
            task = asyncio.ensure_future(make())
            self._rendering[key] = task
            task.add_done_callback(lambda done: self._made(key, done))
        return await asyncio.shield(self._rendering[key])

    def _made(self, key: str, task: "asyncio.Task[Audio]") -> None:
        del self._rendering[key]
        if not task.cancelled():
            task.exception()  # seen: whoever still waits gets it raised

    # --- the cache ---

    def _key_path(self, key: str) -> Path:
        return self.cache / "keys" / hashlib.sha256(key.encode()).hexdigest()

    def _audio(self, sha256: str, duration_ms: int) -> Audio:
        url = f"{self._url}/speech/{sha256}.wav"
        return Audio(sha256, url, duration_ms, self.cache / f"{sha256}.wav")

    def _known(self, key: str) -> Audio | None:
        try:
            entry = json.loads(self._key_path(key).read_bytes())
            found = self._audio(entry["sha256"], entry["duration_ms"])
            os.utime(found.path)  # used now: the last to be evicted
        except (OSError, ValueError, KeyError):
            return None
        return found

    async def _keep(self, key: str, rendered: Path) -> Audio:
        return await asyncio.to_thread(self._keep_now, key, rendered)

    def _keep_now(self, key: str, rendered: Path) -> Audio:
        said = sound.audible(rendered)
        with tempfile.TemporaryDirectory(prefix=".keeping-", dir=self.cache) as folder:
            fresh = Path(folder) / "fresh.wav"
            sound.write(fresh, said)
            made = fresh.read_bytes()
            sha256 = hashlib.sha256(made).hexdigest()
            kept = self._audio(sha256, said.duration_ms)
            fresh.replace(kept.path)
            entry = Path(folder) / "entry"
            entry.write_text(json.dumps({"sha256": sha256, "duration_ms": said.duration_ms}))
            entry.replace(self._key_path(key))
        self._unmeasured_bytes += len(made)
        if self._unmeasured_bytes > self._measured_after_bytes:
            total = self._evict(kept.path)
            self._unmeasured_bytes = 0
            room = self._max_bytes - total
            self._measured_after_bytes = min(self._max_bytes * MEASURED_SHARE, room)
        return kept

    def _evict(self, newest: Path) -> int:
        """Measure the cache and return its size in bytes. When it is too large, first remove the
        sounds used longest ago, but never the one just made, with their keys and what a killed
        process left half made."""
        files: list[tuple[float, int, Path]] = []
        for path in self.cache.glob("*.wav"):
            with contextlib.suppress(FileNotFoundError):  # another process removed it
                seen = path.stat()
                files.append((seen.st_mtime_ns, seen.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self._max_bytes:
            return total
        for _, size, path in sorted(files):
            if total <= self._max_bytes * KEPT_SHARE:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size
        left = {path.stem for path in self.cache.glob("*.wav")}
        for key in (self.cache / "keys").iterdir():
            with contextlib.suppress(OSError, ValueError, KeyError):
                if json.loads(key.read_bytes())["sha256"] not in left:
                    key.unlink()
        before_s = time.time() - LEFTOVER_S
        for folder in (*self.cache.glob(".rendering-*"), *self.cache.glob(".keeping-*")):
            with contextlib.suppress(FileNotFoundError):
                if folder.stat().st_mtime < before_s:
                    shutil.rmtree(folder, ignore_errors=True)
        return total

    async def close(self) -> None:
        """Stop what is being rendered."""
        tasks = list(self._rendering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _key(voice: str, lang: str, text: str) -> str:
    """The name in the cache of a text in an engine's voice."""
    return f"{voice}|{lang}|{text}"


def _recorded_key(recording: Path) -> str:
    seen = recording.stat()
    return f"recorded|{recording.name}|{seen.st_size}|{seen.st_mtime_ns}"


def from_config(config: dict[str, Any]) -> SpeechLibrary:
    """The library of central.json's "speech": {"url", "cache", "recorded", "piper"}."""
    engines: list[Engine] = []
    piper = config.get("piper")
    if piper:
        given = {"zh": piper.get("voice_zh"), "en": piper.get("voice_en")}
        voices = {lang: Path(voice) for lang, voice in given.items() if voice}
        engines.append(Piper(piper.get("program", "piper"), voices))
    engines.append(Espeak())
    recorded = config.get("recorded")
    return SpeechLibrary(
        Path(config["cache"]), engines, Path(recorded) if recorded else None, config["url"]
    )
