"""621 whole: telephones, the exchange, the bridge's side, a broker, and a box that records."""

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from central.bridge import intake
from central.broadcasts import model, service
from central.capabilities import rules
from central.clock import SystemClock
from central.directory import model as directory
from central.directory import service as directories
from central.store import Store
from central.telephone import service as ringing
from central.telephone import settings
from central.telephone.running import Telephone
from central.telephone.service import Ringing
from central.wards import model as wards
from central.words import spoken
from gateway.mqtt import kinds, topics
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.speech.sound import Sound
from gateway.telephone.broadcasting import Broadcast
from gateway.telephone.carrying import carry
from tests.bench.waiting import until
from tests.conftest import wait_for
from tests.telephone.phone import HEADER_BYTES, Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World
from tests.ward_node.conftest import FakeCentral, NodeProcess
from ward_node.contract import sound

HEAD, OFFICE = "001565002000", "001565002001"
WARDS = tuple(f"0015650021{number:02x}" for number in range(10))
LOUD = 500.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store(tmp_path_factory.mktemp("store") / "wardline.db", SystemClock())
    with opened.transaction() as tx:
        wards.add_ward(tx, "5", "五病区", "Ward 5")
        wards.add_node(tx, "5-box", "5", "bedside")
        person = directories.add_person(tx, "周院长")
        directories.add_extension(tx, "8001", "院长", person=person)
        directories.add_extension(tx, "8002", "Office")
        directories.add_phone(tx, HEAD, "8001")
        directories.add_phone(tx, OFFICE, "8002", lang="en")
        for number, device in enumerate(WARDS):
            directories.add_extension(tx, f"81{number:02}", f"Ward {number}")
            directories.add_phone(tx, device, f"81{number:02}")
        directories.add_service(tx, "621", "broadcast")
        directories.add_service(tx, "622", "broadcast_urgent")
        service.allow(tx, "extension", "8001", True, by="admin")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    folder = tmp_path_factory.mktemp("exchange")
    running = RunningExchange(folder, directory.directory(store.read()))
    running.start()
    yield running
    running.close()


async def seen(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT_S):
        await until(lambda: bool(condition()), 0.05)


async def _nothing(block: bytes) -> None:
    """Where the voice goes of one who was killed."""


class House:
    """The hospital at work, and its telephones."""

    def __init__(
        self, folder: Path, store: Store, exchange: RunningExchange, broker: FakeCentral
    ) -> None:
        self.store = store
        self._folder = folder
        self._exchange = exchange
        self._broker = broker
        self.prompts = SpeechLibrary(exchange.folder / "speech", [Espeak()])
        self.rung = asyncio.Event()

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator["House"]:
        gathered = rules()
        gathered.ringings["test"] = Ringing(
            lambda tx, ref, lang: "五床紧急呼叫。", lambda tx, ref, rung: None
        )
        exchange = settings.Settings(self._exchange.settings, self._exchange.folder)
        telephone = Telephone(exchange, self.store, gathered, self.prompts)
        loop = asyncio.get_running_loop()
        self.store.on_commit = lambda changes: loop.call_soon_threadsafe(
            telephone.look, {what for _, what in changes}
        )
        running = asyncio.create_task(telephone.run(self._publish))
        try:
            async with asyncio.timeout(WAIT_S):
                await telephone.ari.ready.wait()
            yield self
        finally:
            self.store.on_commit = lambda changes: None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _publish(
        self, ward: str, node: str, kind: str, message: dict[str, Any], ttl_ms: int | None = None
    ) -> None:
        self._broker.send(ward, node, kind, message)

    def phone(self, device: str, **more: Any) -> Baresip:
        row = directory.phone(self.store.read(), device)
        assert row is not None
        sip = self._exchange.settings.ports.sip
        return Baresip(self._folder / device, device, row["password"], sip, **more)

    def newest(self) -> Any:
        return model.newest(self.store.read())[0]


