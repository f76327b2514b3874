"""The workbook that an engineer fills in: which sheets and columns it has, reading it, and the
template. No database.

Sheets and columns are known by their Chinese or English names, in any order; what has another name
is told, so that nothing typed is passed over without a word.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from central.console.marks import N_
from central.errors import FieldError

MOST_ROWS = 20_000
MOST_CHARACTERS = 200
# Of the file and of what it unpacks to: a small archive may hold a very large one.
MOST_UNPACKED_BYTES = 64 * 1024 * 1024
HEADING_ROW = 1


@dataclass(frozen=True)
class Column:
    """names: by language. about: an English message id for the template. only: values that may
    stand there, each with its names by language."""

    key: str
    names: Mapping[str, str]
    about: str
    only: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Sheet:
    key: str
    names: Mapping[str, str]
    columns: Sequence[Column]
    needed: Sequence[str]
    # By column, as an example; in one line each.
    examples: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Line:
    """A row of a sheet as a person counts rows; cells: text by the column's key, blanks cut."""

    sheet: str
    row: int
    cells: Mapping[str, str]


LANGS = {"zh": {"zh": "中文", "en": "Chinese"}, "en": {"zh": "英文", "en": "English"}}
ROLES = {
    "bedside": {"zh": "床旁", "en": "bedside"},
    "station": {"zh": "护士站", "en": "station"},
}

SHEETS = (
    Sheet(
        "wards",
        {"zh": "病区", "en": "Wards"},
        (
            Column("ward", {"zh": "病区", "en": "Ward"},
                   N_("Its number, as people say it: 1 to 16 letters and digits")),
            Column("name_zh", {"zh": "中文名称", "en": "Chinese name"}, N_("Shown and spoken")),
            Column("name_en", {"zh": "英文名称", "en": "English name"}, N_("Shown and spoken")),
            Column("lang", {"zh": "语言", "en": "Language"},
                   N_("What its loudspeakers speak; empty: Chinese"), LANGS),
            Column("neighbour", {"zh": "相邻病区", "en": "Neighbour"},
                   N_("The ward that takes calls over; may be empty")),
        ),
        ("ward", "name_zh", "name_en"),
        (
            {"ward": "7", "name_zh": "七病区", "name_en": "Ward 7", "lang": "zh",
             "neighbour": "8"},
            {"ward": "8", "name_zh": "八病区", "name_en": "Ward 8", "lang": "zh",
             "neighbour": "7"},
        ),
    ),
    Sheet(
        "boxes",
        {"zh": "主机", "en": "Boxes"},
        (
            Column("box", {"zh": "主机", "en": "Box"},
                   N_("Its name: 1 to 32 letters, digits and dashes")),
            Column("ward", {"zh": "病区", "en": "Ward"}, N_("A ward of the house or of this file")),
            Column("role", {"zh": "用途", "en": "Role"},
                   N_("Bedside: buttons and lamps of beds; station: the nurse station"), ROLES),
        ),
        ("box", "ward", "role"),
        (
            {"box": "7-box", "ward": "7", "role": "bedside"},
            {"box": "7-station", "ward": "7", "role": "station"},
        ),
    ),
    Sheet(
        "beds",
        {"zh": "床位", "en": "Beds"},
        (
            Column("ward", {"zh": "病区", "en": "Ward"}, N_("A ward of the house or of this file")),
            Column("bed", {"zh": "床号", "en": "Bed"}, N_("As people say it, such as 5 or 加1")),
            Column("box", {"zh": "主机", "en": "Box"},
                   N_("The bedside box that its button is wired to; may be empty for now")),
            Column("unit", {"zh": "床旁单元地址", "en": "Unit"},
                   N_("Address 1 to 247 of its unit on the box's bus; empty where there is no"
                      " bus")),
        ),
        ("ward", "bed"),
        (
            {"ward": "7", "bed": "1", "box": "7-box", "unit": "1"},
            {"ward": "7", "bed": "加1", "box": "7-box", "unit": "2"},
        ),
    ),
    Sheet(
        "phones",
        {"zh": "电话", "en": "Telephones"},
        (
            Column("number", {"zh": "号码", "en": "Number"}, N_("The extension: 2 to 8 digits")),
            Column("label", {"zh": "名称", "en": "Name"}, N_("Whose it is or where it stands")),
            Column("address", {"zh": "硬件地址", "en": "Hardware address"},
                   N_("12 digits and letters a to f, on its label; empty: a number without a"
                      " telephone yet")),
            Column("station_of", {"zh": "护士站", "en": "Station of ward"},
                   N_("The ward whose nurse station it is; else empty")),
            Column("rights", {"zh": "权限", "en": "Permission class"},
                   N_("As under Telephone directory; empty: only inside the house")),
            Column("lang", {"zh": "语言", "en": "Language"},
                   N_("What it speaks; empty: Chinese"), LANGS),
        ),
        ("number", "label"),
        (
            {"number": "8007", "label": "七病区护士站", "address": "001565000007",
             "station_of": "7", "rights": "internal", "lang": "zh"},
        ),
    ),
)  # fmt: skip
BY_KEY = {sheet.key: sheet for sheet in SHEETS}


