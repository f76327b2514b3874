"""The watch over heartbeats: known within 10 s, together what fell silent together."""

from hypothesis import given
from hypothesis import strategies as st

from central.bridge.supervision import SILENCE_MS, Watch

BEAT_MS, LOOK_MS = 2_000, 2_000


@given(st.integers(0, BEAT_MS), st.integers(0, BEAT_MS))
def test_a_ward_cut_off_is_found_silent_at_once_and_within_10_s(one: int, other: int) -> None:
    """Whatever the phase of the beats: `one` and `other` are when each node was heard last."""
    watch = Watch()
    watch.seen("a", "3", 1, one)
    watch.seen("b", "3", 1, other)
    watch.seen("c", "5", 1, BEAT_MS)
    found: dict[str, int] = {}
    for now_ms in range(0, 20_000, LOOK_MS):
        watch.seen("c", "5", 1, now_ms + BEAT_MS)
        fresh = watch.silent(now_ms)
        assert set(fresh) in (set(), {"a", "b"})
        found |= fresh
    assert set(found) == {"a", "b"}
    assert max(found.values()) <= 10_000
    assert max(found.values()) > SILENCE_MS


def test_a_sign_of_life_of_an_earlier_start_revives_nobody() -> None:
    watch = Watch()
    watch.know("a", "3", 7, 0)
    assert watch.silent(SILENCE_MS + 1) == {"a": SILENCE_MS + 1}
    assert watch.seen("a", "3", 6, 8_000) is None
    assert watch.seen("a", "3", 8, 8_000) is True
