"""What people enter: sections, and entries with every version of them. Each check raises FieldError
and names the field; each deed stands in the audit.

A form carries a mark of what stood there when it was opened, and nothing is saved over another's
change (`central.directory.present`).
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.directory.present import unchanged
from central.errors import FieldError
from central.fees.editing import as_yuan, fen
from central.information import model
from central.information.kinds import KINDS, LANGS, TITLE, Field, columns, lacks_english
from central.information.service import INFORMATION, find_text
from central.store import HOSPITAL, Row, Tx

Values = dict[str, Any]
# A new thing: what stands there is nothing.
NOTHING: Values = {}
MOST_SECTIONS = 40
MOST_ENTRIES = 5000
STEP = 10
ADDED, CHANGED, IMPORTED, REMOVED = "added", "changed", "imported", "removed"
# What an own section may not be called in its address.
_TAKEN = ("search", "static")
_CODE = re.compile(r"[0-9]{1,8}")
_BAD_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
YEARS = (2000, 2100)


# --- entries ---


def checked(kind: str, typed: Mapping[str, str]) -> Values:
    """What was typed for an entry; position is None where nothing was. Raises FieldError."""
    code = typed.get("code", "").strip()
    if not _CODE.fullmatch(code):
        raise FieldError("code", N_("Enter the number that callers key in: 1 to 8 digits."))
    values: Values = {"code": code}
    for column, field in columns(kind):
        values[column] = _value(column, field, typed.get(column, ""))
    if not values["title_zh"]:
        raise FieldError("title_zh", N_("Enter the title in Chinese."))
    values["position"] = _position(typed.get("position", ""))
    start, end = (day(typed.get(each, ""), each) for each in ("valid_from", "valid_to"))
    if start and end and end < start:
        raise FieldError("valid_to", N_("The last day is before the first one."))
    return values | {"valid_from": start, "valid_to": end}


def _value(column: str, field: Field, text: str) -> Any:
    if field.is_money:
        return fen(text, column, empty=True)
    text = _tidy(text, many=field.lines > 1)
    if len(text) > field.most:
        raise FieldError(column, N_("At most %(n)s characters."), n=field.most)
    if _BAD_TEXT.search(text):
        raise FieldError(column, N_("There is a sign in this text that cannot be shown."))
    if field.choices is None or not text:
        return text
    if text not in field.choices:
        raise FieldError(column, N_("Choose one of: %(known)s."), known=", ".join(field.choices))
    return text


def _tidy(text: str, *, many: bool) -> str:
    """Without blanks around lines, and on one line unless there may be many."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return "\n".join(lines).strip() if many else " ".join(filter(None, lines))


