"""A policy laid out for reading: which call goes which way, when, and where the holes are.

Sans-IO, like `central.escalation.policy`.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from central.calls import types
from central.escalation import policy
from central.escalation.policy import MINUTES_OF_DAY, Available, Policy, StepHole

# (first minute of the day, minute after the last); a night is (1320, 360).
Span = tuple[int, int]
WHOLE_DAY: tuple[Span, ...] = ((0, MINUTES_OF_DAY),)


@dataclass(frozen=True)
class Course:
    """The way of calls of `type` from `beds` during `spans`: by the rule of this number, or
    by none. A bed None stands for calls that belong to no bed."""

    type: str
    rule: int | None
    beds: tuple[str | None, ...]
    spans: tuple[Span, ...]
    holes: tuple[StepHole, ...]


def courses(document: Policy, beds: Sequence[str | None], available: Available) -> list[Course]:
    """Every call type's ways in the order of the types; those without a rule come first."""
    found = []
    for type in types.TYPES:
        own: Sequence[str | None] = [None] if type in types.TECHNICAL else beds
        alike: dict[tuple[int | None, tuple[Span, ...]], list[str | None]] = {}
        for bed in own:
            for number, spans in _of_bed(document, bed, type).items():
                alike.setdefault((number, _joined(spans)), []).append(bed)
        for number, joined in sorted(alike, key=lambda each: (each[0] is not None, each[0] or 0)):
            rule = None if number is None else document["rules"][number]
            holes = tuple(policy.rule_holes(rule, type, available))
            found.append(Course(type, number, tuple(alike[number, joined]), joined, holes))
    return found


def _of_bed(document: Policy, bed: str | None, type: str) -> dict[int | None, list[Span]]:
    """By the number of the rule, when it holds for this bed and type."""
    found: dict[int | None, list[Span]] = {}
    marks = [*sorted({0, *_marks(document)}), MINUTES_OF_DAY]
    for start, end in itertools.pairwise(marks):
        rule = policy.rule_for(document, bed, type, start)
        # By identity: two rules of a policy may read the same.
        number = next((n for n, each in enumerate(document["rules"]) if each is rule), None)
        found.setdefault(number, []).append((start, end))
    return found


def _marks(document: Policy) -> Iterable[int]:
    for rule in document["rules"]:
        for key in ("from", "to"):
            if key in rule:
                yield policy.minute(rule[key])


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Neighbours put together; what ends and begins at midnight is one night."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    if len(joined) > 1 and joined[0][0] == 0 and joined[-1][1] == MINUTES_OF_DAY:
        (_, morning), (evening, _) = joined[0], joined[-1]
        joined = [*joined[1:-1], (evening, morning)]
    return tuple(joined)


def at_moment(course: Course, minute: int) -> bool:
    """Whether the course holds at this minute of the day."""
    return any(
        (minute - start) % MINUTES_OF_DAY < ((end - start) % MINUTES_OF_DAY or MINUTES_OF_DAY)
        for start, end in course.spans
    )
