"""What staff do with their phones: more than one call, passing on, parking, picking up, rooms."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from central.directory import standing
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.directory import Directory, Line, Parking, Phone, Rights, Room
from gateway.telephone.files.features import (
    ALL_TOGETHER,
    ATTENDED_TRANSFER,
    BLIND_TRANSFER,
    PARK,
    PICK_UP_AT,
)
from gateway.telephone.prompts import Prompts
from tests.telephone.hearing import TONES_HZ, hears, hum, notes
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

# By extension: the phone there, and its pick-up groups.
HOUSE = {
    "8003": ("0015650a1b2c", ("ward-3", "nurses")),
    "8101": ("0015650a1b2d", ()),
    "8102": ("0015650a1b2e", ()),
    "8104": ("0015650a1b2f", ("ward-3",)),
}
# Longer than any test: no call ends because a phone has nothing more to say.
HUM_S = 60.0
# The words that are said here, of all that Asterisk has.
NEEDED = ("pbx-transfer", "conf-getpin", "digits/7", "digits/0", "digits/1")
ROOM, ROOM_WITH_PIN = Room("8800"), Room("8801", "4711")


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory(
        rights=(Rights("internal"),),
        phones=tuple(
            Phone(device, f"secret-{number}", "internal", number, groups=groups)
            for number, (device, groups) in HOUSE.items()
        ),
        lines=tuple(Line(number, (device,)) for number, (device, _) in HOUSE.items()),
        rooms=(ROOM, ROOM_WITH_PIN),
        parking=Parking("700", ("701", "702"), wait_s=60),
    )


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    prompts = Prompts(
        SpeechLibrary(tmp_path_factory.mktemp("speech"), [Espeak()]), running.folder / "sounds"
    )
    for name in NEEDED:
        asyncio.run(prompts.put(name, "zh", standing.words("zh", name)))
    asyncio.run(prompts.put("conf-invalidpin", "zh", "不对"))
    running.start()
    yield running
    running.close()


class Desks:
    """The phones of some extensions, plugged in."""

    def __init__(self, folder: Path, exchange: RunningExchange) -> None:
        self._folder = folder
        self._exchange = exchange

    @contextlib.asynccontextmanager
    async def at(self, *numbers: str) -> AsyncIterator[list[Baresip]]:
        async with contextlib.AsyncExitStack() as stack:
            phones = []
            for number in numbers:
                device, _ = HOUSE[number]
                phone = Baresip(
                    self._folder / number, device, f"secret-{number}",
                    self._exchange.settings.ports.sip, hum_s=HUM_S,
                )  # fmt: skip
                phones.append(await stack.enter_async_context(phone))
            for phone in phones:
                await phone.registered()
            yield phones
            await self.end_calls()

    async def asked(self, what: str) -> Any:
        """What the exchange answers."""
        return (await asyncio.to_thread(self._exchange.ari, what))[1]

    @contextlib.asynccontextmanager
    async def patience(self, seconds: int) -> AsyncIterator[None]:
        """A call is parked for so long, until it comes back."""
        file = self._exchange.folder / "etc" / "res_parking.conf"
        before = file.read_text()
        file.write_text(before.replace("parkingtime = 60", f"parkingtime = {seconds}"))
        assert file.read_text() != before
        await asyncio.to_thread(self._exchange.ari, "asterisk/modules/res_parking", "PUT")
        yield
        file.write_text(before)
        await asyncio.to_thread(self._exchange.ari, "asterisk/modules/res_parking", "PUT")

    async def parked(self) -> None:
        """Returns once a call is parked."""
        async with asyncio.timeout(WAIT_S):
            while True:
                bridges = await self.asked("bridges")
                if any(each["bridge_type"] == "holding" and each["channels"] for each in bridges):
                    return
                await asyncio.sleep(0.02)

    async def dialog(self, number: str) -> str:
        """The one call of an extension's phone, as Replaces names it."""
        device, _ = HOUSE[number]
        (call,) = [
            each["id"] for each in await self.asked("channels") if f"/{device}-" in each["name"]
        ]
        about = [
            (await self.asked(f"channels/{call}/variable?variable=CHANNEL(pjsip,{each})"))["value"]
            for each in ("call-id", "local_tag", "remote_tag")
        ]
        return quote("{};to-tag={};from-tag={}".format(*about), safe="")

    async def end_calls(self) -> None:
        """Returns once the exchange has no call any more: phones that are switched off in the
        middle of one do not tell."""
        async with asyncio.timeout(WAIT_S):
            told: set[str] = set()
            while left := await self.asked("channels"):
                for id in {each["id"] for each in left} - told:
                    told.add(id)
                    await asyncio.to_thread(self._exchange.ari, f"channels/{id}", "DELETE")
                await asyncio.sleep(0.02)


