"""A catalogue as a table: read, checked row by row, compared with what stands there, put.

Nothing is put before a person has seen what it changes. What was uploaded is kept as a draft until
then, and for a day at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from central.audit import model as audit
from central.console.marks import N_
from central.console.sheet import table_of
from central.errors import FieldError
from central.fees import editing, model
from central.fees.scope import B, Item
from central.fees.taking import FEES
from central.store import HOSPITAL, Tx

MOST_ROWS = 100_000
DAY_MS = 86_400_000
# What a column may be called, without blanks and in small letters.
COLUMNS = {
    "code": ("code", "编码", "项目编码", "医保编码", "国家编码", "代码"),
    "name": ("name", "名称", "项目名称", "药品名称", "itemname"),
    "kind": ("class", "类别", "目录类别", "收费类别", "甲乙丙", "catalogueclass"),
    "limit": ("limit", "限价", "最高限价", "支付标准", "限价(元)", "pricelimit"),
    "first": ("firstself-pay", "先行自付比例", "先自付比例", "自付比例"),
    "from_day": ("from", "生效日期", "开始日期", "inforcefrom"),
}
NEEDED = ("code", "name", "kind")
KINDS = {"a": "A", "b": "B", "c": "C", "甲": "A", "乙": "B", "丙": "C",
         "甲类": "A", "乙类": "B", "丙类": "C"}  # fmt: skip
HEADING = (
    N_("Code"),
    N_("Item name"),
    N_("Catalogue class"),
    N_("Price limit"),
    N_("First self-pay"),
    N_("In force from"),
)


@dataclass(frozen=True)
class Problem:
    """What is wrong in a row, as a person counts rows (the heading is the first)."""

    row: int
    code: str
    error: FieldError


@dataclass(frozen=True)
class Read:
    """The good rows as (item, day), and what is wrong with the others."""

    rows: tuple[tuple[Item, str], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Change:
    """A version that would be put. `before`: what it replaces, or what holds until its day."""

    item: Item
    from_day: str
    before: Item | None


def read(text: str, from_day: str) -> Read:
    """The rows of a table. `from_day`: of those that name no day. Raises FieldError for what is
    no catalogue at all."""
    lines = table_of(text, MOST_ROWS)
    places = _places(lines[0] if lines else [])
    rows: dict[tuple[str, str], tuple[Item, str]] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        typed = {name: line[place] if place < len(line) else "" for name, place in places.items()}
        try:
            item, day = _row(typed, from_day)
            if (item.code, day) in rows:
                raise FieldError("code", N_("This code stands there twice for the same day."))
            rows[item.code, day] = (item, day)
        except FieldError as error:
            problems.append(Problem(number, typed.get("code", "")[:64], error))
    if not rows and not problems:
        raise FieldError("file", N_("The table has no rows below its heading."))
    return Read(tuple(rows.values()), tuple(problems))


def _places(heading: Sequence[str]) -> dict[str, int]:
    names = [
        "".join(each.split()).lower().replace("（", "(").replace("）", ")") for each in heading
    ]
    places = {}
    for column, known in COLUMNS.items():
        for place, name in enumerate(names):
            if name in known:
                places[column] = place
                break
    if missing := [each for each in NEEDED if each not in places]:
        words = " / ".join(COLUMNS[missing[0]][:2])
        raise FieldError("file", N_("The first row must name the column %(name)s."), name=words)
    return places


def _row(typed: Mapping[str, str], from_day: str) -> tuple[Item, str]:
    kind = KINDS.get(typed["kind"].lower(), "")
    first = typed.get("first", "")
    if kind != B and first:
        # Tables say 0 for class A and 100 for class C.
        editing.basis_points(first, "first")
        first = ""
    # A spreadsheet writes 0.1 where it shows 10 %.
    if kind == B and first and "%" not in first and "％" not in first:
        share = editing.basis_points(first, "first")
        first = editing.as_percent(share * 100) if 0 < share <= 100 and "." in first else first
    day = (typed.get("from_day") or from_day).replace("/", "-").replace(".", "-")
    if day.count("-") == 2:
        day = "-".join(part.zfill(2) for part in day.split("-"))
    return editing.checked_item({**typed, "kind": kind, "first": first, "from_day": day})


def changes(tx: Tx, rows: Sequence[tuple[Item, str]]) -> list[Change]:
    """What putting `rows` would change, in their order; those that hold already are left out."""
    known = model.item_versions(tx, (item.code for item, _ in rows))
    # Rows of one code build on each other, the earliest first.
    found = {}
    for item, day in sorted(rows, key=lambda each: (each[0].code, each[1])):
        versions = known.setdefault(item.code, [])
        before = next((old for start, old in versions if str(start) <= day), None)
        if before != item:
            found[item.code, day] = Change(item, day, before)
            versions.insert(0, (date.fromisoformat(day), item))
            versions.sort(key=lambda each: each[0], reverse=True)
    return [found[item.code, day] for item, day in rows if (item.code, day) in found]


def keep_draft(tx: Tx, text: str, from_day: str, by: str) -> int:
    tx.execute("DELETE FROM fee_drafts WHERE at_ms < ? OR by = ?", (tx.now_ms - DAY_MS, by))
    return tx.insert("fee_drafts", text=text, from_day=from_day, by=by, at_ms=tx.now_ms)


def draft(tx: Tx, id: int, by: str) -> tuple[str, str] | None:
    """(text, day) of what somebody uploaded."""
    row = tx.one("SELECT * FROM fee_drafts WHERE id = ? AND by = ?", (id, by))
    return None if row is None else (row["text"], row["from_day"])


def put(tx: Tx, id: int, wanted: Sequence[Change], by: str) -> None:
    """Put what was seen, and forget the draft."""
    for each in wanted:
        editing.put_item(tx, each.item, each.from_day, by)
    tx.execute("DELETE FROM fee_drafts WHERE id = ?", (id,))
    told: dict[str, object] = {"items": len(wanted)}
    audit.append(tx, by, "fee_item.import", detail=told)
    tx.changed(HOSPITAL, FEES)


def as_row(item: Item, from_day: str) -> list[str]:
    """A version in a form that `read` takes, under HEADING."""
    first = f"{editing.as_percent(item.first_bp)}%" if item.kind == B else ""
    return [item.code, item.name, item.kind, editing.as_yuan(item.limit_fen), first, from_day]


def as_rows(tx: Tx) -> list[list[str]]:
    """The whole catalogue, every version."""
    rows = tx.all("SELECT * FROM fee_items ORDER BY code, from_day")
    return [as_row(model.item_of(row), row["from_day"]) for row in rows]
