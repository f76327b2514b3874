"""What the telephone exchange suffers from, as faults that people see until they are over."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from central.faults import model as faults
from central.faults import service
from central.faults.exchange import CODING, NODE
from central.flows import service as flows
from central.store import Store, StoreUnavailableError, Tx
from central.telephone.ringing import Saying
from gateway.speech.library import SpeechUnavailableError
from gateway.telephone.ari.client import Ari
from gateway.telephone.counted import counted
from gateway.telephone.exchange import Exchange

log = logging.getLogger("wardline.telephone")

LOOK_EVERY_S = 2.0
# A restart of the exchange is no fault; it takes about 3 s.
AWAY_S = 8.0
# What a fault is about and its code, and what the engineer is told besides.
Found = dict[tuple[str, str], str]
# By what calls outside were refused for want of: the code. All lines taken is no fault.
SPENT = {"calls": "calls-spent", "minutes": "minutes-spent"}


class Watching:
    """Of one exchange, whose files are in `folder`, if it is our own."""

    def __init__(
        self,
        store: Store,
        ari: Ari,
        folder: Path | None,
        *,
        timezone: str = Exchange.timezone,
        look_s: float = LOOK_EVERY_S,
    ) -> None:
        self._store = store
        self._ari = ari
        self._folder = folder
        self._zone = ZoneInfo(timezone)
        self._look_s = look_s
        self._away_since_s: float | None = None
        self._locked: tuple[str, ...] = ()
        self._spared: tuple[str, ...] = ()
        self._unsaid = ""

    def guessing(self, locked: tuple[str, ...], spared: tuple[str, ...]) -> None:
        """As the guard tells."""
        self._locked, self._spared = locked, spared

    def spoken(self, trouble: str) -> None:
        """How the last prompt went: "" when it could be said."""
        self._unsaid = trouble

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            found = self._found() | await asyncio.to_thread(self._spent)
            try:
                found |= await asyncio.to_thread(self._unfit)
                if found.keys() != await asyncio.to_thread(self._open):
                    await self._store.write(partial(settle, found=found))
            except (StoreUnavailableError, sqlite3.Error) as error:
                log.warning("faults of the exchange cannot be noted now: %s", error)
            await asyncio.sleep(self._look_s)

    def _open(self) -> set[tuple[str, str]]:
        return _open(self._store.read())

    def _found(self) -> Found:
        found: Found = {}
        if self._ari.ready.is_set():
            self._away_since_s = None
        else:
            self._away_since_s = self._away_since_s or time.monotonic()
            trouble = self._ari.trouble
            if trouble is not None and time.monotonic() - self._away_since_s >= AWAY_S:
                found["exchange", trouble.error_id] = str(trouble)
        if self._unsaid:
            found["exchange", "speech-unavailable"] = self._unsaid
        found |= {(address, "locked-out"): "" for address in self._locked}
        found |= {(address, "wrong-passwords"): "" for address in self._spared}
        return found

    def _unfit(self) -> Found:
        """Versions of menus that callers should hear by now, and do not."""
        tx = self._store.read()
        return {
            (each.version.flow, "menu-unfit"): "; ".join(map(str, each.problems))
            for each in flows.live(tx, tx.now_ms).aside
        }

    def _spent(self) -> Found:
        today = datetime.now(self._zone).date().isoformat()
        if self._folder is None:
            return {}
        try:
            counts = counted(self._folder)
        except sqlite3.Error:
            return {}  # it has not counted anything yet
        return {
            (who, SPENT[why]): f"{times} refused on {today}"
            for who, its in counts.items()
            if its.day == today
            for why, times in its.refused.items()
            if times and why in SPENT
        }


class Speaking:
    """Prompts, of which `watching` is told how each went."""

    def __init__(self, prompts: Saying, watching: Watching) -> None:
        self._prompts = prompts
        self._watching = watching

    async def media(self, lang: str, text: str) -> str:
        try:
            media = await self._prompts.media(lang, text)
        except SpeechUnavailableError as error:
            # Not what: it may name a patient.
            log.error(
                "a telephone cannot be told something: %s; install the voice espeak-ng, or let"
                " the words be recorded",
                error,
            )
            self._watching.spoken(str(error))
            raise
        self._watching.spoken("")
        return media

    async def sound(self, key: str, wav: Callable[[], bytes]) -> str:
        return await self._prompts.sound(key, wav)


def settle(tx: Tx, found: Mapping[tuple[str, str], str]) -> None:
    """Bring the open faults of the exchange to those found."""
    standing = _open(tx)
    for device, code in standing - found.keys():
        service.clear_fault(tx, NODE, device, code)
    for device, code in found.keys() - standing:
        detail = found[device, code]
        service.raise_fault(tx, ward=None, node=NODE, device=device, code=code, detail=detail)


def _open(tx: Tx) -> set[tuple[str, str]]:
    return {
        (row["device"], row["code"])
        for row in faults.of_node(tx, NODE)
        if row["cleared_ms"] is None and row["code"] != CODING
    }
