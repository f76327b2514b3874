"""Our client against the real Asterisk: local calls, broken lines, a killed exchange."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.telephone.ari import client, events
from gateway.telephone.ari.account import ensure_suitable
from gateway.telephone.ari.errors import (
    ExchangeAwayError,
    GoneError,
    LaneEndedError,
    LaneOverflowError,
    RefusedError,
    ReplacedError,
    UnreachableError,
    UnsuitableExchangeError,
    WrongPasswordError,
)
from gateway.telephone.ari.events import FOUND, RESUMED, VANISHED, WANTED
from gateway.telephone.ari.reading import MOST_UNREAD, Lane
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import APP, SOUNDS
from tests.bench.proxy import Proxy
from tests.telephone.phone import tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World, rest, until

# What a far end of a local channel does, for tests alone.
FAR_ENDS = """
[far-ends]
exten => silent,1,Answer()
 same => n,Wait(600)
exten => refuses,1,Hangup(21)
exten => enters,1,Answer()
 same => n,Stasis(wardline,entered)
"""


@pytest.fixture(scope="module")
def exchange(exchange: RunningExchange) -> RunningExchange:
    (exchange.folder / "etc" / "extensions_local.conf").write_text(FAR_ENDS)
    assert exchange.ari("asterisk/modules/pbx_config.so", "PUT")[0] == 204
    return exchange


@contextlib.asynccontextmanager
async def line_to(exchange: RunningExchange) -> AsyncIterator[tuple[Proxy, World]]:
    """A connected application whose line can be cut."""
    proxy = Proxy(exchange.settings.ports.ari)
    await proxy.start()
    try:
        async with World(f"http://127.0.0.1:{proxy.port}/ari") as world:
            yield proxy, await world.ready()
    finally:
        await proxy.close()


async def test_the_exchange_tells_what_is_wanted_and_nothing_else(
    exchange: RunningExchange,
) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        _, about = await asyncio.to_thread(exchange.ari, f"applications/{APP}")
    assert {each["type"] for each in about["events_allowed"]} == set(WANTED)


async def refused_as_gone(world: World, channel: str) -> None:
    """A channel that has left the application may stand for a moment, and cannot be answered."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await world.actions.answer(channel)
            except GoneError:
                return
            except RefusedError as error:
                assert error.status == 500  # noqa: PT017


async def test_a_call_is_made_spoken_to_and_ended(exchange: RunningExchange) -> None:
    tone(exchange.folder / "sounds" / "prompt.wav", 0.3)
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        lane = await world.actions.ring("Local/silent@far-ends", args=("call", "17"))
        assert (await until(lane, "StasisStart")).body["args"] == ["call", "17"]
        playback = await world.actions.play(lane.subject.id, f"sound:{SOUNDS}/prompt")
        finished = (await until(lane, "PlaybackFinished")).body["playback"]
        assert (finished["id"], finished["state"]) == (playback, "done")
        await world.end(lane)
        await refused_as_gone(world, lane.subject.id)
        with pytest.raises(LaneEndedError):
            await lane.next()