def _position(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise FieldError("position", N_("The order is a whole number, such as 10."))
    return int(text)


def day(text: str, field: str) -> str:
    """A day as 2026-11-24, or "" for open. Raises FieldError."""
    text = text.strip()
    if not text:
        return ""
    try:
        found = date.fromisoformat(text)
        if YEARS[0] <= found.year <= YEARS[1]:
            return str(found)
    except ValueError:
        pass
    raise FieldError(field, N_("Dates are written as 2026-11-24."))


def typed(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """An entry as its form shows it."""
    shown = {key: str(values[key]) for key in ("code", "position", "valid_from", "valid_to")}
    for column, field in columns(kind):
        shown[column] = as_yuan(values[column]) if field.is_money else values[column]
    return shown


def values(tx: Tx, section: Row, id: int | None) -> Values:
    """What stands there of an entry; NOTHING of one that is new or was removed."""
    row = None if id is None else model.entry_of(tx, section["id"], id)
    if row is None or row["removed_ms"] is not None:
        return NOTHING
    return model.values_of(row, section["kind"])


def save(tx: Tx, section: Row, id: int | None, wanted: Values, seen: str, by: str) -> int:
    """Put an entry, a new one where `id` is None; one that was removed is back by it. Returns its
    id. Raises FieldError, ChangedMeanwhileError."""
    before = values(tx, section, id)
    unchanged(before, seen)
    other = model.entry(tx, section["id"], wanted["code"])
    if other is not None and other["id"] != id:
        raise FieldError("code", N_("%(title)s has this number already."), title=other["title_zh"])
    what = CHANGED if before else ADDED
    put_id, version = put(tx, section, id, wanted, before, by, what)
    if version:
        told: dict[str, object] = {
            "number": wanted["code"], "title": wanted["title_zh"], "version": version,
        }  # fmt: skip
        audit.append(tx, by, "information.put", f"information/{section['id']}", detail=told)
    return put_id


def put(
    tx: Tx, section: Row, id: int | None, wanted: Values, before: Values, by: str, what: str
) -> tuple[int, int]:
    """As `save`, when it is known that the number is free and nobody else was at it, and without a
    word in the audit. Returns id and version, 0 where it stood there already."""
    if wanted["position"] is None:
        wanted = wanted | {"position": before.get("position") or _last(tx, section["id"]) + STEP}
    if before == wanted and id is not None:
        return id, 0
    row = _row(section["kind"], wanted)
    if id is None:
        _room(tx, section["id"])
        id = tx.insert("info_entries", section=section["id"], **row)
    else:
        names = ", ".join(f"{each} = :{each}" for each in row)
        tx.execute(
            f"UPDATE info_entries SET {names}, removed_ms = NULL WHERE id = :id", row | {"id": id}
        )
    tx.changed(HOSPITAL, INFORMATION)
    return id, _keep(tx, id, what, wanted, by)


def _row(kind: str, wanted: Values) -> Values:
    details = {
        column: wanted[column]
        for column, field in columns(kind)
        if field.name not in ("title", "text")
    }
    own = {key: value for key, value in wanted.items() if key not in details}
    return own | {
        "details": json.dumps(details, ensure_ascii=False),
        "find": find_text(kind, wanted),
        "lacks_en": lacks_english(kind, wanted),
    }


def _last(tx: Tx, section: str) -> int:
    return int(
        tx.value(
            "SELECT coalesce(max(position), 0) FROM info_entries WHERE section = ?"
            " AND removed_ms IS NULL",
            (section,),
        )
    )


def _room(tx: Tx, section: str) -> None:
    n = tx.value(
        "SELECT count(*) FROM info_entries WHERE section = ? AND removed_ms IS NULL", (section,)
    )
    if n >= MOST_ENTRIES:
        raise FieldError("code", N_("A section has at most %(n)s entries."), n=MOST_ENTRIES)


def remove(tx: Tx, section: Row, id: int, seen: str, by: str) -> None:
    """Take an entry away; its versions are kept, and one of them can be put back. Raises
    ChangedMeanwhileError."""
    before = values(tx, section, id)
    unchanged(before or None, seen)
    tx.execute("UPDATE info_entries SET removed_ms = ? WHERE id = ?", (tx.now_ms, id))
    _keep(tx, id, REMOVED, before, by)
    told: dict[str, object] = {"number": before["code"], "title": before["title_zh"]}
    audit.append(tx, by, "information.remove", f"information/{section['id']}", detail=told)
    tx.changed(HOSPITAL, INFORMATION)


def _keep(tx: Tx, id: int, what: str, body: Values, by: str) -> int:
    """Keep a version. Returns its number."""
    number = int(
        tx.value("SELECT coalesce(max(number), 0) + 1 FROM info_versions WHERE entry = ?", (id,))
    )
    tx.insert(
        "info_versions", entry=id, number=number, what=what, by=by, at_ms=tx.now_ms,
        body=json.dumps(body, ensure_ascii=False),
    )  # fmt: skip
    return number


def version(tx: Tx, section: Row, id: int, number: int) -> Values | None:
    """What an entry was; a field that its kind has had only since then is empty."""
    row = tx.one("SELECT body FROM info_versions WHERE entry = ? AND number = ?", (id, number))
    if row is None:
        return None
    nothing = {column: None if field.is_money else "" for column, field in columns(section["kind"])}
    return nothing | json.loads(row["body"])


# --- sections ---


def section_values(row: Row | None) -> Values:
    if row is None:
        return NOTHING
    return {key: row[key] for key in ("kind", "title_zh", "title_en", "position", "is_on")}


def checked_section(typed: Mapping[str, str], row: Row | None) -> Values:
    """row: the section, None for a new one; its kind stays as it is. Raises FieldError."""
    kind = typed.get("kind", "") if row is None else row["kind"]
    if kind not in KINDS:
        raise FieldError("kind", N_("Choose what its entries are."))
    wanted: Values = {"kind": kind}
    for lang in LANGS:
        column = f"title_{lang}"
        wanted[column] = _value(column, TITLE, typed.get(column, ""))
    if not wanted["title_zh"]:
        raise FieldError("title_zh", N_("Enter the title in Chinese."))
    return wanted | {"position": _position(typed.get("position", ""))}


def save_section(tx: Tx, row: Row | None, wanted: Values, seen: str, by: str) -> str:
    """Put a section, a new one where `row` is None, which is on at once. Returns its id. Raises
    FieldError, ChangedMeanwhileError."""
    before = section_values(row)
    unchanged(before, seen)
    if wanted["position"] is None:
        last = tx.value("SELECT coalesce(max(position), 0) FROM info_sections")
        wanted = wanted | {"position": before.get("position", last + STEP)}
    if row is None:
        id = _free_id(tx, wanted["title_en"])
        tx.insert("info_sections", id=id, is_own=1, **wanted)
    else:
        id = row["id"]
        tx.execute(
            "UPDATE info_sections SET title_zh = :title_zh, title_en = :title_en,"
            " position = :position WHERE id = :id",
            wanted | {"id": id},
        )
    told: dict[str, object] = {"title": wanted["title_zh"]}
    audit.append(tx, by, "information.section", f"information/{id}", detail=told)
    tx.changed(HOSPITAL, INFORMATION)
    return id


def _free_id(tx: Tx, title: str) -> str:
    """A word for the section's address, after its English title."""
    if tx.value("SELECT count(*) FROM info_sections") >= MOST_SECTIONS:
        raise FieldError("title_zh", N_("There are at most %(n)s sections."), n=MOST_SECTIONS)
    word = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:24].strip("-")
    if not word or not word[0].isalpha():
        word = f"section-{word}".rstrip("-")
    taken = {row["id"] for row in model.sections(tx)} | set(_TAKEN)
    names = (word if n == 1 else f"{word}-{n}" for n in range(1, MOST_SECTIONS + len(_TAKEN) + 2))
    return next(name for name in names if name not in taken)


def switch(tx: Tx, row: Row, is_on: bool, by: str) -> None:
    """Let callers and readers have a section, or not."""
    tx.execute("UPDATE info_sections SET is_on = ? WHERE id = ?", (is_on, row["id"]))
    ref = f"information/{row['id']}"
    audit.append(tx, by, "information.on" if is_on else "information.off", ref)
    tx.changed(HOSPITAL, INFORMATION)


def remove_section(tx: Tx, row: Row, seen: str, by: str) -> None:
    """Take away a section that somebody has added, with what entries it once had. Raises
    FieldError, ChangedMeanwhileError."""
    unchanged(section_values(row), seen)
    if not row["is_own"]:
        raise FieldError("store", N_("This section is Wardline's own: switch it off instead."))
    if model.entries(tx, row["id"]):
        raise FieldError("store", N_("There are entries in this section: remove them first."))
    of = "SELECT id FROM info_entries WHERE section = ?"
    tx.execute(f"DELETE FROM info_versions WHERE entry IN ({of})", (row["id"],))
    tx.execute("DELETE FROM info_entries WHERE section = ?", (row["id"],))
    tx.execute("DELETE FROM info_sections WHERE id = ?", (row["id"],))
    told: dict[str, object] = {"title": row["title_zh"]}
    audit.append(tx, by, "information.section_remove", f"information/{row['id']}", detail=told)
    tx.changed(HOSPITAL, INFORMATION)
