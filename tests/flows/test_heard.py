"""Every menu that is shipped, on a real exchange: keys go in as RFC 4733 has them, and the voice
that comes back is as long as the words that the menu should say."""

import asyncio
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from central.directory import places
from central.directory import service as directories
from central.flows import asking, phone, service
from central.flows import model as menus
from central.flows.engine import Call as Menu
from central.flows.offers import Answer, Asking, offers
from central.hours import editing
from central.hours.rules import Band
from central.store import Store, Tx
from central.words import spoken
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from provisioning import demo_patient
from provisioning.demo_patient import CARD, PATIENT, PIN
from tests.bench.waiting import until
from tests.flows.caller import FRAME_MS, Line
from tests.flows.mirror import Mirror
from tests.flows.test_by_phone import WARD, at_work, audited, line
from tests.telephone import hospital
from tests.telephone.hospital import opened
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

pytestmark = pytest.mark.long

NUMBER = {flow: str(9000 + n) for n, flow in enumerate(sorted(service.shipped()))}
DESK = "8101"
LOUD = 500.0
# What is keyed in each; "" hears what is said first. Others hear that and press one key.
KEYS = {
    "main": ["8"],
    "fees": [f"{CARD}#{PIN}#"],
    "exams": ["", f"{CARD}#", f"{PIN}#"],
}
ELSE = [""]
OVER = "*"
# The tone before a message is taken; what still comes of the words that 8 breaks off.
MORE_MS = {"message": 260, "main": 200}
# Packets of voice that may still come after a key that ends it: 200 ms.
MOST_AFTER = 10
# Keyed by somebody who mistypes his PIN.
MISTYPED = "58127394"
SLOW = """
flow: main
title: {zh: 慢, en: Slow}
start: ask
steps:
  ask:
    look_up: hours.open
    with: {plan: service}
    as: hours
    then: told
    failed: away
    outcomes: {closed: told, holiday: told}
  told:
    hang_up: {zh: 查到了。, en: There it is.}
  away:
    menu: {zh: 查不到。, en: It cannot be looked up.}
    keys: {1: told}
"""


def build(tx: Tx) -> None:
    directories.add_extension(tx, "8003", "Ward")
    directories.add_phone(tx, WARD, "8003")
    directories.add_extension(tx, DESK, "Office")
    for flow, number in NUMBER.items():
        directories.add_service(tx, number, f"{service.PURPOSE}{flow}")
    places.put(tx, "desk", DESK)
    always = [Band(day, 0, 0) for day in range(7)]
    editing.put_plan(tx, "service", "Desk", always, on_holidays=True, by="desk")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("store"), build) as store:
        demo_patient.enter(store)
        yield store


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    with hospital.at_work(tmp_path_factory.mktemp("exchange"), store) as running:
        yield running


async def hear(line: Line, flow: str, store: Store, library: SpeechLibrary) -> None:
    """Let everything be said to its end after each of the menu's keys. A frame that is not full is
    not sent, or filled up, so of each sound a packet may be missing or too many."""
    mirror = await Mirror(
        Menu(service.shipped(), flow, places={"desk": DESK}),
        store,
        Asking("zh", number="8003", device=WARD),
        (CARD, PIN, PATIENT),
    ).begin()
    call = await line.dial(NUMBER[flow])
    keyed, since, most_ms = "", 0, math.inf
    for keys in [*KEYS.get(flow, ELSE), OVER]:
        number = len(call.pressed)
        if keys and mirror.call.is_over:
            await call.hung_up()
            at = len(call.heard)
        else:
            await call.press(keys)
            at = call.pressed[number].heard if keys else 0
        # No word too many came before the next key.
        heard_ms = call.heard_ms(since) - call.heard_ms(at)
        assert heard_ms <= most_ms, (flow, keyed, heard_ms, most_ms, mirror.said)
        if keys == OVER:
            break
        await mirror.press(keys)
        lengths_ms = await mirror.lengths_ms(library)
        keyed, since = keys, call.pressed[-1].heard if keys else 0
        tolerance_ms = FRAME_MS * len(lengths_ms)
        most_ms = sum(lengths_ms) + tolerance_ms + MORE_MS.get(flow, 0)
        await call.hears(sum(lengths_ms) - tolerance_ms, since)
        assert call.loudness(since) > LOUD
    await call.hang_up()


