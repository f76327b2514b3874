"""Power and line fail at a real ward: known within 10 s, spoken, and told to people."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from central.bridge.bridge import CLOCK_EVERY_S
from central.store import Row
from gateway.mqtt import checked, topics
from tests.alone.hospital import BOX, STATION, WARD, Hospital, running
from tests.conftest import wait_for
from tests.paho import leave

KNOWN_WITHIN_MS = 10_000


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Hospital]:
    with running(tmp_path) as made:
        yield made


def technical(ward: Hospital, type: str) -> list[Row]:
    return ward.rows("SELECT * FROM calls WHERE type = ? ORDER BY id", type)


def next_steps(ward: Hospital, call: Row) -> list[str]:
    """Whom the rule of this call tells, in order."""
    (row,) = ward.rows("SELECT rule FROM escalations WHERE call = ?", call["id"])
    targets = [step["target"] for step in json.loads(row["rule"])["steps"]]
    return [each.get("role", each["kind"]) for each in targets]


def silences(ward: Hospital) -> dict[str, int]:
    """How long each lost box had been silent when it was known, in ms."""
    rows = ward.rows("SELECT node, known_after_ms FROM faults WHERE code = 'lost'")
    return {row["node"]: row["known_after_ms"] for row in rows}


@contextmanager
def lateness(ward: Hospital) -> Iterator[Callable[[], int]]:
    """How much longer than it means to the bridge stood still between two beacons, in ms: it looks
    for silent boxes with each. On a machine that does much else nobody is known sooner."""
    beats: list[int] = []
    account = ward.layout.as_central("web")
    listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, account["username"])
    listener.username_pw_set(account["username"], account["password"])
    listener.on_connect = lambda client, *_: client.subscribe(
        topics.topic(WARD.id, topics.ALL, topics.CLOCK)
    )
    listener.on_message = lambda client, data, message: beats.append(
        checked.decode(message.topic, message.payload)[3]["now_ms"]
    )
    listener.connect(account["host"], account["port"])
    listener.loop_start()

    def late_ms() -> int:
        count = len(beats)
        wait_for(lambda: len(beats) > count, "the next beacon")  # and so all before it
        return max(b - a for a, b in itertools.pairwise(beats)) - int(CLOCK_EVERY_S * 1000)

    try:
        wait_for(lambda: beats, "a beacon")
        yield late_ms
    finally:
        leave(listener)


def test_a_box_without_power_and_then_a_ward_without_a_line(ward: Hospital) -> None:
    ward.kill(BOX)
    (call,) = wait_for(lambda: technical(ward, "outage"), "the call about the dead box")
    assert silences(ward)[BOX] <= KNOWN_WITHIN_MS
    assert next_steps(ward, call) == ["station", "phones", "engineer", "duty_manager"]
    assert ward.rows(
        "SELECT 1 FROM timers WHERE kind = 'escalation.step' AND ref = ? AND fired_ms IS NULL",
        str(call["id"]),
    )
    wait_for(lambda: ward.said(STATION, "失去联系"), "the station to speak of it")

    ward.start(BOX)
    wait_for(lambda: technical(ward, "outage")[0]["state"] == "ended", "the call to end by itself")
    wait_for(lambda: ward.said(STATION, "恢复"), "the station to say that it works again")

    with lateness(ward) as late_ms:
        ward.cable.cut()
        (call,) = wait_for(lambda: technical(ward, "cut_off"), "the call about the ward")
        found = silences(ward)
        assert set(found) == set(WARD.nodes)
        assert found[STATION] <= KNOWN_WITHIN_MS + max(0, late_ms())
    assert len(technical(ward, "outage")) == 1, "one call about the whole, none about its parts"
    # Nobody in the ward hears: without a neighbour, and with nobody at the telephone, it goes on
    # to people.
    told = "SELECT 1 FROM call_targets WHERE call = ? AND role = 'engineer'"
    wait_for(lambda: ward.rows(told, call["id"]), "the engineer to be told")

    ward.cable.mend()
    wait_for(lambda: technical(ward, "cut_off")[0]["state"] == "ended", "the line to be back")
