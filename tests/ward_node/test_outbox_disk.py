"""The outbox over power cuts, full and refusing disks and journals that are not its own.

The disk is simulated: it can lose what was not synced, tear at any byte and refuse. What the
core imports stands here only, and nothing but the state machine needs hypothesis, so that the
same properties can run elsewhere.
"""

import itertools
import json
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ward_node.contract import kinds
from ward_node.core import shelf
from ward_node.core.outbox import Outbox
from ward_node.core.shelf import seal

FULL_DISK = OSError(28, "No space left on device")


class SimulatedDisk:
    """A journal port. `synced` is what a power cut leaves at least, `steps` every content that
    the last write may leave, `room` how many bytes the disk still takes (None: any)."""

    def __init__(self, content: bytes = b"") -> None:
        self.synced = self.content = content
        self.steps = [content]
        self.room: int | None = None
        self.refuses: OSError | None = None
        self.kept: list[tuple[str, bytes]] = []

    def load(self) -> list[bytes]:
        parts = self.content.split(b"\n")
        whole = [each + b"\n" for each in parts[:-1]]
        return whole + [parts[-1]] if parts[-1] else whole  # noqa: RUF005

    def append(self, line: bytes, durable: bool) -> None:
        self._take(len(line))
        before = self.synced
        self.content += line
        self.steps = [self.content[:cut] for cut in range(len(before), len(self.content) + 1)]
        if durable:
            self.synced = self.content

    def rewrite(self, lines: list[bytes]) -> None:
        fresh = b"".join(lines)
        self._take(len(fresh))  # beside the old one, which goes only then
        # Write beside, sync, rename, sync the folder: the name has the old content or the new.
        self.steps = [self.content, self.synced, fresh]
        self.synced = self.content = fresh

    def keep_beside(self, why: str) -> None:
        self._take(0)
        self.kept.append((f"journal.{why}.{len(self.kept)}", self.content))

    def beside(self) -> list[str]:
        return [name for name, _ in self.kept]

    def _take(self, size: int) -> None:
        if self.refuses is not None:
            raise self.refuses
        if self.room is not None and size > self.room:
            raise FULL_DISK


def opened(disk: SimulatedDisk, boot: int = 1, limit: int = 10_000) -> Outbox:
    return Outbox("3", "3-box", boot, disk, "run-1", boot, limit)


def ids(outbox: Outbox) -> set[str]:
    return {entry.id for entry in outbox.waiting()}


def press(outbox: Outbox, bed: str = "床1") -> str:
    entry = outbox.add(kinds.PRESS, bed, {"words": "名\n"}, 5)
    assert entry is not None
    return entry.id


def test_torn_at_every_byte_nothing_that_was_promised_is_lost() -> None:
    disk = SimulatedDisk()
    outbox = opened(disk)
    held: set[str] = set()
    added: set[str] = set()
    for number in range(6):
        before = set(held)
        if number == 3:
            gone = sorted(held)[0]
            outbox.receipt([gone])
            held.discard(gone)
        else:
            held.add(press(outbox))
            added |= held
        for content in disk.steps:
            again = opened(SimulatedDisk(content), boot=2)
            # Cut in the middle of an append: that event's `add` has not returned. A receipt that
            # was not synced may be torn: its event comes again, and central drops the repeat.
            assert before & held <= ids(again) <= added
            assert ids(again) == held or len(content) < len(disk.content)
            assert (again.damaged, again.troubles()) == (0, {})


def test_every_step_of_the_rewrite_leaves_every_event() -> None:
    disk = SimulatedDisk()
    outbox = opened(disk)
    held = {press(outbox) for _ in range(4)}
    outbox.receipt([sorted(held)[0]])
    held.discard(sorted(held)[0])
    again = opened(disk, boot=2)  # rewrites
    assert ids(again) == held
    for content in disk.steps:
        # A receipt is not worth a sync: its event may come again, and central drops the repeat.
        assert held <= ids(opened(SimulatedDisk(content), boot=3))


def test_a_tear_of_the_whole_file_at_any_byte_never_raises() -> None:
    disk = SimulatedDisk()
    outbox = opened(disk)
    ends = [(len(disk.content), 0)]
    for number in range(5):
        press(outbox)
        ends.append((len(disk.content), number + 1))
    for cut in range(len(disk.content) + 1):
        again = opened(SimulatedDisk(disk.content[:cut]), boot=2)
        whole = [count for end, count in ends if end <= cut]
        assert len(again) == (whole[-1] if whole else 0)
        assert again.troubles() == {}


