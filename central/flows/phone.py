"""A menu by telephone: carries out what the engine decides, on one channel."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from central.audit import model as audit
from central.directory import model as directory
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
from gateway.telephone.files.dialplan import BACK, MENUS, UNANSWERED
from gateway.telephone.playing import Player

log = logging.getLogger("wardline.flows")

# From so long without an answer on the caller is told to wait.
SILENT_S = 2.0
# Calls that were put through and may come back, the newest last: those that were answered never
# do, and what comes back does so within minutes.
MOST_AWAY = 1000
_away: "OrderedDict[str, Call]" = OrderedDict()


class NoSuchMenuError(Exception):
    """A number leads to a menu that is not there, so that others ring for it as if we were away."""

    error_id = "flow-unknown"


async def answer(desk: Desk, arrival: Arrival) -> bool:
    """Whether the caller was put through, and is not ours to hang up. Raises NoSuchMenuError."""
    flow = arrival.purpose.removeprefix(service.PURPOSE)
    live, places = await asyncio.to_thread(_live, desk.store)
    if flow not in live.documents:
        raise NoSuchMenuError(f"a number leads to the menu {flow}, and there is none of that name")
    log.info("%s hears version %d of menu %s", arrival.lane.subject, live.numbers[flow], flow)
    call = Call(live.documents, flow, lang=arrival.lang, places=places)
    await desk.actions.answer(arrival.channel)
    with contextlib.suppress(GoneError):  # hung up
        return await _Line(desk, arrival, call).run(call.begin())
    return False


def _live(store: Store) -> tuple[service.Live, Mapping[str, str]]:
    """The menus, and the places that they lead to."""
    tx = store.read()
    return service.live(tx, tx.now_ms), directory.places(tx)


async def unanswered(desk: Desk, arrival: Arrival) -> bool:
    """Whom nobody answered where he was put through to: his menu goes on. Where an earlier run of
    ours had it, he is told so."""
    log.info("%s comes back: nobody answered", arrival.lane.subject)
    call = _away.pop(arrival.channel, None)
    with contextlib.suppress(GoneError):
        if call is not None:
            return await _Line(desk, arrival, call).run(call.unanswered())
        await desk.say(arrival.lane, arrival.lang, spoken(arrival.lang, "flows.giving_up"))
    return False


ARRIVALS = {f"{service.PURPOSE}{ALL}": answer, UNANSWERED: unanswered}


class _Line:
    def __init__(self, desk: Desk, arrival: Arrival, call: Call) -> None:
        self._desk = desk
        self._arrival = arrival
        self._call = call
        self._player = Player(desk.actions, arrival.channel)
        self._wait_s: float | None = None
        self._through = False

    async def run(self, todo: Sequence[Do]) -> bool:
        """Until it is over, from what is to be done first."""
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
                case PutThrough(number, comes_back):
                    await self._put_through(number, comes_back)
                    return False
                case HangUp():
                    return False
        return True

    async def _put_through(self, number: str, comes_back: bool) -> None:
        channel = self._arrival.channel
        if comes_back:
            _away[channel] = self._call
            while len(_away) > MOST_AWAY:
                _away.popitem(last=False)
        told = {BACK: "1"} if comes_back else None
        await self._desk.actions.go_on(channel, MENUS, number, told)
        self._through = True

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
