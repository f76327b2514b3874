"""The entries of a section as a table: read, checked row by row, compared with what stands there,
put.

A row changes the entry of its number, or is a new one; a column that the table does not have stays
as it is. Entries that are not in the table stay. Nothing is put before a person has seen what it
changes: what was uploaded is kept as a draft until then, and for a day at most.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.console.sheet import table_of
from central.errors import FieldError
from central.information import editing, model
from central.information.kinds import IN, Field, columns
from central.store import Row, Tx
from central.words import seen

DAY_MS = 86_400_000
MOST_ROWS = editing.MOST_ENTRIES
NUMBER, ORDER = N_("Number to key in"), N_("Place in the list")
FROM, TO = N_("Valid from"), N_("Valid until")
_AROUND = {"code": NUMBER, "position": ORDER, "valid_from": FROM, "valid_to": TO}
NEEDED = "code"
Values = editing.Values


@dataclass(frozen=True)
class Problem:
    """What is wrong in a row, as a person counts rows (the heading is the first)."""

    row: int
    code: str
    error: FieldError


@dataclass(frozen=True)
class Read:
    """The cells of each good row, by column, and what is wrong with the others."""

    rows: tuple[Mapping[str, str], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Change:
    """What would be put. before: what stands there, empty for a new entry; id: of the entry."""

    values: Values
    before: Values
    id: int | None

    @property
    def fields(self) -> list[str]:
        return [key for key, value in self.values.items() if self.before.get(key) != value]


def all_columns(kind: str) -> list[str]:
    return ["code", *(column for column, _ in columns(kind)), "valid_from", "valid_to", "position"]


def label(kind: str, column: str, lang: str) -> str:
    """What a column is called, such as Title (Chinese)."""
    if column in _AROUND:
        return seen(lang, _AROUND[column])
    field = dict(columns(kind))[column]
    if not field.both:
        return seen(lang, field.label)
    return f"{seen(lang, field.label)} ({seen(lang, IN[column[-2:]])})"


def read(tx: Tx, section: Row, text: str) -> tuple[Read, list[Change]]:
    """The rows of a table and what they would change. Raises FieldError for what is no table of
    this kind at all."""
    kind = section["kind"]
    lines = table_of(text, MOST_ROWS)
    places = _places(kind, lines[0] if lines else [])
    stand = {
        row["code"]: (row["id"], model.values_of(row, kind))
        for row in model.entries(tx, section["id"])
    }
    rows: dict[str, Mapping[str, str]] = {}
    problems, wanted = [], []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        cells = {
            name: line[place].strip() if place < len(line) else "" for name, place in places.items()
        }
        code = cells["code"]
        try:
            change = _change(kind, cells, stand)
            if code in rows:
                raise FieldError("code", N_("This number stands there twice."))
            rows[code] = cells
            if change is not None:
                wanted.append(change)
        except FieldError as error:
            problems.append(Problem(number, code[:32], error))
    if not rows and not problems:
        raise FieldError("file", N_("The table has no rows below its heading."))
    return Read(tuple(rows.values()), tuple(problems)), wanted


def _change(
    kind: str, cells: Mapping[str, str], stand: Mapping[str, tuple[int, Values]]
) -> Change | None:
    """None: it stands there as it is. Raises FieldError."""
    id, before = stand.get(cells["code"], (None, editing.NOTHING))
    shown = editing.typed(kind, before) if before else {}
    values = editing.checked(kind, shown | _as_typed(kind, cells))
    if values["position"] is None and before:
        values["position"] = before["position"]
    return None if values == before else Change(values, before, id)


def _as_typed(kind: str, cells: Mapping[str, str]) -> dict[str, str]:
    """What spreadsheets make of it, as a form would have it."""
    typed = dict(cells)
    for name in ("valid_from", "valid_to"):
        if name in typed:
            typed[name] = _day(typed[name])
    for column, field in columns(kind):
        if column in typed and field.choices is not None:
            typed[column] = _choice(field, typed[column])
    return typed


def _day(text: str) -> str:
    """2026/1/5 → 2026-01-05."""
    parts = text.replace("/", "-").replace(".", "-").split("-")
    return "-".join(part.zfill(2) for part in parts) if len(parts) == 3 else text


def _choice(field: Field, text: str) -> str:
    """By its words in either language, as the export writes them, or as it is kept."""
    for key, words in (field.choices or {}).items():
        if text.lower() in (key.lower(), words.lower(), seen("zh", words)):
            return key
    return text


def _places(kind: str, heading: Sequence[str]) -> dict[str, int]:
    names = [_plain(each) for each in heading]
    places = {}
    for column in all_columns(kind):
        known = {_plain(column), *(_plain(label(kind, column, lang)) for lang in ("zh", "en"))}
        for place, name in enumerate(names):
            if name in known:
                places[column] = place
                break
    if NEEDED not in places:
        words = " / ".join(label(kind, NEEDED, lang) for lang in ("zh", "en"))
        raise FieldError("file", N_("The first row must name the column %(name)s."), name=words)
    return places


def _plain(text: str) -> str:
    return "".join(text.split()).lower().replace("（", "(").replace("）", ")")


def put(tx: Tx, section: Row, id: int, wanted: Sequence[Change], by: str) -> None:
    """Put what was seen, and forget the draft `id`. Raises FieldError."""
    for each in wanted:
        editing.put(tx, section, each.id, each.values, each.before, by, editing.IMPORTED)
    tx.execute("DELETE FROM info_drafts WHERE id = ?", (id,))
    told: dict[str, object] = {"items": len(wanted)}
    audit.append(tx, by, "information.import", f"information/{section['id']}", detail=told)


def keep_draft(tx: Tx, section: str, text: str, by: str) -> int:
    tx.execute("DELETE FROM info_drafts WHERE at_ms < ? OR by = ?", (tx.now_ms - DAY_MS, by))
    return tx.insert("info_drafts", section=section, text=text, by=by, at_ms=tx.now_ms)


def draft(tx: Tx, id: int, section: str, by: str) -> str | None:
    """What somebody uploaded."""
    row = tx.one(
        "SELECT text FROM info_drafts WHERE id = ? AND section = ? AND by = ?", (id, section, by)
    )
    return None if row is None else row["text"]


def as_rows(
    tx: Tx, section: Row, word: Callable[[str], str] = lambda text: text
) -> list[list[Any]]:
    """The section's entries in a form that `read` takes, under `all_columns`; word: puts the words
    of a choice into the reader's language."""
    kind = section["kind"]
    choices = {column: field.choices for column, field in columns(kind) if field.choices}
    rows = []
    for row in model.entries(tx, section["id"]):
        shown = editing.typed(kind, model.values_of(row, kind))
        for column, known in choices.items():
            shown[column] = word(known[shown[column]]) if shown[column] else ""
        rows.append([shown[column] for column in all_columns(kind)])
    return rows
