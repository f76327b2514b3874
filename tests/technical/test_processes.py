"""Power and line fail at a real ward: known within 10 s, spoken, and told to people."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.store import Row
from tests.alone.hospital import BOX, STATION, WARD, Hospital, running
from tests.conftest import wait_for

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

    ward.cable.cut()
    (call,) = wait_for(lambda: technical(ward, "cut_off"), "the call about the ward")
    found = silences(ward)
    assert set(found) == set(WARD.nodes)
    assert found[STATION] <= KNOWN_WITHIN_MS
    assert len(technical(ward, "outage")) == 1, "one call about the whole, none about its parts"
    # Nobody in the ward hears: without a neighbour, and with nobody at the telephone, it goes on
    # to people.
    told = "SELECT 1 FROM call_targets WHERE call = ? AND role = 'engineer'"
    wait_for(lambda: ward.rows(told, call["id"]), "the engineer to be told")

    ward.cable.mend()
    wait_for(lambda: technical(ward, "cut_off")[0]["state"] == "ended", "the line to be back")