@pytest.fixture
def listening(central: FakeCentral, box: NodeProcess) -> NodeProcess:
    """A box of ward 5 that knows the time."""
    box.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    now_ms = SystemClock().real_ms()
    clock = {"now_ms": now_ms, "real_ms": now_ms, "offset_min": 480, "session": "s"}
    central.send("5", topics.ALL, topics.CLOCK, clock)
    return box


async def test_ten_phones_and_a_wards_loudspeaker_hear_the_head_of_the_house(
    tmp_path: Path, store: Store, exchange: RunningExchange, central: FakeCentral,
    listening: NodeProcess,
) -> None:  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(House(tmp_path, store, exchange, central).at_work())
        phones = [
            await stack.enter_async_context(house.phone(each, account=";answermode=auto"))
            for each in WARDS
        ]
        head = await stack.enter_async_context(house.phone(HEAD))
        await asyncio.gather(*(each.registered() for each in (head, *phones)))
        await head.dial("621")
        await asyncio.gather(*(each.event("CALL_ESTABLISHED") for each in phones))
        # It may begin with the silence of a bridge that the head is just coming into.
        await seen(lambda: listening.spoken() and Sound(_wav(listening, 1)).rms > LOUD)
        # A patient calls meanwhile: the box tells it, and a telephone that listens rings.
        listening.operate("1", "press")
        await seen(lambda: central.events(kinds.PRESS))
        with store.transaction() as tx:
            ringing.ring(tx, "test", "1", [["8100"]], caller='"Bed 5" <120>')
        # It answers by itself, so it tells no ringing.
        while "120" not in (await phones[0].event("CALL_ESTABLISHED"))["peeruri"]:
            pass
        words = {"lang": "zh", "text": "五床紧急呼叫"}
        body = {"utterance": "call-1", "class": kinds.EMERGENCY, "words": words}
        central.command("5-box", "1", kinds.SPEAK, body)
        await seen(lambda: len(listening.spoken()) == 3)
        length_ms = phones[1].heard()[1]
        await phones[1].hears(length_ms + 1_000)
        await head.do("hangup")
        await asyncio.gather(*(each.event("CALL_CLOSED") for each in phones[1:]))
        await seen(lambda: house.newest()["ended_ms"])
        with store.transaction() as tx:
            ringing.stop(tx, "test", "1")
        answer = await asyncio.to_thread(central.answer, f"broadcast-{house.newest()['id']}")
        await store.write(lambda tx: intake.take_ack(tx, rules(), "5-box", answer))
    assert min(each.heard()[0] for each in phones[1:]) > LOUD
    row = house.newest()
    assert (row["state"], row["person"], row["urgent"]) == (model.ENDED, "周院长", 0)
    assert (row["phones_heard"], row["boxes_heard"]) == (len(WARDS), 1)
    outcomes = {each["device"]: each["outcome"] for each in model.phones(store.read(), row["id"])}
    assert outcomes[OFFICE] == "unreachable"
    assert [each["text"] for each in listening.spoken()] == ["", "五床紧急呼叫", ""]
    (told,) = model.boxes(store.read(), row["id"])
    heard = [_wav(listening, each["id"]) for each in listening.spoken() if not each["text"]]
    assert min(Sound(each).rms for each in heard) > LOUD
    longest_ms = sum(len(each) for each in heard) * 1000 // sound.RATE_HZ
    assert 0 < longest_ms <= told["heard_ms"]
    assert told["heard_ms"] <= row["ended_ms"] - row["began_ms"] + 1_000


