"""Callers and the capabilities that answer them, on the real exchange."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from central.store import Store
from central.telephone.desk import Arrival, Desk, Handler, Reception
from tests.telephone.conftest import OFFICE, STATION
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import World


class Nothing:
    """Nobody speaks here."""

    async def media(self, lang: str, text: str) -> str:
        raise AssertionError(text)


async def publish(*said: Any) -> None:
    raise AssertionError(said)


@contextlib.asynccontextmanager
async def answering(
    exchange: RunningExchange, store: Store, handlers: dict[str, Handler]
) -> AsyncIterator[World]:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        reception = Reception(Desk(store, world.actions, Nothing(), publish), handlers)

        async def receive() -> None:
            while True:
                reception.arrived(await world.arrived.get())

        receiving = asyncio.create_task(receive())
        yield world
        receiving.cancel()
        await reception.close()


@contextlib.asynccontextmanager
async def telephones(folder: Path, exchange: RunningExchange) -> AsyncIterator[Sequence[Baresip]]:
    sip = exchange.settings.ports.sip
    async with (
        Baresip(folder / "station", STATION, "station-secret", sip) as station,
        Baresip(folder / "office", OFFICE, "office-secret", sip) as office,
    ):
        await station.registered()
        await office.registered()
        yield station, office


async def test_who_is_answered_to_the_end_is_hung_up(
    exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    async def answers(desk: Desk, arrival: Arrival) -> None:
        await desk.actions.answer(arrival.channel)

    async with (
        answering(exchange, store, {"emergency": answers}) as world,
        telephones(tmp_path, exchange) as (_, office),
    ):
        await office.dial("120")
        await office.event("CALL_ESTABLISHED")
        await office.event("CALL_CLOSED")
        await world.silent()


async def mistaken(desk: Desk, arrival: Arrival) -> None:
    await desk.actions.answer(arrival.channel)
    raise ZeroDivisionError


async def for_ever(desk: Desk, arrival: Arrival) -> None:
    await desk.actions.answer(arrival.channel)
    await asyncio.Event().wait()


@pytest.mark.parametrize("handlers", [{}, {"emergency": mistaken}], ids=["nobody", "mistaken"])
async def test_an_emergency_that_nobody_answers_well_rings_at_the_station(
    exchange: RunningExchange, store: Store, tmp_path: Path, handlers: dict[str, Handler]
) -> None:
    async with (
        answering(exchange, store, handlers),
        telephones(tmp_path, exchange) as (station, office),
    ):
        await office.dial("120")
        await station.event("CALL_INCOMING")
        await office.do("hangup")
        await station.event("CALL_CLOSED")


async def test_who_cannot_be_told_from_others_is_not_left_in_silence(
    exchange: RunningExchange, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("central.directory.model.phone", unreadable)
    async with (
        answering(exchange, store, {"broadcast": for_ever}),
        telephones(tmp_path, exchange) as (_, office),
    ):
        await office.dial("621")
        await office.event("CALL_CLOSED")


async def loses(desk: Desk, arrival: Arrival) -> None:
    """As if we had hung for so long that the exchange takes the caller back."""
    await desk.actions.answer(arrival.channel)
    await desk.actions.give_back(arrival.channel)
    async for _ in arrival.lane:
        pass


async def test_who_is_taken_back_is_left_to_whom_he_reaches(
    exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    async with (
        answering(exchange, store, {"emergency": loses}),
        telephones(tmp_path, exchange) as (station, office),
    ):
        await office.dial("120")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await asyncio.gather(office.hears(), station.hears())
        await office.do("hangup")
        await station.event("CALL_CLOSED")


async def test_a_bridge_that_ends_gives_its_callers_back(
    exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    async with telephones(tmp_path, exchange) as (station, office):
        async with answering(exchange, store, {"emergency": for_ever}):
            await office.dial("120")
            await office.event("CALL_ESTABLISHED")
        await station.event("CALL_INCOMING")
        await office.do("hangup")
        await station.event("CALL_CLOSED")