def read(raw: bytes) -> list[Line]:
    """The lines of all sheets, wards first. Raises FieldError for what is no such workbook."""
    book = _opened(raw)
    try:
        known = {_plain(name): sheet for sheet in SHEETS for name in sheet.names.values()}
        found: dict[str, list[Line]] = {}
        for name in book.sheetnames:
            sheet = known.get(_plain(name))
            if sheet is None:
                raise FieldError("file", N_("There is no use for a sheet %(name)s."), name=name)
            found[sheet.key] = list(_lines(sheet, book[name].iter_rows(values_only=True)))
    finally:
        book.close()
    lines = [line for sheet in SHEETS for line in found.get(sheet.key, ())]
    if not lines:
        raise FieldError("file", N_("The sheets have no rows below their headings."))
    return lines


def _opened(raw: bytes) -> Any:
    message = N_("This is no workbook that can be read. Save it as XLSX.")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(each.file_size for each in archive.infolist()) > MOST_UNPACKED_BYTES:
                raise FieldError("file", N_("The file is too large."))
        return load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except FieldError:
        raise
    except Exception:
        # A file from anywhere: openpyxl fails in as many ways as there are damages.
        raise FieldError("file", message) from None


def _lines(sheet: Sheet, rows: Iterator[tuple[Any, ...]]) -> Iterator[Line]:
    places = _places(sheet, [_text(cell) for cell in next(rows, ())])
    for number, row in enumerate(rows, start=HEADING_ROW + 1):
        if number > MOST_ROWS:
            message = N_("More than %(n)s rows: divide the table into several.")
            raise FieldError("file", message, n=MOST_ROWS)
        cells = {key: _text(row[at]) if at < len(row) else "" for key, at in places.items()}
        if any(cells.values()):
            yield Line(sheet.key, number, cells)


def _places(sheet: Sheet, heading: Sequence[str]) -> dict[str, int]:
    known = {_plain(name): column.key for column in sheet.columns for name in column.names.values()}
    places: dict[str, int] = {}
    for at, name in enumerate(heading):
        key = known.get(_plain(name))
        if name and key is None:
            message = N_("Sheet %(sheet)s: there is no use for a column %(name)s.")
            raise FieldError("file", message, sheet=" / ".join(sheet.names.values()), name=name)
        if key in places:
            message = N_("Sheet %(sheet)s: the column %(name)s stands there twice.")
            raise FieldError("file", message, sheet=" / ".join(sheet.names.values()), name=name)
        if key is not None:
            places[key] = at
    for column in sheet.columns:
        if column.key in sheet.needed and column.key not in places:
            message = N_("Sheet %(sheet)s: the column %(name)s is missing.")
            values = [" / ".join(each.values()) for each in (sheet.names, column.names)]
            raise FieldError("file", message, sheet=values[0], name=values[1])
    return places


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def _text(cell: Any) -> str:
    """Numbers as people write them: a spreadsheet makes 3.0 of a 3."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split())[:MOST_CHARACTERS]


def value(column: Column, text: str) -> str | None:
    """What stands for `text` in a column of few values; "" for nothing, None for what is none."""
    if not text or column.only is None:
        return text
    for code, names in column.only.items():
        if _plain(text) in (code, *map(_plain, names.values())):
            return code
    return None


def template(lang: str, said: Mapping[str, str], *, examples: bool) -> bytes:
    """An empty workbook, or one with examples. said: each `about` in that language."""
    book = Workbook()
    del book[book.sheetnames[0]]
    for sheet in SHEETS:
        page = book.create_sheet(sheet.names[lang])
        page.freeze_panes = "A2"
        for at, column in enumerate(sheet.columns, start=1):
            cell = page.cell(HEADING_ROW, at, column.names[lang])
            cell.font = Font(bold=column.key in sheet.needed)
            cell.alignment = Alignment(wrap_text=True)
            letter = get_column_letter(at)
            page.column_dimensions[letter].width = 22
            span = f"{letter}{HEADING_ROW + 1}:{letter}{MOST_ROWS}"
            hint = DataValidation(showInputMessage=True, allow_blank=True)
            if column.only is not None:
                names = ",".join(names[lang] for names in column.only.values())
                hint = DataValidation("list", formula1=f'"{names}"', allow_blank=True)
            hint.promptTitle, hint.prompt = column.names[lang], said[column.about]
            page.add_data_validation(hint)
            hint.add(span)
            for row in range(HEADING_ROW + 1, HEADING_ROW + 1 + 500):
                # Text, so that no leading nought is lost and no 1-2 becomes a day.
                page.cell(row, at).number_format = "@"
        for row, example in enumerate(sheet.examples if examples else (), HEADING_ROW + 1):
            for at, column in enumerate(sheet.columns, start=1):
                text = example.get(column.key, "")
                if column.only is not None and text:
                    text = column.only[text][lang]
                page.cell(row, at, text or None)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
