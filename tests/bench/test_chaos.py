"""No press is lost or doubled while everything is killed and cut; and the verdict can be "no"."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import chaos
from tests.bench.chaos import Outcome, Plan
from tests.bench.hands import Ledger

pytestmark = pytest.mark.long

# Small enough for every run of the tests: each kind of fault happens about once.
PLAN = Plan(presses=200, seed=7, wards=2, beds=6, per_second=20, fault_every_s=0.6)


def test_kills_and_cuts_lose_and_double_no_press(tmp_path: Path) -> None:
    outcome = asyncio.run(chaos.measure(PLAN, tmp_path, print))
    facts = outcome.facts()
    assert (facts["made"], facts["lost"], facts["doubled"], facts["not_acted"]) == (200, 0, 0, 0)
    assert outcome.holds, chaos.report(PLAN, outcome)
    assert facts["acceptances"] > 0
    assert sum(facts["killed"].values()) >= 5
    assert sum(facts["disturbed"].values()) >= 5


def outcome(stored: int, doubtful: int = 0) -> Outcome:
    """Of three presses at one bed."""
    bed = ("3", "1")
    ledger = Ledger()
    ledger.presses[bed] = [0, 10, 20]
    ledger.doubtful[bed] = doubtful
    stored_ms = [30 + n for n in range(stored)]
    return Outcome(ledger, stored={bed: stored_ms}, acted={bed: stored}, settled=True)


def test_the_verdict() -> None:
    assert outcome(3).holds
    assert (outcome(2).lost, outcome(2).holds) == (1, False)
    assert (outcome(4).doubled, outcome(4).holds) == (1, False)
    assert outcome(4, doubtful=1).holds
    assert not replace(outcome(3), settled=False).holds
    assert not replace(outcome(3), acted={}).holds
    assert not replace(outcome(3), lamps_wrong=[("3", "1")]).holds
    assert not replace(outcome(3), accepted={(1, "nurse3")}).holds
    assert outcome(3).waits_ms() == [30, 21, 12]