def _wav(box: NodeProcess, id: int) -> "array[int]":
    """What it spoke so far: while it speaks, the file's header may not tell how long that is."""
    path = box.folder / "spoken" / f"{id}.wav"
    content = path.read_bytes()[HEADER_BYTES:] if path.exists() else b""
    return array("h", content[: len(content) // 2 * 2])


async def test_who_may_not_hears_so_in_his_language_and_nobody_is_rung(
    tmp_path: Path, store: Store, exchange: RunningExchange, central: FakeCentral
) -> None:
    async with (
        House(tmp_path, store, exchange, central).at_work() as house,
        house.phone(OFFICE) as office,
        house.phone(WARDS[0], account=";answermode=auto") as ward,
    ):
        await asyncio.gather(office.registered(), ward.registered())
        await office.dial("621")
        await office.event("CALL_CLOSED")
        audio = await house.prompts.audio("en", spoken("en", "broadcasts.refused"))
        rms, ms = office.heard()
        assert rms > LOUD
        assert abs(ms - audio.duration_ms) < 1_000
        row = house.newest()
        assert (row["state"], row["number"], row["device"]) == (model.REFUSED, "8002", OFFICE)
        assert not list(ward.folder.glob("dump-*"))


async def test_an_urgent_one_takes_the_place_of_an_ordinary_one(
    tmp_path: Path, store: Store, exchange: RunningExchange, central: FakeCentral
) -> None:
    with store.transaction() as tx:
        service.allow(tx, "extension", "8100", False, by="admin")
    async with (
        House(tmp_path, store, exchange, central).at_work() as house,
        house.phone(HEAD) as head,
        house.phone(WARDS[0]) as nurse,
        house.phone(WARDS[1], account=";answermode=auto") as ward,
    ):
        await asyncio.gather(*(each.registered() for each in (head, nurse, ward)))
        await nurse.dial("621")
        await ward.event("CALL_ESTABLISHED")
        await head.dial("622")
        await nurse.event("CALL_CLOSED")
        await ward.event("CALL_ESTABLISHED")
        await seen(lambda: model.newest(store.read())[1]["ended_ms"])
        await head.do("hangup")
        await seen(lambda: house.newest()["ended_ms"])
        urgent, ordinary = model.newest(store.read())[:2]
        assert (urgent["state"], urgent["urgent"]) == (model.ENDED, 1)
        assert (ordinary["state"], ordinary["number"]) == (model.REPLACED, "8100")
        # The nurse's own phone was in the call that ended just then: it may have heard it or not.
        outcomes = {
            row["device"]: row["outcome"] for row in model.phones(store.read(), urgent["id"])
        }
        assert outcomes[WARDS[1]] in ("heard", "heard_in_call")


async def test_a_bridge_that_was_killed_leaves_nobody_listening(
    tmp_path: Path, store: Store, exchange: RunningExchange, central: FakeCentral
) -> None:
    """The application is gone without a word, as after kill -9, and another one begins."""
    house = House(tmp_path, store, exchange, central)
    async with (
        house.phone(HEAD) as head,
        house.phone(WARDS[0], account=";answermode=auto") as ward,
    ):
        await asyncio.gather(head.registered(), ward.registered())
        async with World(exchange.settings.ari_url) as killed:
            await killed.ready()
            await head.dial("621")
            async with asyncio.timeout(WAIT_S):
                lane = await killed.arrived.get()
            await killed.actions.answer(lane.subject.id)
            with store.transaction() as tx:
                plan = service.begin(tx, lane.subject.id, "8001", HEAD, False)
                assert not isinstance(plan, str)
                service.recover(tx)
            room = await killed.actions.bridge()
            listening = [
                asyncio.create_task(carry(killed.actions, room, _nothing)),
                asyncio.create_task(Broadcast(killed.actions, lane, room, plan.endpoints).run()),
            ]
            await ward.event("CALL_ESTABLISHED")
        for each in listening:  # whose line is cut: they can hang up on nobody
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        assert len(exchange.ari("channels")[1]) >= 2
        async with house.at_work():
            await asyncio.gather(head.event("CALL_CLOSED"), ward.event("CALL_CLOSED"))
            await seen(lambda: exchange.ari("channels")[1] == [])
