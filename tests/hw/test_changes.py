"""What counters tell: against a model that simply writes down what was done."""

from hypothesis import given
from hypothesis import strategies as st

from hw.changes import changes
from hw.registers import AT_REST, CORD_LEVEL, PLUGGED_LEVEL, PRESENCE_LEVEL, WRAP, Counters

REST = Counters(
    serial=7, boots=1, presses=0, holds=0, cord=0, presence=0, plug=0, tests=0, levels=AT_REST
)

TURNS = {
    "cord": (CORD_LEVEL, "cord", "cord_reset"),
    "presence": (PRESENCE_LEVEL, "presence", "presence_end"),
    "plug": (PLUGGED_LEVEL, "plugged", "unplugged"),
}


def counted(now: Counters, what: str) -> tuple[Counters, str]:
    """The counters after one thing happened, and the kind it should be told as."""
    if what == "press":
        return now._replace(presses=(now.presses + 1) % WRAP), "press"
    if what == "hold":
        return now._replace(holds=(now.holds + 1) % WRAP), "hold"
    bit, on, off = TURNS[what]
    count = (getattr(now, what) + 1) % WRAP
    now = now._replace(levels=now.levels ^ bit, **{what: count})
    return now, on if now.levels & bit else off


def told(before: Counters | None, now: Counters) -> list[str]:
    return [kind for kind, _after in changes(before, now)]


@given(
    start=st.integers(0, WRAP - 1),
    polls=st.lists(st.lists(st.sampled_from(["press", "hold", *TURNS]), max_size=8), max_size=12),
)
def test_all_that_was_done_is_told_once_however_polls_fall(
    start: int, polls: list[list[str]]
) -> None:
    unit = REST._replace(presses=start, holds=start, cord=start, presence=start, plug=start)
    known = unit
    for doings in polls:
        done = []
        for what in doings:
            unit, kind = counted(unit, what)
            done.append(kind)
        steps = list(changes(known, unit))
        assert sorted(kind for kind, _after in steps) == sorted(done)
        for kinds in (("press", "hold"), ("cord", "cord_reset"), ("plugged", "unplugged")):
            in_order = [kind for kind, _after in steps if kind in kinds[-2:]]
            if kinds[0] != "press":
                assert in_order == [kind for kind in done if kind in kinds]
        # A node that dies after any step tells the rest, and only the rest.
        for place, (_kind, after) in enumerate(steps, 1):
            assert told(after, unit) == [kind for kind, _after in steps[place:]]
        known = unit


@given(
    known=st.builds(
        REST._replace,
        presses=st.integers(0, WRAP - 1),
        cord=st.integers(0, WRAP - 1),
        levels=st.integers(0, 7).map(lambda bits: bits << 1),
    ),
    doings=st.lists(st.sampled_from(["press", "hold", *TURNS]), max_size=6),
)
def test_after_a_reboot_only_what_happened_since_is_told(
    known: Counters, doings: list[str]
) -> None:
    unit = known._replace(boots=2, presses=0, holds=0, cord=0, presence=0, plug=0)
    done = []
    for what in doings:
        unit, kind = counted(unit, what)
        done.append(kind)
    assert sorted(told(known, unit)) == sorted(done)


def test_a_cord_pulled_while_the_unit_rebooted_is_told() -> None:
    now = REST._replace(boots=2, levels=AT_REST | CORD_LEVEL)
    assert told(REST._replace(presses=9), now) == ["cord"]


def test_a_unit_met_first_tells_its_levels_and_no_presses() -> None:
    now = REST._replace(presses=12, holds=3, cord=5, levels=CORD_LEVEL | PRESENCE_LEVEL)
    assert told(None, now) == ["presence", "cord", "unplugged"]


def test_an_exchanged_unit_tells_no_presses_of_its_former_life() -> None:
    assert told(REST, REST._replace(serial=8, presses=40)) == []


def test_presence_is_told_before_a_press_of_the_same_poll() -> None:
    now = REST._replace(presses=1, presence=1, levels=AT_REST | PRESENCE_LEVEL)
    assert told(REST, now) == ["presence", "press"]
