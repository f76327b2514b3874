"""Changes of opening hours, each checked and audited."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.hours import model
from central.hours.rules import DAY_MIN, HOLIDAY, WORKING, Band, Special
from central.store import HOSPITAL, Tx

# What a nudge says has changed.
CHANGED = "hours"
MOST_BANDS = 6
MOST_DAYS = 31
LABEL_MOST = 40
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_BAND = re.compile(r"([0-9]{1,2}):([0-5][0-9])\s*[-–—~至到]\s*([0-9]{1,2}):([0-5][0-9])")
NO_PLAN = N_("There is no such plan.")


def typed_bands(day: int, text: str) -> list[Band]:
    """Of "08:00-12:00, 13:30-17:30"; nothing for a day that is closed. Raises FieldError for the
    field "day0" to "day6"."""
    field = f"day{day}"
    text = text.replace("\uff1a", ":").replace("\uff0d", "-")
    found = []
    for part in re.split(r"[,;\uff0c\uff1b、]+", text):
        if not part.strip():
            continue
        match = _BAND.fullmatch(part.strip())
        numbers = [int(each) for each in match.groups()] if match else []
        if not numbers or numbers[0] > 23 or numbers[2] * 60 + numbers[3] > DAY_MIN:
            raise FieldError(
                field, N_("%(what)s is no time: write 08:00-12:00, 13:30-17:30."),
                what=part.strip()[:20],
            )  # fmt: skip
        found.append(Band(day, numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]))
    if len(found) > MOST_BANDS:
        raise FieldError(field, N_("At most %(most)s times in a day."), most=MOST_BANDS)
    found.sort()
    for before, after in pairwise(found):
        if before.begin_min + before.length_min > after.begin_min:
            raise FieldError(field, N_("These times overlap."))
    return found


def written(band: Band) -> str:
    """A band as `typed_bands` takes it."""
    begin, end = band.begin_min, band.end_min
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


def put_plan(
    tx: Tx, name: str, label: str, bands: Sequence[Band], *, on_holidays: bool, by: str,
    fresh: bool = False,
) -> None:  # fmt: skip
    """From now on the plan is open so. fresh: there is none yet. Raises FieldError."""
    before = model.row(tx, name)
    if fresh and not _NAME.fullmatch(name):
        raise FieldError("name", N_("A plan is named by small letters a-z and digits."))
    if fresh and before is not None:
        raise FieldError("name", N_("There is such a plan already."))
    if not fresh and before is None:
        raise FieldError("name", NO_PLAN)
    label = " ".join(label.split())
    if not label or len(label) > LABEL_MOST:
        raise FieldError("label", N_("A name has 1 to %(most)s characters."), most=LABEL_MOST)
    tx.execute(
        "INSERT INTO hours_plans VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET label = excluded.label, on_holidays = excluded.on_holidays",
        (name, label, int(on_holidays)),
    )
    tx.execute("DELETE FROM hours_bands WHERE plan = ?", (name,))
    for each in bands:
        tx.insert("hours_bands", plan=name, day=each.day, begin_min=each.begin_min,
                  end_min=each.end_min)  # fmt: skip
    times = [f"{each.day + 1} {written(each)}" for each in bands]
    detail = {"label": label, "open_at": times, "on_holidays": on_holidays}
    audit.append(tx, by, "hours.put", f"hours/{name}", detail=detail)
    tx.changed(HOSPITAL, CHANGED)


def remove_plan(tx: Tx, name: str, used: Sequence[str], by: str) -> None:
    """used: the menus that ask for it. Raises FieldError."""
    if model.row(tx, name) is None:
        raise FieldError("name", NO_PLAN)
    if used:
        raise FieldError("name", N_("These menus go by it: %(menus)s."), menus=", ".join(used))
    tx.execute("DELETE FROM hours_plans WHERE name = ?", (name,))
    audit.append(tx, by, "hours.remove", f"hours/{name}")
    tx.changed(HOSPITAL, CHANGED)


def put_days(tx: Tx, special: Mapping[date, Special], by: str) -> int:
    """Enter these, over what stands there; how many that changes."""
    known = model.calendar(tx)
    wanted = {day: each for day, each in special.items() if known.get(day) != each}
    for day, each in wanted.items():
        tx.execute(
            "INSERT INTO hours_days VALUES (?, ?, ?, ?) ON CONFLICT (date) DO UPDATE SET"
            " kind = excluded.kind, name = excluded.name, as_day = excluded.as_day",
            (day.isoformat(), each.kind, each.name, each.as_day),
        )
    if wanted:
        told: dict[str, list[str]] = {HOLIDAY: [], WORKING: []}
        for day in sorted(wanted):
            told[wanted[day].kind].append(day.isoformat())
        audit.append(tx, by, "hours.days", detail={k: v for k, v in told.items() if v})
        tx.changed(HOSPITAL, CHANGED)
    return len(wanted)


def remove_day(tx: Tx, day: str, by: str) -> None:
    """It is a day like others of its weekday. Raises FieldError."""
    if not tx.execute("DELETE FROM hours_days WHERE date = ?", (day,)).rowcount:
        raise FieldError("date", N_("There is no such day."))
    audit.append(tx, by, "hours.day_remove", f"day/{day}")
    tx.changed(HOSPITAL, CHANGED)


def a_day(text: str, field: str = "date") -> date:
    """Of 2026-10-01, 2026/10/1 or 2026.10.1. Raises FieldError."""
    parts = re.split(r"[-/.年月日]", text.strip().rstrip("日"))
    try:
        year, month, day = (int(each) for each in parts)
        found = date(year, month, day)
    except ValueError:
        raise FieldError(field, N_("A date is written 2026-10-01.")) from None
    if not 2000 <= found.year <= 2100:
        raise FieldError(field, N_("A date is written 2026-10-01."))
    return found


def special(kind: str, name: str, as_day: int) -> Special:
    """Raises FieldError."""
    if kind not in (HOLIDAY, WORKING):
        raise FieldError("kind", N_("A day is a holiday or a make-up working day."))
    name = " ".join(name.split())
    if len(name) > LABEL_MOST:
        raise FieldError("label", N_("A name has 1 to %(most)s characters."), most=LABEL_MOST)
    if not 0 <= as_day <= 6:
        raise FieldError("as_day", N_("Choose a day of the week."))
    return Special(kind, name, as_day if kind == WORKING else 0)


def every_day(first: date, last: date) -> list[date]:
    """From `first` to `last`. Raises FieldError."""
    if last < first or (last - first).days >= MOST_DAYS:
        raise FieldError(
            "last", N_("The last day is the first or after it, at most %(most)s in all."),
            most=MOST_DAYS,
        )  # fmt: skip
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
