"""Rings what the ringings ask for, while they are open, and tells the rules what came of it."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from central.faults import model as faults
from central.faults import service
from central.faults.exchange import CODING, NODE
from central.store import Row, Store, StoreUnavailableError, Tx
from central.telephone import model
from central.telephone.service import Ringing, Rung
from central.words import spoken
from gateway.telephone.ari.actions import Actions
from gateway.telephone.hunting import Hunted, hunt
from gateway.telephone.teller import Media
from gateway.telephone.telling import Outcome, What

log = logging.getLogger("wardline.telephone")

# How long a ringing waits for an exchange that is just being connected to.
READY_S = 2.0
RETRY_S = 0.5
LOOK_EVERY_S = 1.0
# A line that is cut and mended costs no decision; an exchange that is gone for longer rings nobody.
AWAY_S = 3.0
AWAY_LOOK_S = 0.5
WRONG_KEY = "telephone.wrong_key"
KEYS = "telephone.keys"

# Somebody was there and could be spoken to.
_HEARD = (Outcome.TAKEN, Outcome.PASSED_ON, Outcome.UNDECIDED, Outcome.UNWANTED)
# Of an extension with several telephones, the outcome that says most.
_BEST = (
    Outcome.TAKEN,
    Outcome.PASSED_ON,
    Outcome.UNWANTED,
    Outcome.UNDECIDED,
    Outcome.BUSY,
    Outcome.NO_ANSWER,
    Outcome.SPEECHLESS,
    Outcome.INCOMPATIBLE,
    Outcome.UNREACHABLE,
    Outcome.FAILED,
)


class Saying(Protocol):
    """Where spoken words become something that the exchange plays."""

    async def media(self, lang: str, text: str) -> str: ...

    async def sound(self, key: str, wav: Callable[[], bytes]) -> str: ...


class NoRinger:
    """Where there is no exchange: what shall ring has failed, and whoever asked goes on."""

    def __init__(self, store: Store, ringings: Mapping[str, Ringing]) -> None:
        self._store = store
        self._ringings = ringings
        self._changed = asyncio.Event()

    def look(self) -> None:
        """The ringings may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._fail_all()
            except Exception:  # the next look is soon
                log.exception("what shall ring has failed, and nobody can be told so now")
            await _changed(self._changed)

    async def _fail_all(self) -> None:
        for row in model.unfinished(self._store.read()):
            numbers = [each for group in model.groups(row) for each in group]
            rung = Rung(None, dict.fromkeys(numbers, Outcome.FAILED))
            await finish(self._store, self._ringings, row, rung)


