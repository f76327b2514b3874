"""Bars over hours or days, as numbers for a picture that the page draws."""

from collections.abc import Sequence
from typing import NamedTuple

# In units of the picture; the page scales it.
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 200, 52, 30, 14
# So many words fit under the bars.
MOST_WORDS = 8


class Bar(NamedTuple):
    """One bar: where it stands, and what it tells. shown: its words fit under it."""

    x: float
    y: float
    width: float
    height: float
    words: str
    value: int
    shown: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


class Bars(NamedTuple):
    """`lines` are (y, value) of the axis."""

    bars: list[Bar]
    lines: list[tuple[float, int]]


def bars(values: Sequence[tuple[str, int]]) -> Bars:
    """A bar for each (words, value), from left to right."""
    top = _nice(max((value for _, value in values), default=0))
    room, step = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(1, len(values))
    every = -(-len(values) // MOST_WORDS)

    def y(value: float) -> float:
        return round(TOP + room * (1 - value / top), 1)

    drawn = [
        Bar(
            round(LEFT + step * (place + 0.15), 1), y(value), round(step * 0.7, 1),
            round(HEIGHT - BOTTOM - y(value), 1), words, value, place % every == 0,
        )
        for place, (words, value) in enumerate(values)
    ]  # fmt: skip
    return Bars(drawn, [(y(part), part) for part in sorted({0, top // 2, top})])


def shares(values: Sequence[int]) -> list[float]:
    """Each in percent of the greatest."""
    most = max(values, default=0) or 1
    return [round(100 * each / most, 1) for each in values]


def _nice(value: int) -> int:
    """The next number that reads well on an axis: 2, 4, 10, 20, 40, 100 ..."""
    power = 1
    while True:
        for digit in (2, 4, 10):
            if value <= digit * power:
                return digit * power
        power *= 10
