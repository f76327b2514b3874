"""Any order of presses, acceptances, presences, lost stations and passing time: no call is ever
left with nobody on the way to being told, and only presence ends one."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from central.calls import model, service, steps
from central.clock import FakeClock
from central.escalation import service as escalation
from central.faults.service import JUDGE
from central.store import Store
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build

BEDS = st.sampled_from(["1", "2"])
OPENING = st.sampled_from([kinds.PRESS, kinds.HOLD, kinds.CORD, kinds.UNPLUGGED])
NOTED = st.sampled_from([kinds.CORD_RESET, kinds.PLUGGED, kinds.PRESENCE_END])


class Calls(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.path = Path(self.folder.name) / "wardline.db"
        store = Store(self.path, self.clock)
        build(store)
        self.ward = Ward(store, self.clock)
        # By bed, the types that wait for somebody: a model of the rules in five lines.
        self.waiting: dict[str, set[str]] = {"1": set(), "2": set()}

    def teardown(self) -> None:
        self.ward.store.close()
        self.folder.cleanup()

    def live(self) -> list:  # type: ignore[type-arg]
        return model.open_calls(self.ward.store.read())

    @rule(control=OPENING, bed=BEDS, repeats=st.integers(1, 2))
    def press(self, control: str, bed: str, repeats: int) -> None:
        event = self.ward.event(control, bed)
        for _ in range(repeats):
            self.ward.take(event)
        type = {kinds.PRESS: "nurse", kinds.HOLD: "emergency", kinds.CORD: "toilet"}
        self.waiting[bed].add(type.get(control, control))

    @rule(control=NOTED, bed=BEDS)
    def note(self, control: str, bed: str) -> None:
        self.ward.operate(control, bed)

    @rule(bed=BEDS)
    def presence(self, bed: str) -> None:
        self.clock.advance(1)
        self.ward.operate(kinds.PRESENCE, bed)
        self.waiting[bed].clear()

    @rule(bed=BEDS, age_ms=st.integers(1, 600_000))
    def presence_of_long_ago(self, bed: str, age_ms: int) -> None:
        """Sent by the box's former life, before anything that is open now."""
        first_ms = min((row["opened_ms"] for row in self.live()), default=self.clock.now_ms())
        age_ms += self.clock.now_ms() - first_ms
        self.ward.boot = 0
        event = self.ward.event(kinds.PRESENCE, bed, age_ms=age_ms)
        self.ward.boot = 1
        self.ward.take(event)

    @precondition(lambda self: self.live())
    @rule(pick=st.integers(0, 9), by=st.sampled_from(["li", "zhang"]), way=st.booleans())
    def accept(self, pick: int, by: str, way: bool) -> None:
        live = self.live()
        call_id = live[pick % len(live)]["id"]
        self.ward.do(service.on_the_way if way else service.accept, call_id, by, "board")
        assert model.one(self.ward.store.read(), call_id)["state"] == model.ACCEPTED  # type: ignore[index]

    @rule(result=st.sampled_from([kinds.DONE, kinds.REFUSED]))
    def station_answers(self, result: str) -> None:
        self.ward.answer_speech("3-station", result)

    @rule(lost=st.booleans())
    def station(self, lost: bool) -> None:
        state = "lost" if lost else "ready"
        self.ward.do(
            lambda tx: tx.execute("UPDATE nodes SET state = ? WHERE id = '3-station'", (state,))
        )

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.ward.pass_s(seconds)

    @rule()
    def restart(self) -> None:
        self.ward.store.close()
        self.ward.store = Store(self.path, self.clock)

    @invariant()
    def only_presence_ends_a_call(self) -> None:
        waiting = {(bed, type) for bed, types in self.waiting.items() for type in types}
        assert {(row["bed"], row["type"]) for row in self.live()} == waiting

    @invariant()
    def every_live_call_has_a_timer(self) -> None:
        read = self.ward.store.read()
        kind = {model.OPEN: "escalation.step", model.ACCEPTED: steps.UNATTENDED}
        for row in self.live():
            pending = read.all(
                "SELECT kind FROM timers WHERE ref = ? AND fired_ms IS NULL AND kind != ?",
                (str(row["id"]), JUDGE),
            )
            assert [each["kind"] for each in pending] == [kind[row["state"]]]

    @invariant()
    def ended_calls_leave_nothing_behind(self) -> None:
        read = self.ward.store.read()
        live = {row["id"] for row in self.live()}
        # The timer of a ward's faults names the ward.
        pending = read.all("SELECT ref FROM timers WHERE fired_ms IS NULL AND kind != ?", (JUDGE,))
        assert {int(row["ref"]) for row in pending} <= live
        alarms = {
            int(device.removeprefix("call "))
            for device, code in self.ward.faults()
            if code == escalation.NOBODY_ANSWERS
        }
        open_ = {row["id"] for row in self.live() if row["state"] == model.OPEN}
        assert {row["id"] for row in self.live() if row["exhausted_ms"]} <= alarms <= open_

    @invariant()
    def clocks_never_run_backwards(self) -> None:
        for row in self.ward.calls():
            names = ("opened_ms", "heard_ms", "accepted_ms", "attended_ms")
            clocks = [row[name] for name in names if row[name] is not None]
            assert clocks == sorted(clocks)

    @invariant()
    def no_rule_failed(self) -> None:
        assert self.ward.failures() == []


TestCalls = Calls.TestCase
TestCalls.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
