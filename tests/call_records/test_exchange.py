"""Calls on a real exchange between telephones that nobody here wrote, and what is kept of them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.call_records import model, service
from central.call_records.reading import Reader, run
from central.store import Row, Store
from gateway.telephone import cel
from gateway.telephone.cel import Written
from gateway.telephone.files.features import ALL_TOGETHER, ATTENDED_TRANSFER
from tests.call_records.conftest import NIGHT, OFFICE, STATION
from tests.telephone import sipp
from tests.telephone.hospital import Phones, at_work
from tests.telephone.phone import tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, hospital: Store
) -> Iterator[RunningExchange]:
    def prepare(folder: Path) -> None:
        # Without this word a call cannot be passed on by keys.
        (folder / "sounds" / "zh").mkdir(exist_ok=True)
        tone(folder / "sounds" / "zh" / "pbx-transfer.wav", 0.3)

    with at_work(tmp_path_factory.mktemp("exchange"), hospital, prepare) as running:
        yield running


@pytest.fixture
def phones(tmp_path: Path, hospital: Store, exchange: RunningExchange) -> Phones:
    return Phones(tmp_path, hospital, exchange)


async def recorded(hospital: Store, exchange: RunningExchange, number: int = 1) -> list[Row]:
    """The records that a reader makes who comes now, the newest last."""
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        await world.silent()
    # A channel's last line may be written when it is gone already.
    reader, found = Reader(hospital, exchange.folder), []
    async with asyncio.timeout(WAIT_S):
        while len(found := found + await reader.look()) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert len(found) == number
    return [row for each in found if (row := model.one(hospital.read(), each)) is not None]


async def joined(hospital: Store, exchange: RunningExchange) -> None:
    """Returns once the exchange has written down that somebody speaks."""
    written, cursor = Written(exchange.folder), model.cursor(hospital.read())
    async with asyncio.timeout(WAIT_S):
        while all(each.type != cel.BRIDGE_ENTER for each in written.look(cursor).events):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def newest(hospital: Store) -> Row | None:
    return hospital.read().one("SELECT * FROM call_records ORDER BY id DESC LIMIT 1")


async def test_a_call_that_was_passed_on_while_nobody_read_is_one_record(
    hospital: Store, exchange: RunningExchange, phones: Phones
) -> None:
    async with (
        phones.plugged_in(OFFICE) as office,
        phones.plugged_in(STATION) as station,
        phones.plugged_in(NIGHT) as night,
    ):
        for each in (office, station, night):
            await each.registered()
        await office.dial("8104")
        await night.event("CALL_INCOMING")
        await night.do("hangup")
        await office.event("CALL_CLOSED")
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await station.event("CALL_ESTABLISHED")
        await asyncio.gather(office.hears(300), station.hears(300))
        await station.transfer("8104")
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await night.event("CALL_ESTABLISHED")
        await night.hears(300)
        await office.do("hangup")
        await night.event("CALL_CLOSED")
    refused, call = await recorded(hospital, exchange, 2)
    assert (call["caller"], call["called"], call["transfers"]) == ("8101", "8003", 1)
    assert (call["direction"], call["result"], call["rights"]) == ("internal", "answered", "local")
    legs = model.legs(hospital.read(), call["id"])
    assert [leg["number"] for leg in legs] == ["8101", "8003", "8104"]
    assert [leg["device"] for leg in legs] == [OFFICE, STATION, NIGHT]
    assert all(leg["talk_ms"] >= 200 for leg in legs)
    assert call["started_ms"] <= call["answered_ms"]
    assert legs[1]["ended_ms"] <= legs[2]["answered_ms"]
    assert call["talk_ms"] <= call["duration_ms"]
    assert abs(call["talk_ms"] - legs[1]["talk_ms"] - legs[2]["talk_ms"]) <= 2
    assert (refused["result"], refused["talk_ms"]) == ("busy", 0)


async def test_a_conference_is_a_record_for_each_who_dialled_it(
    hospital: Store, exchange: RunningExchange, phones: Phones
) -> None:
    async with (
        phones.plugged_in(OFFICE) as office,
        phones.plugged_in(STATION) as station,
        phones.plugged_in(NIGHT) as night,
    ):
        for each in (office, station, night):
            await each.registered()
            await each.dial("8800")
            await each.event("CALL_ESTABLISHED")
        await asyncio.gather(*(each.hears(500) for each in (office, station, night)))
        for each in (office, station, night):
            await each.do("hangup")
            await each.event("CALL_CLOSED")
    found = await recorded(hospital, exchange, 3)
    assert sorted(row["caller"] for row in found) == ["8003", "8101", "8104"]
    for row in found:
        told = (row["called"], row["direction"], row["result"], row["transfers"])
        assert told == ("8800", "internal", "answered", 0)
        assert row["talk_ms"] >= 500
        assert len(model.legs(hospital.read(), row["id"])) == 1


async def test_a_call_that_becomes_one_of_three_is_one_record(
    hospital: Store, exchange: RunningExchange, phones: Phones
) -> None:
    async with (
        phones.plugged_in(OFFICE) as office,
        phones.plugged_in(STATION) as station,
        phones.plugged_in(NIGHT) as night,
    ):
        for each in (office, station, night):
            await each.registered()
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await office.event("CALL_ESTABLISHED")
        await station.hears(200)
        for key in f"{ATTENDED_TRANSFER}8104":
            await office.do("sndcode", key)
        await night.event("CALL_INCOMING")
        await night.do("accept")
        await night.event("CALL_ESTABLISHED")
        await night.hears(200)
        for key in ALL_TOGETHER:
            await office.do("sndcode", key)
        await night.hears(night.heard_ms() + 500)
        for each in (office, station, night):
            await each.do("hangup")
        # A telephone that is gone before it has said so leaves its call behind.
        for each in (office, station, night):
            await each.event("CALL_CLOSED")
    (call,) = await recorded(hospital, exchange)
    told = (call["caller"], call["called"], call["direction"], call["result"])
    assert told == ("8101", "8003", "internal", "answered")
    legs = model.legs(hospital.read(), call["id"])
    assert [leg["number"] for leg in legs] == ["8101", "8003", "8104"]
    assert all(leg["talk_ms"] > 0 for leg in legs)


async def test_a_call_outside_costs_and_one_from_there_is_told_from_it(
    hospital: Store, exchange: RunningExchange, phones: Phones, tmp_path: Path, world: int
) -> None:
    with hospital.transaction() as tx:
        service.set_rate(tx, "city", unit_s=60, fen=22, from_ms=0)
    stranger = sipp.Phone(tmp_path, exchange.settings.ports.sip, "outside", "", port=world)
    async with phones.plugged_in(OFFICE) as office, phones.plugged_in(STATION) as station:
        await office.registered()
        await station.registered()
        answering = asyncio.create_task(asyncio.to_thread(stranger.run, "outside"))
        await office.dial("962221111")
        await office.event("CALL_ESTABLISHED")
        await office.do("hangup")
        assert await answering == ""
        calling = asyncio.create_task(asyncio.to_thread(stranger.run, "rings", dialled="62345678"))
        await station.event("CALL_INCOMING")
        await station.do("hangup")
        assert await calling == ""
    out, came = await recorded(hospital, exchange, 2)
    told = (out["direction"], out["route"], out["called"], out["caller"], out["cost_fen"])
    assert told == ("outward", "city", "962221111", "8101", 22)
    _, leg = model.legs(hospital.read(), out["id"])
    assert (leg["trunk"], leg["device"], leg["dialled"]) == ("world", "", "962221111")
    told = (came["direction"], came["called"], came["caller"], came["result"], came["cost_fen"])
    assert told == ("inward", "8003", "13900000000", "busy", 0)


async def test_a_call_that_the_exchange_did_not_survive_is_recorded_after_its_restart(
    hospital: Store, exchange: RunningExchange, phones: Phones
) -> None:
    async with phones.plugged_in(OFFICE) as office, phones.plugged_in(STATION) as station:
        await office.registered()
        await station.registered()
        await office.dial("8003")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await office.event("CALL_ESTABLISHED")
        await office.hears(200)
        # What it does not write down any more nobody can know.
        await joined(hospital, exchange)
        exchange.kill()
    exchange.start()
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        changed, loop = asyncio.Event(), asyncio.get_running_loop()
        hospital.on_commit = lambda changes: loop.call_soon_threadsafe(changed.set)
        reading = asyncio.create_task(run(hospital, exchange.folder, world.ari))
        try:
            async with asyncio.timeout(WAIT_S):
                while (row := newest(hospital)) is None or not row["cut"]:
                    await changed.wait()
                    changed.clear()
        finally:
            hospital.on_commit = lambda changes: None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    assert (row["result"], row["called"]) == ("answered", "8003")
