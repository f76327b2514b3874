"""A menu by telephone: carries out what the engine decides, on one channel."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from central.audit import model as audit
from central.directory import model as directory
from central.directory.reach import holder
from central.flows import apology, asking, service
from central.flows.doing import (
    Apologise,
    Do,
    DropRecording,
    HangUp,
    Hold,
    Hush,
    Listening,
    LookUp,
    PlayRecording,
    PutThrough,
    Queue,
    Record,
    Remember,
    Say,
    StopRecording,
    TryCard,
    Unqueue,
    Wait,
)
from central.flows.engine import Call, LogIn
from central.flows.offers import Asking
from central.patients.cards import Caller
from central.prompts import model as prompts
from central.recordings import conversation
from central.recordings.conversation import Recording
from central.store import Store, StoreUnavailableError, Tx
from central.telephone.desk import ALL, Arrival, Desk
from central.telephone.queueing import NOT_TAKEN, PLACED, TAKEN, Attendant
from central.words import spoken
from gateway.speech.library import SpeechUnavailableError
from gateway.telephone.ari.errors import ExchangeError, GoneError, LaneEndedError
from gateway.telephone.ari.events import Event
from gateway.telephone.files.dialplan import BACK, MENUS, UNANSWERED
from gateway.telephone.playing import Player
from gateway.telephone.recorder import NotRecordedError
from gateway.telephone.taking import Taker

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
    try:
        await desk.actions.answer(arrival.channel)
    except GoneError:  # hung up
        return False
    async with conversation.recorded(desk, arrival) as recording:
        return await _Line(desk, arrival, call, recording).run(call.begin())


def _live(store: Store) -> tuple[service.Live, Mapping[str, str]]:
    """The menus, and the places that they lead to."""
    tx = store.read()
    return service.live(tx, tx.now_ms), directory.places(tx)


async def unanswered(desk: Desk, arrival: Arrival) -> bool:
    """Whom nobody answered where he was put through to: his menu goes on. Where an earlier run of
    ours had it, he is told so."""
    log.info("%s comes back: nobody answered", arrival.lane.subject)
    call = _away.pop(arrival.channel, None)
    if call is not None:
        async with conversation.recorded(desk, arrival) as recording:
            return await _Line(desk, arrival, call, recording).run(call.unanswered())
    with contextlib.suppress(GoneError):
        await desk.say(arrival.lane, arrival.lang, spoken(arrival.lang, "flows.giving_up"))
    return False


ARRIVALS = {f"{service.PURPOSE}{ALL}": answer, UNANSWERED: unanswered}


class _Line:
    def __init__(self, desk: Desk, arrival: Arrival, call: Call, recording: Recording) -> None:
        self._desk = desk
        self._arrival = arrival
        self._call = call
        self._player = Player(desk.actions, arrival.channel)
        self._taker = Taker(desk.actions, arrival.channel, desk.recordings)
        self._recording = recording
        self._secret = contextlib.AsyncExitStack()
        self._attendant: Attendant | None = None
        self._holding = False
        self._wait_s: float | None = None
        self._through = self._gone = False
        self._left: Sequence[Do] = ()  # of what is to be done

    async def run(self, todo: Sequence[Do]) -> bool:
        """Whether the caller was put through. todo: what is to be done first. What one who hangs
        up has said is looked after."""
        async with self._secret:
            try:
                if await self._talk(todo):
                    return self._through
            except GoneError:  # hung up
                pass
            finally:
                await self._unqueue()
        self._gone = True
        await self._alone([*self._left, *self._call.hung_up()])
        return False

    async def _talk(self, todo: Sequence[Do]) -> bool:
        """False when the caller has hung up."""
        while await self._do(todo):
            try:
                event = await self._arrival.lane.next_within(self._wait_s)
            except LaneEndedError:
                return False
            if event is not None and event.ends(self._arrival.lane.subject):
                return False
            if event is None:
                todo = self._call.waited()
                continue
            told = self._attendant.told(event) if self._attendant is not None else ""
            if told == TAKEN and self._attendant is not None:
                self._call.taken()
                await self._fall_silent()
                await self._attendant.speak()
                return True
            todo = await self._heard(event, told)
        return True

    async def _heard(self, event: Event, told: str) -> Sequence[Do]:
        """told: by the queue."""
        if event.type == "ChannelDtmfReceived":
            return self._call.pressed(event.digit)
        if told == PLACED:
            return self._call.placed(event.body["place"])
        if told == NOT_TAKEN:
            return self._call.not_taken()
        if (taken := await self._taker.ended(event)) is not None:
            return self._call.recorded(taken.name, heard=taken.heard)
        return self._call.spoken() if self._player.ended(event) else ()

    async def _do(self, todo: Sequence[Do]) -> bool:
        """False when it is over."""
        for n, do in enumerate(todo, 1):
            self._left = todo[n:]
            match do:
                case Say():
                    if not await self._say(do) and (instead := self._call.unsaid()):
                        return await self._do(instead)
                case Apologise(lang):
                    await self._play(await apology.media(self._desk.prompts, lang))
                case Hush():
                    await self._fall_silent()
                case Queue(number, most_s):
                    self._attendant = Attendant(self._desk, self._arrival, number, most_s)
                case Unqueue():
                    await self._unqueue()
                case Hold():
                    await self._desk.actions.hold_music(self._arrival.channel)
                    self._holding = True
                case Wait(seconds):
                    self._wait_s = seconds
                case Record(most_s):
                    if not await self._take(most_s):
                        return await self._do(self._call.recorded(None, heard=False))
                case StopRecording():
                    await self._taker.stop()
                case PlayRecording(id):
                    self._wait_s = None
                    await self._player.play(f"recording:{id}")
                case DropRecording(id):
                    await self._taker.drop(id)
                case LookUp():
                    return await self._do(await self._look_up(do))
                case TryCard():
                    return await self._do(await self._log_in(do))
                case Remember(patient, lang):
                    # Only a convenience: a disk that refuses it ends no call.
                    with contextlib.suppress(StoreUnavailableError):
                        await asking.remember(self._desk.store, patient, lang)
                case Listening(secret):
                    await self._secret.aclose()
                    if secret:
                        await self._secret.enter_async_context(self._recording.paused())
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

    async def _alone(self, todo: Sequence[Do]) -> None:
        """What is left to do when nobody listens any more, up to the first wait for a key."""
        said = False
        for do in todo:
            match do:
                case Say() | Apologise() | PlayRecording():
                    said = True
                case DropRecording(id):
                    await self._taker.drop(id)
                case LookUp():
                    heard = self._call.spoken()
                    return await self._alone([*heard, *await self._look_up(do)])
                case Wait() | Record() | TryCard() | PutThrough() | HangUp():
                    return None
        return await self._alone(self._call.spoken()) if said else None

    async def _fall_silent(self) -> None:
        holding, self._holding = self._holding, False
        if holding:
            await self._desk.actions.end_hold_music(self._arrival.channel)
        await self._player.stop()

    async def _unqueue(self) -> None:
        attendant, self._attendant = self._attendant, None
        if attendant is not None:
            await attendant.leave()

    async def _take(self, most_s: float) -> bool:
        """Whether what he says is being recorded."""
        self._wait_s = None
        try:
            await self._fall_silent()
            await self._taker.start(most_s)
        except GoneError:
            raise
        except (NotRecordedError, ExchangeError, OSError) as error:
            log.error("what a caller wants to say cannot be recorded: %s", error)
            return False
        return True

    async def _say(self, say: Say) -> bool:
        """Whether it can be said."""
        media = []
        for (lang, text), slot in zip(say.texts, say.slots, strict=True):
            try:
                media.append(await self._media(lang, text, slot))
            except (SpeechUnavailableError, OSError) as error:
                # Words with values in them are not told: they may name a patient.
                flow, step = self._call.place
                where, words = slot or f"{flow}/{step}", text if slot else "with values in them"
                log.error("menu and step %s: words in %s, %s: %s", where, lang, words, error)
                return False
        await self._play(*media)
        return True

    async def _media(self, lang: str, text: str, slot: str) -> str:
        """A person's voice where there is one for these words, or else speech."""
        store, said = self._desk.store, self._desk.prompts
        try:
            if slot and (key := prompts.current(store.read(), slot, lang, text)) is not None:
                return await said.sound(key, lambda: prompts.sound(store.read(), key))
        except (SpeechUnavailableError, KeyError, sqlite3.Error) as error:
            log.error("the recorded words of %s in %s are not used: %s", slot, lang, error)
        return await said.media(lang, text)

    async def _play(self, *media: str) -> None:
        self._wait_s = None
        await self._fall_silent()
        await self._player.play(*media)

    async def _look_up(self, do: LookUp) -> Sequence[Do]:
        arrival = self._arrival
        who = Asking(
            self._call.lang, self._call.patient, arrival.number, arrival.device,
            caller=arrival.caller, staff=self._call.staff,
        )  # fmt: skip
        self._wait_s = None
        asked = asyncio.create_task(asking.look_up(self._desk.store, do.offer, who, do.values))
        try:
            await asyncio.wait({asked}, timeout=SILENT_S)
            if not (asked.done() or self._player.is_playing or self._gone):
                await self._say_moment()
            answer = await asked
        finally:
            asked.cancel()
        if answer is None:
            return self._call.looked_up(None)
        return self._call.looked_up(answer.outcome, answer.values)

    async def _say_moment(self) -> None:
        words = spoken(self._call.lang, "flows.moment")
        # He is only asked to wait: what he is told then is another matter.
        with contextlib.suppress(SpeechUnavailableError):
            await self._player.play(await self._desk.prompts.media(self._call.lang, words))

    async def _log_in(self, do: TryCard) -> Sequence[Do]:
        arrival, store = self._arrival, self._desk.store
        self._wait_s = None
        where = f"phone/{arrival.device}" if arrival.device else f"outside/{arrival.caller}"
        try:
            tried = asking.log_in_staff if do.staff else asking.log_in
            came, who, lang = await tried(store, do.card, do.pin, Caller(where))
            if who is not None:
                detail: dict[str, object] = {
                    "via": f"phone {arrival.number}" if arrival.device else "outside"
                }
                staff = do.staff

                def note(tx: Tx) -> None:
                    if staff:
                        by = holder(tx, who)
                        audit.append(tx, by, "staff.login", f"extension/{who}", detail=detail)
                    else:
                        audit.append(tx, "patient", "phone.login", f"patient/{who}", detail=detail)

                await store.write(note)
        except StoreUnavailableError:
            # Tries that cannot be counted are not made.
            return self._call.logged_in(LogIn.LOST)
        return self._call.logged_in(came, who, lang)
