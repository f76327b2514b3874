"""A menu by telephone: carries out what the engine decides, on one channel."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from central.audit import model as audit
from central.flows import asking, service
from central.flows.engine import (
    Call,
    Do,
    HangUp,
    Hush,
    Listening,
    LogIn,
    LookUp,
    PutThrough,
    Remember,
    Say,
    TryCard,
    Wait,
)
from central.flows.offers import Asking
from central.patients.cards import Caller
from central.store import Store, StoreUnavailableError
from central.telephone.desk import ALL, Arrival, Desk
from central.words import spoken
from gateway.telephone.ari.errors import GoneError, LaneEndedError
from gateway.telephone.ari.events import Event
from gateway.telephone.files.dialplan import MENUS
from gateway.telephone.playing import Player

log = logging.getLogger("wardline.flows")

# From so long without an answer on the caller is told to wait.
SILENT_S = 2.0


class NoSuchMenuError(Exception):
    """A number leads to a menu that is not there, so that others ring for it as if we were away."""

    error_id = "flow-unknown"


async def answer(desk: Desk, arrival: Arrival) -> bool:
    """Whether the caller was put through, and is not ours to hang up. Raises NoSuchMenuError."""
    flow = arrival.purpose.removeprefix(service.PURPOSE)
    live = await asyncio.to_thread(_live, desk.store)
    if flow not in live.documents:
        raise NoSuchMenuError(f"a number leads to the menu {flow}, and there is none of that name")
    log.info("%s hears version %d of menu %s", arrival.lane.subject, live.numbers[flow], flow)
    await desk.actions.answer(arrival.channel)
    with contextlib.suppress(GoneError):  # hung up
        return await _Line(desk, arrival, Call(live.documents, flow, lang=arrival.lang)).run()
    return False


def _live(store: Store) -> service.Live:
    tx = store.read()
    return service.live(tx, tx.now_ms)


ARRIVALS = {f"{service.PURPOSE}{ALL}": answer}


class _Line:
    def __init__(self, desk: Desk, arrival: Arrival, call: Call) -> None:
        self._desk = desk
        self._arrival = arrival
        self._call = call
        self._player = Player(desk.actions, arrival.channel)
        self._wait_s: float | None = None
        self._through = False

    async def run(self) -> bool:
        todo: Sequence[Do] = self._call.begin()
        while await self._do(todo):
            try:
                event = await self._arrival.lane.next_within(self._wait_s)
            except LaneEndedError:
                return False
            if event is not None and event.ends(self._arrival.lane.subject):
                return False
            todo = self._call.waited() if event is None else self._heard(event)
        return self._through

    def _heard(self, event: Event) -> Sequence[Do]:
        if event.type == "ChannelDtmfReceived":
            return self._call.pressed(event.digit)
        return self._call.spoken() if self._player.ended(event) else ()

    async def _do(self, todo: Sequence[Do]) -> bool:
        """False when it is over."""
        for do in todo:
            match do:
                case Say(texts):
                    await self._say(texts)
                case Hush():
                    await self._player.stop()
                case Wait(seconds):
                    self._wait_s = seconds
                case LookUp():
                    return await self._do(await self._look_up(do))
                case TryCard():
                    return await self._do(await self._log_in(do))
                case Remember(patient, lang):
                    # Only a convenience: a disk that refuses it ends no call.
                    with contextlib.suppress(StoreUnavailableError):
                        await asking.remember(self._desk.store, patient, lang)
                case Listening():
                    pass  # nothing is recorded
                case PutThrough(number):
                    await self._desk.actions.go_on(self._arrival.channel, MENUS, number)
                    self._through = True
                    return False
                case HangUp():
                    return False
        return True

    async def _say(self, texts: Sequence[tuple[str, str]]) -> None:
        self._wait_s = None
        media = [await self._desk.prompts.media(lang, text) for lang, text in texts]
        await self._player.play(*media)

    async def _look_up(self, do: LookUp) -> Sequence[Do]:
        arrival = self._arrival
        who = Asking(self._call.lang, self._call.patient, arrival.number, arrival.device)
        self._wait_s = None
        asked = asyncio.create_task(asking.look_up(self._desk.store, do.offer, who, do.values))
        try:
            await asyncio.wait({asked}, timeout=SILENT_S)
            if not asked.done() and not self._player.is_playing:
                words = spoken(self._call.lang, "flows.moment")
                await self._player.play(await self._desk.prompts.media(self._call.lang, words))
            answer = await asked
        finally:
            asked.cancel()
        if answer is None:
            return self._call.looked_up(None)
        return self._call.looked_up(answer.outcome, answer.values)

    async def _log_in(self, do: TryCard) -> Sequence[Do]:
        arrival, store = self._arrival, self._desk.store
        self._wait_s = None
        where = f"phone/{arrival.device}" if arrival.device else f"outside/{arrival.caller}"
        try:
            came, patient, lang = await asking.log_in(store, do.card, do.pin, Caller(where))
            if patient is not None:
                await store.write(
                    lambda tx: audit.append(
                        tx, "patient", "phone.login", f"patient/{patient}",
                        detail={"via": f"phone {arrival.number}" if arrival.device else "outside"},
                    )
                )  # fmt: skip
        except StoreUnavailableError:
            # Tries that cannot be counted are not made.
            return self._call.logged_in(LogIn.LOST)
        return self._call.logged_in(came, patient, lang)
