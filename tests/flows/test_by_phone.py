"""Menus on a real exchange: card and PIN by keys, and a caller put through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from central.calls import model as calls
from central.calls import service as calling
from central.capabilities import Rules
from central.console import service as people
from central.directory import changing, facilities, places
from central.directory import model as directory
from central.directory import service as directories
from central.flows import model
from central.hours import editing
from central.hours.rules import Band
from central.patients import details, issuing
from central.personal import desks
from central.store import Store, Tx
from central.telephone.running import Telephone
from central.telephone.settings import Settings
from central.wards import model as wards
from gateway.speech.engines import Engine, Espeak
from gateway.speech.library import SpeechLibrary
from tests.bench.waiting import until
from tests.flows.caller import Line
from tests.telephone import hospital
from tests.telephone.hospital import Phones, opened
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

WARD, OFFICE = "001565000003", "001565000004"
MAIN, FEES, STAFF = "9000", "9001", "9004"
NURSE = "8203"
PATIENT, CARD, PIN = "P1", "60010001", "246824"
PUT_THROUGH = """
flow: main
title: {zh: 试, en: Trial}
start: ask
steps:
  ask:
    menu: {zh: 找人请按1。, en: For a person press 1.}
    keys: {1: person}
  person:
    transfer: 8101
    words: {zh: 请稍候。, en: One moment.}
"""


def build(tx: Tx) -> None:
    directories.add_extension(tx, "8003", "Ward")
    directories.add_phone(tx, WARD, "8003")
    directories.add_extension(tx, "8101", "Office")
    directories.add_phone(tx, OFFICE, "8101")
    directories.add_service(tx, MAIN, "menu_main", ["8101"])
    directories.add_service(tx, FEES, "menu_fees")
    directories.add_service(tx, STAFF, "menu_staff")
    wards.add_ward(tx, "3", "三病区", "Ward 3")
    wards.add_bed(tx, "3", "1", None)
    people.add_user(tx, "li", "Nurse Li", "nurse", "wardline-test", ward="3")
    person = directories.add_person(tx, "Nurse Li")
    changing.change_person(tx, person, "Nurse Li", ward="3", user="li", by="desk")
    directories.add_extension(tx, NURSE, "Nurse Li", person=person)
    desks.put(tx, NURSE, rights="internal", pin=PIN)
    places.put(tx, "desk", "8101")
    facilities.set_mailbox(tx, "8101", "4711")  # who comes by a menu goes back to it all the same
    always = [Band(day, 0, 0) for day in range(7)]
    editing.put_plan(tx, "service", "Desk", always, on_holidays=True, by="desk")
    details.register(tx, PATIENT, "李梅", "F", "1970-01-01", by="desk")
    issuing.issue(tx, PATIENT, CARD, by="desk")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("store"), build) as store:
        made = issuing.make_pin(store, PATIENT, PIN)
        with store.transaction() as tx:
            issuing.set_pin(tx, PATIENT, made, by="desk")
        yield store


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    with hospital.at_work(tmp_path_factory.mktemp("exchange"), store) as running:
        yield running


@contextlib.asynccontextmanager
async def at_work(
    store: Store, exchange: RunningExchange, speech: str = "speech", *engines: Engine
) -> AsyncIterator[None]:
    """speech: the folder of what was said. engines: of another voice than the usual one."""
    library = SpeechLibrary(exchange.folder / speech, engines or [Espeak()])
    settings = Settings(exchange.settings, exchange.folder)
    telephone = Telephone(settings, store, Rules(), library)

    async def publish(*_: object) -> None:
        raise AssertionError("nothing is published here")

    running = asyncio.create_task(telephone.run(publish))
    try:
        async with asyncio.timeout(WAIT_S):
            await telephone.ari.ready.wait()
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def line(store: Store, exchange: RunningExchange, device: str = WARD) -> Line:
    row = directory.phone(store.read(), device)
    assert row is not None
    return Line(exchange.settings.ports.sip, device, row["password"])


def audited(store: Store, what: str) -> list[tuple[str, str]]:
    rows = store.read().all("SELECT who, ref FROM audit WHERE what = ?", (what,))
    return [(row["who"], row["ref"]) for row in rows]


async def test_a_card_and_its_pin_open_the_fees(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(MAIN)
        await call.hears(300)
        await call.press(f"1{CARD}#{PIN}#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: bool(audited(store, "phone.login")), 0.02)
        await call.hang_up()
    assert audited(store, "phone.login") == [("patient", f"patient/{PATIENT}")]
    assert not any(secret in caplog.text for secret in (CARD, PIN))


async def test_a_wrong_pin_three_times_ends_the_call_and_is_counted(
    store: Store, exchange: RunningExchange
) -> None:
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(FEES)
        for tried in (1, 2, 3):
            await call.press(f"{CARD}#111111#")
            async with asyncio.timeout(WAIT_S):
                await until(lambda n=tried: len(audited(store, "card.refused")) == n, 0.02)
        await call.hung_up()
    assert {ref for _, ref in audited(store, "card.refused")} == {f"phone/{WARD}"}


async def test_a_nurse_accepts_a_call_by_telephone_and_the_board_shows_it(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with store.transaction() as tx:
        opened_call = calling.open_call(tx, "3", "1", "nurse")

    def shown() -> tuple[str, str]:
        (row,) = calls.board(store.read(), "3")
        return row["state"], row["accepted_by"]

    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(STAFF)
        await call.press(f"{NURSE}#{PIN}#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: bool(audited(store, "staff.login")), 0.02)
        await call.press("1")  # the calls of her ward
        await call.press("1")  # hers
        async with asyncio.timeout(WAIT_S):
            await until(lambda: shown()[0] == "accepted", 0.02)
        await call.hang_up()
    assert shown() == ("accepted", "li")
    assert audited(store, "call.accept") == [("li", f"call/{opened_call}")]
    assert audited(store, "staff.login") == [("li", f"extension/{NURSE}")]
    assert PIN not in caplog.text


async def test_0_rings_the_service_desk_and_comes_back_when_nobody_answers(
    store: Store, exchange: RunningExchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wardline.flows")
    async with (
        at_work(store, exchange),
        line(store, exchange) as phone,
    ):
        call = await phone.dial(MAIN)
        await call.press("0")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: "comes back: nobody answered" in caplog.text, 0.02)
        await call.press("9")
        # He is in the main menu again, and the desk is there by now.
        async with Phones(tmp_path, store, exchange).plugged_in(OFFICE) as office:
            await office.registered()
            await call.press("0")
            await office.event("CALL_INCOMING")
            await office.do("accept")
            await office.event("CALL_ESTABLISHED")
            await office.hears(500)
            await office.do("hangup")
            await call.hung_up()


async def test_a_caller_is_put_through_to_a_person_and_speaks(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    with store.transaction() as tx:
        model.add(tx, "main", PUT_THROUGH, "", "admin", tx.now_ms)
    async with (
        at_work(store, exchange),
        line(store, exchange) as phone,
        Phones(tmp_path, store, exchange).plugged_in(OFFICE) as office,
    ):
        await office.registered()
        call = await phone.dial(MAIN)
        with store.transaction() as tx:
            # Not for him who is calling already.
            model.add(tx, "main", PUT_THROUGH.replace("8101", "8003"), "", "admin", tx.now_ms)
        await call.press("1")
        await office.event("CALL_INCOMING")
        await office.do("accept")
        await office.event("CALL_ESTABLISHED")
        await office.hears(500)
        await office.do("hangup")
        await call.hung_up()
