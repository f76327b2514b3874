"""Listening by phone: from the extension's own telephone, with its PIN."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from argon2.exceptions import InvalidHashError, VerificationError

from central.directory import model as directory
from central.directory.facilities import HASHER
from central.store import Row
from central.telephone.desk import Arrival, Desk
from central.voicemail import model, service
from central.voicemail.menu import (
    Do,
    HangUp,
    Item,
    MarkHeard,
    Menu,
    Recording,
    Remove,
    Say,
    TryPin,
    Wait,
    Words,
)
from central.words import spoken
from gateway.telephone.ari.errors import GoneError, LaneEndedError
from gateway.telephone.ari.events import Event
from gateway.telephone.messages import media
from gateway.telephone.playing import Player


async def listen(desk: Desk, arrival: Arrival) -> None:
    """A caller without a mailbox of his own is told so."""
    number = arrival.number
    await desk.actions.answer(arrival.channel)
    if number is None or directory.mailbox(desk.store.read(), number) is None:
        await desk.say(arrival.lane, arrival.lang, spoken(arrival.lang, "voicemail.no_mailbox"))
        return
    with contextlib.suppress(GoneError):  # hung up
        await _Call(desk, arrival, number).run()


ARRIVALS = {"voicemail": listen}


class _Call:
    """Carries out what the menu decides, on one channel."""

    def __init__(self, desk: Desk, arrival: Arrival, number: str) -> None:
        self._desk = desk
        self._arrival = arrival
        self._number = number
        self._menu = Menu()
        self._player = Player(desk.actions, arrival.channel)
        self._wait_s: float | None = None

    async def run(self) -> None:
        todo: Sequence[Do] = self._menu.begin()
        while await self._do(todo):
            try:
                event = await self._arrival.lane.next_within(self._wait_s)
            except LaneEndedError:
                return
            if event is not None and event.ends(self._arrival.lane.subject):
                return
            todo = self._menu.waited() if event is None else self._heard(event)

    def _heard(self, event: Event) -> Sequence[Do]:
        if event.type == "ChannelDtmfReceived":
            return self._menu.pressed(event.digit)
        return self._menu.spoken() if self._player.ended(event) else ()

    async def _do(self, todo: Sequence[Do]) -> bool:
        """False when it is over."""
        for do in todo:
            match do:
                case Say(parts):
                    await self._say(parts)
                case Wait(seconds):
                    await self._player.stop()
                    self._wait_s = seconds
                case TryPin(pin):
                    return await self._do(await self._try(pin))
                case MarkHeard(id):
                    await self._desk.store.write(partial(service.heard, id=id))
                case Remove(id):
                    by = f"extension {self._number}"
                    await self._desk.store.write(partial(service.delete, id=id, by=by))
                case HangUp():
                    return False
        return True

    async def _say(self, parts: Sequence[Words | Recording]) -> None:
        await self._player.stop()
        self._wait_s = None
        await self._player.play(*[await self._media(each) for each in parts])

    async def _media(self, part: Words | Recording) -> str:
        if isinstance(part, Recording):
            return media(part.id)
        text = spoken(
            self._arrival.lang, part.what, n=part.n, old=part.old, caller=part.caller, ms=part.ms
        )
        return await self._desk.prompts.media(self._arrival.lang, text)

    async def _try(self, pin: str) -> Sequence[Do]:
        store = self._desk.store
        if not await store.write(partial(service.try_pin, number=self._number)):
            return self._menu.tried(None, blocked=True)
        box = directory.mailbox(store.read(), self._number)
        if box is None or not await asyncio.to_thread(_is_right, box, pin):
            return self._menu.tried(None)
        by = f"extension {self._number}"
        await store.write(partial(service.opened, number=self._number, by=by))
        tx = store.read()
        return self._menu.tried(
            [
                Item(row["id"], row["caller"], tx.now_ms - row["came_ms"], bool(row["heard_ms"]))
                for row in reversed(model.of(tx, self._number))
            ]
        )


def _is_right(box: Row, pin: str) -> bool:
    try:
        return HASHER.verify(box["pin"], pin)
    except (VerificationError, InvalidHashError):
        return False
