"""Nothing is lost and nothing doubled: the outbox over crashes, torn files and full disks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ward_node.support import MemoryJournal
from ward_node.contract import kinds
from ward_node.core.outbox import RESEND_MS, Outbox
from ward_node.core.shelf import seal, unseal


def _open(journal: MemoryJournal, boot: int = 1, now_ms: int = 0, **more: object) -> Outbox:
    epoch = str(more.pop("epoch", "run-1"))
    return Outbox("3", "3-box", boot, journal, epoch, now_ms, **more)  # type: ignore[arg-type]


def _ids(outbox: Outbox) -> list[str]:
    return [entry.id for entry in outbox.waiting()]


def test_sent_until_receipted_and_never_by_itself_forgotten() -> None:
    outbox = _open(MemoryJournal())
    outbox.add(kinds.PRESS, "1", {}, 0)
    assert [entry.id for entry in outbox.due(0)] == ["3-box:1:1"]
    assert outbox.due(RESEND_MS - 1) == []
    assert len(outbox.due(RESEND_MS)) == 1
    outbox.send_again()
    assert len(outbox.due(RESEND_MS + 1)) == 1
    assert [entry.id for entry in outbox.receipt(["3-box:1:1", "unknown"])] == ["3-box:1:1"]
    assert outbox.receipt(["3-box:1:1"]) == []
    assert outbox.due(99_999) == []


@settings(deadline=None)
@given(st.data())
def test_a_journal_torn_at_any_byte_keeps_every_whole_line(data: st.DataObject) -> None:
    journal = MemoryJournal()
    outbox = _open(journal)
    ends: list[tuple[int, set[str]]] = [(0, set())]
    for number in range(data.draw(st.integers(1, 8))):
        if data.draw(st.booleans()) or not len(outbox):
            outbox.add(kinds.PRESS, "床1", {"n": number}, number)
        else:
            outbox.receipt([data.draw(st.sampled_from(_ids(outbox)))])
        ends.append((len(journal.content), set(_ids(outbox))))
    cut = data.draw(st.integers(0, len(journal.content)))
    torn = MemoryJournal(journal.content[:cut])
    expected = [ids for end, ids in ends if end <= cut][-1]
    again = _open(torn, boot=2, now_ms=100)
    assert set(_ids(again)) == expected
    assert again.damaged == 0
    # What is added after the tear stands on its own line.
    fresh = again.add(kinds.CORD, "2", {}, 100)
    assert fresh is not None
    assert set(_ids(_open(torn, boot=3, now_ms=200))) == expected | {fresh.id}


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_byte_costs_at_most_its_own_line(place: int, value: int) -> None:
    journal = MemoryJournal()
    outbox = _open(journal)
    for number in range(4):
        outbox.add(kinds.PRESS, str(number), {}, number)
    content = bytearray(journal.content)
    content[place % len(content)] = value
    again = _open(MemoryJournal(bytes(content)), boot=2)
    assert len(set(_ids(outbox)) - set(_ids(again))) <= 2  # a lost line end joins two lines


def test_age_over_a_restart_and_over_a_power_cut() -> None:
    journal = MemoryJournal()
    outbox = _open(journal, now_ms=1_000)
    outbox.add(kinds.PRESS, "1", {}, 1_000)
    outbox.add(kinds.CORD, "1", {}, 4_000)
    content = journal.content
    restarted = _open(MemoryJournal(content), boot=2, now_ms=9_000)
    assert [each.published(9_000)["age_ms"] for each in restarted.waiting()] == [8_000, 5_000]
    assert "age_known" not in restarted.waiting()[0].published(9_000)
    cut = MemoryJournal(content)
    booted = _open(cut, boot=2, now_ms=500, epoch="run-2")
    told = [each.published(700) for each in booted.waiting()]
    # The least they can be: what both clocks saw of them; the outage is unknown.
    assert [each["age_ms"] for each in told] == [3_200, 200]
    assert [each["age_known"] for each in told] == [False, False]
    twice = _open(cut, boot=3, now_ms=900, epoch="run-2")
    assert [each.published(900)["age_ms"] for each in twice.waiting()] == [3_400, 400]
    assert twice.waiting()[0].published(900)["age_known"] is False


def test_a_full_outbox_drops_no_alarm_and_counts_what_it_drops() -> None:
    outbox = _open(MemoryJournal(), limit=3)
    outbox.add(kinds.PRESENCE_END, "1", {}, 0)
    outbox.add(kinds.PRESS, "1", {}, 0)
    outbox.add(kinds.PROMPTED, "1", {}, 0)
    outbox.add(kinds.CORD, "2", {}, 0)
    assert [each.message["type"] for each in outbox.waiting()] == ["press", "prompted", "cord"]
    outbox.add(kinds.HOLD, "2", {}, 0)
    outbox.add(kinds.PRESS, "2", {}, 0)
    assert outbox.add(kinds.PROMPTED, "2", {}, 0) is None
    assert [each.message["type"] for each in outbox.waiting()] == ["press", "cord", "hold", "press"]
    assert outbox.dropped == 3


def test_a_full_disk_holds_events_in_memory_and_writes_them_when_it_can() -> None:
    journal = MemoryJournal()
    outbox = _open(journal)
    outbox.add(kinds.PRESS, "1", {}, 0)
    journal.refuses = True
    outbox.add(kinds.PRESS, "2", {}, 0)
    assert "No space left" in str(outbox.disk_error)
    assert len(outbox.due(0)) == 2
    journal.refuses = False
    outbox.retry()
    assert outbox.disk_error is None
    assert len(_open(MemoryJournal(journal.content), boot=2)) == 2


def test_the_journal_does_not_grow_for_ever() -> None:
    journal = MemoryJournal()
    outbox = _open(journal)
    for number in range(3_000):
        entry = outbox.add(kinds.PRESS, "1", {}, number)
        assert entry is not None
        outbox.receipt([entry.id])
    assert len(journal.load()) < 600
    assert len(_open(journal, boot=2)) == 0


def test_marks_live_and_die_with_their_event() -> None:
    journal = MemoryJournal()
    outbox = _open(journal)
    first = outbox.add(kinds.PRESS, "1", {}, 0, {"presses": 1})
    before = len(journal.content)
    outbox.add(kinds.PRESS, "1", {}, 0, {"presses": 2})
    assert _open(MemoryJournal(journal.content[:-1]), boot=2).marks == {"1": {"presses": 1}}
    assert before < len(journal.content)
    assert first is not None
    outbox.receipt([first.id])
    outbox.keep_marks({"2": {"presses": 9}})
    again = _open(journal, boot=2)
    assert again.marks == {"1": {"presses": 2}, "2": {"presses": 9}}
    assert _open(journal, boot=3).marks == again.marks


def test_a_renamed_box_does_not_speak_in_its_old_name() -> None:
    journal = MemoryJournal()
    _open(journal).add(kinds.PRESS, "1", {}, 0)
    old = journal.content
    other = Outbox("5", "5-box", 2, journal, "run-1", 0)
    assert (len(other), other.dropped) == (0, 0)
    assert journal.kept == {"journal.foreign-2.0": old}
    assert other.troubles() == {"foreign": "kept as journal.foreign-2.0"}


def test_a_line_with_a_wrong_checksum_is_no_record() -> None:
    assert unseal(b"00000000 {}\n") is None
    assert unseal(b"") is None


def test_a_whole_record_of_another_making_is_left_out() -> None:
    journal = MemoryJournal(seal({"e": {"id": "x"}}) + seal({"m": 7}) + seal({"new": 1}))
    outbox = _open(journal)
    assert (len(outbox), outbox.damaged) == (0, 2)


def test_a_press_that_was_answered_says_so_in_whatever_order_it_arrives() -> None:
    journal = MemoryJournal()
    box = _open(journal)
    press = box.add(kinds.PRESS, "1", {}, 1_000)
    other = box.add(kinds.PRESS, "2", {}, 1_500)
    presence = box.add(kinds.PRESENCE, "1", {}, 3_000)
    later = box.add(kinds.PRESS, "1", {}, 4_000)
    assert press is not None
    assert other is not None
    assert presence is not None
    assert later is not None
    over = {"boot": 1, "seq": presence.message["seq"], "age_ms": 2_000}
    assert press.published(5_000)["over"] == over
    assert "over" not in other.published(5_000)
    assert "over" not in later.published(5_000)
    again = _open(MemoryJournal(journal.content), boot=2, now_ms=6_000)
    found = {each.id: each.published(6_000) for each in again.waiting()}
    assert found[press.id]["over"] == over | {"age_ms": 3_000}
    assert "over" not in found[later.id]
