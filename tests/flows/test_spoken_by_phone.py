"""What callers are asked to say, on a real exchange with a real phone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.directory import service as directories
from central.left_messages import model
from central.recordings import model as recordings
from central.store import Store, Tx
from gateway.telephone.files.recording import BY_APPLICATION
from tests.bench.waiting import until
from tests.flows.test_by_phone import OFFICE, WARD, at_work, plugged_in
from tests.telephone import hospital
from tests.telephone.hospital import opened
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

LEAVE = "9100"


def build(tx: Tx) -> None:
    directories.add_extension(tx, "8003", "Ward")
    directories.add_phone(tx, WARD, "8003")
    directories.add_extension(tx, "8101", "Office")
    directories.add_phone(tx, OFFICE, "8101")
    directories.add_service(tx, LEAVE, "menu_message", ["8101"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("store"), build) as store:
        yield store


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    with hospital.at_work(tmp_path_factory.mktemp("exchange"), store) as running:
        yield running


def sounds(exchange: RunningExchange) -> dict[str, int]:
    """The recordings that lie in the exchange's folder, and how long they are (ms)."""
    folder = exchange.folder / BY_APPLICATION
    return {each.name: each.stat().st_size // 16 for each in folder.glob("*.wav")}


async def test_a_message_is_heard_again_said_anew_and_left_by_hanging_up(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    async with at_work(store, exchange), plugged_in(tmp_path, store, exchange, WARD) as phone:
        await phone.dial(LEAVE)
        await phone.event("CALL_ESTABLISHED")
        await phone.do("sndcode", "#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: max(sounds(exchange).values(), default=0) > 1000, 0.02)
        await phone.do("sndcode", "#")
        (first,) = sounds(exchange)
        await phone.do("sndcode", "3")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: first not in sounds(exchange), 0.02)
        await phone.do("sndcode", "#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: max(sounds(exchange).values(), default=0) > 1000, 0.02)
        await phone.do("hangup")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: bool(model.open_ones(store.read())), 0.02)
            await until(lambda: model.open_ones(store.read())[0]["recording"] is not None, 0.02)
    (left,) = model.open_ones(store.read())
    assert (left["number"], left["patient"], left["lang"]) == ("8003", "", "zh")
    assert list(sounds(exchange)) == [left["file"]]
    taken = recordings.one(store.read(), left["recording"])
    assert taken is not None
    assert taken["length_ms"] > 1000


async def test_who_says_nothing_leaves_no_recording_behind(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    before = sounds(exchange)
    async with at_work(store, exchange), plugged_in(tmp_path, store, exchange, WARD) as phone:
        hum = phone.folder / "hum.wav"
        hum.write_bytes(hum.read_bytes()[:44] + bytes(hum.stat().st_size - 44))
        await phone.dial(LEAVE)
        await phone.event("CALL_ESTABLISHED")
        await phone.do("sndcode", "#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: sounds(exchange) != before, 0.02)
            await until(lambda: sounds(exchange) == before, 0.02)
        await phone.do("hangup")
    assert len(model.open_ones(store.read())) == 1
