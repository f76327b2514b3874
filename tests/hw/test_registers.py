"""The register map and what it is turned into."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.errors import GarbledError
from hw.kinds import PATTERNS
from hw.registers import LEVELS_MASK, Counters, Identity, Reading, Status, outputs, patterns

words16 = st.integers(0, 0xFFFF)


@pytest.mark.parametrize(
    ("lamp", "reassurance", "speaker"), list(itertools.product(PATTERNS, PATTERNS, (False, True)))
)
def test_lights_survive_the_way_to_the_coils(lamp: str, reassurance: str, speaker: bool) -> None:
    assert patterns(outputs(lamp, reassurance, speaker)) == (lamp, reassurance, speaker)


@given(st.integers(0, 31), st.integers(0, 511), st.lists(words16, min_size=8, max_size=8))
def test_a_reading_survives_the_way_over_the_line(
    status: int, coils: int, counts: list[int]
) -> None:
    counters = Counters(*counts, levels=status & LEVELS_MASK)
    reading = Reading(Status.of(status), coils, counters)
    assert Reading.of(reading.words()) == reading
    assert Counters.from_json(counters._asdict()) == counters


@pytest.mark.parametrize("words", [[], [0] * 9, [1 << 5, *[0] * 9], [0, 0, 0, 1 << 9, *[0] * 6]])
def test_registers_of_something_else_are_garbled(words: list[int]) -> None:
    with pytest.raises(GarbledError):
        Reading.of(words)


def test_identity_names_the_firmware_and_what_is_broken() -> None:
    assert Identity.of([1, 0x0203, 1, 2, 0b101]) == Identity(
        1, "2.3", 0x10002, ("lamp", "red button stuck")
    )
    with pytest.raises(GarbledError):
        Identity.of([1, 2])
