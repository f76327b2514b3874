"""Any order of presses, presences, cuts, power failures and passing time: a call that was heard is
open where a person sees it or was ended at the bed, and no finished call rings again."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from central.clock import FakeClock
from central.store import Store
from gateway.mqtt import kinds
from tests.alone.world import BOX, STATION_NODE, World

HOUR_MS = 3_600_000
BED = st.sampled_from(["1", "2"])
KIND = st.sampled_from([kinds.PRESS, kinds.HOLD, kinds.CORD, kinds.UNPLUGGED])


@pytest.fixture
def world(store: Store, clock: FakeClock) -> Iterator[World]:
    return World(store, clock)


def test_a_day_alone_with_forty_calls_finished_and_one_open(world: World) -> None:
    world.line_up = False
    started_ms = world.clock.now_ms()
    times = []
    for number in range(40):
        bed = "1234"[number % 4]
        world.press(bed, (kinds.PRESS, kinds.HOLD, kinds.CORD, kinds.UNPLUGGED)[number % 4])
        opened_ms = world.clock.now_ms()
        world.run(3_000)
        assert world.alone() == {bed}
        world.run(57_000)
        times.append((opened_ms, world.clock.now_ms()))
        world.attend(bed)
        assert world.at_station() == set()
        # Most of the day nothing happens: hours pass in one step for every clock.
        for rig in world.nodes.values():
            rig.tick(34 * 60_000)
        world.clock.advance(34 * 60_000)
        world.run(1_000)
    world.press("2")
    assert world.clock.now_ms() - started_ms > 23 * HOUR_MS
    world.run(5_000)
    assert world.alone() == {"2"}
    open_ms = world.clock.now_ms() - 5_000
    world.line_up = True
    world.run(8_000)
    assert world.rang == []
    done = [(row["opened_ms"], row["attended_ms"])
            for row in world.central.calls() if row["state"] == "ended"]  # fmt: skip
    assert sorted(done) == times
    assert (world.at_central(), world.alone()) == ({"2"}, set())
    (row,) = [row for row in world.central.calls() if row["state"] != "ended"]
    assert abs(row["opened_ms"] - open_ms) <= 1_000
    world.attend("2")
    world.run(30_000)
    assert (world.at_central(), world.rang, world.central.failures()) == (set(), [], [])


def test_an_old_picture_that_the_broker_kept_rings_nowhere(world: World) -> None:
    world.press("1", kinds.CORD)
    world.run(4_000)  # central holds it
    world.ward_broker(False)
    world.attend("1")
    world.restart(STATION_NODE, power_cut=False)
    world.run(40_000)
    world.central_up = False
    world.ward_broker(True)
    world.run(20_000)
    assert (world.at_station(), world.rang) == (set(), [])


class Alone(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        clock = FakeClock()
        self.world = World(Store(Path(self.folder.name) / "w.db", clock), clock)
        self.world.run(4_000)
        self.settled = False

    def teardown(self) -> None:
        try:
            self.all_is_mended()
        finally:
            self.world.store.close()
            self.folder.cleanup()

    def all_is_mended(self) -> None:
        """Everything ends as central and station agree, and nothing has rung."""
        world = self.world
        world.line_up = world.central_up = True
        world.ward_broker(True)
        world.run(20_000)
        assert world.at_central() == set(world.waiting)
        assert world.alone() == set()
        for bed in list(world.waiting):
            world.attend(bed)
        world.run(15_000)
        assert (world.at_central(), world.at_station()) == (set(), set())
        assert (world.rang, world.central.failures()) == ([], [])

    @rule(bed=BED, kind=KIND)
    def press(self, bed: str, kind: str) -> None:
        self.world.press(bed, kind)
        self.settled = False

    @rule(bed=BED)
    def attend(self, bed: str) -> None:
        self.world.attend(bed)

    @rule(up=st.booleans())
    def line(self, up: bool) -> None:
        self.world.line_up = up
        self.settled = False

    @rule(up=st.booleans())
    def central(self, up: bool) -> None:
        self.world.central_up = up
        self.settled = False

    @rule(up=st.booleans())
    def ward_broker(self, up: bool) -> None:
        self.world.ward_broker(up)
        self.settled = False

    @rule(node=st.sampled_from([BOX, STATION_NODE]), power_cut=st.booleans())
    def restart(self, node: str, power_cut: bool) -> None:
        self.world.restart(node, power_cut)
        self.settled = False

    @rule(seconds=st.sampled_from([1, 8, 40]))
    def time_passes(self, seconds: int) -> None:
        self.world.run(seconds * 1_000)
        self.settled = seconds >= 8

    @invariant()
    def a_heard_call_is_where_a_person_sees_it(self) -> None:
        world = self.world
        for bed in world.waiting:
            lit = world.box.lamps.get(bed, "off") != "off"
            # A box that was restarted while central is away knows only what central did not hold.
            assert lit or bed in world.at_station() | world.at_central(), "seen nowhere"
        if self.settled and world.ward_up:
            seen = world.at_central() if world.line_up and world.central_up else world.alone()
            assert set(world.waiting) <= seen

    @invariant()
    def no_finished_call_rings(self) -> None:
        assert self.world.rang == []


TestAlone = Alone.TestCase
TestAlone.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    # Shrinking such long stories takes minutes; the printed steps are a replay as they stand.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
