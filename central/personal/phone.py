"""The number at which one logs in at a phone, and out again."""

import contextlib

from central.console.limits import LockedOutError
from central.directory.reach import holder
from central.personal import desks, pins
from central.personal.dialogue import Check, Dialogue, Do, HangUp, Say, Wait
from central.store import Tx
from central.telephone.desk import Arrival, Desk
from central.words import spoken
from gateway.telephone.ari.errors import GoneError, LaneEndedError
from gateway.telephone.ari.events import Event
from gateway.telephone.playing import Player

PURPOSE = "desk"


async def answer(desk: Desk, arrival: Arrival) -> None:
    """Where somebody sits, he leaves; else whoever calls says who he is."""
    device = arrival.device
    if device is None:
        await _say(desk, arrival, "personal.only_inside")
        return

    def leave(tx: Tx) -> str | None:
        return desks.leave(tx, device, by=holder(tx, arrival.number or device))

    left = await desk.store.write(leave)
    if left is not None:
        await _say(desk, arrival, "personal.left", number=left)
        return
    await desk.actions.answer(arrival.channel)
    with contextlib.suppress(LaneEndedError, GoneError):
        await _Call(desk, arrival, device).run()


async def _say(desk: Desk, arrival: Arrival, words: str, **values: object) -> None:
    await desk.actions.answer(arrival.channel)
    await desk.say(arrival.lane, arrival.lang, spoken(arrival.lang, words, **values))


class _Call:
    """Carries out what the dialogue decides, on one channel."""

    def __init__(self, desk: Desk, arrival: Arrival, device: str) -> None:
        self._desk = desk
        self._arrival = arrival
        self._device = device
        self._dialogue = Dialogue()
        self._player = Player(desk.actions, arrival.channel)

    async def run(self) -> None:
        """Until it is over, by whomever."""
        lane = self._arrival.lane
        do: Do | None = self._dialogue.begin()
        wait_s: float | None = None
        while not isinstance(do, HangUp):
            if isinstance(do, Check):
                await self._player.stop()
                do = await self._check(do)
                continue
            if isinstance(do, Say):
                await self._say(do)
                wait_s = None
            elif isinstance(do, Wait):
                await self._player.stop()
                wait_s = do.seconds
            event = await lane.next_within(wait_s)
            if event is not None and event.ends(lane.subject):
                return
            do = self._dialogue.waited() if event is None else self._next(event)

    def _next(self, event: Event) -> Do | None:
        if event.type == "ChannelDtmfReceived":
            return self._dialogue.pressed(event.digit)
        return self._dialogue.spoken() if self._player.ended(event) else None

    async def _check(self, said: Check) -> Do:
        try:
            place = f"phone/{self._device}"
            if not await pins.right(self._desk.store, said.number, place, said.pin):
                return self._dialogue.checked(False)
        except LockedOutError as error:
            return self._dialogue.locked(error.wait_ms)

        def sit(tx: Tx) -> None:
            desks.sit(tx, said.number, self._device, by=holder(tx, said.number))

        await self._desk.store.write(sit)
        return self._dialogue.checked(True)

    async def _say(self, do: Say) -> None:
        await self._player.stop()
        lang = self._arrival.lang
        values = {"ms": do.wait_ms, "number": do.number}
        media = [
            await self._desk.prompts.media(lang, spoken(lang, f"personal.{each}", **values))
            for each in do.what
        ]
        await self._player.play(*media)


ARRIVALS = {PURPOSE: answer}
