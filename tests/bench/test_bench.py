"""The benchmark runs, and its figures are what they say."""

import asyncio
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.bench import BENCHMARKS
from provisioning.environment import ROOT
from tests.bench import burst, calls, fleet, hl7, menus, node, press, ringing
from tests.bench.figures import figures, percentile, table

pytestmark = pytest.mark.long


def test_the_core_has_room_on_a_communicator(exchange_root: Path) -> None:
    used = node.heap(1)
    assert used["core_bytes"] <= node.MOST_HEAP_KB * 1024, used
    assert used["core_bytes"] > used["state_bytes"] > 0


def test_percentiles_are_of_the_values_themselves() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7


def test_a_stage_without_times_is_left_out_of_the_table() -> None:
    assert figures([])["n"] == 0
    assert "nothing" not in table({"nothing": figures([]), "some": figures([1.0])})


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_explains_itself(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"tests.bench.{name}").main()
    assert f"usage: ./wardline bench {name}" in capsys.readouterr().out


def test_a_benchmark_runs_by_its_name() -> None:
    command = [sys.executable, "-P", "-m", "provisioning.cli", "bench", "node", "--help"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert "usage: ./wardline bench node" in done.stdout


@pytest.mark.parametrize("beds", [4])
def test_every_press_is_followed_to_the_board(tmp_path: Path, beds: int) -> None:
    stages, facts = asyncio.run(press.measure(tmp_path, beds, 6, False, print))
    assert facts["presses"] == 6
    for name in ("press to stored (receipt at the hospital's)", "press to board (event stream)"):
        assert stages[name]["n"] == 6
    assert stages["bare MQTT QoS 1 through one broker"]["n"] > 0


def test_every_call_is_set_up_and_every_ring_is_heard(tmp_path: Path, exchange_root: Path) -> None:
    stages, facts = asyncio.run(calls.measure(tmp_path, 20, 5, 1, 3, print))
    assert [each["n"] for each in stages.values()] == [20, 20, 3, 3]
    assert facts["ours_per_s"] > 0 < facts["bare_per_s"]
    # Our way costs the application something, the bare one nothing.
    assert facts["ours_application_ms_per_call"] > facts["bare_application_ms_per_call"]


def test_every_key_in_a_menu_is_answered_and_nobody_is_left_in_silence(
    tmp_path: Path, exchange_root: Path
) -> None:
    stages, facts = asyncio.run(menus.measure(tmp_path, 8, 4, 1, 4, [3], 3, print))
    assert {each["n"] for each in stages.values()} == {4}
    assert facts["ours_calls_per_s"] > 0 < facts["bare_calls_per_s"]
    assert facts["ours_application_ms_per_call"] > facts["bare_application_ms_per_call"]
    assert [facts[each]["in_silence"] for each in ("killed", "killed_and_back")] == [0, 0]


def test_every_message_is_answered_whatever_is_sent_between(tmp_path: Path) -> None:
    stages, facts = asyncio.run(hl7.measure(tmp_path, 54, 2, 4, 1, 1.0, 1, print))
    assert [each["n"] for each in stages.values()] == [54, 54, 2]
    assert facts["broken_messages"] > 0
    assert (facts["connections_lost"], facts["mistakes_of_ours"]) == (0, 0)


def test_every_press_rings_the_station_when_it_is_due(tmp_path: Path, exchange_root: Path) -> None:
    (each,) = asyncio.run(ringing.press_to_ring(tmp_path / "demo", 1, print))
    assert each.pressed <= each.called < each.due <= each.asked <= each.ringing


def test_a_burst_is_stored_whole_and_counted_by_the_database(tmp_path: Path) -> None:
    stages, facts = asyncio.run(burst.measure(tmp_path, 100, 7, print))
    assert stages["press to receipt"]["n"] == 100
    assert (facts["presses"], facts["stored"], facts["lost"], facts["calls"]) == (100, 100, 0, 100)
    assert facts["bare_broker_per_s"] > 0 < facts["bare_sqlite_per_s"]


def test_a_fleet_enrols_proves_itself_and_is_shown(tmp_path: Path) -> None:
    stages, facts = asyncio.run(fleet.measure(tmp_path, 4, 1, 2.5, 1, print))
    assert (facts["nodes"], facts["beds"], facts["beds_proven"]) == (4, 3, 3)
    assert (facts["times_lost"], facts["beats_per_s"] > 0) == (0, True)
    assert stages["one enrolment, by HTTPS"]["n"] == 4
    assert all(stages[f"page {path}"]["n"] == 1 for path in fleet.PAGES)
    assert facts["hospital_broker_mib"] > 1 < facts["ward_brokers_mib"]
