"""What callers are asked to say, on a real exchange with a real phone."""

import asyncio
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.directory import model as directory
from central.directory import service as directories
from central.flows import model as menus
from central.left_messages import model
from central.personal import desks
from central.prompts import model as prompts
from central.prompts import service as prompting
from central.recordings import model as recordings
from central.recordings import service as recorded
from central.recordings.conversation import ANNOUNCED
from central.store import Store, Tx
from central.words import spoken
from gateway.speech.engines import EngineFailedError, Espeak
from gateway.speech.library import SpeechLibrary
from gateway.speech.sound import Sound
from gateway.telephone.exchange import TAKE_BACK_S
from gateway.telephone.files.recording import BY_APPLICATION
from tests.bench.waiting import until
from tests.flows.caller import FRAME_MS
from tests.flows.test_by_phone import OFFICE, WARD, at_work, line
from tests.telephone import hospital
from tests.telephone.hospital import Phones, opened
from tests.telephone.phone import HEADER_BYTES
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S

LONG_MS = (TAKE_BACK_S + 1) * 1000
# The exchange writes 32 KiB at a time.
WRITTEN_LATE_MS = 32 * 1024 // 16
LEAVE, HELP, STUDIO = "9100", "9101", "9102"
PIN = "258025"
NIGHT, AT_DESK = "001565000005", "001565000006"
# For the desk alone, so that no other test's telephone is rung.
DESK, EMPTY = "8110", "8111"
QUEUE = f"""
flow: help
title: {{zh: 服务台, en: Desk}}
start: wait
steps:
  wait: {{queue: {DESK}, unanswered: sorry}}
  sorry: {{hang_up: {{zh: 抱歉。, en: Sorry.}}}}
"""


def build(tx: Tx) -> None:
    directories.add_extension(tx, "8003", "Ward")
    directories.add_phone(tx, WARD, "8003")
    directories.add_extension(tx, "8101", "Office")
    directories.add_phone(tx, OFFICE, "8101")
    directories.add_extension(tx, "8004", "Night")
    directories.add_phone(tx, NIGHT, "8004")
    directories.add_extension(tx, DESK, "Desk")
    directories.add_phone(tx, AT_DESK, DESK)
    directories.add_extension(tx, EMPTY, "Empty desk")
    directories.add_service(tx, HELP, "menu_help", ["8101"])
    directories.add_service(tx, STUDIO, "menu_studio")
    desks.put(tx, "8101", rights=directory.INTERNAL, pin=PIN, by="desk")
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


SPEECHLESS = """
flow: help
title: {zh: 服务台, en: Desk}
start: hello
person: desk
steps:
  hello: {say: {zh: 您好。, en: Hello.}, then: ask}
  ask: {menu: {zh: 请按1。, en: Press 1.}, keys: {1: desk}, failed: desk}
  desk: {transfer: 8101, words: {zh: 请稍候。, en: One moment.}}
"""
GOODBYE = """
flow: help
title: {zh: 服务台, en: Desk}
start: bye
steps:
  bye: {hang_up: {zh: 再见。, en: Goodbye.}}
"""
WHO = """
  who: {menu: {zh: 请按1。, en: Press 1.}, keys: {1: card}, failed: bye, wait_s: 30}
  card: {log_in: {}, then: bye, failed: bye}
"""


def put(store: Store, flow: str, text: str) -> None:
    """From now on this is the menu of that name."""
    with store.transaction() as tx:
        menus.add(tx, flow, text, "", "admin", tx.now_ms)


