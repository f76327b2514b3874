"""Several real telephones are told the same, until somebody takes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway.telephone.ari.reading import Lane
from gateway.telephone.exchange import SOUNDS
from gateway.telephone.hunting import Hunted, hunt
from gateway.telephone.teller import Media
from gateway.telephone.telling import Outcome, What
from tests.telephone.conftest import ABSENT, NIGHT, OFFICE, STATION
from tests.telephone.phone import Baresip, tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import World

SECRETS = {STATION: "station-secret", OFFICE: "office-secret", NIGHT: "night-secret"}
AT = {device: f"PJSIP/{device}" for device in (*SECRETS, ABSENT)}


def media(endpoint: str) -> Media:
    async def say(what: What) -> Sequence[str]:
        return [f"sound:{SOUNDS}/words"]

    return say


class Ward:
    """Three telephones and an application that hunts for somebody."""

    def __init__(self, world: World, phones: dict[str, Baresip]) -> None:
        self.world = world
        self.station, self.office, self.night = (phones[each] for each in SECRETS)

    def hunting(self, *groups: Sequence[str]) -> "asyncio.Task[Hunted]":
        named = [[AT[device] for device in group] for group in groups]
        return asyncio.create_task(hunt(self.world.actions, named, media))


@contextlib.asynccontextmanager
async def ward(folder: Path, exchange: RunningExchange) -> AsyncIterator[Ward]:
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(exchange.settings.ari_url))
        await world.ready()
        phones = {}
        for device, secret in SECRETS.items():
            phone = Baresip(folder / device, device, secret, exchange.settings.ports.sip)
            phones[device] = await stack.enter_async_context(phone)
            await phone.registered()
        yield Ward(world, phones)


@pytest.fixture(scope="module")
def exchange(exchange: RunningExchange) -> RunningExchange:
    tone(exchange.folder / "sounds" / "words.wav", 0.2)
    return exchange


async def takes(phone: Baresip, key: str) -> None:
    await phone.event("CALL_INCOMING")
    await phone.do("accept")
    await phone.hears(100)
    await phone.do("sndcode", key)


async def test_two_ring_together_and_the_other_falls_silent_when_one_takes_it(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with ward(tmp_path, exchange) as phones:
        hunting = phones.hunting([STATION, OFFICE], [NIGHT])
        await phones.office.event("CALL_INCOMING")
        await takes(phones.station, "1")
        hunted = await hunting
        assert (hunted.taken_by, hunted.outcomes) == (AT[STATION], {AT[STATION]: Outcome.TAKEN})
        await phones.office.event("CALL_CLOSED")
        await phones.world.silent()


async def test_one_who_passes_it_on_lets_the_next_ring(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with ward(tmp_path, exchange) as phones:
        hunting = phones.hunting([STATION, OFFICE], [NIGHT])
        await takes(phones.station, "3")
        await phones.office.event("CALL_CLOSED")
        await takes(phones.night, "1")
        hunted = await hunting
        assert hunted.taken_by == AT[NIGHT]
        assert hunted.outcomes[AT[STATION]] is Outcome.PASSED_ON
        await phones.world.silent()


async def test_nobody_takes_it_and_why_is_known_of_each(
    exchange: RunningExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ward(tmp_path, exchange) as phones:
        ring = phones.world.actions.ring

        async def rung(endpoint: str, *, caller: str, ring_s: int) -> Lane:
            # Only the one that shall not answer rings for a short time.
            short = 1 if endpoint == AT[OFFICE] else ring_s
            return await ring(endpoint, caller=caller, ring_s=short)

        monkeypatch.setattr(phones.world.actions, "ring", rung)
        hunting = phones.hunting([ABSENT, STATION], [OFFICE])
        await phones.station.event("CALL_INCOMING")
        await phones.station.do("hangup")
        await phones.office.event("CALL_INCOMING")
        assert await hunting == Hunted(
            None,
            {
                AT[ABSENT]: Outcome.UNREACHABLE,
                AT[STATION]: Outcome.BUSY,
                AT[OFFICE]: Outcome.NO_ANSWER,
            },
        )


async def test_taken_elsewhere_it_falls_silent_everywhere(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with ward(tmp_path, exchange) as phones:
        hunting = phones.hunting([STATION, OFFICE])
        for each in (phones.station, phones.office):
            await each.event("CALL_INCOMING")
        hunting.cancel()
        for each in (phones.station, phones.office):
            await each.event("CALL_CLOSED")
        await phones.world.silent()
