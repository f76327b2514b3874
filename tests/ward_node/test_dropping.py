"""A full outbox drops what it may: no finished call rings again, no alarm and no end is lost."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from central import events
from central.bridge import intake
from central.calls import model as calls
from central.clock import FakeClock
from central.faults import model as faults
from central.store import Store
from tests.calls.ward import build, rules
from tests.ward_node.support import MemoryJournal, Rig
from ward_node.contract import kinds
from ward_node.core.outbox import Outbox

BOX = "3-bedside"
LIMIT = 4
CALLS = {kinds.PRESS: "nurse", kinds.HOLD: "emergency", kinds.CORD: "toilet"}
FAULT = {"device": "unit 1", "code": "silent"}
WHAT = (*CALLS, kinds.PRESENCE, kinds.PRESENCE_END, kinds.FAULT, kinds.RECOVERED, kinds.PROMPTED)


def _open(journal: MemoryJournal, boot: int, now_ms: int) -> Outbox:
    return Outbox("3", BOX, boot, journal, "run-1", now_ms, LIMIT)


class Central:
    """The real store and rules."""

    def __init__(self, folder: str) -> None:
        self.store = Store(Path(folder) / "central.db", FakeClock())
        build(self.store)
        self._rules = rules()

    def take(self, message: dict[str, Any]) -> None:
        with self.store.transaction() as tx:
            events.store(tx, events.from_message(message, tx.now_ms, tx.now_ms))
            intake.act(tx, self._rules, limit=10)

    def open_calls(self) -> set[tuple[str, str]]:
        rows = calls.open_calls(self.store.read(), "3")
        return {(row["bed"], row["type"]) for row in rows if row["bed"] is not None}

    def is_faulty(self, bed: str) -> bool:
        code = FAULT["code"]
        return faults.find_open(self.store.read(), BOX, f"bed {bed}", code) is not None


STEPS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.sampled_from("12"))
    | st.sampled_from(["restart", "deliver"]),
    min_size=6,
    max_size=40,
)


@settings(deadline=None, max_examples=30)
@given(steps=STEPS, data=st.data())
def test_whatever_is_dropped_central_ends_with_what_is_true(
    steps: list[Any], data: st.DataObject
) -> None:
    journal = MemoryJournal()
    boot = now_ms = 1
    outbox = _open(journal, boot, now_ms)
    wanted: dict[str, set[str]] = {"1": set(), "2": set()}  # by bed, the calls nobody ended
    broken: set[str] = set()
    marks: dict[str, int] = {}
    made = delivered = 0
    with tempfile.TemporaryDirectory() as folder:
        central = Central(folder)

        def deliver() -> None:
            nonlocal delivered
            entry = outbox.waiting()[data.draw(st.integers(0, len(outbox) - 1))]
            central.take(entry.published(now_ms))
            delivered += 1
            outbox.receipt([entry.id])

        for step in steps:
            now_ms += 1
            if step == "restart":
                boot += 1
                outbox = _open(journal, boot, now_ms)
                assert outbox.marks == marks, "what the hardware has told is not told again"
            elif step == "deliver":
                if len(outbox):
                    deliver()
            else:
                type, bed = step
                made += 1
                marks[bed] = made
                about = FAULT if type in (kinds.FAULT, kinds.RECOVERED) else {}
                if outbox.add(type, bed, about, now_ms, made) is None:
                    outbox.keep_marks(marks)
                if type in CALLS:
                    wanted[bed].add(CALLS[type])
                elif type == kinds.PRESENCE:
                    wanted[bed].clear()
                elif type == kinds.FAULT:
                    broken.add(bed)
                elif type == kinds.RECOVERED:
                    broken.discard(bed)
        while len(outbox):
            deliver()
        assert central.open_calls() == {(bed, type) for bed in wanted for type in wanted[bed]}
        assert {bed for bed in wanted if central.is_faulty(bed)} == broken
        assert made - delivered == outbox.dropped + outbox.merged
        central.store.close()


def test_a_press_whose_presence_has_gone_does_not_light_its_bed_after_a_restart() -> None:
    rig = Rig()
    rig.input("1", kinds.PRESS)
    (press,) = rig.node.outbox.waiting()
    rig.input("1", kinds.PRESENCE)
    rig.receipt(rig.node.outbox.waiting()[1].id)  # it overtook the press
    again = Rig(journal=MemoryJournal(rig.journal.content), boot=2, now_ms=90_000)
    assert (again.state("1"), again.lamps.get("1", kinds.OFF)) == (kinds.IDLE, kinds.OFF)
    again.connect()
    (told,) = again.events(kinds.PRESS)
    assert (told["id"], told["over"]["seq"], told["over"]["age_ms"]) == (press.id, 2, 40_000)


def test_a_presence_is_kept_where_only_alarms_wait() -> None:
    outbox = _open(MemoryJournal(), 1, 0)
    for bed in "12345":
        outbox.add(kinds.PRESS, bed, {}, 0)
    for _ in range(3):
        assert outbox.add(kinds.PRESENCE, "1", {}, 0) is not None
    kept = [each.message["seq"] for each in outbox.waiting() if each.message["type"] == "presence"]
    assert kept == [8], "the newest of the bed, and no more than that"
    assert outbox.dropped == 2


def test_a_presence_that_goes_takes_no_mark_back() -> None:
    journal = MemoryJournal()
    outbox = _open(journal, 1, 0)
    outbox.add(kinds.PRESS, "1", {}, 1, {"presses": 1})
    presence = outbox.add(kinds.PRESENCE, "1", {}, 2, {"presses": 1, "presence": 1})
    assert presence is not None
    outbox.receipt([presence.id])
    assert _open(journal, 2, 3).marks == {"1": {"presses": 1, "presence": 1}}