def sounds(exchange: RunningExchange) -> dict[str, int]:
    """The recordings that lie in the exchange's folder, and how long they are (ms)."""
    folder = exchange.folder / BY_APPLICATION
    return {each.name: each.stat().st_size // 16 for each in folder.glob("*.wav")}


async def test_a_message_is_said_anew_and_left_by_hanging_up(
    store: Store, exchange: RunningExchange
) -> None:
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(LEAVE)
        await call.press("#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: max(sounds(exchange).values(), default=0) > 1000, 0.02)
        (first,) = sounds(exchange)
        await call.press("#3")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: first not in sounds(exchange), 0.02)
        await call.press("#")
        # Longer than the exchange leaves a call to an application that says nothing.
        async with asyncio.timeout(WAIT_S):
            await until(lambda: max(sounds(exchange).values(), default=0) > LONG_MS, 0.02)
        await call.hang_up()
        async with asyncio.timeout(WAIT_S):
            await until(lambda: bool(model.open_ones(store.read())), 0.02)
            await until(lambda: model.open_ones(store.read())[0]["recording"] is not None, 0.02)
    (left,) = model.open_ones(store.read())
    assert (left["number"], left["patient"], left["lang"]) == ("8003", "", "zh")
    assert list(sounds(exchange)) == [left["file"]]
    taken = recordings.one(store.read(), left["recording"])
    assert taken is not None
    assert taken["length_ms"] > LONG_MS


async def test_who_says_nothing_leaves_no_recording_behind(
    store: Store, exchange: RunningExchange
) -> None:
    before = sounds(exchange)
    async with at_work(store, exchange), line(store, exchange) as phone:
        phone.hums = False
        call = await phone.dial(LEAVE)
        await call.press("#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: sounds(exchange) != before, 0.02)
            await until(lambda: sounds(exchange) == before, 0.02)
        await call.hang_up()
    assert len(model.open_ones(store.read())) == 1


async def test_two_who_wait_are_answered_in_their_order_and_star_leaves_the_queue(
    store: Store, exchange: RunningExchange, tmp_path: Path
) -> None:
    put(store, "help", QUEUE)
    async with (
        at_work(store, exchange),
        Phones(tmp_path, store, exchange).plugged_in(AT_DESK) as desk,
        line(store, exchange) as first_line,
        line(store, exchange, NIGHT) as second_line,
    ):
        await desk.registered()
        first = await first_line.dial(HELP)
        rung = await desk.event("CALL_INCOMING")
        assert "8003" in rung["peeruri"]
        second = await second_line.dial(HELP)
        await second.hears(1000)
        await desk.do("accept")
        await desk.event("CALL_ESTABLISHED")
        await desk.hears(LONG_MS)
        await desk.do("hangup")
        await first.hung_up()
        rung = await desk.event("CALL_INCOMING")
        assert "8004" in rung["peeruri"]
        await second.press("*")
        await desk.event("CALL_CLOSED")
        await second.hung_up()


async def test_where_no_telephone_is_plugged_in_nobody_is_kept_waiting(
    store: Store, exchange: RunningExchange
) -> None:
    put(store, "help", QUEUE.replace(DESK, EMPTY))
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(HELP)
        await call.hung_up()


class Dumb(Espeak):
    """A voice that has nothing to say."""

    async def render(self, lang: str, text: str, target: Path) -> None:
        raise EngineFailedError("it is broken")


async def test_without_a_voice_he_hears_an_apology_and_a_person_and_the_log_says_which_words(
    store: Store, exchange: RunningExchange, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, "help", SPEECHLESS)
    async with (
        at_work(store, exchange, "dumb", Dumb()),
        line(store, exchange) as phone,
        Phones(tmp_path, store, exchange).plugged_in(OFFICE) as office,
    ):
        await office.registered()
        call = await phone.dial(HELP)
        await office.event("CALL_INCOMING")
        assert call.heard_ms() > 3000
        assert call.loudness() > 500
        await call.hang_up()
    told = [each.getMessage() for each in caplog.records if each.name == "wardline.flows"]
    assert told == [
        f"menu and step help/{step}: words in zh, {words}: espeak-ng: it is broken"
        for step, words in (("hello", "您好。"), ("desk", "请稍候。"))
    ]


async def test_words_said_by_telephone_are_heard_in_the_menu_instead_of_speech(
    store: Store, exchange: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, "help", GOODBYE)
    with store.transaction() as tx:
        code = prompting.give_code(tx, "help/bye", "zh", by="admin")
    before = sounds(exchange)
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(STUDIO)
        await call.press(f"8101#{PIN}#{code}#")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: length_of_newest(exchange, before) > 1500, 0.02)
        await call.press("#1")
        async with asyncio.timeout(WAIT_S):
            await until(lambda: prompts.current(store.read(), "help/bye", "zh", "再见。"), 0.02)
        await call.hang_up()
    async with at_work(store, exchange, "dumb", Dumb()), line(store, exchange) as phone:
        caplog.clear()
        call = await phone.dial(HELP)
        await call.hung_up()
        assert call.heard_ms() > 1200
        assert call.loudness() > 2000
    assert [each for each in caplog.records if each.name == "wardline.flows"] == []


def length_of_newest(exchange: RunningExchange, before: dict[str, int]) -> int:
    return max((ms for name, ms in sounds(exchange).items() if name not in before), default=0)


async def test_a_menu_that_is_recorded_is_silent_while_a_pin_is_entered(
    store: Store, exchange: RunningExchange
) -> None:
    put(store, "help", GOODBYE.replace("start: bye", "start: who") + WHO)
    with store.transaction() as tx:
        rule = recorded.add_rule(tx, direction="service", keep_days=5)
    library = SpeechLibrary(exchange.folder / "speech", [Espeak()])
    first = (spoken("zh", ANNOUNCED), "请按1。")
    first_ms = sum([(await library.audio("zh", each)).duration_ms for each in first])
    async with at_work(store, exchange), line(store, exchange) as phone:
        call = await phone.dial(HELP)
        # He hums all the while: first in the menu, then where card and PIN are asked for.
        await call.hears(first_ms - len(first) * FRAME_MS)
        async with asyncio.timeout(WAIT_S):
            await until(lambda: len([each for each in loudness(exchange) if each > 500]) >= 2, 0.02)
        await call.press("1")
        # He is asked once nothing is recorded any more; what was before may still be on its way
        # into the file.
        await call.hears(300, call.pressed[0].heard)
        silent = len(loudness(exchange)) + WRITTEN_LATE_MS // 500 + 1
        async with asyncio.timeout(WAIT_S):
            await until(lambda: len(loudness(exchange)) >= silent + 4, 0.02)
        secret = len(loudness(exchange))
        heard = len(call.heard)
        await call.press("1#1#")
        await call.hears(500, heard)
        await call.hang_up()
    with store.transaction() as tx:
        recorded.remove_rule(tx, rule)
    assert max(loudness(exchange)[silent:secret]) < 50


def loudness(exchange: RunningExchange) -> list[float]:
    """Of the one conversation that is recorded, so far: for each 500 ms."""
    names = list((exchange.folder / BY_APPLICATION).glob("app-*.wav"))
    raw = b"".join(each.read_bytes()[HEADER_BYTES:] for each in names)
    blocks = (raw[at : at + 8000] for at in range(0, len(raw) - 7999, 8000))
    return [Sound(array("h", each)).rms for each in blocks]
