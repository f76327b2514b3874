"""A bounce never doubles a press, and no real press of 30 ms is lost."""

from hypothesis import given
from hypothesis import strategies as st

from hw.debounce import (
    FREED,
    HELD,
    HOLD_MS,
    PRESSED,
    RELEASED,
    SETTLE_MS,
    STUCK,
    STUCK_MS,
    Debouncer,
)

CHATTER_MS = 10


@st.composite
def chatter(draw: st.DrawFn, level: bool) -> list[tuple[int, bool]]:
    """Edges (ms from the first, level) of a contact that comes to rest at `level`."""
    moments = draw(st.lists(st.integers(1, CHATTER_MS), max_size=6, unique=True).map(sorted))
    moments = moments[: len(moments) // 2 * 2]  # an even number, so that it ends at `level`
    edges = [(0, level)]
    for at_ms in moments:
        edges.append((at_ms, not edges[-1][1]))
    return edges


@st.composite
def presses(draw: st.DrawFn) -> tuple[list[tuple[int, bool]], int]:
    """Edges of some real presses of 30 ms or more, and how many there were."""
    edges, now_ms = [], draw(st.integers(0, 1000))
    how_many = draw(st.integers(0, 8))
    for _ in range(how_many):
        closing = draw(chatter(True))
        edges += [(now_ms + at_ms, level) for at_ms, level in closing]
        now_ms += draw(st.integers(30, HOLD_MS - CHATTER_MS - 1))
        opening = draw(chatter(False))
        edges += [(now_ms + at_ms, level) for at_ms, level in opening]
        now_ms += CHATTER_MS + SETTLE_MS + draw(st.integers(0, 500))
    return edges, how_many


@given(presses(), st.lists(st.integers(0, 30_000), max_size=30))
def test_each_real_press_counts_once(
    drawn: tuple[list[tuple[int, bool]], int], ticks: list[int]
) -> None:
    edges, how_many = drawn
    contact, certain = Debouncer(), []
    moments: list[tuple[int, bool | None]] = [*edges, *((at_ms, None) for at_ms in ticks)]
    for at_ms, level in sorted(moments, key=lambda moment: moment[0]):
        certain += contact.tick(at_ms) if level is None else contact.edge(level, at_ms)
    certain += contact.tick(60_000)
    assert certain == [PRESSED, RELEASED] * how_many


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, SETTLE_MS - 1)), max_size=20))
def test_spikes_are_not_presses(spikes: list[tuple[int, int]]) -> None:
    contact, certain, now_ms = Debouncer(), [], 0
    for quiet_ms, spike_ms in spikes:
        now_ms += SETTLE_MS + quiet_ms
        certain += contact.edge(True, now_ms)
        now_ms += spike_ms
        certain += contact.edge(False, now_ms)
    assert certain + contact.tick(now_ms + 1000) == []


@given(st.integers(HOLD_MS, 20_000), st.lists(st.integers(0, 25_000), max_size=10))
def test_a_hold_is_told_once_however_late_the_ticks(held_ms: int, ticks: list[int]) -> None:
    contact = Debouncer()
    certain = contact.edge(True, 0)
    for at_ms in sorted(ticks):
        if at_ms <= held_ms:
            certain += contact.tick(at_ms)
    certain += contact.edge(False, held_ms)
    certain += contact.tick(held_ms + SETTLE_MS)
    assert certain == [PRESSED, HELD, RELEASED]


def test_a_release_just_before_the_time_is_no_hold() -> None:
    contact = Debouncer()
    contact.edge(True, 0)
    certain = contact.edge(False, HOLD_MS - 1)
    assert certain + contact.tick(HOLD_MS + 1000) == [PRESSED, RELEASED]


def test_it_says_when_it_must_be_asked_again() -> None:
    contact = Debouncer()
    assert contact.due_ms() is None
    contact.edge(True, 100)
    assert contact.due_ms() == 100 + SETTLE_MS
    contact.tick(100 + SETTLE_MS)
    assert contact.due_ms() == 100 + HOLD_MS
    contact.tick(100 + HOLD_MS)
    assert contact.due_ms() is None
    contact.edge(False, 9000)
    assert contact.due_ms() == 9000 + SETTLE_MS


def test_without_a_hold_time_nothing_is_held() -> None:
    contact = Debouncer(hold_ms=None)
    contact.edge(True, 0)
    assert contact.tick(HOLD_MS * 2) == [PRESSED]
    assert contact.due_ms() is None


def test_stuck_is_told_once_when_due_and_freed_at_its_release() -> None:
    contact = Debouncer(stuck_ms=STUCK_MS)
    certain = contact.edge(True, 0)
    while (due_ms := contact.due_ms()) is not None:
        certain += contact.tick(due_ms)
    assert certain == [PRESSED, HELD, STUCK]
    assert contact.tick(STUCK_MS * 9) == []
    contact.edge(False, STUCK_MS * 10)
    assert contact.tick(STUCK_MS * 10 + SETTLE_MS) == [RELEASED, FREED]
    contact.edge(True, STUCK_MS * 11)
    assert contact.tick(STUCK_MS * 11 + SETTLE_MS) == [PRESSED]