@pytest.fixture
def desks(tmp_path: Path, exchange: RunningExchange) -> Desks:
    return Desks(tmp_path, exchange)


async def connect(one: Baresip, other: Baresip, number: str) -> None:
    await one.dial(number)
    await other.event("CALL_INCOMING")
    await other.do("accept")
    await asyncio.gather(*(each.event("CALL_ESTABLISHED") for each in (one, other)))


async def keys(phone: Baresip, dialled: str) -> None:
    for key in dialled:
        await phone.do("sndcode", key)


async def test_a_second_call_rings_while_one_talks_and_a_third_is_busy(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8102", "8104") as (station, office, lobby, night):
        await connect(office, station, "8003")
        await lobby.dial("8003")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await lobby.event("CALL_ESTABLISHED")
        await night.dial("8003")
        assert "486" in (await night.event("CALL_CLOSED"))["param"]


async def test_a_colleague_picks_up_one_certain_phone(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8104") as (station, office, night):
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await night.dial(f"{PICK_UP_AT}8003")
        await office.event("CALL_ESTABLISHED")
        await station.event("CALL_CLOSED")
        await asyncio.gather(night.hears(), office.hears())


async def test_who_is_no_colleague_picks_up_no_certain_phone(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8102") as (station, office, lobby):
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await lobby.dial(f"{PICK_UP_AT}8003")
        assert "403" in (await lobby.event("CALL_CLOSED"))["param"]
        await station.do("accept")
        await office.event("CALL_ESTABLISHED")


async def test_a_call_is_passed_on_by_keys_and_the_first_is_free(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8104") as (station, office, night):
        await connect(office, station, "8003")
        await keys(station, f"{BLIND_TRANSFER}8104")
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await station.event("CALL_CLOSED")
        await asyncio.gather(night.hears(), office.hears())
        await office.do("hangup")
        await night.event("CALL_CLOSED")


async def test_a_call_is_passed_on_after_asking(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8104") as phones:
        station, office, night = phones
        for phone, hz in zip(phones, TONES_HZ, strict=False):
            hum(phone, hz, HUM_S)
        of_station, of_office, of_night, _ = TONES_HZ
        await connect(office, station, "8003")
        await keys(station, f"{ATTENDED_TRANSFER}8104")
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await hears(night, of_station)
        await station.do("hangup")
        await asyncio.gather(hears(night, of_office), hears(office, of_night))


async def test_who_looks_for_the_next_key_passes_a_call_on_too(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8104") as (station, office, night):
        await connect(office, station, "8003")
        sign, digit = BLIND_TRANSFER
        await keys(station, sign)
        await station.hears(station.heard_ms() + 1_500)
        await keys(station, f"{digit}8104")
        await night.event("CALL_INCOMING")
        await office.do("hangup")
        await night.event("CALL_CLOSED")


async def test_two_calls_of_a_phone_are_joined_without_it(desks: Desks) -> None:
    """As a phone's own button for it does: REFER with Replaces."""
    async with desks.at("8003", "8101", "8104") as (station, office, night):
        await connect(office, station, "8003")
        first = await desks.dialog("8003")
        await connect(station, night, "8104")
        await station.transfer("8101", f"?Replaces={first}")
        await station.event("CALL_CLOSED")
        await station.event("CALL_CLOSED")
        await night.hears()
        await office.do("hangup")
        await night.event("CALL_CLOSED")


async def test_a_call_is_parked_by_passing_it_on(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8104") as (station, office, night):
        tell_apart(office, night)
        await connect(office, station, "8003")
        await station.transfer("700")
        await station.event("CALL_CLOSED")
        await taken_up(desks, office, night)


async def test_a_call_is_parked_by_keys_and_taken_up_elsewhere(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8104") as (station, office, night):
        tell_apart(office, night)
        await connect(office, station, "8003")
        await keys(station, PARK)
        await station.event("CALL_CLOSED")  # once it has heard the place
        await taken_up(desks, office, night)


async def test_a_parked_call_that_nobody_takes_up_comes_back_to_who_parked_it(desks: Desks) -> None:
    async with desks.at("8003", "8101") as (station, office):
        tell_apart(station, office)
        of_station, of_office, *_ = TONES_HZ
        await connect(office, station, "8003")
        async with desks.patience(1):
            await station.transfer("700")
            await station.event("CALL_INCOMING")
            await station.do("accept")
            await asyncio.gather(hears(station, of_office), hears(office, of_station))


async def test_who_waits_hears_that_he_does(desks: Desks) -> None:
    """Held by the other's phone, parked, and alone in a room."""
    async with desks.at("8003", "8101", "8102") as (station, office, lobby):
        tell_apart(station)
        await lobby.dial("8800")
        await connect(office, station, "8003")
        await hears(office, TONES_HZ[0])
        await station.do("hold")
        await asyncio.gather(hears_waiting(office), hears_waiting(lobby))
        await station.do("resume")
        await hears(office, TONES_HZ[0])
        heard = office.heard_ms()
        await station.transfer("700")
        await station.event("CALL_CLOSED")
        await desks.parked()
        await hears_waiting(office, heard + 300)


async def hears_waiting(phone: Baresip, after_ms: int = 0) -> None:
    """Returns once it has heard two of the notes for who waits, later than after_ms."""
    async with asyncio.timeout(WAIT_S):
        while len(notes(phone, after_ms)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def tell_apart(*phones: Baresip) -> None:
    """Each hums a tone of its own from now on."""
    for phone, hz in zip(phones, TONES_HZ, strict=False):
        hum(phone, hz, HUM_S)


async def taken_up(desks: Desks, parked: Baresip, by: Baresip) -> None:
    """The call at the first place is taken up and both talk."""
    of_parked, of_other, *_ = TONES_HZ
    await desks.parked()
    await by.dial("701")
    await asyncio.gather(hears(by, of_parked), hears(parked, of_other))


async def test_those_in_a_room_hear_each_other(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8102") as phones:
        for phone in phones:
            await phone.dial("8800")
            await phone.event("CALL_ESTABLISHED")
        await asyncio.gather(*(phone.hears(500) for phone in phones))
        for phone in phones:
            assert phone.heard()[0] > 500


async def test_a_room_with_a_pin_opens_to_who_knows_it(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8102") as (station, office, lobby):
        tell_apart(station, office)
        of_station, of_office, *_ = TONES_HZ
        for phone in (station, office, lobby):
            await phone.dial("8801")
            await phone.event("CALL_ESTABLISHED")
        await asyncio.gather(keys(station, "4711#"), keys(office, "4711#"), keys(lobby, "0#1#2#"))
        await lobby.event("CALL_CLOSED")
        await asyncio.gather(hears(station, of_office), hears(office, of_station))
        rooms = [each["channels"] for each in await desks.asked("bridges")]
        assert [len(each) for each in rooms if each] == [2]


async def test_a_call_becomes_one_of_three_and_of_four_by_keys(desks: Desks) -> None:
    async with desks.at("8003", "8101", "8102", "8104") as phones:
        station, office, lobby, night = phones
        for phone, hz in zip(phones, TONES_HZ, strict=True):
            hum(phone, hz, HUM_S)
        of_station, of_office, of_lobby, of_night = TONES_HZ
        await connect(office, station, "8003")
        await hears(office, of_station)
        await keys(office, f"{ATTENDED_TRANSFER}8102")
        await lobby.event("CALL_INCOMING")
        await lobby.do("accept")
        await hears(lobby, of_office)
        await keys(office, ALL_TOGETHER)
        await hears(office, of_station, of_lobby)
        await hears(station, of_office, of_lobby)
        await hears(lobby, of_station, of_office)
        await keys(office, f"{ATTENDED_TRANSFER}8104")
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await hears(night, of_office)
        await keys(office, ALL_TOGETHER)
        for phone, hz in zip(phones, TONES_HZ, strict=True):
            await hears(phone, *(each for each in TONES_HZ if each != hz))
        # The others talk on when one goes.
        await office.do("hangup")
        await hears(station, of_lobby, of_night)
