"""A seed is one run, and a broken promise is found."""

import os
import subprocess
import sys

import pytest

from central.bridge import intake
from central.capabilities import Rules
from central.store import Tx
from provisioning.environment import ROOT
from tests.simulation.world import ViolationError, World
from ward_node.core.bed import Bed


def test_a_seed_is_one_run_whatever_the_order_of_sets() -> None:
    program = "from tests.simulation.world import World; print(World(7, 20).run().trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-P", "-c", program],
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert len(traces) == 1
    assert traces != {f"{World(8, 20).run().trace}\n"}


def test_a_press_receipted_and_not_stored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "store_events", lambda tx, arrived: [True] * len(arrived))
    with pytest.raises(
        ViolationError, match=r"(?s)nobody.*replay: \./wardline bench simulate --ward-hours"
    ):
        World(1, 50).run()


def test_a_rule_that_forgets_presses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    act = intake.act

    def forgetful(tx: Tx, rules: Rules, limit: int) -> int:
        tx.execute("DELETE FROM events_waiting WHERE seq % 5 = 0")
        return act(tx, rules, limit)

    monkeypatch.setattr(intake, "act", forgetful)
    with pytest.raises(ViolationError):
        World(1, 100).run()


def test_words_about_a_call_that_has_ended_change_nothing_at_the_bed() -> None:
    """A broker that was killed may hand on once more what led up to the end."""
    bed = Bed("1", 0)
    assert bed.phase("7", "registered", "medium")
    assert bed.phase("7", "ended", "medium")
    assert not bed.phase("7", "registered", "medium")
    assert bed.lamp == "off"