async def test_a_sound_that_is_missing_is_told_as_failed(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        lane = await world.answered("silent")
        await world.actions.play(lane.subject.id, f"sound:{SOUNDS}/nobody-made-this")
        finished = await until(lane, "PlaybackFinished")
        assert finished.body["playback"]["state"] == "failed"
        await world.end(lane)


async def test_two_are_joined_and_parted(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        one, other = await world.answered("silent"), await world.answered("silent")
        room = await world.actions.bridge()
        await world.actions.join(room.subject.id, one.subject.id, other.subject.id)
        entered = [(await until(room, "ChannelEnteredBridge")).subjects[0] for _ in range(2)]
        assert entered == [one.subject, other.subject]
        await until(one, "ChannelEnteredBridge")
        await world.actions.part(room.subject.id, one.subject.id)
        assert (await until(room, "ChannelLeftBridge")).subjects[0] == one.subject
        await world.actions.hang_up(other.subject.id)
        assert (await until(room, "ChannelLeftBridge")).subjects[0] == other.subject
        await world.actions.end_bridge(room.subject.id)
        assert await rest(room) == ["BridgeDestroyed"]
        await world.end(one)


async def test_who_refuses_is_told_with_the_cause(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        lane = await world.actions.ring("Local/refuses@far-ends")
        assert (await until(lane, "ChannelDestroyed")).body["cause"] == 21
        with pytest.raises(UnreachableError, match="Nothing/at-all cannot be rung"):
            await world.actions.ring("Nothing/at-all")
        assert world.arrived.empty()


async def test_a_caller_arrives_and_each_of_his_keys_comes_once_and_in_order(
    exchange: RunningExchange,
) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        caller = await world.answered("enters")
        async with asyncio.timeout(WAIT_S):
            lane = await world.arrived.get()
        first = await lane.next()
        assert (first.type, first.body["args"]) == ("StasisStart", ["entered"])
        keys = {"dtmf": "1234567890*#", "duration": 40, "between": 40}
        path = ("channels", caller.subject.id, "dtmf")
        await world.ari.request("POST", *path, query=keys)
        heard = [(await until(lane, "ChannelDtmfReceived")).digit for _ in range(12)]
        assert "".join(heard) == "1234567890*#"
        await world.actions.hang_up(caller.subject.id)
        assert (await rest(lane))[-1] == "StasisEnd"


async def test_a_hundred_questions_at_once_are_each_answered(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        variables = [f"W{number}" for number in range(100)]
        lane = await world.answered("silent")
        path = ("channels", lane.subject.id, "variable")
        await asyncio.gather(
            *(
                world.ari.request("POST", *path, query={"variable": each, "value": each[1:]})
                for each in variables
            )
        )
        got = await asyncio.gather(
            *(world.ari.request("GET", *path, query={"variable": each}) for each in variables)
        )
        assert [each["value"] for each in got] == [each[1:] for each in variables]
        await world.end(lane)


async def test_a_line_cut_in_the_middle_of_calls(exchange: RunningExchange) -> None:
    async with line_to(exchange) as (proxy, world):
        stays, goes = await world.answered("silent"), await world.answered("silent")
        room = await world.actions.bridge()
        await world.actions.join(room.subject.id, stays.subject.id)
        proxy.cut()
        await world.trouble(ExchangeAwayError)
        with pytest.raises(ExchangeAwayError):
            await world.actions.answer(stays.subject.id)
        assert exchange.ari(f"channels/{goes.subject.id}", "DELETE")[0] == 204
        proxy.mend()
        await world.ready()
        assert (await until(stays, RESUMED)).body["channel"]["state"] == "Up"
        assert (await rest(goes))[-1] == VANISHED
        assert (await until(room, RESUMED)).body["bridge"]["channels"] == [stays.subject.id]
        # The call goes on as if nothing had been.
        await world.actions.part(room.subject.id, stays.subject.id)
        await until(stays, "ChannelLeftBridge")
        await world.actions.end_bridge(room.subject.id)
        await world.end(stays)
        assert world.arrived.empty()


async def test_a_new_application_finds_the_calls_of_one_that_died(
    exchange: RunningExchange,
) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        left = (await world.answered("silent")).subject
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        found = await world.arrived.get()
        assert (found.subject, (await found.next()).type) == (left, FOUND)
        await world.actions.hang_up(left.id)
        assert (await rest(found))[-1] == "StasisEnd"


async def test_a_stalled_line_is_given_up_and_made_anew(
    exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with line_to(exchange) as (proxy, world):
        lane = await world.answered("silent")
        # Of the line that stalls alone: a slow machine outlasts so short a time.
        monkeypatch.setattr(client, "HEARTBEAT_S", 0.4)
        proxy.cut()
        proxy.mend()
        await until(lane, RESUMED)
        proxy.stall()
        await world.trouble(ExchangeAwayError)
        monkeypatch.undo()
        proxy.cut()
        proxy.mend()
        await until(lane, RESUMED)
        await world.ready()
        await world.end(lane)


async def test_an_exchange_that_is_killed(
    exchange_root: Path, tmp_path: Path, directory: Directory
) -> None:
    running = RunningExchange(tmp_path / "it", directory)
    (running.folder / "etc" / "extensions_local.conf").write_text(FAR_ENDS)
    running.start()
    try:
        async with World(running.settings.ari_url) as world:
            await world.ready()
            lane, room = await world.answered("silent"), await world.actions.bridge()
            await asyncio.to_thread(running.kill)
            await world.trouble(ExchangeAwayError)
            await asyncio.to_thread(running.start)
            await world.ready()
            assert (await rest(lane))[-1] == VANISHED
            assert (await rest(room))[-1] == VANISHED
            await world.end(await world.answered("silent"))
            assert world.arrived.empty()
    finally:
        running.close()


async def test_a_second_program_of_the_same_name_is_known(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url) as first:
        await first.ready()
        async with World(exchange.settings.ari_url) as second:
            await second.ready()
            assert "another program" in str(await first.trouble(ReplacedError))


async def test_what_is_wrong_with_an_exchange_is_said_in_words(exchange: RunningExchange) -> None:
    async with World(exchange.settings.ari_url, password="guessed") as world:
        assert "check its password" in str(await world.trouble(WrongPasswordError))
    async with World(exchange.settings.ari_url.removesuffix("/ari") + "/other") as world:
        assert "no Asterisk with ARI" in str(await world.trouble(UnsuitableExchangeError))
    async with World("http://127.0.0.1:9/ari") as world:
        assert "does not answer" in str(await world.trouble(ExchangeAwayError))


@pytest.mark.parametrize("version", ["22.4.0", "22.10.1+dfsg", "20.14.1", "21.9.0", "23.0.0",
                                     "certified-22.8-cert1", "GIT-master-abc"])  # fmt: skip
def test_these_releases_will_do(version: str) -> None:
    ensure_suitable(version)


@pytest.mark.parametrize("version", ["16.28.0", "18.26.4", "20.13.0", "21.8.0", "22.3.0"])
def test_these_are_too_old(version: str) -> None:
    with pytest.raises(UnsuitableExchangeError, match=r"20\.14"):
        ensure_suitable(version)


async def test_a_lane_that_nobody_reads_breaks_and_says_so() -> None:
    lane = Lane(events.channel("talker"))
    for _ in range(MOST_UNREAD + 5):
        lane.put(events.event({"type": "ChannelDtmfReceived", "channel": {"id": "talker"}}))
    with pytest.raises(LaneOverflowError):
        await lane.next()
