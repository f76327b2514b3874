"""The bridge against a real broker: what is receipted is stored, and nothing else is."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiomqtt
import pytest

from central import commands
from central.audit import model as audit
from central.bridge import intake
from central.bridge.bridge import HEARD, Bridge
from central.bridge.outgoing import Speech
from central.calls import service as calling
from central.capabilities import Rules
from central.clock import SystemClock
from central.escalation import service as escalation_rules
from central.events import NodeEvent
from central.faults import model as faults
from central.faults import service as fault_rules
from central.store import Store, Tx
from central.technical import service as technical_rules
from central.wards import model as wards
from central.wards import service as fleet
from gateway.mqtt import kinds, topics
from gateway.mqtt.checked import encode
from gateway.mqtt.link import BrokerLink
from gateway.speech.library import SpeechUnavailableError
from tests.conftest import WAIT_S


class Mute:
    """Speech that has no voice: nodes then speak with their own."""

    async def audio(self, lang: str, text: str) -> Any:
        raise SpeechUnavailableError("no voice in this test")

    async def known(self, words: Sequence[tuple[str, str]]) -> list[Any]:
        return [None] * len(words)


class Slow(Mute):
    """Speech whose words are made when `may` is set, and how many at once."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.begun = asyncio.Event()
        self.at_work = 0
        self.most_at_once = 0
        self.given_up = 0

    async def audio(self, lang: str, text: str) -> Any:
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        self.begun.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        finally:
            self.at_work -= 1
        return SimpleNamespace(sha256="0" * 64, url="http://x/0", duration_ms=1)


