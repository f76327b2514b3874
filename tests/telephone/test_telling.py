"""Somebody at a telephone is told something and decides: the rules, and real telephones."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech.library import SpeechUnavailableError
from gateway.telephone.ari.errors import ExchangeAwayError
from gateway.telephone.exchange import SOUNDS
from gateway.telephone.teller import Media, tell
from gateway.telephone.telling import (
    DECIDE_S,
    MOST_SAYINGS,
    HangUp,
    Outcome,
    Say,
    Telling,
    Wait,
    What,
)
from tests.bench.proxy import Proxy
from tests.telephone.conftest import ABSENT, STATION
from tests.telephone.phone import Baresip, tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import World


async def media(what: What) -> Sequence[str]:
    if what is What.WORDS:
        return [f"sound:{SOUNDS}/words", f"sound:{SOUNDS}/keys"]
    return [f"sound:{SOUNDS}/wrong"]


async def nothing(what: What) -> Sequence[str]:
    """All is over."""
    return ()


async def unsayable(what: What) -> Sequence[str]:
    raise SpeechUnavailableError("no engine can say it")


def test_who_presses_nothing_hears_it_four_times() -> None:
    telling = Telling()
    do = telling.answered()
    for _ in range(MOST_SAYINGS):
        assert do == Say(What.WORDS)
        assert telling.spoken() == Wait(DECIDE_S)
        do = telling.waited()
    assert do == HangUp()
    assert telling.ended(16) == Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [(17, Outcome.BUSY), (21, Outcome.BUSY), (20, Outcome.UNREACHABLE), (19, Outcome.NO_ANSWER),
     (0, Outcome.NO_ANSWER), (16, Outcome.NO_ANSWER)],
)  # fmt: skip
def test_why_nobody_answered(cause: int, outcome: Outcome) -> None:
    assert Telling().ended(cause) == outcome


@given(st.lists(st.sampled_from([*"0123456789*#ABCD", "spoken", "waited"])))
def test_only_a_key_takes_it_or_passes_it_on_and_the_first_decides(happens: list[str]) -> None:
    telling = Telling()
    telling.answered()
    decided: Outcome | None = None
    for each in happens:
        if each == "spoken":
            do = telling.spoken()
        elif each == "waited":
            do = telling.waited()
        else:
            do = telling.pressed(each)
        if decided is None and telling.outcome is not None:
            decided = telling.outcome
            assert do == HangUp()
            known = {"1": Outcome.TAKEN, "3": Outcome.PASSED_ON}
            assert decided == known.get(each, Outcome.UNDECIDED)
        assert telling.outcome == decided
        if decided is not None:
            break
    assert telling.ended(16) == (decided or Outcome.UNDECIDED)


# --- with telephones ---


@pytest.fixture(scope="module")
def exchange(exchange: RunningExchange) -> RunningExchange:
    for name in ("words", "keys", "wrong"):
        tone(exchange.folder / "sounds" / f"{name}.wav", 0.2)
    return exchange


class Station:
    """The nurse station's telephone, and the application that tells it something."""

    def __init__(self, folder: Path, exchange: RunningExchange, ari_port: int) -> None:
        self.world = World(f"http://127.0.0.1:{ari_port}/ari")
        sip = exchange.settings.ports.sip
        self.phone = Baresip(folder / "station", STATION, "station-secret", sip)

    async def __aenter__(self) -> "Station":
        await self.world.__aenter__()
        await self.phone.__aenter__()
        await self.world.ready()
        await self.phone.registered()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.phone.__aexit__()
        await self.world.__aexit__()

    async def told(self, heard: Media = media, *, ring_s: int = 30) -> "asyncio.Task[Outcome]":
        """It rings with something to be told."""
        actions = self.world.actions
        telling = tell(actions, f"PJSIP/{STATION}", heard, caller='"Bed 5" <120>', ring_s=ring_s)
        task = asyncio.create_task(telling)
        await self.phone.event("CALL_INCOMING")
        return task


@pytest.fixture
def station(tmp_path: Path, exchange: RunningExchange) -> Station:
    return Station(tmp_path, exchange, exchange.settings.ports.ari)


@pytest.mark.parametrize(
    ("keys", "outcome"),
    [
        ("1", Outcome.TAKEN),
        ("3", Outcome.PASSED_ON),
        ("91", Outcome.TAKEN),
        ("22*3", Outcome.PASSED_ON),
    ],
)
async def test_the_station_decides_by_a_key(station: Station, keys: str, outcome: Outcome) -> None:
    async with station:
        telling = await station.told()
        await station.phone.do("accept")
        await station.phone.hears(150)
        for key in keys:
            await station.phone.do("sndcode", key)
        assert await telling == outcome
        await station.phone.event("CALL_CLOSED")


