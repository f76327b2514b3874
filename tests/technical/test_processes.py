"""Power and line fail at a real ward: known within 10 s, spoken, and told to people."""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import closing
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
# A box beats every 2 s.
LIVES_S = 2.2


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


class Ear:
    """Hears at the hospital's broker what central and the boxes say again and again."""

    def __init__(self, ward: Hospital) -> None:
        self._beacons: list[int] = []
        self._beats = dict.fromkeys(WARD.nodes, 0.0)
        account = ward.layout.as_central("web")
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, account["username"])
        self._client.username_pw_set(account["username"], account["password"])
        wanted = [(topics.of_ward(WARD.id, each), 0) for each in (topics.CLOCK, topics.HEARTBEAT)]
        self._client.on_connect = lambda client, *_: client.subscribe(wanted)
        self._client.on_message = self._hears
        self._client.connect(account["host"], account["port"])
        self._client.loop_start()

    def _hears(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        _, node, kind, told = checked.decode(message.topic, message.payload)
        if kind == topics.CLOCK:
            self._beacons.append(told["now_ms"])
        else:
            self._beats[node] = time.monotonic()

    def all_live(self) -> None:
        """Returns when each box has just been heard: a box that stood still for a moment before is
        silent sooner than the others, and so another matter."""
        wait_for(lambda: self._beacons, "central's beacon")
        wait_for(lambda: time.monotonic() - min(self._beats.values()) < LIVES_S, "the heartbeats")

    def late_ms(self) -> int:
        """How much longer than it means to the bridge once stood still between two beacons: with
        each it looks for silent boxes. On a machine that does much else none is known sooner."""
        count = len(self._beacons)
        wait_for(lambda: len(self._beacons) > count, "the next beacon")  # and so all before it
        longest_ms = max(b - a for a, b in itertools.pairwise(self._beacons))
        return max(0, longest_ms - int(CLOCK_EVERY_S * 1000))

    def close(self) -> None:
        leave(self._client)


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

    with closing(Ear(ward)) as ear:
        ear.all_live()
        ward.cable.cut()
        (call,) = wait_for(lambda: technical(ward, "cut_off"), "the call about the ward")
        found = silences(ward)
        assert set(found) == set(WARD.nodes)
        assert found[STATION] <= KNOWN_WITHIN_MS + ear.late_ms()
    assert len(technical(ward, "outage")) == 1, "one call about the whole, none about its parts"
    # Nobody in the ward hears: without a neighbour, and with nobody at the telephone, it goes on
    # to people.
    told = "SELECT 1 FROM call_targets WHERE call = ? AND role = 'engineer'"
    wait_for(lambda: ward.rows(told, call["id"]), "the engineer to be told")

    ward.cable.mend()
    wait_for(lambda: technical(ward, "cut_off")[0]["state"] == "ended", "the line to be back")
