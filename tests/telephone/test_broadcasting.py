"""One voice to ten telephones that nobody here wrote, to those in a call, to a multicast group and
out of the exchange."""

import asyncio
import contextlib
import socket
import struct
import wave
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.speech.sound import Sound
from gateway.telephone.ari.reading import Lane
from gateway.telephone.broadcasting import HEARD, HEARD_IN_CALL, Broadcast
from gateway.telephone.carrying import carry
from gateway.telephone.directory import Directory, Line, Phone, Rights, Service
from gateway.telephone.rtp import PCMU, parse
from gateway.telephone.telling import Outcome
from tests.telephone.phone import HEADER_BYTES, Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World
from ward_node.contract.sound import BLOCK_BYTES, SILENCE

SPEAKER, ABSENT = "0015650a1c00", "0015650a1cff"
WARDS = tuple(f"0015650a1c{number:02x}" for number in range(1, 11))
LOUD = 500.0
LOOPBACK = "127.0.0.1"
AUTO = ";answermode=auto"


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


def endpoint(device: str) -> str:
    return f"PJSIP/{device}"


class Hall:
    """A world with telephones, one of which has dialled 621 and is answered."""

    def __init__(self, stack: contextlib.AsyncExitStack, exchange: RunningExchange, folder: Path):
        self._stack, self._exchange, self._folder = stack, exchange, folder
        self.world: World
        self.speaker: Baresip
        self.lane: Lane
        self.room: Lane
        self._outcomes: dict[str, str] = {}

    def number(self, device: str) -> str:
        return next(
            each.number for each in self._exchange.directory.phones if each.device == device
        )

    async def phone(self, device: str, account: str = AUTO, quiet: bool = False) -> Baresip:
        secret, sip = f"secret-{self.number(device)}", self._exchange.settings.ports.sip
        made = Baresip(self._folder / device, device, secret, sip, account=account)
        if quiet:
            with wave.open(str(made.folder / "hum.wav"), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes(bytes(2 * 8000 * 20))
        return await self._stack.enter_async_context(made)

    async def phones(self, *devices: str, quiet: bool = False) -> list[Baresip]:
        made = [await self.phone(each, quiet=quiet) for each in devices]
        await asyncio.gather(*(each.registered() for each in made))
        return made

    async def open(self) -> "Hall":
        self.world = await self._stack.enter_async_context(World(self._exchange.settings.ari_url))
        await self.world.ready()
        self.speaker = await (await self.phone(SPEAKER, "")).registered()
        return self

    async def speak(self) -> None:
        await self.speaker.dial("621")
        async with asyncio.timeout(WAIT_S):
            self.lane = await self.world.arrived.get()
        await self.world.actions.answer(self.lane.subject.id)
        self.room = await self.world.actions.bridge()

    def broadcast(self, *devices: str, **more: Any) -> "asyncio.Task[dict[str, str]]":
        ends, outcomes = map(endpoint, devices), self._outcomes
        return asyncio.create_task(
            Broadcast(
                self.world.actions, self.lane, self.room, ends, outcomes=outcomes, **more
            ).run()
        )

    async def come_to(self, *ends: str) -> None:
        """Returns once it is known what has become of these."""
        await until(lambda: set(ends) <= set(self._outcomes))

    async def end(self) -> None:
        await self.speaker.do("hangup")

    async def close(self) -> None:
        await self.world.actions.end_bridge(self.room.subject.id)
        await self.world.silent()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def samples(phone: Baresip) -> "array[int]":
    """What it has heard in its one call."""
    (recorded,) = phone.folder.glob("dump-*-dec.wav")
    content = recorded.read_bytes()[HEADER_BYTES:]
    return array("h", content[: len(content) // 2 * 2])


def hears_loudly(phone: Baresip) -> bool:
    """In the last half second."""
    return Sound(samples(phone)[-4_000:]).rms > LOUD


@contextlib.asynccontextmanager
async def a_hall(exchange: RunningExchange, folder: Path) -> AsyncIterator[Hall]:
    async with contextlib.AsyncExitStack() as stack:
        yield await Hall(stack, exchange, folder).open()


async def test_ten_phones_hear_one_who_hears_none_of_them(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with a_hall(exchange, tmp_path) as hall:
        # Debian's baresip does not know the headers that ask for it: these answer everything.
        wards = await hall.phones(*WARDS)
        await hall.speak()
        broadcast = hall.broadcast(*WARDS, ABSENT)
        await asyncio.gather(*(each.hears(300) for each in wards))
        await until(lambda: min(each.heard()[0] for each in wards) > LOUD)
        await hall.speaker.hears(300)
        await hall.come_to(*map(endpoint, (*WARDS, ABSENT)))
        await hall.end()
        outcomes = await broadcast
        await asyncio.gather(*(each.event("CALL_CLOSED") for each in wards))
        assert outcomes == {
            **{endpoint(each): HEARD for each in WARDS},
            endpoint(ABSENT): Outcome.UNREACHABLE,
        }
        await hall.close()
        assert hall.speaker.heard()[0] < LOUD / 10


async def test_a_phone_that_hangs_up_leaves_and_the_others_go_on(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with a_hall(exchange, tmp_path) as hall:
        stays, leaves = await hall.phones(*WARDS[:2])
        await hall.speak()
        broadcast = hall.broadcast(*WARDS[:2])
        await asyncio.gather(stays.hears(100), leaves.hears(100))
        await hall.come_to(*map(endpoint, WARDS[:2]))
        await leaves.do("hangup")
        await leaves.event("CALL_CLOSED")
        await stays.hears(400)
        await hall.end()
        assert set((await broadcast).values()) == {HEARD}
        await stays.event("CALL_CLOSED")
        await hall.close()


@pytest.mark.parametrize(("urgent", "outcome"), [(False, Outcome.BUSY), (True, HEARD_IN_CALL)])
async def test_who_is_in_a_call_hears_an_emergency_in_it_and_nothing_else(
    exchange: RunningExchange, tmp_path: Path, urgent: bool, outcome: str
) -> None:
    """The two keep their call. Both say nothing in it, so what they hear is the speaker."""
    async with a_hall(exchange, tmp_path) as hall:
        first, second = await hall.phones(*WARDS[:2], quiet=True)
        await first.dial(hall.number(WARDS[1]))
        await asyncio.gather(first.hears(200), second.hears(200))
        await hall.speak()
        broadcast = hall.broadcast(*WARDS[:2], urgent=urgent)
        await hall.come_to(*map(endpoint, WARDS[:2]))
        if urgent:
            await until(lambda: hears_loudly(first) and hears_loudly(second))
        else:
            before = max(each.heard_ms() for each in (first, second))
            await asyncio.gather(first.hears(before + 1_000), second.hears(before + 1_000))
            assert not hears_loudly(first)
            assert not hears_loudly(second)
        await hall.end()
        assert await broadcast == dict.fromkeys(map(endpoint, WARDS[:2]), outcome)
        length = len(samples(first)) // 8
        await first.hears(length + 300)  # their call goes on
        await first.do("hangup")
        await second.event("CALL_CLOSED")
        await hall.close()


async def test_who_ends_his_call_in_an_emergency_goes_on_hearing(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with a_hall(exchange, tmp_path) as hall:
        first, second = await hall.phones(*WARDS[:2], quiet=True)
        await first.dial(hall.number(WARDS[1]))
        await asyncio.gather(first.hears(200), second.hears(200))
        await asyncio.gather(*(each.event("CALL_ESTABLISHED") for each in (first, second)))
        await hall.speak()
        broadcast = hall.broadcast(WARDS[0], urgent=True)
        await until(lambda: Sound(samples(first)[-2_000:]).rms > LOUD)
        await second.do("hangup")
        await first.event("CALL_CLOSED")
        await first.event("CALL_ESTABLISHED")  # it is rung and answers by itself
        await hall.end()
        assert await broadcast == {endpoint(WARDS[0]): HEARD_IN_CALL}
        await first.event("CALL_CLOSED")
        await hall.close()


def is_voice(block: bytes) -> bool:
    return len(set(block)) > 1


async def test_the_voice_comes_out_of_the_exchange_in_blocks(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with a_hall(exchange, tmp_path) as hall:
        await hall.speak()
        broadcast = hall.broadcast()
        blocks: asyncio.Queue[bytes] = asyncio.Queue()
        carried = asyncio.create_task(carry(hall.world.actions, hall.room, blocks.put))
        heard: list[bytes] = []
        # The speaker hums all the time; only a phone that is held up for a moment leaves a gap.
        async with asyncio.timeout(WAIT_S):
            while len(heard) < 6 or not all(map(is_voice, heard[-6:])):
                heard.append(await blocks.get())
        await hall.end()
        await broadcast
        carried.cancel()
        await asyncio.gather(carried, return_exceptions=True)
        await hall.close()
        assert {len(each) for each in heard} == {BLOCK_BYTES}


async def test_a_voice_that_the_exchange_ends_is_known_to_have_ended(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with a_hall(exchange, tmp_path) as hall:
        await hall.speak()
        broadcast = hall.broadcast()
        blocks: asyncio.Queue[bytes] = asyncio.Queue()
        carried = asyncio.create_task(carry(hall.world.actions, hall.room, blocks.put))
        async with asyncio.timeout(WAIT_S):
            await blocks.get()
            for each in await hall.world.actions.channels():
                if each["name"].startswith("UnicastRTP/"):
                    await hall.world.actions.hang_up(each["id"])
            await carried
        await hall.end()
        await broadcast
        await hall.close()


async def test_a_multicast_group_hears_it_without_being_rung(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with a_hall(exchange, tmp_path) as hall:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as member:
            member.bind(("239.255.62.1", 0))
            member.setblocking(False)
            here = struct.pack("4s4s", socket.inet_aton("239.255.62.1"), socket.inet_aton(LOOPBACK))
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, here)
            group = f"239.255.62.1:{member.getsockname()[1]}"
            await hall.speak()
            broadcast = hall.broadcast(group=group, network=LOOPBACK)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(WAIT_S):
                packets = [parse(await loop.sock_recv(member, 2_000)) for _ in range(30)]
            await hall.come_to(group)
        await hall.end()
        assert await broadcast == {group: HEARD}
        await hall.close()
        assert {each.payload_type for each in packets} == {PCMU}
        voice = b"".join(each.payload for each in packets)
        assert len(set(voice) - set(SILENCE)) > 1
