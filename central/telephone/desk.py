"""Answers callers: each number of the application is a capability's, by its purpose.

A capability's `phone.py` names in `ARRIVALS` which purposes it answers, as
`async def handler(desk: Desk, arrival: Arrival) -> None`; a name that ends in * stands for all
that begin so. When the handler returns, the caller who is still there is hung up, unless it says
True: he was put through. When it fails, the exchange goes on with him as if we were away.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from central.directory import model as directory
from central.personal import model as seats
from central.store import Store
from central.telephone.ringing import Saying
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.client import is_of_ours
from gateway.telephone.ari.errors import ExchangeError, LaneEndedError
from gateway.telephone.ari.events import FOUND, Event
from gateway.telephone.ari.reading import Lane
from gateway.telephone.exchange import APP, TO_BE_HELD
from gateway.telephone.holding import held
from gateway.telephone.playing import Player
from gateway.telephone.queueing import Queues

log = logging.getLogger("wardline.telephone")

_DEVICE = re.compile(r"PJSIP/([0-9a-f]{12})-[0-9a-f]+")


@dataclass(frozen=True)
class Arrival:
    """A call that has come to the application. device, number: of the caller's telephone and its
    extension, None for a caller from outside; caller: the number that is shown, "" for none; lang:
    "zh" or "en"; purpose: what was dialled for; held: the exchange takes it back from us when we do
    not say that we have it."""

    lane: Lane
    purpose: str
    device: str | None = None
    number: str | None = None
    caller: str = ""
    lang: str = "zh"
    held: bool = False

    @property
    def channel(self) -> str:
        return self.lane.subject.id


@dataclass(frozen=True)
class Desk:
    """What a handler works with. publish(ward, node, kind, message): to the nodes. recordings:
    where the exchange leaves what it records for us; None where its disk is not ours. queues: of
    callers who wait for somebody."""

    store: Store
    actions: Actions
    prompts: Saying
    publish: Callable[..., Awaitable[None]]
    recordings: Path | None = None
    queues: Queues = field(default_factory=Queues)

    async def say(self, lane: Lane, lang: str, text: str) -> bool:
        """Say it to its end. False: the caller hung up. Raises SpeechUnavailableError,
        ExchangeError's kinds. Keys pressed meanwhile are not heard."""
        player = Player(self.actions, lane.subject.id)
        await player.play(await self.prompts.media(lang, text))
        async for event in lane:
            if event.ends(lane.subject):
                return False
            if player.ended(event):
                return True
        return False


# True: the caller is elsewhere by now, and not to be hung up.
Handler = Callable[[Desk, Arrival], Awaitable[bool | None]]
ALL = "*"


def handlers(modules: Sequence[ModuleType]) -> dict[str, Handler]:
    """The handler of each purpose, out of the capabilities' `phone` modules."""
    found: dict[str, Handler] = {}
    for module in modules:
        for purpose, handler in module.ARRIVALS.items():
            if purpose in found:
                raise ValueError(f"two capabilities answer calls for {purpose}")
            found[purpose] = handler
    return found


def handler_of(purpose: str, by_purpose: Mapping[str, Handler]) -> Handler | None:
    """Of the purpose by its own name, or else of all that begin like it."""
    if purpose in by_purpose:
        return by_purpose[purpose]
    begins = [each for each in by_purpose if each.endswith(ALL) and purpose.startswith(each[:-1])]
    return by_purpose[max(begins, key=len)] if begins else None


class Reception:
    """Hands each call that arrives to its handler."""

    def __init__(self, desk: Desk, by_purpose: Mapping[str, Handler]) -> None:
        self._desk = desk
        self._by_purpose = by_purpose
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, lane: Lane) -> None:
        """A call is there; from the event loop."""
        task = asyncio.create_task(self._answer(lane))
        self._tasks.add(task)
        task.add_done_callback(self._over)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, lane: Lane) -> None:
        actions, call = self._desk.actions, lane.subject.id
        then: Callable[[str], Awaitable[None]] = actions.give_back
        with contextlib.suppress(LaneEndedError):
            first = await lane.next()
            try:
                arrival = self._arrival(lane, first)
                handler = handler_of(arrival.purpose, self._by_purpose) if arrival else None
                if arrival is None and not is_of_ours(call):
                    # The exchange has taken him back from an earlier run, and still names him.
                    log.info("%s has gone on without us", lane.subject)
                    then = _let_be
                elif arrival is None:
                    # What an earlier run of ours had begun: its ringing is begun anew.
                    log.info("hanging up %s, which an earlier run has left", lane.subject)
                    then = actions.hang_up
                elif handler is None:
                    log.error("nobody here answers calls for %r", arrival.purpose)
                else:
                    async with held(actions, call) if arrival.held else contextlib.nullcontext():
                        if await handler(self._desk, arrival):
                            then = _let_be
                            return
                    # One who has left us may be with a person: the exchange took him back.
                    then = _let_be if lane.over else actions.hang_up
            finally:
                with contextlib.suppress(ExchangeError):
                    await then(call)

    def _arrival(self, lane: Lane, first: Event) -> Arrival | None:
        """None for a channel that nobody has dialled us with."""
        described: dict[str, Any] = first.body.get("channel", {})
        purpose, *more = _dialled(first, described)
        if not purpose:
            return None
        match = _DEVICE.fullmatch(str(described.get("name", "")))
        tx = self._desk.store.read()
        phone = directory.phone(tx, match[1]) if match else None
        caller = str(described.get("caller", {}).get("number", ""))
        arrival = Arrival(lane, purpose, caller=caller, held=TO_BE_HELD in more)
        if phone is None:
            return arrival
        number = seats.sitting_at(tx, phone["device"]) or phone["number"]
        return replace(arrival, device=phone["device"], number=number, lang=phone["lang"])

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            level = logging.WARNING if isinstance(error, ExchangeError) else logging.ERROR
            log.log(level, "a call was not answered as it should be", exc_info=error)


async def _let_be(call: str) -> None:
    """It is no more ours."""


def _dialled(first: Event, described: Mapping[str, Any]) -> list[str]:
    """What the dial plan says of the call, its purpose first; nothing of one that did not come
    by it."""
    said: list[str] = []
    if first.type == "StasisStart":
        said = first.body.get("args", [])
    elif first.type == FOUND:
        step = described.get("dialplan") or {}
        app, *more = str(step.get("app_data", "")).split(",")
        if step.get("app_name") == "Stasis" and app == APP:
            said = more
    return said or [""]