class Box:
    """A ward node as the broker sees it."""

    def __init__(self, client: aiomqtt.Client, name: str = "3-box", ward: str = "3") -> None:
        self.client = client
        self.name = name
        self.ward = ward
        self.heard: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def say(self, kind: str, message: dict[str, Any] | bytes) -> None:
        payload = message if isinstance(message, bytes) else encode(kind, message)
        await self.client.publish(topics.topic(self.ward, self.name, kind), payload, qos=1)

    async def birth(self, session: int = 1) -> None:
        await self.say(topics.STATE, {"state": "ready", "session": session, "versions": [1]})

    async def press(self, seq: int, **other: Any) -> str:
        event = event_message(seq, **other)
        await self.say(topics.EVENT, event)
        return event["id"]

    async def hears(self, kind: str, about: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message of `kind` that fits; others are passed over."""
        async with asyncio.timeout(WAIT_S):
            while True:
                heard_kind, message = await self.heard.get()
                if heard_kind == kind and about(message):
                    return message

    async def listen(self) -> None:
        async for message in self.client.messages:
            kind = topics.parse(str(message.topic))[2]
            self.heard.put_nowait((kind, json.loads(bytes(message.payload))))


def event_message(seq: int, **other: Any) -> dict[str, Any]:
    message = {"node": "3-box", "ward": "3", "boot": 1, "seq": seq, "age_ms": 0}
    message |= {"type": kinds.PRESS, "bed": "5", **other}
    return {"id": kinds.event_id(message["node"], message["boot"], seq)} | message


@asynccontextmanager
async def running(
    store: Store, rules: Rules, port: int, speech: Speech | None = None
) -> AsyncIterator[Box]:
    """A bridge at work and a box beside it."""
    with store.transaction() as tx:
        if wards.ward(tx, "3") is None:
            wards.add_ward(tx, "3", "三病区", "Ward 3")
            wards.add_node(tx, "3-box", "3", "bedside")
            wards.add_bed(tx, "3", "5", "3-box")
    link = BrokerLink({"host": "127.0.0.1", "port": port}, "wardline-bridge", HEARD)
    bridge = Bridge(store, rules, speech or Mute(), link, 480)
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        box = Box(client)
        for kind in (topics.RECEIPT, topics.COMMAND, topics.CONFIG, topics.CLOCK):
            await client.subscribe(topics.every(kind), qos=1)
        tasks = [asyncio.create_task(bridge.run()), asyncio.create_task(box.listen())]
        try:
            await box.hears(topics.CLOCK, lambda message: True)
            yield box
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def play(store: Store, port: int, story: Callable[[Box], Awaitable[None]], rules: Rules) -> None:
    async def whole() -> None:
        async with running(store, rules, port) as box:
            await story(box)

    store.clock = SystemClock()
    asyncio.run(whole())


def presses(store: Store) -> list[int]:
    return [row["seq"] for row in store.read().all("SELECT seq FROM events ORDER BY seq")]


async def until(condition: Callable[[], Any], what: str) -> Any:
    """Poll a row of the database: the writer is a thread of its own."""
    async with asyncio.timeout(WAIT_S):
        while not (answer := condition()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return answer


def with_rules(**events: Any) -> Rules:
    rules = Rules()
    rules.add(fault_rules)
    rules.add(technical_rules)
    rules.add(escalation_rules)
    for type, rule in events.items():
        rules.events.setdefault(type, []).append(rule)
    return rules


def test_a_press_is_stored_before_its_receipt_and_once(store: Store, broker: int) -> None:
    seen: list[NodeEvent] = []

    async def story(box: Box) -> None:
        for _ in range(3):
            await box.press(1)
            await box.hears(topics.RECEIPT, lambda message: message["ids"] == ["3-box:1:1"])
            assert presses(store) == [1]
        await until(lambda: seen, "the rule")

    play(store, broker, story, with_rules(press=lambda tx, event: seen.append(event)))
    assert [event.id for event in seen] == ["3-box:1:1"]


def test_age_dates_an_event_without_the_nodes_clock(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        event_id = await box.press(1, age_ms=60_000)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])

    play(store, broker, story, with_rules())
    row = store.read().one("SELECT stored_ms - happened_ms AS age_ms FROM events")
    assert row is not None
    assert 60_000 <= row["age_ms"] < 75_000


def test_malformed_and_foreign_messages_are_quarantined_and_nothing_stops(
    store: Store, broker: int
) -> None:
    bad = [b"{", b"\xff\xfe", b"[]", b'{"id": 1}', b"[" * 50_000]
    bad.append(json.dumps(event_message(9, ward="5")).encode())

    async def story(box: Box) -> None:
        for payload in bad:
            await box.say(topics.EVENT, payload)
        event_id = await box.press(1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        await until(
            lambda: store.read().value("SELECT count(*) FROM quarantine") == len(bad), "quarantine"
        )

    play(store, broker, story, with_rules())
    reasons = [row["reason"] for row in store.read().all("SELECT reason FROM quarantine")]
    assert any("speaks of ward 5" in reason for reason in reasons)
    found = {row["code"]: row["count"] for row in faults.open_faults(store.read(), "3")}
    # One of them named itself, and may have been a call.
    assert found == {"malformed": len(bad), "unread-call": 1}
    assert presses(store) == [1]


def test_one_event_that_cannot_be_stored_holds_up_no_other(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        pressed = [await box.press(seq, bed=bed) for seq, bed in enumerate(("5", "9", "5"), 1)]
        held: dict[str, bool] = {}
        while held.keys() < set(pressed):
            receipt = await box.hears(topics.RECEIPT, lambda message: True)
            held |= dict.fromkeys(receipt["ids"], receipt.get("refused", False))
        assert [held[id] for id in pressed] == [False, True, False]

    with store.transaction() as tx:
        tx.execute(
            "CREATE TRIGGER picky BEFORE INSERT ON events WHEN new.bed = '9'"
            " BEGIN SELECT raise(ABORT, 'no such bed'); END"
        )
    play(store, broker, story, with_rules())
    assert presses(store) == [1, 3]
    assert store.read().value("SELECT reason FROM quarantine") == "not stored: no such bed"


def test_of_a_group_only_what_cannot_be_stored_is_left_out(store: Store) -> None:
    group = [(event_message(seq), 1_000) for seq in (1, 2**70, 2, 1)]
    with store.transaction() as tx:
        one, huge, two, again = intake.store_events(tx, group)
    assert (one, two, again) == (True, True, False)
    assert "too large" in str(huge)
    assert presses(store) == [1, 2]


def full(tx: Tx) -> None:
    """No more pages than there are, as SQLite's writer connection sees it."""
    tx.execute("PRAGMA max_page_count = 1")


def room(tx: Tx) -> None:
    tx.execute("PRAGMA max_page_count = 1000000")


def test_nothing_is_receipted_that_is_not_stored(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        await store.write(full)
        await box.press(1, about={"note": "x" * 20_000})
        trouble = await box.hears(topics.CLOCK, lambda message: bool(message["trouble"]))
        assert "full" in trouble["trouble"]
        assert presses(store) == []
        await store.write(room)
        event_id = await box.press(1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        await box.hears(topics.CLOCK, lambda message: message["trouble"] is None)

    play(store, broker, story, with_rules())
    assert presses(store) == [1]


def test_rules_act_once_there_is_room_for_what_they_write(store: Store, broker: int) -> None:
    acted: list[str] = []

    def rule(tx: Tx, event: NodeEvent) -> None:
        if not acted:
            acted.append("tried")
            full(tx)
            tx.insert("quarantine", at_ms=0, topic="t", payload=b"x" * 40_000, reason="r")
        acted.append(event.id)

    async def story(box: Box) -> None:
        event_id = await box.press(1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        await box.hears(topics.CLOCK, lambda message: bool(message["trouble"]))
        await store.write(room)
        await until(lambda: store.read().value("SELECT count(*) FROM events_waiting") == 0, "rules")

    play(store, broker, story, with_rules(press=rule))
    assert acted == ["tried", "3-box:1:1"]


def test_what_was_stored_before_a_crash_is_acted_on_after_it(store: Store, broker: int) -> None:
    acted: list[NodeEvent] = []
    with store.transaction() as tx:
        now_ms = tx.now_ms
        for seq in (2, 1, 3):
            intake.store_events(tx, [(event_message(seq, about={"unit": seq}), now_ms)])

    async def story(box: Box) -> None:
        await until(lambda: len(acted) == 3, "the rules")
        await box.press(2)
        await box.hears(topics.RECEIPT, lambda message: message["ids"] == ["3-box:1:2"])

    play(store, broker, story, with_rules(press=lambda tx, event: acted.append(event)))
    assert [(event.seq, event.about, event.happened_ms) for event in acted] == [
        (seq, {"unit": seq}, now_ms) for seq in (2, 1, 3)
    ]


def test_a_rule_that_asks_the_database_for_nonsense_stops_no_other(
    store: Store, broker: int
) -> None:
    other: list[str] = []
    rules = with_rules(press=lambda tx, event: tx.execute("SELECT * FROM nowhere"))
    rules.events["press"].append(lambda tx, event: other.append(event.id))

    async def story(box: Box) -> None:
        await box.press(1)
        await until(lambda: other, "the other rule")
        await until(lambda: faults.open_faults(store.read(), "3"), "the fault")

    play(store, broker, story, rules)
    assert [fault["code"] for fault in faults.open_faults(store.read(), "3")] == ["rule-failed"]


def test_a_failing_rule_loses_no_press_and_is_told(store: Store, broker: int) -> None:
    other: list[str] = []

    def bad(tx: Tx, event: NodeEvent) -> None:
        raise KeyError("a mistake of ours")

    rules = with_rules(press=bad)
    rules.events["press"].append(lambda tx, event: other.append(event.id))

    async def story(box: Box) -> None:
        event_id = await box.press(1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        await until(lambda: other, "the other rule")
        await until(lambda: faults.open_faults(store.read(), "3"), "the fault")

    play(store, broker, story, rules)
    assert other == ["3-box:1:1"]
    assert presses(store) == [1]
    assert [fault["code"] for fault in faults.open_faults(store.read(), "3")] == ["rule-failed"]


def test_commands_wait_for_the_box_and_are_sent_until_answered(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        with store.transaction() as tx:
            number = commands.send(tx, "3", "3-box", kinds.STOP, {"utterance": "u"})
        await box.birth()
        first = await box.hears(topics.COMMAND, lambda message: message["id"] == str(number))
        assert first["type"] == kinds.STOP
        await box.hears(topics.COMMAND, lambda message: message["id"] == str(number))
        await box.say(topics.ACK, {"id": str(number), "result": kinds.DONE})
        await until(lambda: store.read().value("SELECT result FROM commands") == "done", "ack")

    play(store, broker, story, with_rules())
    assert store.read().value("SELECT attempts FROM commands") >= 2


def test_a_lost_box_is_a_fault_and_a_late_will_is_not(store: Store, broker: int) -> None:
    def state() -> str:
        return str(store.read().value("SELECT state FROM nodes"))

    async def story(box: Box) -> None:
        await box.birth(session=7)
        await box.hears(topics.CONFIG, lambda message: message["beds"] == ["5"])
        await box.say(topics.STATE, {"state": "lost", "session": 6})
        event_id = await box.press(1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        assert state() == "ready", "the will of an earlier session says nothing of this one"
        await box.say(topics.STATE, {"state": "stopped", "session": 7, "restarts": True})
        event_id = await box.press(2)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        assert state() == "ready", "it is back at once, or else silent"
        await box.say(topics.STATE, {"state": "lost", "session": 7})
        await until(lambda: state() == "lost", "the will to be taken")
        assert [row["code"] for row in faults.open_faults(store.read(), "3")] == ["lost"]
        await box.birth(session=8)
        await until(lambda: state() == "ready", "the birth to be taken")
        assert faults.open_faults(store.read(), "3") == []

    play(store, broker, story, with_rules())


def test_a_box_that_beats_lives_though_only_its_will_was_kept(store: Store, broker: int) -> None:
    """A centre that is new here hears the retained will of a start of which it never heard."""
    heartbeat = {"boot": 7, "uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0}

    def state() -> tuple[str, int | None]:
        row = wards.node(store.read(), "3-box")
        assert row is not None
        return row["state"], row["session"]

    async def story(box: Box) -> None:
        await box.say(topics.STATE, {"state": "lost", "session": 7})
        await until(lambda: state() == ("lost", None), "the will to be taken")
        with store.transaction() as tx:
            number = commands.send(tx, "3", "3-box", kinds.STOP, {"utterance": "u"})
        await box.say(topics.HEARTBEAT, heartbeat)
        await box.hears(topics.COMMAND, lambda message: message["id"] == str(number))
        assert state() == ("ready", 7)
        assert faults.open_faults(store.read(), "3") == []

    play(store, broker, story, with_rules())


def test_a_silent_box_is_noticed_though_no_will_comes(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        await box.birth()
        await until(lambda: faults.open_faults(store.read(), "3"), "the silence to be noticed")

    play(store, broker, story, with_rules())
    assert [row["code"] for row in faults.open_faults(store.read(), "3")] == ["lost"]


def test_words_stopped_in_time_are_no_fault_and_refused_ones_are(store: Store, broker: int) -> None:
    def all_answered() -> bool:
        open_ones = "SELECT count(*) FROM commands WHERE result IS NULL"
        return store.read().value(open_ones) == 0

    async def story(box: Box) -> None:
        numbers = []
        for result in (kinds.DECLINED, kinds.REFUSED):
            with store.transaction() as tx:
                numbers.append(commands.send(tx, "3", "3-box", kinds.STOP, {"utterance": "u"}))
            await box.say(topics.ACK, {"id": str(numbers[-1]), "result": result, "reason": "why"})
            await until(all_answered, "the answer")
            found = faults.open_faults(store.read(), "3")
            assert [row["code"] for row in found] == (["refused"] if len(numbers) == 2 else [])

    play(store, broker, story, with_rules())


def poison(seq: int) -> list[bytes]:
    """Events that are JSON and yet would break the store, a page, or the answer."""
    good = json.dumps(event_message(seq)).encode()
    about = good[:-1] + b', "about": {"a": %s}}'
    odd = [good.replace(b'"age_ms": 0', b'"age_ms": ' + age) for age in (b"NaN", b"1e308", b"-1")]
    odd += [good.replace(b'"seq": %d' % seq, b'"seq": %d' % n) for n in (2**63, 2**64)]
    odd += [about % value for value in (b"NaN", b"1e400", b'"\\ud800"', b"9" * 5000, b"[" * 9000)]
    odd += [about % (b'"%s"' % (b"x" * 20_000))]
    odd += [good.replace(b'"bed": "5"', b'"bed": ' + bed) for bed in (b'"5\\u0000"', b'"5\\nx"')]
    odd += [good.replace(b'"3-box:1:', b'"\\ud800:1:'), good.replace(b'"3-box:1:', b'"3-box:2:')]
    return odd


def test_poison_is_quarantined_and_the_next_press_is_served(store: Store, broker: int) -> None:
    bad = poison(9)

    async def story(box: Box) -> None:
        for payload in bad:
            await box.say(topics.EVENT, payload)
        state = topics.topic("3", "3-box", topics.STATE)
        await box.client.publish(state, b'{"session": ' + b"9" * 5000 + b"}", qos=1, retain=True)
        event_id = await box.press(1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
        await until(
            lambda: store.read().value("SELECT count(*) FROM quarantine") == len(bad) + 1,
            "all of it in quarantine",
        )

    play(store, broker, story, with_rules())
    assert presses(store) == [1]


def test_a_refused_event_is_answered_and_a_refused_call_is_told_to_people(
    store: Store, broker: int
) -> None:
    """A faulty box would say it again for ever, and behind it nothing else."""

    async def beat(box: Box) -> None:
        while True:
            await box.say(
                topics.HEARTBEAT,
                {"boot": 1, "uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0},
            )
            await asyncio.sleep(1)

    def open_calls() -> list[tuple[str, str]]:
        rows = store.read().all("SELECT type, about FROM calls WHERE state != 'ended'")
        return [(row["type"], json.loads(row["about"])["words"]) for row in rows]

    async def refused(box: Box, payload: bytes, id: str) -> None:
        await box.say(topics.EVENT, payload)
        answer = await box.hears(topics.RECEIPT, lambda message: id in message["ids"])
        assert answer["refused"] is True

    async def story(box: Box) -> None:
        beats = asyncio.create_task(beat(box))  # or the box itself were a fault in between
        bad = [each for each in poison(9) if b'"3-box:1:9"' in each and b'"bed": "5"' in each]
        assert len(bad) >= 10
        for payload in bad:
            await refused(box, payload, "3-box:1:9")
        await until(lambda: open_calls() == [("outage", "faults.unread_call")], "one call")
        with store.transaction() as tx:
            calling.resolve(tx, 1, "li")
        await until(
            lambda: faults.find_open(store.read(), "3-box", "bed 5", "unread-call") is None,
            "the fault to be over with its call",
        )
        harmless = json.dumps(event_message(10, type="prompted")).encode()
        await refused(box, harmless.replace(b'"age_ms": 0', b'"age_ms": NaN'), "3-box:1:10")
        assert open_calls() == []
        await refused(box, bad[0].replace(b":9", b":11"), "3-box:1:11")
        await until(lambda: open_calls() == [("outage", "faults.unread_call")], "another call")
        assert store.read().value("SELECT count(*) FROM quarantine") == len(bad) + 2
        beats.cancel()

    play(store, broker, story, with_rules())
    assert presses(store) == []


def test_an_age_out_of_all_reason_loses_no_press(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        event_id = await box.press(1, age_ms=2**53 - 1)
        await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])

    play(store, broker, story, with_rules())
    assert store.read().value("SELECT happened_ms FROM events") == 0


def test_a_rogue_ward_cannot_pass_itself_off_as_another_wards_box(
    store: Store, broker: int
) -> None:
    def states() -> dict[str, str]:
        return {row["id"]: row["state"] for row in wards.nodes(store.read())}

    async def story(box: Box) -> None:
        rogue = Box(box.client, "5-box", "3")
        victim = Box(box.client, "5-box", "5")
        with store.transaction() as tx:
            number = commands.send(tx, "5", "5-box", kinds.STOP, {"utterance": "u"})
        taken = event_message(1, node="5-box", ward="3")
        await rogue.say(topics.EVENT, taken)
        beat = {"boot": 1, "uptime_ms": 0, "outbox": 0, "dropped": 0, "quarantined": 0}
        await rogue.say(topics.HEARTBEAT, beat)
        await rogue.birth()
        await box.say(topics.ACK, {"id": str(number), "result": kinds.DONE})
        await rogue.say(topics.ACK, {"id": str(number), "result": kinds.DONE})
        # The real box presses with the very number that was taken.
        pressed = event_message(1, node="5-box", ward="5")
        await victim.say(topics.EVENT, pressed)
        await box.hears(topics.RECEIPT, lambda message: pressed["id"] in message["ids"])
        await until(
            lambda: store.read().value("SELECT count(*) FROM quarantine") == 4, "the quarantine"
        )
        assert states()["5-box"] != kinds.READY
        assert store.read().value("SELECT result FROM commands WHERE id = ?", (number,)) is None

    with store.transaction() as tx:
        wards.add_ward(tx, "5", "五病区", "Ward 5")
        wards.add_node(tx, "5-box", "5", "bedside")
    play(store, broker, story, with_rules())
    rows = store.read().all("SELECT ward FROM events")
    assert [row["ward"] for row in rows] == ["5"]


def test_only_a_beds_own_box_ends_its_calls(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        other = Box(box.client, "3-station")
        with store.transaction() as tx:
            wards.add_node(tx, "3-station", "3", "station")
        await other.say(topics.EVENT, event_message(1, node="3-station", type=kinds.PRESENCE))
        await other.say(topics.EVENT, event_message(2, node="3-station"))
        await box.hears(topics.RECEIPT, lambda message: "3-station:1:2" in message["ids"])

    play(store, broker, story, with_rules())
    assert [row["type"] for row in store.read().all("SELECT type FROM events")] == [kinds.PRESS]


def test_made_up_boxes_do_not_fill_the_fleet_page(store: Store) -> None:
    with store.transaction() as tx:
        for number in range(100):
            message = {"state": "ready", "session": 1}
            fleet.state_told(tx, "3", f"ghost-{number}", message)
    assert len(faults.open_faults(store.read())) == fleet.STRANGERS_SHOWN


def test_a_box_is_configured_at_once_and_given_its_words_when_they_are_made(
    store: Store, broker: int
) -> None:
    def voiced(config: dict[str, Any]) -> int:
        return sum("audio" in phrase for phrase in config["phrases"].values())

    async def story() -> None:
        speech = Slow()
        async with running(store, with_rules(), broker, speech) as box:
            await box.birth()
            config = await box.hears(topics.CONFIG, lambda message: message["beds"] == ["5"])
            assert voiced(config) == 0
            await speech.begun.wait()
            # Presses are served meanwhile, and words of calls find the other half of the engines.
            event_id = await box.press(1)
            await box.hears(topics.RECEIPT, lambda message: event_id in message["ids"])
            assert (speech.most_at_once, speech.given_up) == (1, 0)
            speech.may.set()
            await box.hears(
                topics.CONFIG, lambda message: voiced(message) == len(config["phrases"])
            )

    store.clock = SystemClock()
    asyncio.run(story())


def test_a_box_that_is_moved_is_believed_where_it_stands_now(store: Store, broker: int) -> None:
    async def story(box: Box) -> None:
        await box.say(topics.EVENT, event_message(1, type=kinds.PRESENCE, bed="6"))
        await until(lambda: store.read().value("SELECT count(*) FROM quarantine"), "the refusal")
        with store.transaction() as tx:
            tx.execute("UPDATE beds SET node = '3-box' WHERE bed = '6'")
            tx.changed("3", wards.FLEET)
        moved = event_message(1, type=kinds.PRESENCE, bed="6")
        await box.say(topics.EVENT, moved)
        await box.hears(topics.RECEIPT, lambda message: moved["id"] in message["ids"])

    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        for node in ("3-box", "3-other"):
            wards.add_node(tx, node, "3", "bedside")
        wards.add_bed(tx, "3", "6", "3-other")
    play(store, broker, story, with_rules())


def test_the_log_is_a_witness_of_the_audits_end(
    store: Store, broker: int, caplog: pytest.LogCaptureFixture
) -> None:
    with store.transaction() as tx:
        audit.append(tx, "li", "call.accept", "call/1")
    number, seal = audit.head(store.read())
    assert (number, seal) == (1, store.read().value("SELECT seal FROM audit"))

    async def story(box: Box) -> None:
        await until(
            lambda: f"{number} entries, sealed {seal}" in caplog.text, "the head in the log"
        )

    with caplog.at_level(logging.INFO, "wardline.bridge"):
        play(store, broker, story, with_rules())