async def test_each_menu_says_its_words_and_no_others(
    store: Store, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the same time, so that they take as long as the longest of them. However slow the machine
    is, nobody is asked to wait for a look-up: of that there is a test below."""
    monkeypatch.setattr(phone, "SILENT_S", WAIT_S)
    library = SpeechLibrary(exchange.folder / "speech", [Espeak()])
    async with (
        at_work(store, exchange),
        line(store, exchange) as caller,
        asyncio.TaskGroup() as all,
    ):
        for flow in NUMBER:
            all.create_task(hear(caller, flow, store, library))


async def test_words_stop_at_the_key(store: Store, exchange: RunningExchange) -> None:
    """The words would go on for seconds. On a busy machine one key may be late, not each of
    them."""
    after = []
    async with at_work(store, exchange), line(store, exchange) as phone:
        for _ in range(3):
            call = await phone.dial(NUMBER["fees"])
            await call.hears(300)
            await call.press("62")
            first, second = call.pressed
            after.append(second.heard - first.heard)
            assert call.loudness() > LOUD
            await call.hang_up()
    assert min(after) <= MOST_AFTER, after


async def test_a_pin_that_is_keyed_stands_nowhere(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    logins = len(audited(store, "phone.login"))
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(NUMBER["fees"])
        await call.press(f"{CARD}#{MISTYPED}#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: bool(audited(store, "card.refused")), 0.02)
        await call.press(f"{CARD}#{PIN}#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: len(audited(store, "phone.login")) > logins, 0.02)
        await call.hang_up()
        # The exchange's record of the call has been read as well.
        async with asyncio.timeout(WAIT_S):
            await until(lambda: call_records(store) > 0, 0.02)
    written = [path for folder in (exchange.folder, store.path.parent)
               for path in folder.rglob("*") if path.is_file()]  # fmt: skip
    found = {
        digits: [path.name for path in written if digits.encode() in path.read_bytes()]
        for digits in (CARD, PIN, MISTYPED)
    }
    assert found[CARD], "the database is looked into"
    assert (found[PIN], found[MISTYPED]) == ([], [])
    assert not any(digits in caplog.text for digits in found)


def call_records(store: Store) -> int:
    row = store.read().one("SELECT count(*) AS n FROM call_records")
    return 0 if row is None else int(row["n"])


async def test_a_look_up_that_takes_too_long_is_told_and_the_call_goes_on(
    store: Store, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its times are short here; what is said is in the order that long ones have."""
    asked, goes_on = threading.Event(), threading.Event()

    def slow(tx: Tx, who: Asking, values: Mapping[str, str]) -> Answer:
        asked.set()
        goes_on.wait(WAIT_S)
        return Answer("closed", {"opens": ""})

    patched = dict(offers())
    patched["hours.open"] = replace(patched["hours.open"], run=slow)
    monkeypatch.setattr(asking, "offers", lambda: patched)
    monkeypatch.setattr(asking, "MOST_S", 1.5)
    monkeypatch.setattr(phone, "SILENT_S", 0.3)
    library = SpeechLibrary(exchange.folder / "speech", [Espeak()])
    moment = ("zh", spoken("zh", "flows.moment"))
    lengths = [(await library.audio(*each)).duration_ms for each in (moment, ("zh", "查不到。"))]
    with store.transaction() as tx:
        menus.add(tx, "main", SLOW, "", "admin", tx.now_ms)
    try:
        async with at_work(store, exchange), line(store, exchange) as caller:
            call = await caller.dial(NUMBER["main"])
            await call.hears(lengths[0] - FRAME_MS)
            assert asked.is_set()
            await call.hears(sum(lengths) - 2 * FRAME_MS)
            at = len(call.heard)
            await call.press("1")
            await call.hears(200, max(at, call.pressed[0].heard))
            await call.hang_up()
    finally:
        goes_on.set()