def test_a_journal_without_a_header_still_loads() -> None:
    disk = SimulatedDisk()
    event = press(opened(disk))
    old_format = b"".join(disk.load()[1:])
    assert b"format" not in old_format
    for cut in range(12):  # its first line could be torn
        assert opened(SimulatedDisk(old_format[:cut]), boot=2).troubles() == {}
    old = SimulatedDisk(old_format)
    assert ids(opened(old, boot=2)) == {event}
    assert json.loads(old.load()[0][9:])["format"] == shelf.FORMAT


NOISE = random.Random(7).randbytes(3_000)
OTHER = {"format": 2, "ward": "5", "node": "5-box"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (seal({"format": 3, "ward": "3", "node": "3-box"}) + seal({"new": 1}), shelf.NEWER),
        (seal({"format": "x"}), shelf.NEWER),
        (seal(OTHER), shelf.FOREIGN),
        (seal({"e": {"ward": "5", "node": "3-box"}, "at": 1, "ep": "", "known": True}), "foreign"),
        (NOISE, shelf.NOISE),
        (NOISE.replace(b"\n", b""), shelf.NOISE),
        (b"\0" * 5_000, shelf.NOISE),
        (b"[" * 100_000 + b"\n", shelf.NOISE),
    ],
)
def test_what_is_not_ours_is_kept_beside_and_presses_go_on(content: bytes, code: str) -> None:
    disk = SimulatedDisk(content)
    outbox = opened(disk, boot=12)
    assert (len(outbox), outbox.disk_error) == (0, None)
    assert disk.kept == [(f"journal.{code}-12.0", content)]
    assert outbox.troubles() == {code: f"kept as journal.{code}-12.0"}
    event = press(outbox)
    assert ids(opened(disk, boot=13)) == {event}
    disk.kept.clear()  # the engineer took it away
    outbox.retry()
    assert outbox.troubles() == {}


def test_damage_among_good_lines_keeps_the_file_and_loads_the_good_ones() -> None:
    disk = SimulatedDisk()
    outbox = opened(disk)
    first, last = press(outbox), None
    disk.content += b"00000000 {}\n" + seal({"e": 7}) + seal({"m": 7})
    last = press(outbox)
    content = disk.content
    again = opened(disk, boot=2)
    assert ids(again) == {first, last}
    assert disk.kept == [("journal.damaged-2.0", content)]
    assert again.damaged == 3


@pytest.mark.parametrize(
    ("number", "code"), [(28, "disk-full"), (27, "disk-full"), (30, "read-only"), (5, "disk")]
)
def test_on_a_disk_that_refuses_nothing_foreign_is_lost_and_memory_serves(
    number: int, code: str
) -> None:
    disk = SimulatedDisk(seal(OTHER))
    disk.refuses = OSError(number, "refused")
    outbox = opened(disk)
    event = press(outbox)
    assert set(outbox.troubles()) == {code, shelf.FOREIGN}
    assert [each.id for each in outbox.due(10)] == [event]
    assert disk.content == seal(OTHER)
    disk.refuses = None
    second = press(outbox)  # brings the first with it to the disk
    assert set(outbox.troubles()) == {shelf.FOREIGN}
    assert disk.kept[0][1] == seal(OTHER)
    assert ids(opened(disk, boot=2)) == {event, second}


def test_an_unreadable_journal_is_kept_beside() -> None:
    class Unreadable(SimulatedDisk):
        def load(self) -> list[bytes]:
            raise OSError(5, "Input/output error")

    disk = Unreadable(b"anything")
    assert opened(disk).troubles() == {"unreadable": "kept as journal.unreadable-1.0"}
    assert disk.kept == [("journal.unreadable-1.0", b"anything")]


