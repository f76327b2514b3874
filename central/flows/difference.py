"""What differs between two texts, line by line with some lines around. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

AROUND = 3
SAME, GONE, NEW = "same", "gone", "new"


@dataclass(frozen=True)
class Line:
    """kind: SAME, GONE or NEW. before, after: the line's number in the two texts, 0 where it is not
    there."""

    kind: str
    before: int
    after: int
    text: str


def between(before: str, after: str) -> list[list[Line]]:
    """Places that differ; empty where the texts are the same."""
    old, new = before.splitlines(), after.splitlines()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        [line for part in group for line in _lines(part, old, new)]
        for group in matcher.get_grouped_opcodes(AROUND)
    ]


def _lines(part: tuple[str, int, int, int, int], old: list[str], new: list[str]) -> Iterator[Line]:
    kind, old_from, old_to, new_from, new_to = part
    if kind == "equal":
        for place in range(old_to - old_from):
            before, after = old_from + place, new_from + place
            yield Line(SAME, before + 1, after + 1, old[before])
        return
    for place in range(old_from, old_to):
        yield Line(GONE, place + 1, 0, old[place])
    for place in range(new_from, new_to):
        yield Line(NEW, 0, place + 1, new[place])
