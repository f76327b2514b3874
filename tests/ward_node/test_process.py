"""A node as a real process at a real broker, with a central that only listens and receipts."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.mqtt import kinds, topics
from tests.conftest import answers, free_port, wait_for
from tests.ward_node.conftest import ROOT, Broker, FakeCentral, NodeProcess
from ward_node.core.shelf import unseal


def test_press_to_receipt_to_lamp_to_presence(central: FakeCentral, box: NodeProcess) -> None:
    central.receipts = False
    box.start()
    birth = wait_for(lambda: central.of(topics.STATE), "the birth")[-1]
    assert (birth["state"], birth["role"], birth["beds"]) == ("ready", "bedside", ["1", "2"])
    assert birth["versions"] == [1]
    box.operate("1", "press")
    event = wait_for(lambda: central.events(kinds.PRESS), "the press")[0]
    assert (event["bed"], event["boot"]) == ("1", birth["session"])
    wait_for(lambda: box.bed("1")["reassurance"] == "blink", "the blinking light")
    central.send("5", "5-box", topics.RECEIPT, {"ids": [event["id"]]})
    wait_for(lambda: box.bed("1")["reassurance"] == "steady", "the steady light")
    assert box.bed("1")["lamp"] == "blink"
    words = {"lang": "zh", "text": "护士马上过来。"}
    body = {"call": "7", "phase": "accepted", "priority": "medium", "words": words}
    central.command("5-box", "1", kinds.CALL, body, bed="1")
    wait_for(lambda: box.bed("1")["lamp"] == "steady", "the lamp of an accepted call")
    assert central.answer("1")["result"] == "done"
    said = wait_for(box.spoken, "the words")[0]
    assert (said["text"], said["beds"], said["class"]) == ("护士马上过来。", ["1"], "call")
    box.operate("1", "presence")
    wait_for(lambda: central.events(kinds.PRESENCE), "the presence")
    wait_for(lambda: box.bed("1")["lamp"] == "off", "the lamp to go out")
    wait_for(
        lambda: any(each["beds"]["1"]["state"] == "present" for each in central.of(topics.BEDS)),
        "the retained picture",
    )
    assert "bed 5-1 press seq=1 box=5-box" in box.log.read_text()
    central.command("5-box", "2", kinds.LOG, {"lines": 50})
    assert central.answer("2")["result"] == "done"
    wait_for(lambda: central.of(topics.HEARTBEAT)[-1].get("disk_free_mb"), "what the box measures")
    (excerpt,) = central.of(topics.LOG)
    assert (excerpt["command"], excerpt["part"], excerpt["parts"]) == ("2", 0, 1)
    assert any("bed 5-1 press seq=1 box=5-box" in line for line in excerpt["lines"])


def test_kill_9_loses_nothing_and_the_will_is_published(
    central: FakeCentral, box: NodeProcess
) -> None:
    central.receipts = False
    box.start()
    box.operate("2", "press")
    first = wait_for(lambda: central.events(kinds.PRESS), "the press")[0]
    box.kill()
    wait_for(lambda: ("lost", first["boot"]) in central.states(), "the will")
    central.receipts = True
    box.start()
    wait_for(lambda: central.born_after(first["boot"]), "the second birth")
    wait_for(lambda: len(central.events(kinds.PRESS)) >= 2, "the press once more")
    assert {each["id"] for each in central.events(kinds.PRESS)} == {first["id"]}
    again = central.events(kinds.PRESS)[-1]
    assert again["age_ms"] > first["age_ms"]
    assert "age_known" not in again
    wait_for(lambda: central.of(topics.HEARTBEAT)[-1]["outbox"] == 0, "an empty outbox")
    # The call goes on over the restart; its light says that central knows.
    wait_for(lambda: box.bed("2")["lamp"] == "blink", "the lamp after the restart")
    wait_for(lambda: box.bed("2")["reassurance"] == "steady", "the steady light")


def test_what_happens_while_the_broker_is_away_arrives_later(
    broker: Broker, central: FakeCentral, box: NodeProcess
) -> None:
    box.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    broker.stop()
    box.operate("1", "press")
    wait_for(lambda: box.bed("1")["reassurance"] == "blink", "the blinking light")
    broker.start()
    event = wait_for(lambda: central.events(kinds.PRESS), "the press")[0]
    assert event["age_ms"] > 0
    wait_for(lambda: box.bed("1")["reassurance"] == "steady", "the steady light")


def test_bad_messages_are_counted_and_nothing_stops(central: FakeCentral, box: NodeProcess) -> None:
    box.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    topic = topics.topic("5", "5-box", topics.COMMAND)
    central.raw(topic, b"\xff\xfe")
    central.raw(topic, b'{"id": "9", "type": "dance", "expires_at_ms": 1, "body": {}}')
    assert central.answer("9")["result"] == "refused"
    clock = {"now_ms": 2_000_000_000_000, "real_ms": 2_000_000_000_000, "offset_min": 480}
    central.send("5", topics.ALL, topics.CLOCK, clock | {"session": "s"})
    central.command("5-box", "10", kinds.STOP, {"utterance": "x"})
    assert central.answer("10")["result"] == "expired"
    beat = wait_for(
        lambda: [each for each in central.of(topics.HEARTBEAT) if each["quarantined"] == 3],
        "the count",
    )[0]
    assert "expired" in beat["last_reject"]
    box.operate("1", "press")
    wait_for(lambda: central.events(kinds.PRESS), "a press after all that")


def test_a_reminder_is_spoken_while_central_is_away(
    broker: Broker, central: FakeCentral, box: NodeProcess
) -> None:
    box.start()
    wait_for(lambda: central.of(topics.STATE), "the birth")
    prompt = {
        "stage": "due",
        "in_ms": 1_500,
        "words": {"lang": "zh", "text": "点滴快完了。"},
        "final": True,
    }
    body = {"infusion": "5", "revision": 1, "prompts": [prompt], "unconfirmed_after_ms": 3_600_000}
    central.command("5-box", "1", kinds.REMINDERS, body, bed="2")
    assert central.answer("1")["result"] == "done"
    broker.stop()
    said = wait_for(box.spoken, "the reminder")[0]
    assert (said["text"], said["beds"]) == ("点滴快完了。", ["2"])
    box.operate("2", "press")
    wait_for(lambda: box.bed("2")["lamp"] == "blink", "the lamp")
    broker.start()
    press = wait_for(lambda: central.events(kinds.PRESS), "the press")[0]
    assert press["about"] == {"infusion": "5", "revision": 1, "stage": "due"}
    prompted = central.events(kinds.PROMPTED)[0]
    assert prompted["seq"] < press["seq"]


def test_sigterm_says_stopped_and_exits_0(central: FakeCentral, box: NodeProcess) -> None:
    box.start()
    session = wait_for(lambda: central.of(topics.STATE), "the birth")[0]["session"]
    assert box.end() == 0
    wait_for(lambda: ("stopped", session) in central.states(), "the farewell")
    assert ("lost", session) not in central.states()


def test_a_second_process_on_the_same_folder_is_refused(
    central: FakeCentral, box: NodeProcess
) -> None:
    box.start()
    twin = NodeProcess(box.folder, 1)
    twin.config["panel"] = None
    twin.log = box.folder / "twin.log"
    path = box.folder / "twin.json"
    path.write_text(json.dumps(twin.config))
    ended = subprocess.run(
        [sys.executable, "-m", "ward_node.cpython", "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "is used by another node" in ended.stderr


@pytest.fixture
def units(tmp_path: Path) -> Iterator[str]:
    """Bedside units 1 and 2 on a serial bus, as a process that outlives every node; its panel."""
    port = free_port()
    command = ["-m", "hw.virtual.units", "--link", str(tmp_path / "bus"), "--beds", "1,2"]
    process = subprocess.Popen(
        [sys.executable, *command, "--panel-port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: answers(port), "the units")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def _known_units(box: NodeProcess) -> set[str]:
    """The beds of which the box keeps how far their units have counted."""
    lines = (Path(box.config["data"]) / "outbox.journal").read_bytes().splitlines(keepends=True)
    records = [unseal(line) or {} for line in lines]
    return {bed for each in records for bed in each.get("m", {})}


def test_a_press_while_the_box_is_dead_is_told_though_it_is_the_first_of_its_unit(
    central: FakeCentral, box: NodeProcess, units: str, tmp_path: Path
) -> None:
    bus = str(tmp_path / "bus")
    box.config["hardware"] = {"kind": "bus", "port": bus, "beds": {"1": 1, "2": 2}}
    box.start()
    wait_for(lambda: _known_units(box) == {"1", "2"}, "the box to have met its units")
    box.kill()
    body = json.dumps({"bed": "2", "control": "press"}).encode()
    for _ in range(2):
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{units}/operate", body, headers)).close()
    box.start()
    wait_for(lambda: len(central.each_once(kinds.PRESS)) >= 2, "both presses")
    assert [(e["bed"], e["about"]["late"]) for e in central.each_once(kinds.PRESS)] == [
        ("2", True),
        ("2", True),
    ]
