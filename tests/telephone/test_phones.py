"""Telephones that nobody here wrote, on the real exchange."""

import asyncio
from pathlib import Path

import pytest

from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.ari.actions import MOST_PROMPT_S, SAID_WITHIN, Actions
from gateway.telephone.ari.errors import UnreachableError
from gateway.telephone.exchange import SOUNDS, TAKE_BACK_S, TO_BE_HELD
from gateway.telephone.files.features import PICK_UP
from gateway.telephone.holding import held
from gateway.telephone.prompts import Prompts
from tests.telephone import sipp
from tests.telephone.conftest import ABSENT, NIGHT, OFFICE, STATION
from tests.telephone.phone import Baresip, tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World, rest, until

LOUD = 500.0
KEEP = Actions.keep
LOOKS = """
[looks]
type = endpoint
aors = looks
context = nowhere
allow = alaw
[looks]
type = aor
contact = sip:looks@127.0.0.1:{port}
"""


@pytest.fixture
def phones(tmp_path: Path, exchange: RunningExchange) -> "Phones":
    return Phones(tmp_path, exchange)


class Phones:
    """The telephones of the directory, as they are plugged in."""

    def __init__(self, folder: Path, exchange: RunningExchange) -> None:
        self._folder = folder
        self._sip = exchange.settings.ports.sip

    def station(self) -> Baresip:
        return self.plugged_in(STATION, "station-secret")

    def office(self, password: str = "office-secret") -> Baresip:
        return self.plugged_in(OFFICE, password)

    def night(self) -> Baresip:
        return self.plugged_in(NIGHT, "night-secret")

    def plugged_in(self, device: str, password: str) -> Baresip:
        return Baresip(self._folder / device, device, password, self._sip)


async def test_one_calls_the_other_and_both_are_heard(phones: Phones) -> None:
    async with phones.station() as station, phones.office() as office:
        await station.registered()
        await office.registered()
        await office.dial("8003")
        coming = await station.event("CALL_INCOMING")
        assert coming["peeruri"].startswith("sip:8101@")
        await station.do("accept")
        await office.event("CALL_ESTABLISHED")
        await asyncio.gather(station.hears(), office.hears())
        await office.do("hangup")
        await station.event("CALL_CLOSED")
    assert station.heard()[0] > LOUD
    assert office.heard()[0] > LOUD


async def test_a_wrong_password_and_a_name_that_is_an_extension_are_refused(
    phones: Phones, exchange: RunningExchange
) -> None:
    async with phones.office("guessed") as guessing, phones.plugged_in("8003", "8003") as stranger:
        assert "401" in (await guessing.event("REGISTER_FAIL"))["param"]
        assert "401" in (await stranger.event("REGISTER_FAIL"))["param"]
    watched = (exchange.folder / "log" / "security").read_text()
    assert 'ChallengeResponseFailed",' in watched or "InvalidPassword" in watched
    assert f'AccountID="{OFFICE}"' in watched


async def test_the_application_rings_a_phone_speaks_and_hears_its_keys(
    phones: Phones, exchange: RunningExchange, tmp_path: Path
) -> None:
    library = SpeechLibrary(tmp_path / "speech", [Espeak()])
    prompts = Prompts(library, exchange.folder / "sounds")
    words = "Ward three, bed five calls."
    media, spoken = await prompts.media("en", words), await library.audio("en", words)
    async with World(exchange.settings.ari_url) as world, phones.station() as station:
        await world.ready()
        await station.registered()
        lane = await world.actions.ring(f"PJSIP/{STATION}", caller='"Bed 5" <120>')
        assert (await station.event("CALL_INCOMING"))["peerdisplayname"] == "Bed 5"
        await station.do("accept")
        await until(lane, "StasisStart")
        await world.actions.play(lane.subject.id, media)
        await until(lane, "PlaybackFinished")
        for key in "1*":
            await station.do("sndcode", key)
            assert (await until(lane, "ChannelDtmfReceived")).digit == key
        await world.end(lane)
        await station.event("CALL_CLOSED")
    loudness, length_ms = station.heard()
    assert loudness > LOUD
    assert length_ms > spoken.duration_ms * 0.9


