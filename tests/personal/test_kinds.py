"""The lines in which a form says where somebody is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.directory.kinds.find_me import read, written
from central.errors import FieldError
from gateway.telephone.personal import DAY_MIN, Hours, Target

TARGETS = st.builds(
    Target,
    st.from_regex(r"[0-9]{2,16}", fullmatch=True),
    st.builds(
        Hours,
        st.integers(0, DAY_MIN - 1),
        st.integers(0, DAY_MIN),
        st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    st.integers(5, 120),
)


@given(TARGETS)
def test_what_is_written_is_read_as_it_was(target: Target) -> None:
    assert read(written(target)) == target


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("8102", Target("8102")),
        ("8102 08:00-17:00 1-5 30s", Target("8102", Hours(480, 1020, (0, 1, 2, 3, 4)), 30)),
        ("8102 6-1", Target("8102", Hours(days=(0, 5, 6)))),
        ("  8102  7，2  ", Target("8102", Hours(days=(1, 6)))),
    ],
)
def test_a_line_is_read(line: str, target: Target) -> None:
    assert read(line) == target


@given(st.text())
def test_what_cannot_be_read_is_refused_in_words(line: str) -> None:
    try:
        target = read(line)
    except FieldError:
        return
    assert target.number.isascii()
    assert target.number.isdecimal()


@pytest.mark.parametrize("line", ["", "nobody", "8102 8-9", "8102 soon", "8102 08:00", "8102 20"])
def test_a_line_that_says_nothing_is_refused(line: str) -> None:
    with pytest.raises(FieldError):
        read(line)
