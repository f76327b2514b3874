"""A communicator as a real MicroPython process at a real broker, with the fake central and with
the real bridge."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.bridge.bridge import HEARD, Bridge
from central.capabilities import rules
from central.clock import SystemClock
from central.store import Store
from central.wards import model as wards
from gateway.mqtt import kinds, topics
from gateway.mqtt.link import BrokerLink
from provisioning import communicator
from tests.bridge.test_bridge import Mute
from tests.conftest import wait_for
from tests.ward_node.conftest import Broker, FakeCentral, NodeProcess
from tests.ward_node.test_live_process import Voice

WORDS = {"lang": "zh", "text": "护士马上过来。"}


class CommunicatorProcess(NodeProcess):
    """MicroPython on virtual pins, with its panel. The node 5-c at bed 7 of ward 5."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        super().__init__(folder, broker_port)
        self.data = folder / "flash"
        self.data.mkdir()
        self.config |= {
            "node": "5-c",
            "data": communicator.DATA,
            "hardware": communicator.hardware("7"),
        }

    def command(self, path: Path) -> list[str]:
        return communicator.command(path, self.data)


@pytest.fixture
def bedside(exchange_root: Path, tmp_path: Path, broker: Broker) -> Iterator[CommunicatorProcess]:
    made = CommunicatorProcess(tmp_path, broker.port)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def test_press_to_receipt_to_lamp_to_presence(
    central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    central.receipts = False
    bedside.start()
    birth = wait_for(lambda: central.of(topics.STATE), "the birth")[-1]
    assert (birth["state"], birth["beds"]) == ("ready", ["7"])
    assert "no voice" in birth["hardware"]
    bedside.operate("7", "press")
    event = wait_for(lambda: central.events(kinds.PRESS), "the press")[0]
    assert (event["bed"], event["boot"]) == ("7", birth["session"])
    wait_for(lambda: bedside.bed("7")["reassurance"] == "blink", "the blinking light")
    central.send("5", "5-c", topics.RECEIPT, {"ids": [event["id"]]})
    wait_for(lambda: bedside.bed("7")["reassurance"] == "steady", "the steady light")
    central.command(
        "5-c", "1", kinds.CALL, {"call": "7", "phase": "accepted", "words": WORDS}, bed="7"
    )
    wait_for(lambda: bedside.bed("7")["lamp"] == "steady", "the lamp of an accepted call")
    wait_for(lambda: bedside.bed("7")["buzzes"], "the buzzer")
    bedside.operate("7", "presence")
    wait_for(lambda: central.events(kinds.PRESENCE), "the presence")
    wait_for(lambda: bedside.bed("7")["lamp"] == "off", "the lamp to go out")
    bedside.operate("7", "presence_end")
    wait_for(lambda: central.events(kinds.PRESENCE_END), "the end of the presence")
    assert len(central.each_once(kinds.PRESS)) == 1
    bedside.operate("7", "hold")
    wait_for(lambda: central.events(kinds.HOLD), "the hold")


def test_words_are_declined_and_tones_are_not(
    central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    bedside.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    central.command("5-c", "1", kinds.SPEAK, {"utterance": "a", "class": "call", "words": WORDS})
    assert central.answer("1")["result"] == "declined"
    assert "no words" in central.answer("1")["reason"]
    central.command("5-c", "2", kinds.SPEAK, {"utterance": "b", "class": "call", "words": None})
    assert central.answer("2")["result"] == "done"
    central.raw(
        topics.topic("5", "5-c", topics.COMMAND),
        b'{"id": "3", "type": "dance", "expires_at_ms": 1, "body": {}}',
    )
    assert central.answer("3")["result"] == "refused"
    assert central.events(kinds.FAULT) == []


def test_kill_9_loses_nothing_and_the_will_is_published(
    central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    central.receipts = False
    bedside.start()
    bedside.operate("7", "press")
    first = wait_for(lambda: central.events(kinds.PRESS), "the press")[0]
    bedside.kill()
    wait_for(lambda: ("lost", first["boot"]) in central.states(), "the will")
    central.receipts = True
    bedside.start()
    wait_for(lambda: central.born_after(first["boot"]), "the second birth")
    wait_for(lambda: central.events(kinds.PRESS)[-1]["age_ms"] > first["age_ms"], "the press")
    assert {each["id"] for each in central.events(kinds.PRESS)} == {first["id"]}
    wait_for(lambda: central.of(topics.HEARTBEAT)[-1]["outbox"] == 0, "an empty outbox")
    beat = central.of(topics.HEARTBEAT)[-1]
    assert beat["speaker_test"] == "untestable"
    assert beat["wall_ms"] > 1_700_000_000_000
    wait_for(lambda: bedside.bed("7")["reassurance"] == "steady", "the steady light")


def test_a_press_on_flash_alone_is_delivered_after_kill_9(
    broker: Broker, central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    bedside.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    broker.stop()
    bedside.operate("7", "press")
    wait_for(lambda: b'"press"' in (bedside.data / "outbox.journal").read_bytes(), "the journal")
    bedside.kill()
    broker.start()
    bedside.start()
    wait_for(lambda: central.events(kinds.PRESS), "the press")
    wait_for(lambda: bedside.bed("7")["reassurance"] == "steady", "the steady light")


def test_what_happens_while_the_broker_is_away_arrives_later(
    broker: Broker, central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    def kept(kind: str) -> int:
        return (bedside.data / "outbox.journal").read_bytes().count(f'"{kind}"'.encode())

    def operate(kind: str) -> None:
        """A finger stays until the box has seen it."""
        before = kept(kind)
        bedside.operate("7", kind)
        wait_for(lambda: kept(kind) > before, kind)

    bedside.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    broker.stop()
    for _ in range(15):  # more than are in flight at once
        operate(kinds.PRESENCE)
        operate(kinds.PRESENCE_END)
    bedside.operate("7", "press")
    wait_for(lambda: bedside.bed("7")["reassurance"] == "blink", "the blinking light")
    broker.start()
    wait_for(lambda: central.events(kinds.PRESS), "the press")
    wait_for(lambda: len(central.each_once(kinds.PRESENCE)) == 15, "every presence")
    wait_for(lambda: bedside.bed("7")["reassurance"] == "steady", "the steady light")


def test_a_broker_that_hangs_is_left_and_met_again(
    broker: Broker, central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    bedside.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    broker.freeze()
    wait_for(lambda: "no answer in time" in bedside.log.read_text(), "the end of patience")
    bedside.operate("7", "press")
    broker.thaw()
    wait_for(lambda: central.events(kinds.PRESS), "the press")
    wait_for(lambda: bedside.bed("7")["reassurance"] == "steady", "the steady light")


def test_the_real_bridge_stores_the_press_and_tells_the_bed(
    store: Store, broker: Broker, bedside: CommunicatorProcess
) -> None:
    store.clock = SystemClock()
    with store.transaction() as tx:
        wards.add_ward(tx, "5", "五病区", "Ward 5")
        wards.add_node(tx, "5-c", "5", "bedside")
        wards.add_bed(tx, "5", "7", "5-c")
    link = BrokerLink({"host": "127.0.0.1", "port": broker.port}, "wardline-bridge", HEARD)

    def calls() -> list[str]:
        return [row["bed"] for row in store.read().all("SELECT bed FROM calls")]

    async def story() -> None:
        bridge = asyncio.create_task(Bridge(store, rules(), Mute(), link, 480).run())
        try:
            await asyncio.to_thread(bedside.start)
            await asyncio.to_thread(bedside.operate, "7", "press")
            await asyncio.to_thread(
                wait_for, lambda: bedside.bed("7")["reassurance"] == "steady", "the receipt"
            )
            await asyncio.to_thread(wait_for, calls, "the call")
        finally:
            bridge.cancel()
            await asyncio.gather(bridge, return_exceptions=True)

    asyncio.run(story())
    rows = store.read().all("SELECT node, bed, type FROM events WHERE type = 'press'")
    assert [tuple(row) for row in rows] == [("5-c", "7", "press")]
    assert calls() == ["7"]


def test_a_configuration_that_makes_no_sense_is_told(
    exchange_root: Path, tmp_path: Path, broker: Broker
) -> None:
    wrong = CommunicatorProcess(tmp_path, broker.port)
    wrong.config["hardware"] = {"kind": "communicator", "beds": []}
    path = tmp_path / "box.json"
    path.write_text(json.dumps(wrong.config))
    done = subprocess.run(wrong.command(path), capture_output=True, text=True)
    assert done.returncode == 2
    assert "one bed" in done.stdout


def test_a_communicator_proves_its_bed_and_lights_nothing(
    central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    bedside.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    central.command("5-c", "1", kinds.PROVE, {"proof": "7"}, bed="7")
    assert central.answer("1")["result"] == kinds.DONE
    (event,) = central.each_once(kinds.TEST_PRESS)
    assert event["about"]["proof"] == "7"
    assert {bedside.bed("7")[light] for light in ("lamp", "reassurance")} == {kinds.OFF}
    assert central.events(kinds.PRESS) == []


def test_a_communicator_sounds_a_tone_for_a_live_voice_and_declines_it(
    central: FakeCentral, bedside: CommunicatorProcess
) -> None:
    bedside.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    now_ms = time.time_ns() // 1_000_000
    clock = {"now_ms": now_ms, "real_ms": now_ms, "offset_min": 480, "session": "s"}
    central.send("5", topics.ALL, topics.CLOCK, clock)
    with Voice(central, "b-1", kinds.EMERGENCY):
        wait_for(lambda: bedside.bed("7")["buzzes"], "the buzzer")
    answer = central.answer("b-1")
    assert (answer["result"], "no words" in answer["reason"]) == (kinds.DECLINED, True)