class Ringer:
    """For one exchange. `look` after each change of the ringings, from the event loop."""

    def __init__(
        self,
        store: Store,
        ringings: Mapping[str, Ringing],
        actions: Actions,
        prompts: Saying,
        ready: asyncio.Event,
    ) -> None:
        self._store = store
        self._ringings = ringings
        self._actions = actions
        self._prompts = prompts
        self._ready = ready
        self._changed = asyncio.Event()
        self._changed.set()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def look(self) -> None:
        """The ringings may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled; then every telephone falls silent. What was ringing rings again after
        a restart, for its row is still open."""
        try:
            while True:
                await _changed(self._changed)
                try:
                    self._follow(model.unfinished(self._store.read()))
                except sqlite3.Error as error:  # what rings rings on, and the next look is soon
                    log.error("what shall ring cannot be read now: %s", error)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _follow(self, rows: Iterable[Row]) -> None:
        """Ring what is new, silence what is over."""
        wanted = {row["id"]: row for row in rows}
        for id, task in self._tasks.items():
            if id not in wanted:
                task.cancel()
        for id, row in wanted.items():
            if id not in self._tasks:
                self._tasks[id] = asyncio.create_task(self._ring(row))
                self._tasks[id].add_done_callback(partial(self._over, id))

    def _over(self, id: int, task: "asyncio.Task[None]") -> None:
        del self._tasks[id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("ringing %s failed", id, exc_info=error)

    async def _ring(self, row: Row) -> None:
        groups = model.groups(row)
        found = model.telephones(self._store.read(), [each for group in groups for each in group])
        by_endpoint = {each.endpoint: each for each in found}
        by_number: dict[str, list[str]] = {}
        for each in found:
            by_number.setdefault(each.number, []).append(each.endpoint)
        await self._connected()
        log.info("ringing %s: %s about %s %s", row["id"], groups, row["kind"], row["ref"])
        hunting = hunt(
            self._actions,
            [[end for number in group for end in by_number.get(number, ())] for group in groups],
            lambda endpoint: self._media(row, by_endpoint[endpoint].lang),
            caller=row["caller"],
        )
        try:
            hunted = await self._unless_away(hunting, by_endpoint)
        except Exception:  # a mistake of ours: whoever asked goes on to somebody else
            log.exception("ringing %s failed", row["id"])
            hunted = Hunted(None, dict.fromkeys(by_endpoint, Outcome.FAILED))
        await self._note_codings(hunted)
        rung = _rung(hunted, groups, by_number)
        log.info("ringing %s: %s", row["id"], dict(rung.outcomes))
        await finish(self._store, self._ringings, row, rung)

    async def _note_codings(self, hunted: Hunted) -> None:
        """A telephone of another voice coding is a fault until it is answered and heard."""
        fresh = codings(self._store.read(), hunted.outcomes)
        for device, bad in fresh.items():
            if bad:
                log.error(
                    "%s answered in a voice coding that the exchange does not speak: set it to"
                    " G.711 (alaw or ulaw) or G.722",
                    device,
                )
        if fresh:
            try:
                await self._store.write(partial(note_codings, fresh=fresh))
            except StoreUnavailableError as error:
                log.warning("a fault of a telephone cannot be noted now: %s", error)

    async def _unless_away(
        self, hunting: Coroutine[Any, Any, Hunted], endpoints: Iterable[str]
    ) -> Hunted:
        """What came of it; nothing at any telephone when the exchange stays away meanwhile."""
        told, away = asyncio.create_task(hunting), asyncio.create_task(self._away())
        try:
            await asyncio.wait({told, away}, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                return told.result()
            return Hunted(None, dict.fromkeys(endpoints, Outcome.FAILED))
        finally:
            for each in (told, away):
                each.cancel()
            await asyncio.gather(told, away, return_exceptions=True)

    async def _away(self) -> None:
        """Returns once the exchange has been lost for AWAY_S."""
        with contextlib.suppress(TimeoutError):
            while True:
                while self._ready.is_set():  # noqa: ASYNC110 - an event tells of no loss
                    await asyncio.sleep(AWAY_LOOK_S)
                async with asyncio.timeout(AWAY_S):
                    await self._ready.wait()

    async def _connected(self) -> None:
        try:
            async with asyncio.timeout(READY_S):
                await self._ready.wait()
        except TimeoutError:
            pass  # each telephone then fails, and whoever asked goes on to somebody else

    def _media(self, row: Row, lang: str) -> Media:
        about = self._ringings[row["kind"]]

        async def media(what: What) -> Sequence[str]:
            if what is What.WRONG_KEY:
                texts = [spoken(lang, WRONG_KEY), spoken(lang, KEYS)]
            else:
                words = about.words(self._store.read(), row["ref"], lang)
                if words is None:
                    return ()
                texts = [words, spoken(lang, KEYS)]
            return [await self._prompts.media(lang, text) for text in texts]

        return media


def codings(tx: Tx, outcomes: Mapping[str, Outcome]) -> dict[str, bool]:
    """The devices of which something has changed: whether their voice coding is wrong now."""
    found = {}
    for endpoint, outcome in outcomes.items():
        device = endpoint.rpartition("/")[2]
        open_now = faults.find_open(tx, NODE, device, CODING) is not None
        bad = outcome is Outcome.INCOMPATIBLE
        if bad != open_now and (bad or outcome in _HEARD):
            found[device] = bad
    return found


def note_codings(tx: Tx, fresh: Mapping[str, bool]) -> None:
    for device, bad in fresh.items():
        if bad:
            service.raise_fault(tx, ward=None, node=NODE, device=device, code=CODING)
        else:
            service.clear_fault(tx, NODE, device, CODING)


async def _changed(event: asyncio.Event) -> None:
    """Wait for a change. The console's nudge may be lost with the broker: that costs a second."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_EVERY_S):
            await event.wait()
    event.clear()


async def finish(store: Store, ringings: Mapping[str, Ringing], row: Row, rung: Rung) -> None:
    """Tell the rules, once. A decision is kept until it can be stored. Rules that fail end it,
    too: it would ring again and again, while escalation goes its own way anyhow."""
    outcome = {"taken_by": rung.taken_by, "outcomes": dict(rung.outcomes)}

    def tell(tx: Tx) -> None:
        if model.finish(tx, row["id"], outcome):
            ringings[row["kind"]].done(tx, row["ref"], rung)

    def end(tx: Tx) -> None:
        model.finish(tx, row["id"], outcome)

    job = tell
    while True:
        try:
            await store.write(job)
            return
        except StoreUnavailableError as error:
            log.warning("ringing %s has ended and cannot be stored yet: %s", row["id"], error)
            await asyncio.sleep(RETRY_S)
        except Exception:
            if job is end:
                raise
            log.exception("what came of ringing %s could not be acted on", row["id"])
            job = end


def _rung(
    hunted: Hunted, groups: Sequence[Sequence[str]], by_number: Mapping[str, Sequence[str]]
) -> Rung:
    """By extension, what was by telephone. One that no telephone rings for is not to be reached."""
    outcomes: dict[str, Outcome] = {}
    for number in dict.fromkeys(each for group in groups for each in group):
        endpoints = by_number.get(number, ())
        known = {hunted.outcomes[each] for each in endpoints if each in hunted.outcomes}
        if known:
            outcomes[number] = min(known, key=_BEST.index)
        elif not endpoints:
            outcomes[number] = Outcome.UNREACHABLE
    taken_by = next((n for n, end in by_number.items() if hunted.taken_by in end), None)
    return Rung(taken_by, outcomes)
