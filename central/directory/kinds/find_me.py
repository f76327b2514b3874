"""Find-me: where else an extension rings. A target is a line of text:

    8102
    8102 08:00-17:00 1-5 30s

a number; from when until when; on which days, 1 being Monday; how long it is tried.
"""

import re
from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory.kinds import choices
from central.directory.kinds.kind import CHOICE, LINES, Field, Kind
from central.directory.present import Values
from central.errors import FieldError
from central.personal import finding, model
from central.store import Tx
from gateway.telephone.personal import DAY_MIN, FIND_S, Hours, Target

IN_TURN, TOGETHER = "turn", "together"
WAYS = {
    IN_TURN: N_("After its own phones, one after the other"),
    TOGETHER: N_("Together with its own phones"),
}
_TIMES = re.compile(r"([0-9]{1,2}):([0-9]{2})[-–]([0-9]{1,2}):([0-9]{2})")
_DAYS = re.compile(r"[1-7](?:[-–][1-7])?(?:,[1-7](?:[-–][1-7])?)*")
_SECONDS = re.compile(r"([0-9]{1,3})s")
_LINE = N_(
    "%(line)s cannot be read. A line is a number, and if need be 08:00-17:00, days 1-5, 20s."
)


def read(line: str) -> Target:
    """A target of its line. Raises FieldError."""
    number, *rest = line.replace("、", ",").replace("，", ",").split() or [""]
    begin, end, days, ring_s = 0, DAY_MIN, Hours().days, FIND_S
    for part in rest:
        if times := _TIMES.fullmatch(part):
            begin, end = (int(times[n]) * 60 + int(times[n + 1]) for n in (1, 3))
        elif seconds := _SECONDS.fullmatch(part):
            ring_s = int(seconds[1])
        elif _DAYS.fullmatch(part):
            days = _days(part)
        else:
            raise FieldError("targets", _LINE, line=line)
    if not number.isascii() or not number.isdecimal():
        raise FieldError("targets", _LINE, line=line)
    return Target(number, Hours(begin, end, days), ring_s)


def _days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        first, _dash, last = part.replace("–", "-").partition("-")
        span = range(int(first) - 1, int(last or first))
        # From Saturday to Monday goes over the end of the week.
        found |= set(span) if span else {*range(int(first) - 1, 7), *range(int(last))}
    return tuple(sorted(found))


def written(target: Target) -> str:
    """The line of a target, as short as it can be."""
    hours = target.hours
    parts = [target.number]
    if (hours.begin_min, hours.end_min) != (0, DAY_MIN):
        parts.append(f"{_clock(hours.begin_min)}-{_clock(hours.end_min)}")
    if len(set(hours.days)) < 7:
        parts.append(_spans([day + 1 for day in sorted(set(hours.days))]))
    if target.ring_s != FIND_S:
        parts.append(f"{target.ring_s}s")
    return " ".join(parts)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _spans(days: list[int]) -> str:
    """1, 2, 3, 5 → 1-3,5."""
    spans: list[list[int]] = []
    for day in days:
        if spans and spans[-1][-1] == day - 1:
            spans[-1].append(day)
        else:
            spans.append([day])
    return ",".join(str(s[0]) if len(s) == 1 else f"{s[0]}-{s[-1]}" for s in spans)


def _rows(tx: Tx) -> list[dict[str, Any]]:
    labels = dict(choices.extensions(tx))
    return [
        {
            "ref": each.owner,
            "owner": labels.get(each.owner, each.owner),
            "way": _(WAYS[TOGETHER if each.together else IN_TURN]),
            "targets": "; ".join(map(written, each.targets)),
        }
        for each in model.find(tx)
    ]


def _now(tx: Tx, ref: str) -> Values | None:
    found = model.find_of(tx, ref)
    if found is None:
        return None
    way = TOGETHER if found.together else IN_TURN
    return {"owner": ref, "way": way, "targets": list(map(written, found.targets))}


def _put(tx: Tx, owner: str, values: Values, by: str) -> str:
    if values["way"] not in WAYS:
        raise FieldError("way", N_("Choose how they ring."))
    if not values["targets"]:
        raise FieldError("targets", N_("Name at least one number."))
    finding.find(
        tx, owner, list(map(read, values["targets"])), together=values["way"] == TOGETHER, by=by
    )
    return owner


def _add(tx: Tx, values: Values, by: str) -> str:
    if _now(tx, values["owner"]) is not None:
        raise FieldError("owner", N_("Where this extension rings, too, is said already."))
    return _put(tx, values["owner"], values, by)


FIND_ME = Kind(
    path="find-me",
    code="find",
    title=N_("Find-me"),
    one=N_("Find-me"),
    new=N_("Say where an extension rings, too"),
    explained=N_("Where else an extension rings, by time of day and day of the week. With it an"
                 " extension needs no phone of its own. A number outside must be one that the"
                 " extension may dial."),
    empty=N_("Every extension rings at its own phones only."),
    columns={
        "owner": N_("Extension"),
        "way": N_("How they ring"),
        "targets": N_("Rings at, too"),
    },
    fields=(
        Field("owner", N_("Extension"), CHOICE, choices=choices.extensions, fixed=True),
        Field(
            "way", N_("How they ring"), CHOICE, value=IN_TURN,
            choices=lambda _tx: [(key, _(words)) for key, words in WAYS.items()],
        ),
        Field(
            "targets", N_("Rings at, too"), LINES,
            hint=N_("A number on each line. Behind it, if need be, from when until when, on which"
                    " days (1 is Monday) and how many seconds: 8102 08:00-17:00 1-5 30s."),
        ),
    ),
    rows=_rows,
    present=_now,
    add=_add,
    change=_put,
    remove=lambda tx, ref, by: finding.find(tx, ref, [], by=by),
    named=lambda given: _("Find-me of %(number)s", number=given["owner"]),
    lost=lambda _tx, _ref: _("The extension rings at its own phones only."),
)  # fmt: skip
