"""The running version takes another one, when nobody is disturbed by it, and proves itself.

Fetched, unpacked and with the box tested as it is, a version waits until nobody rings, speaks or
waits at this box; then the switch is made and the process ends, to be started in the new version.
That one tests the box again: what fails then and did not before sends it back.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from ward_node.contract import kinds
from ward_node.core.effects import Update
from ward_node.cpython.updating import selftest
from ward_node.cpython.updating.bundle import BundleError, NotFetchedError
from ward_node.cpython.updating.lock import UpdateLock
from ward_node.cpython.updating.places import NotThatVersionError, Places
from ward_node.cpython.updating.selftest import Parts

log = logging.getLogger("wardline.node")

FETCHING, TESTING, WAITING = "fetching", "testing", "waiting"
# A line may fail for a moment.
FETCH_TRIES = 3
FETCH_AGAIN_S = 5.0
# What a message to central may carry of the log.
TOLD_BYTES = 8 * 1024

Feed = Callable[..., None]


class Updates:
    """fetch: blocks for a bundle, or raises NotFetchedError. node: the core. feed: gives a method
    of it an input. restart: ends this process in good order. Times in steady ms."""

    def __init__(
        self,
        places: Places,
        fetch: Callable[[str], bytes],
        parts: Parts,
        node: Any,
        *,
        feed: Feed,
        restart: Callable[[], None],
    ) -> None:
        self._places = places
        self._fetch_now = fetch
        self._parts = parts
        self._node = node
        self._feed = feed
        self._restart = restart
        self._lock = UpdateLock()
        # One after the other: each clears away what another has left half unpacked.
        self._unpacking = asyncio.Lock()
        self._held: set[str] = set()
        self._asked: Update | None = None
        self._step = FETCHING
        self._known: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """For the heartbeat."""
        if self._asked is None:
            return {}
        held_by = sorted(self._held) if self._step == WAITING else []
        return {"version": self._asked.version, "step": self._step, "held_by": held_by}

    # --- another version ---

    async def take(self, wanted: Update) -> None:
        """As central asks; answered when it is refused or begun."""
        before, self._asked = self._asked, wanted
        if before is not None:
            self._answer(before, kinds.DECLINED, f"{wanted.version} is wanted instead")
        self._step = FETCHING
        try:
            if wanted.version in self._places.failed() and not wanted.again:
                raise NotThatVersionError(f"version {wanted.version} was tried and given up")
            if wanted.version not in self._places.versions():
                content = await self._fetch(wanted.version)
                async with self._unpacking:
                    if self._asked is wanted:
                        await asyncio.to_thread(self._places.install, wanted.version, content)
                        await asyncio.to_thread(self._compile, wanted.version)
            self._step = TESTING
            failing = await selftest.failing(self._parts)
        except (NotThatVersionError, NotFetchedError, BundleError, OSError) as error:
            self._refuse(wanted, str(error))
            return
        if self._asked is wanted:
            self._known = tuple(sorted(failing))
            self._step = WAITING

    def _compile(self, version: str) -> None:
        """Now, for the box is away while a version starts. What cannot be compiled shows then."""
        command = [sys.executable, "-P", "-m", "compileall", "-q"]
        subprocess.run(
            [*command, str(self._places.folder(version))], check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPYCACHEPREFIX": str(self._places.cache)},
        )  # fmt: skip

    async def _fetch(self, version: str) -> bytes:
        for left in reversed(range(FETCH_TRIES)):
            try:
                return await asyncio.to_thread(self._fetch_now, version)
            except NotFetchedError as error:
                if not left:
                    raise
                log.warning("%s; tried again in %.0f s", error, FETCH_AGAIN_S)
                await asyncio.sleep(FETCH_AGAIN_S)
        raise AssertionError

    def tick(self, now_ms: int) -> None:
        """Renew what holds the box, and switch once nothing does."""
        held = set(self._node.busy())
        for why in self._held - held:
            self._lock.release(why)
        for why in held:
            self._lock.hold(why, now_ms)
        self._held = held
        wanted = self._asked
        if wanted is None or self._step != WAITING:
            return
        holding = self._lock.held_by(now_ms)
        if wanted.not_after_ms is not None and now_ms >= wanted.not_after_ms:
            self._asked = None
            self._answer(wanted, kinds.EXPIRED, f"held by: {', '.join(holding) or 'nothing'}")
        elif not holding:
            self._begin(wanted)

    def _begin(self, wanted: Update) -> None:
        try:
            self._places.begin(wanted.version, again=wanted.again, known=self._known)
        except (NotThatVersionError, OSError) as error:
            self._refuse(wanted, str(error))
            return
        self._asked = None
        log.info("version %s is tried out now", wanted.version)
        self._answer(wanted, kinds.DONE, None)
        self._restart()

    def _refuse(self, wanted: Update, why: str) -> None:
        log.error("version %s is not taken: %s", wanted.version, why)
        if self._asked is wanted:
            self._asked = None
            self._answer(wanted, kinds.REFUSED, why)

    def _answer(self, wanted: Update, result: str, reason: str | None) -> None:
        self._feed(self._node.update_answered, wanted.command, result, reason)

    # --- this version ---

    async def settle(self) -> None:
        """At the start: a version on trial proves itself or goes back, and what was given up is
        told to central."""
        trial = self._places.trial()
        on_trial = trial is not None and trial.version == self._node.release.version
        if on_trial and trial and not await self._proves_itself(trial.known):
            return  # the version before tells it
        for version, text in self._places.untold().items():
            why, _, said = text.partition("\n")
            self._feed(self._node.update_failed, version, why[:500], said[-TOLD_BYTES:])
            self._places.told(version)

    async def _proves_itself(self, known: tuple[str, ...]) -> bool:
        """Kept, or else gone back."""
        failing = await selftest.failing(self._parts)
        fresh = {part: why for part, why in failing.items() if part not in known}
        if not fresh:
            self._places.commit()
            log.info("version %s has proved itself", self._node.release.version)
            self._feed(self._node.release_kept)
            return True
        why = "; ".join(f"{part}: {said}" for part, said in sorted(fresh.items()))
        log.error("version %s goes back: %s", self._node.release.version, why)
        self._places.go_back(why)
        self._restart()
        return False