def test_full_of_alarms_it_stays_bounded_and_loses_none_silently() -> None:
    disk = SimulatedDisk()
    outbox = opened(disk, limit=6)
    for number in range(6):
        assert outbox.add(kinds.PRESENCE, "1", {}, number) is not None
    for bed, _ in itertools.product("123", range(20)):
        press(outbox, bed)
    # The first and the last of each bed stay; the last tells for how many it stands.
    kept = [(e.message["bed"], e.message["about"].get("repeats", 0)) for e in outbox.waiting()]
    assert {bed for bed, _ in kept} == {"1", "2", "3"}
    assert len(kept) <= 6 + 2 * 3
    assert len(kept) + outbox.merged == 60 + 1, "the newest presence stays, too"
    assert sum(1 + repeats for _, repeats in kept) == 60 + 1
    assert outbox.dropped == 5
    assert set(outbox.troubles()) == {"full"}
    again = opened(disk, boot=2, limit=6)
    assert (again.dropped, again.merged) == (outbox.dropped, outbox.merged)
    outbox.receipt(sorted(ids(outbox)))
    assert outbox.troubles() == {}


def test_counts_survive_although_the_dropped_ones_left_nothing_else() -> None:
    disk = SimulatedDisk()
    outbox = opened(disk, limit=1)
    press(outbox)
    for _ in range(3):
        assert outbox.add(kinds.PLUGGED, "1", {}, 1) is None
    again = opened(disk, boot=2)
    assert again.dropped == 3
    opened(disk, boot=3)
    assert opened(disk, boot=4).dropped == 3
    # Each dropped one has its number, so central sees that something is missing.
    assert outbox.add(kinds.CORD, "1", {}, 1).message["seq"] == 5  # type: ignore[union-attr]


class OutboxMachine(RuleBasedStateMachine):
    """Against a model: `held` must be there, `receipted` may come back after a power cut only."""

    @initialize()
    def begin(self) -> None:
        self.disk = SimulatedDisk()
        self.boot = 1
        self.held: set[str] = set()  # added, not receipted
        self.durable: set[str] = set()  # of these, on disk when `add` returned
        self.receipted: set[str] = set()
        self.outbox = opened(self.disk)

    @rule(type=st.sampled_from((kinds.PRESS, kinds.CORD, kinds.PRESENCE)))
    def add(self, type: str) -> None:
        entry = self.outbox.add(type, "1", {}, self.boot)
        assert entry is not None
        self.held.add(entry.id)
        self._note_durable()

    @rule(data=st.data())
    @precondition(lambda self: self.held)
    def receipt(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.held)), min_size=1))
        assert {each.id for each in self.outbox.receipt(chosen)} == set(chosen)
        self.held -= set(chosen)
        self.receipted |= set(chosen)
        self._note_durable()

    @rule(room=st.one_of(st.none(), st.integers(0, 600)), broken=st.booleans())
    def change_disk(self, room: int | None, broken: bool) -> None:
        self.disk.room = room
        self.disk.refuses = OSError(30, "Read-only file system") if broken else None

    @rule()
    def retry(self) -> None:
        self.outbox.retry()
        if self.disk.refuses is None and self.disk.room is None:
            assert self.outbox.disk_error is None
        self._note_durable()

    @rule(data=st.data(), tail=st.sampled_from((b"", b"\0" * 40, b"\xff" * 40)))
    def power_cut(self, data: st.DataObject, tail: bytes) -> None:
        lost = self.disk.content[len(self.disk.synced) :]
        left = data.draw(st.integers(0, len(lost)))
        # What was not synced is there in part, or its blocks hold something else.
        content = self.disk.synced + lost[:left] + (tail if left < len(lost) else b"")
        self._start(content)
        assert self.durable <= ids(self.outbox) <= self.held | self.receipted
        self._take_over()

    @rule()
    def killed(self) -> None:
        self._start(self.disk.content)
        assert self.durable <= ids(self.outbox) <= self.held | self.receipted
        self._take_over()

    def _start(self, content: bytes) -> None:
        kept = self.disk.kept
        room, refuses = self.disk.room, self.disk.refuses
        self.disk = SimulatedDisk(content)
        self.disk.kept, self.disk.room, self.disk.refuses = kept, room, refuses
        self.boot += 1
        self.outbox = opened(self.disk, self.boot)

    def _take_over(self) -> None:
        self.held = ids(self.outbox)
        self.receipted -= self.held
        self.durable = set(self.held)

    def _note_durable(self) -> None:
        self.durable &= self.held
        if self.outbox.disk_error is None:
            self.durable = set(self.held)

    @invariant()
    def what_is_held_is_there_and_sent(self) -> None:
        if not hasattr(self, "outbox"):
            return
        assert ids(self.outbox) == self.held
        assert self.outbox.dropped == self.outbox.merged == 0


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(deadline=None, max_examples=60, stateful_step_count=25)
