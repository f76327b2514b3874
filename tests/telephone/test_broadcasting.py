"""One voice to ten telephones that nobody here wrote."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.telephone.broadcasting import Broadcast
from gateway.telephone.directory import Directory, Line, Phone, Rights, Service
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World

SPEAKER, ABSENT = "0015650a1c00", "0015650a1cff"
WARDS = tuple(f"0015650a1c{number:02x}" for number in range(1, 11))
LOUD = 500.0


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningExchange]:
    phones = {device: str(8000 + place) for place, device in enumerate((SPEAKER, *WARDS, ABSENT))}
    directory = Directory(
        rights=(Rights("internal"),),
        phones=tuple(
            Phone(device, f"secret-{number}", "internal", number)
            for device, number in phones.items()
        ),
        lines=tuple(Line(number, (device,)) for device, number in phones.items()),
        services=(Service("621", "broadcast"),),
    )
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    running.start()
    yield running
    running.close()


def phone(folder: Path, exchange: RunningExchange, device: str, account: str = "") -> Baresip:
    number = next(each.number for each in exchange.directory.phones if each.device == device)
    sip = exchange.settings.ports.sip
    return Baresip(folder / device, device, f"secret-{number}", sip, account=account)


async def test_ten_phones_hear_one_who_hears_none_of_them(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(exchange.settings.ari_url))
        await world.ready()
        # Debian's baresip does not know the headers that ask for it: these answer everything.
        wards = [
            await stack.enter_async_context(phone(tmp_path, exchange, each, ";answermode=auto"))
            for each in WARDS
        ]
        speaker = await stack.enter_async_context(phone(tmp_path, exchange, SPEAKER))
        await asyncio.gather(*(each.registered() for each in (speaker, *wards)))
        await speaker.dial("621")
        async with asyncio.timeout(WAIT_S):
            lane = await world.arrived.get()
        await world.actions.answer(lane.subject.id)
        everybody = [f"PJSIP/{device}" for device in (*WARDS, ABSENT)]
        broadcast = asyncio.create_task(Broadcast(world.actions, lane, everybody).run())
        await asyncio.gather(*(each.hears(300) for each in wards))
        await speaker.hears(300)
        await speaker.do("hangup")
        reached = await broadcast
        await asyncio.gather(*(each.event("CALL_CLOSED") for each in wards))
        assert reached.heard == set(everybody[:-1])
        assert reached.missed == {everybody[-1]}
        await world.silent()
    assert min(each.heard()[0] for each in wards) > LOUD
    assert speaker.heard()[0] < LOUD / 10


async def test_a_phone_that_hangs_up_leaves_and_the_others_go_on(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with (
        World(exchange.settings.ari_url) as world,
        phone(tmp_path, exchange, SPEAKER) as speaker,
        phone(tmp_path, exchange, WARDS[0], ";answermode=auto") as stays,
        phone(tmp_path, exchange, WARDS[1], ";answermode=auto") as leaves,
    ):
        await world.ready()
        for each in (speaker, stays, leaves):
            await each.registered()
        await speaker.dial("621")
        async with asyncio.timeout(WAIT_S):
            lane = await world.arrived.get()
        await world.actions.answer(lane.subject.id)
        endpoints = [f"PJSIP/{each.device}" for each in (stays, leaves)]
        broadcast = asyncio.create_task(Broadcast(world.actions, lane, endpoints).run())
        await asyncio.gather(stays.hears(100), leaves.hears(100))
        await leaves.do("hangup")
        await leaves.event("CALL_CLOSED")
        await stays.hears(400)
        await speaker.do("hangup")
        assert (await broadcast).heard == set(endpoints)
        await stays.event("CALL_CLOSED")
