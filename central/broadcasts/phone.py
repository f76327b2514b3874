"""621 and 622: refused, or put through to every telephone and every ward's loudspeakers."""

import asyncio
import base64
import contextlib
import logging
from typing import Any

from central.broadcasts import model, service
from central.broadcasts.service import Plan
from central.store import StoreUnavailableError
from central.telephone.desk import Arrival, Desk
from central.words import spoken
from gateway.mqtt import kinds, topics
from gateway.mqtt.link import LinkDownError
from gateway.speech.library import SpeechUnavailableError
from gateway.telephone.ari.errors import ExchangeError, GoneError, LaneEndedError
from gateway.telephone.ari.reading import Lane
from gateway.telephone.broadcasting import Broadcast
from gateway.telephone.carrying import carry

log = logging.getLogger("wardline.telephone")

# Who has not hung up by then has forgotten to.
MOST_S = 600.0
RETRY_S = 0.5
REFUSALS = {model.REFUSED: "broadcasts.refused", model.OCCUPIED: "broadcasts.occupied"}


async def ordinary(desk: Desk, arrival: Arrival) -> None:
    await _answer(desk, arrival, urgent=False)


async def urgent(desk: Desk, arrival: Arrival) -> None:
    await _answer(desk, arrival, urgent=True)


ARRIVALS = {model.ORDINARY: ordinary, model.URGENT: urgent}


async def _answer(desk: Desk, arrival: Arrival, *, urgent: bool) -> None:
    plan = await desk.store.write(
        lambda tx: service.begin(tx, arrival.channel, arrival.number, arrival.device, urgent)
    )
    if isinstance(plan, str):
        log.warning("a broadcast from %s is refused: %s", arrival.number or "outside", plan)
        if plan in REFUSALS:
            await desk.actions.answer(arrival.channel)
            await _say(desk, arrival, REFUSALS[plan])
        return
    state, outcomes = model.FAILED, dict[str, str]()
    try:
        for each in plan.replaces:
            with contextlib.suppress(ExchangeError):
                await desk.actions.hang_up(each)
        await desk.actions.answer(arrival.channel)
        try:
            async with asyncio.timeout(MOST_S):
                await _Running(desk, arrival, plan, urgent, outcomes).run()
            state = model.ENDED
        except TimeoutError:
            state = model.TOO_LONG
    finally:
        await end(desk, plan.broadcast, state, outcomes)


async def end(desk: Desk, broadcast: int, state: str, outcomes: dict[str, str]) -> None:
    """Kept until it can be stored: while it counts as being spoken nobody else may speak."""
    log.info("broadcast %s: %s, %s", broadcast, state, outcomes)
    while True:
        try:
            await desk.store.write(lambda tx: service.end(tx, broadcast, state, outcomes))
            return
        except StoreUnavailableError as error:
            log.warning("the end of broadcast %s cannot be stored yet: %s", broadcast, error)
            await asyncio.sleep(RETRY_S)


async def _say(desk: Desk, arrival: Arrival, words: str) -> bool:
    """False: the caller hung up. Without a voice there is silence, and it goes on."""
    try:
        return await desk.say(arrival.lane, arrival.lang, spoken(arrival.lang, words))
    except GoneError:
        return False
    except SpeechUnavailableError as error:
        log.error("%s cannot be said: %s", words, error)
        return True


class _Running:
    """One broadcast, from its beginning to the end."""

    def __init__(
        self, desk: Desk, arrival: Arrival, plan: Plan, urgent: bool, outcomes: dict[str, str]
    ) -> None:
        self._desk = desk
        self._arrival = arrival
        self._plan = plan
        self._urgent = urgent
        self._outcomes = outcomes
        self._seq = 0
        self._is_cut_off = False
        self._has_word = False  # the caller was told to speak

    async def run(self) -> None:
        actions, plan = self._desk.actions, self._plan
        room = await actions.bridge()
        wards = asyncio.create_task(self._to_wards(room))
        broadcast = Broadcast(
            actions,
            self._arrival.lane,
            room,
            plan.endpoints,
            urgent=self._urgent,
            group=plan.group.address if plan.group else None,
            network=plan.group.network if plan.group else None,
            caller=f'"{plan.number}" <{self._arrival.number}>',
            opening=self._give_word,
            outcomes=self._outcomes,
        )
        try:
            await broadcast.run()
        finally:
            wards.cancel()
            await asyncio.gather(wards, return_exceptions=True)
            await self._publish(end=True)
            with contextlib.suppress(ExchangeError):
                await actions.end_bridge(room.subject.id)

    async def _give_word(self) -> bool:
        self._has_word = await _say(self._desk, self._arrival, "broadcasts.speak")
        return self._has_word

    async def _to_wards(self, room: Lane) -> None:
        await self._publish()
        try:
            await carry(self._desk.actions, room, self._block)
            trouble: object = "the exchange has ended it"
        except (ExchangeError, LaneEndedError, OSError) as error:
            trouble = error
        log.error("the wards do not hear broadcast %s: %s", self._plan.broadcast, trouble)

    async def _block(self, block: bytes) -> None:
        if not self._has_word:
            return  # the silence of a bridge in which nobody speaks yet
        await self._publish(sound=base64.b64encode(block).decode())
        self._seq += 1

    async def _publish(self, **more: Any) -> None:
        message = {
            "stream": self._plan.stream,
            "seq": self._seq,
            "at_ms": self._desk.store.clock.real_ms(),
            "class": kinds.EMERGENCY if self._urgent else kinds.ANNOUNCEMENT,
        } | more
        ttl_ms = topics.EXPIRY_S[topics.VOICE] * 1000
        for ward in self._plan.wards:
            try:
                await self._desk.publish(ward, topics.ALL, topics.VOICE, message, ttl_ms)
                self._is_cut_off = False
            except LinkDownError as error:
                if not self._is_cut_off:
                    log.error("broadcast %s does not reach the wards: %s", self._plan.stream, error)
                self._is_cut_off = True
                return
