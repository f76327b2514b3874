"""The workbook as a file: reading what an engineer filled in, and the template. No database.

Sheets and columns are known by their Chinese or English names, in any order; what has another name
is told, so that nothing typed is passed over without a word.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from central.console.marks import N_
from central.errors import FieldError
from central.setup.sheets import SHEETS, Line, Sheet, plain

MOST_ROWS = 20_000
MOST_CHARACTERS = 200
# Of the file and of what it unpacks to: a small archive may hold a very large one.
MOST_UNPACKED_BYTES = 64 * 1024 * 1024
HEADING_ROW = 1
TEXT = "@"


def read(raw: bytes) -> list[Line]:
    """The lines of all sheets, wards first. Raises FieldError for what is no such workbook."""
    book = _opened(raw)
    try:
        known = {plain(name): sheet for sheet in SHEETS for name in sheet.names.values()}
        found: dict[str, list[Line]] = {}
        for name in book.sheetnames:
            sheet = known.get(plain(name))
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
    known = {plain(name): column.key for column in sheet.columns for name in column.names.values()}
    places: dict[str, int] = {}
    for at, name in enumerate(heading):
        key = known.get(plain(name))
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


def _text(cell: Any) -> str:
    """Numbers as people write them: a spreadsheet makes 3.0 of a 3."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split())[:MOST_CHARACTERS]


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
            # Text, so that no leading nought is lost and no 1-2 becomes a day.
            page.column_dimensions[letter].number_format = TEXT
            span = f"{letter}{HEADING_ROW + 1}:{letter}{MOST_ROWS}"
            hint = DataValidation(showInputMessage=True, allow_blank=True)
            if column.only is not None:
                names = ",".join(names[lang] for names in column.only.values())
                hint = DataValidation("list", formula1=f'"{names}"', allow_blank=True)
            hint.promptTitle, hint.prompt = column.names[lang], said[column.about]
            page.add_data_validation(hint)
            hint.add(span)
        for row, example in enumerate(sheet.examples if examples else (), HEADING_ROW + 1):
            for at, column in enumerate(sheet.columns, start=1):
                text = example.get(column.key, "")
                if column.only is not None and text:
                    text = column.only[text][lang]
                page.cell(row, at, text or None).number_format = TEXT
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
