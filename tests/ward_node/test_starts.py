"""A later start has a higher number, be the disk whole, refusing or unreadable in between."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mqtt.checked import LARGEST_NUMBER
from ward_node.core import starts

NOW_S = 1_795_000_000
CHANCE = st.integers(0, 2**64 - 1)
REFUSES, UNREADABLE, WHOLE = "refuses", "unreadable", "whole"


def _numbers(disks: list[tuple[str, int]], now_s: int | None, last: int | None) -> list[int]:
    found = []
    for disk, chance in disks:
        known = None if disk == UNREADABLE else last
        if disk == WHOLE:
            last = starts.count(known, now_s, chance)
            found.append(starts.kept(last))
        else:
            found.append(starts.unkept(known, now_s, chance))
        if now_s is not None:
            now_s += 1
    return found


@given(
    disks=st.lists(st.tuples(st.sampled_from([WHOLE, REFUSES, UNREADABLE]), CHANCE), max_size=9),
    last=st.none() | st.integers(0, 1000),
)
def test_with_a_clock_numbers_only_rise(disks: list[tuple[str, int]], last: int | None) -> None:
    found = _numbers(disks, NOW_S, last)
    assert found == sorted(set(found))
    assert all(0 < each <= LARGEST_NUMBER for each in found)


@given(
    disks=st.lists(st.tuples(st.sampled_from([WHOLE, REFUSES]), CHANCE), max_size=9),
    last=st.integers(1, 1000),
)
def test_without_a_clock_the_kept_count_orders_what_comes_between(
    disks: list[tuple[str, int]], last: int
) -> None:
    found = _numbers(disks, None, last)
    counted = [number for number, (disk, _) in zip(found, disks, strict=True) if disk == WHOLE]
    assert counted == sorted(set(counted))
    for place, (number, (disk, _)) in enumerate(zip(found, disks, strict=True)):
        if disk == WHOLE:
            assert all(earlier < number for earlier in found[:place])


@example(0, starts.PLACES - 1)
@given(CHANCE, CHANCE)
def test_a_lost_count_without_a_clock_takes_a_number_by_chance(one: int, other: int) -> None:
    counted = [starts.kept(starts.count(None, None, each)) for each in (one, other)]
    unkept = [starts.unkept(None, None, each) for each in (one, other)]
    assert not set(counted) & set(unkept)
    if one % starts.LOST != other % starts.LOST:
        assert counted[0] != counted[1]
    # Which bits make the count and the place below it is their own matter: some pairs share both.
    if one // starts.PLACES % starts.LOST != other // starts.PLACES % starts.LOST:
        assert unkept[0] != unkept[1]
    for each in (*counted, *unkept):
        assert starts.kept(starts.LOST) <= each <= LARGEST_NUMBER
