"""Holidays as a table: read, and checked row by row; one that has a problem changes nothing."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from central.console.marks import N_
from central.console.sheet import FORMULA
from central.errors import FieldError
from central.hours import editing
from central.hours.rules import HOLIDAY, WORKING, Special

MOST_ROWS = 1000
COLUMNS = {
    "date": ("date", "日期"),
    "kind": ("kind", "类型", "类别"),
    "name": ("name", "name of the day", "名称", "节日"),
    "as_day": ("times of", "按星期", "补班按"),
}
KINDS = {
    "holiday": HOLIDAY, "放假": HOLIDAY, "节假日": HOLIDAY, "休": HOLIDAY,
    "working": WORKING, "make-up working day": WORKING, "上班": WORKING, "调休上班": WORKING,
    "补班": WORKING, "班": WORKING,
}  # fmt: skip
WEEKDAYS = {
    word: day
    for day, words in enumerate(
        (
            ("1", "monday", "一"), ("2", "tuesday", "二"), ("3", "wednesday", "三"),
            ("4", "thursday", "四"), ("5", "friday", "五"), ("6", "saturday", "六"),
            ("7", "sunday", "日"),
        )
    )
    for word in words
}  # fmt: skip
HEADING = (N_("Date"), N_("Kind"), N_("Name of the day"), N_("Times of"))


@dataclass(frozen=True)
class Problem:
    """What is wrong in a row, as a person counts rows (the heading is the first)."""

    row: int
    error: FieldError


def read(text: str) -> tuple[dict[date, Special], list[Problem]]:
    """The days of a table, and what is wrong with the others. Raises FieldError for what is no
    such table at all."""
    text = text.lstrip("\ufeff")
    dialect = "\t" if "\t" in text.partition("\n")[0] else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect, strict=True))
    except csv.Error:
        raise FieldError("table", N_("This is no CSV table. Save it as CSV UTF-8.")) from None
    if len(lines) > MOST_ROWS:
        raise FieldError("table", N_("At most %(n)s rows."), n=MOST_ROWS)
    places = _places(lines[0] if lines else [])
    days: dict[date, Special] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        typed = {
            name: _cell(line[place]) if place < len(line) else "" for name, place in places.items()
        }
        try:
            day = editing.a_day(typed["date"])
            if day in days:
                raise FieldError("date", N_("This date stands there twice."))
            days[day] = _special(typed, day)
        except FieldError as error:
            problems.append(Problem(number, error))
    if not days and not problems:
        raise FieldError("table", N_("The table has no rows below its heading."))
    return days, problems


def _places(heading: Sequence[str]) -> dict[str, int]:
    names = [each.strip().lower() for each in heading]
    places = {
        column: place
        for column, known in COLUMNS.items()
        for place, name in enumerate(names)
        if name in known
    }
    if missing := [each for each in ("date", "kind") if each not in places]:
        words = " / ".join(COLUMNS[missing[0]])
        raise FieldError("table", N_("The first row must name the column %(name)s."), name=words)
    return places


def _cell(text: str) -> str:
    """Without the apostrophe before what would be taken for a formula (`sheet.download`)."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def _special(typed: dict[str, str], day: date) -> Special:
    kind = KINDS.get(typed["kind"].lower(), "")
    named = typed.get("as_day", "").lower()
    for before in ("星期", "周"):
        named = named.removeprefix(before)
    named = "日" if named == "天" else named
    if named and named not in WEEKDAYS:
        raise FieldError("as_day", N_("Choose a day of the week."))
    # A make-up day is on a weekend: it has the times of a Monday unless the table says otherwise.
    return editing.special(kind, typed.get("name", ""), WEEKDAYS[named] if named else 0)
