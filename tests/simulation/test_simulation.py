"""A seed is one run, and a broken promise is found."""

import json
import os
import subprocess
import sys

import pytest

from central.bridge import intake
from central.capabilities import Rules
from central.store import Tx
from provisioning.environment import ROOT
from tests.bench import simulate
from tests.simulation.world import ViolationError, World
from ward_node.core.bed import Bed
from ward_node.core.reminding import Reminder, Reminding

pytestmark = pytest.mark.long


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


def test_the_promises_hold_for_100_ward_hours() -> None:
    """`.ci/run` lives through more."""
    run = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-m", "tests.bench.simulate",
         "--ward-hours", "100", "--seed", "1"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[-1])
    assert (figures["ward_hours_held"], figures["failed_seeds"]) == (100, [])
    # A run in which little happened proves little.
    assert figures["presses"] > 100
    assert figures["crashes"] > 0
    assert figures["power_cuts"] > 0


def test_a_run_goes_on_past_a_broken_promise_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "WORLD_HOURS", 1.0)
    run = World.run

    def broken(self: World) -> World:
        if self.seed == 2:
            self.fail("a promise is broken", None)
        return run(self)

    monkeypatch.setattr(World, "run", broken)
    said: list[str] = []
    figures = simulate.measure(3, 1, said.append)
    assert figures["failed_seeds"] == [2]
    assert (figures["worlds"], figures["worlds_held"], figures["ward_hours_held"]) == (3, 2, 2)
    assert ["replay: " in line for line in said] == [False, True, False]


def test_a_box_born_while_nothing_can_be_stored_is_known_afterwards() -> None:
    world = World(1, 1)

    def live(seconds: float) -> None:
        end_us = world.schedule.now_us + int(seconds * 1_000_000)
        while world.schedule.now_us < end_us:
            world.step()

    world.begin()
    live(5)
    box = world.boxes[0]
    box.power_off()
    live(20)
    world.centre.refuse(True)
    box.power_on()
    live(10)
    world.centre.refuse(False)
    live(20)
    node = box.node
    state = world.reader.execute(
        "SELECT state, session FROM nodes WHERE id = ?", (box.me.node,)
    ).fetchone()
    world.close()
    assert node is not None
    assert tuple(state) == ("ready", node.outbox.boot)


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


def test_a_reminder_that_a_box_lets_go_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    say = Reminding._say

    def only_in_silence(self: Reminding, reminder: Reminder, now_ms: int) -> None:
        if self._node.voice.playing is None:
            say(self, reminder, now_ms)

    monkeypatch.setattr(Reminding, "_say", only_in_silence)
    with pytest.raises(ViolationError, match=r"(?s)fell silent unheard.*replay: "):
        World(1, 500).run()


def test_a_core_that_does_not_survive_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(self: Bed, now_ms: int) -> None:
        raise KeyError("what nobody thought of")

    monkeypatch.setattr(Bed, "shown", dies)
    with pytest.raises(ViolationError, match=r"(?s)what nobody thought of.*replay: "):
        World(1, 1).run()


def test_words_about_a_call_that_has_ended_change_nothing_at_the_bed() -> None:
    """A broker that was killed may hand on once more what led up to the end."""
    bed = Bed("1", 0)
    assert bed.phase("7", "registered", "medium")
    assert bed.phase("7", "ended", "medium")
    assert not bed.phase("7", "registered", "medium")
    assert bed.lamp == "off"
