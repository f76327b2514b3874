"""What breaks at a real ward is known, shown, spoken at the station and told to people: bus,
loudspeaker and power of a box whose bus, sound and mains can be taken away, and its clock."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from central.store import Row
from tests.alone.hospital import BOX, STATION, UNITS, WARD_ON_BUS, Hospital
from tests.conftest import wait_for

pytestmark = pytest.mark.long

KNOWN_WITHIN_MS = 10_000
EVERY_S = 2  # between tests of the loudspeaker
SLOW_S = 185
# The same program on a machine whose wall clock is slow.
ON_A_SLOW_MACHINE = f"""
import runpy, time
now_ns = time.time_ns
time.time_ns = lambda: now_ns() - {SLOW_S} * 10**9
runpy.run_module("ward_node.cpython", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    made = Hospital(tmp_path_factory.mktemp("ward"), WARD_ON_BUS)
    file = made.layout.node_file(BOX)
    config = json.loads(file.read_text())
    config["speaker"]["microphone"] = {"every_s": EVERY_S}
    file.write_text(json.dumps(config))
    made._commands[BOX] = [sys.executable, "-c", ON_A_SLOW_MACHINE, "--config", str(file)]
    try:
        made.start_all()
        yield made
    finally:
        made.close()


def faults(ward: Hospital, device: str, code: str, node: str = BOX) -> list[Row]:
    return ward.rows(
        "SELECT * FROM faults WHERE node = ? AND device = ? AND code = ? ORDER BY id",
        node, device, code,
    )  # fmt: skip


def raised(ward: Hospital, device: str, code: str, node: str = BOX) -> Row:
    """The fault, once central has it."""
    fault = wait_for(lambda: faults(ward, device, code, node), f"{device}/{code}")[-1]
    print(f"{device}/{code} known after {fault['known_after_ms']} ms")
    return fault


def known(ward: Hospital, device: str, code: str, node: str = BOX) -> None:
    """Central has the fault, and had it soon enough."""
    assert raised(ward, device, code, node)["known_after_ms"] <= KNOWN_WITHIN_MS


def over(ward: Hospital, device: str, code: str, node: str = BOX) -> None:
    wait_for(
        lambda: faults(ward, device, code, node)[-1]["cleared_ms"], f"the end of {device}/{code}"
    )


def told(ward: Hospital, type: str, words: str) -> None:
    """A technical call is open, has its steps, and the station speaks of it."""
    (call,) = wait_for(
        lambda: ward.rows("SELECT * FROM calls WHERE type = ? AND state <> 'ended'", type), type
    )
    (row,) = ward.rows("SELECT rule FROM escalations WHERE call = ?", call["id"])
    assert "engineer" in [step["target"].get("role") for step in json.loads(row["rule"])["steps"]]
    wait_for(lambda: ward.said(STATION, words), f"the station to say {words}")


def ended(ward: Hospital, type: str) -> None:
    open_ones = "SELECT 1 FROM calls WHERE type = ? AND state <> 'ended'"
    wait_for(lambda: not ward.rows(open_ones, type), f"the end of the call {type}")


def health(ward: Hospital) -> dict[str, Any]:
    return dict(json.loads(ward.rows("SELECT health FROM nodes WHERE id = ?", BOX)[0]["health"]))


def break_speaker(ward: Hospital, state: str, node: str = BOX) -> None:
    ward.post(ward.layout.panel(node) + "/speaker", {"state": state})


def switch_power(ward: Hospital, **switches: Any) -> None:
    ward.post(ward.layout.panel(BOX) + "/power", switches)


def test_a_bus_that_is_pulled_out(ward: Hospital) -> None:
    bus = ward.layout.panel(UNITS) + "/bus"
    ward.post(bus, {"gone": True})
    known(ward, "bus", "gone")
    told(ward, "outage", "总线断开")
    ward.post(bus, {"gone": False})
    over(ward, "bus", "gone")
    ended(ward, "outage")


def test_a_loudspeaker_that_is_pulled_out_and_one_that_makes_no_sound(ward: Hospital) -> None:
    wait_for(lambda: health(ward).get("speaker_test") == "heard", "the first test")
    break_speaker(ward, "gone")
    known(ward, "speaker", "speaker-gone")
    told(ward, "fault", "扬声器不响")
    wait_for(lambda: health(ward)["speaker_test"] == "gone", "the box to say so")
    break_speaker(ward, "dead")
    over(ward, "speaker", "speaker-gone")
    raised(ward, "speaker", "speaker-silent")
    break_speaker(ward, "torn")
    over(ward, "speaker", "speaker-silent")
    raised(ward, "speaker", "speaker-faint")
    break_speaker(ward, "whole")
    over(ward, "speaker", "speaker-faint")
    ended(ward, "fault")


def test_nobody_hears_the_stations_loudspeaker_and_it_says_so(ward: Hospital) -> None:
    (row,) = ward.rows("SELECT health FROM nodes WHERE id = ?", STATION)
    assert json.loads(row["health"])["speaker_test"] == "untestable"
    break_speaker(ward, "gone", STATION)
    known(ward, "speaker", "speaker-gone", STATION)
    about = "SELECT 1 FROM calls WHERE type = 'fault' AND state <> 'ended' AND about LIKE ?"
    wait_for(lambda: ward.rows(about, f"%{STATION}/speaker/speaker-gone%"), "a call about it")
    break_speaker(ward, "whole", STATION)
    over(ward, "speaker", "speaker-gone", STATION)
    ended(ward, "fault")


def test_power_that_is_lost_then_nearly_used_up_and_weak(ward: Hospital) -> None:
    switch_power(ward, mains=False, battery_pct=60)
    known(ward, "power", "mains-lost")
    told(ward, "fault", "停电")
    switch_power(ward, battery_pct=10, weak=True)
    known(ward, "power", "battery-low")
    known(ward, "power", "undervoltage")
    # A box that dies in the middle of it and starts on good power still knows what to take back.
    ward.kill(BOX)
    ward.start(BOX)
    for code in ("mains-lost", "battery-low", "undervoltage"):
        over(ward, "power", code)
    ended(ward, "fault")


def test_a_slow_clock_is_measured_and_moves_no_event(ward: Hospital) -> None:
    fault = wait_for(lambda: faults(ward, "clock", "clock-slow"), "the fault of the clock")[-1]
    assert fault["cleared_ms"] is None
    behind_ms = wait_for(lambda: health(ward).get("clock_behind_ms"), "its measure")
    assert SLOW_S * 1000 <= behind_ms < (SLOW_S + 30) * 1000
    before_ms = ward.now_ms()
    ward.operate("1", "press")
    (press,) = wait_for(lambda: ward.rows("SELECT * FROM events WHERE type = 'press'"), "the press")
    assert before_ms - 1_000 <= press["happened_ms"] <= ward.now_ms()