async def test_a_station_that_turns_it_down_is_busy(station: Station) -> None:
    async with station:
        telling = await station.told()
        await station.phone.do("hangup")
        assert await telling == Outcome.BUSY


async def test_a_station_that_lets_it_ring_does_not_answer(station: Station) -> None:
    async with station:
        telling = await station.told(ring_s=1)
        assert await telling == Outcome.NO_ANSWER
        await station.phone.event("CALL_CLOSED")


async def test_who_hangs_up_has_decided_nothing(station: Station) -> None:
    async with station:
        telling = await station.told()
        await station.phone.do("accept")
        await station.phone.event("CALL_ESTABLISHED")
        await station.phone.do("hangup")
        assert await telling == Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("heard", "outcome"), [(nothing, Outcome.UNWANTED), (unsayable, Outcome.SPEECHLESS)]
)
async def test_who_answers_when_there_is_nothing_to_say_is_let_go(
    station: Station, heard: Media, outcome: Outcome
) -> None:
    async with station:
        telling = await station.told(heard)
        await station.phone.do("accept")
        assert await telling == outcome
        await station.phone.event("CALL_CLOSED")


async def test_it_falls_silent_at_once_when_somebody_else_has_taken_it(station: Station) -> None:
    async with station:
        telling = await station.told()
        telling.cancel()
        await station.phone.event("CALL_CLOSED")
        await station.world.silent()


@pytest.mark.parametrize("turns", range(1, 6))
async def test_it_does_not_ring_on_when_given_up_in_the_very_moment_of_its_beginning(
    station: Station, turns: int
) -> None:
    async with station:
        telling = asyncio.create_task(tell(station.world.actions, f"PJSIP/{STATION}", media))
        for _ in range(turns):  # of the event loop: before, while and after it is asked for
            await asyncio.sleep(0)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await station.world.silent()


@contextlib.asynccontextmanager
async def behind_proxy(
    exchange: RunningExchange, folder: Path
) -> AsyncIterator[tuple[Proxy, Station]]:
    """A station whose application reaches the exchange over a line that can be cut."""
    proxy = Proxy(exchange.settings.ports.ari)
    await proxy.start()
    try:
        async with Station(folder, exchange, proxy.port) as station:
            yield proxy, station
    finally:
        await proxy.close()


async def test_a_line_cut_while_the_station_listens_costs_no_decision(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with behind_proxy(exchange, tmp_path) as (proxy, station):
        telling = await station.told()
        await station.phone.do("accept")
        await station.phone.hears(50)
        proxy.cut()
        await station.world.trouble(ExchangeAwayError)
        proxy.mend()
        await station.world.ready()
        await station.phone.do("sndcode", "1")
        assert await telling == Outcome.TAKEN
        await station.phone.event("CALL_CLOSED")


async def test_a_line_cut_before_the_words_are_played_costs_no_decision(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with behind_proxy(exchange, tmp_path) as (proxy, station):
        cut = asyncio.Event()

        async def cut_off(what: What) -> Sequence[str]:
            if not cut.is_set():
                proxy.cut()
                await station.world.trouble(ExchangeAwayError)
                cut.set()
            return await media(what)

        telling = await station.told(cut_off)
        await station.phone.do("accept")
        await cut.wait()
        proxy.mend()
        await station.world.ready()
        await station.phone.hears(50)
        await station.phone.do("sndcode", "1")
        assert await telling == Outcome.TAKEN
        await station.phone.event("CALL_CLOSED")


async def test_who_answers_while_the_line_is_dead_is_told_when_it_is_back(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with behind_proxy(exchange, tmp_path) as (proxy, station):
        telling = await station.told()
        proxy.stall()
        await station.phone.do("accept")
        await station.phone.event("CALL_ESTABLISHED")
        proxy.cut()
        await station.world.trouble(ExchangeAwayError)
        proxy.mend()
        await station.phone.hears(50)
        await station.phone.do("sndcode", "1")
        assert await telling == Outcome.TAKEN
        await station.phone.event("CALL_CLOSED")


async def test_a_phone_that_is_not_there(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        assert await tell(world.actions, f"PJSIP/{ABSENT}", media) == Outcome.UNREACHABLE