async def test_a_phone_is_asked_to_answer_by_itself_in_every_way_phones_know(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    """Debian's baresip knows none of these headers, so sipp is the phone that looks at them. It
    stands in the hospital's own part of the configuration, and is asked nothing else."""
    phone = sipp.Phone(tmp_path, exchange.settings.ports.sip, "looks", "")
    (exchange.folder / "etc" / "pjsip_local.conf").write_text(LOOKS.format(port=phone.port))
    assert exchange.ari("asterisk/modules/res_pjsip.so", "PUT")[0] == 204
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        answering = asyncio.create_task(asyncio.to_thread(phone.run, "hands_free"))
        lane = await world.actions.ring("PJSIP/looks", hands_free=True)
        await until(lane, "StasisStart")
        await world.end(lane)
        assert await answering == ""


async def test_a_busy_phone_and_one_that_is_not_there_are_told_apart(
    phones: Phones, exchange: RunningExchange
) -> None:
    async with World(exchange.settings.ari_url) as world, phones.station() as station:
        await world.ready()
        await station.registered()
        lane = await world.actions.ring(f"PJSIP/{STATION}")
        await station.event("CALL_INCOMING")
        await station.do("hangup")
        assert (await until(lane, "ChannelDestroyed")).body["cause"] == 17
        with pytest.raises(UnreachableError, match=ABSENT):
            await world.actions.ring(f"PJSIP/{ABSENT}")


async def test_an_emergency_goes_to_the_application_and_without_it_to_the_station(
    phones: Phones, exchange: RunningExchange
) -> None:
    async with phones.station() as station, phones.office() as office:
        await station.registered()
        await office.registered()
        async with World(exchange.settings.ari_url) as world:
            await world.ready()
            await office.dial("120")
            async with asyncio.timeout(WAIT_S):
                lane = await world.arrived.get()
            assert (await until(lane, "StasisStart")).body["args"] == ["emergency", TO_BE_HELD]
            await world.end(lane)
            await office.event("CALL_CLOSED")
        # The exchange may not have noticed yet that the application is gone: it rings even so.
        await office.dial("120")
        await answered_instead(station, office)


@pytest.mark.parametrize("doing", ["nothing yet", "answered", "speaking", "joined"])
async def test_an_emergency_that_the_application_dies_over_rings_at_the_station(
    phones: Phones, exchange: RunningExchange, doing: str
) -> None:
    async with phones.station() as station, phones.office() as office:
        await station.registered()
        await office.registered()
        async with World(exchange.settings.ari_url) as world:
            await world.ready()
            await office.dial("120")
            async with asyncio.timeout(WAIT_S):
                call = (await world.arrived.get()).subject.id
            if doing != "nothing yet":
                await world.actions.answer(call)
            if doing == "joined":
                room = await world.actions.bridge()
                await world.actions.join(room.subject.id, call)
            # Where nothing is left to be done, a short time spares the test a long one.
            await world.actions.keep(call, TAKE_BACK_S if doing == "speaking" else 1)
            if doing == "speaking":
                await world.actions.play(call, "tone:ring")
        await answered_instead(station, office)


async def test_an_emergency_is_kept_only_as_long_as_the_application_says_so(
    phones: Phones, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the end it lives and is connected, but has forgotten the call."""
    kept_s = 3.0
    tone(exchange.folder / "sounds" / "longer.wav", seconds=kept_s + 1)
    said: asyncio.Queue[None] = asyncio.Queue()

    async def keep(actions: Actions, channel: str, seconds: float) -> None:
        await KEEP(actions, channel, seconds)
        said.put_nowait(None)

    monkeypatch.setattr(Actions, "keep", keep)
    async with phones.station() as station, phones.office() as office:
        await station.registered()
        await office.registered()
        async with World(exchange.settings.ari_url) as world:
            await world.ready()
            await office.dial("120")
            async with asyncio.timeout(WAIT_S):
                lane = await world.arrived.get()
            async with held(world.actions, lane.subject.id, seconds=kept_s):
                for _ in range(SAID_WITHIN + 2):
                    await said.get()
                await world.actions.answer(lane.subject.id)
                await world.actions.play(lane.subject.id, f"sound:{SOUNDS}/longer")
                assert (await until(lane, "PlaybackFinished")).body["playback"]["state"] == "done"
            assert await rest(lane) == ["StasisEnd"]
            await answered_instead(station, office)


async def test_others_need_not_wait_while_an_emergency_is_spoken_to(
    phones: Phones, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk lets wait what is said about a call that is being played to."""
    tone(exchange.folder / "sounds" / "long.wav", seconds=10)
    asked: asyncio.Queue[float] = asyncio.Queue()

    async def keep(actions: Actions, channel: str, seconds: float) -> None:
        asked.put_nowait(seconds)
        await KEEP(actions, channel, seconds)

    monkeypatch.setattr(Actions, "keep", keep)
    async with phones.office() as office:
        await office.registered()
        async with World(exchange.settings.ari_url) as world:
            await world.ready()
            await office.dial("120")
            async with asyncio.timeout(WAIT_S):
                lane = await world.arrived.get()
            async with held(world.actions, lane.subject.id):
                await world.actions.answer(lane.subject.id)
                playback = await world.actions.play(lane.subject.id, f"sound:{SOUNDS}/long")
                while await asked.get() != MOST_PROMPT_S:
                    pass
                assert await asked.get() == TAKE_BACK_S  # waits for the end from now on
                for _ in range(10):
                    await world.actions.channels()
                await world.actions.stop_playing(playback)  # it is not over yet
                await world.end(lane)
            await office.event("CALL_CLOSED")


async def test_an_emergency_that_nobody_in_the_application_takes_is_given_back(
    phones: Phones, exchange: RunningExchange
) -> None:
    async with phones.station() as station, phones.office() as office:
        await station.registered()
        await office.registered()
        async with World(exchange.settings.ari_url) as world:
            await world.ready()
            await office.dial("120")
            async with asyncio.timeout(WAIT_S):
                lane = await world.arrived.get()
            await world.actions.keep(lane.subject.id)
            await world.actions.give_back(lane.subject.id)
            await answered_instead(station, office, ms=TAKE_BACK_S * 1000 + 200)


async def answered_instead(station: Baresip, office: Baresip, ms: int = 1200) -> None:
    """The station rings and is answered, and for so long nothing is taken back any more."""
    await station.event("CALL_INCOMING")
    await station.do("accept")
    await office.event("CALL_ESTABLISHED")
    await station.hears(ms)
    await office.do("hangup")
    await station.event("CALL_CLOSED")
    await office.event("CALL_CLOSED")


async def test_a_colleague_picks_up_what_rings_at_the_station(phones: Phones) -> None:
    async with phones.station() as station, phones.office() as office, phones.night() as night:
        for each in (station, office, night):
            await each.registered()
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await night.dial(PICK_UP)
        await office.event("CALL_ESTABLISHED")
        await station.event("CALL_CLOSED")
        await asyncio.gather(night.hears(), office.hears())
        await night.do("hangup")
        await office.event("CALL_CLOSED")


async def test_who_is_no_colleague_picks_up_nothing(phones: Phones) -> None:
    async with phones.station() as station, phones.office() as office, phones.night() as night:
        for each in (station, office, night):
            await each.registered()
        await night.dial("8003")
        await station.event("CALL_INCOMING")
        await office.dial(PICK_UP)
        await office.event("CALL_CLOSED")
        await station.do("accept")
        await night.event("CALL_ESTABLISHED")
        await night.do("hangup")


async def test_the_station_passes_a_caller_on(phones: Phones) -> None:
    async with phones.station() as station, phones.office() as office, phones.night() as night:
        for each in (station, office, night):
            await each.registered()
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        # Before that it cannot pass anything on.
        await station.event("CALL_ESTABLISHED")
        await office.event("CALL_ESTABLISHED")
        await station.transfer("8104")
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await station.event("CALL_CLOSED")
        await asyncio.gather(night.hears(), office.hears())
        await office.do("hangup")
        await night.event("CALL_CLOSED")


@pytest.mark.parametrize(
    "number",
    ["8003,1)", "8003&PJSIP", "%24%7BEXTEN%7D", "s", "0015650a1b2c", "_8XXX", "80030", "h", "T"],
)
def test_what_is_no_number_of_the_house_reaches_nobody(
    exchange: RunningExchange, tmp_path: Path, number: str
) -> None:
    phone = sipp.Phone(tmp_path, exchange.settings.ports.sip, OFFICE, "office-secret")
    assert phone.run("invite", dialled=number) == ""
