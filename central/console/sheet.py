"""Tables for other programs, as CSV that is safe to open in any spreadsheet, and tables that
spreadsheets have made."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from central.console.marks import N_
from central.errors import FieldError

# What makes a spreadsheet take a cell for a formula; Chinese ones take the wide forms, too.
FORMULA = tuple("=+-@＝＋－＠\t\r\n")


def download(name: str, heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The CSV file `name`. Every text in it is made harmless, whoever typed or sent it; numbers
    stay numbers and None is empty."""
    table = io.StringIO()
    writer = csv.writer(table)
    for row in (heading, *rows):
        writer.writerow([_cell(each) for each in row])
    # The byte order mark lets spreadsheets read Chinese.
    answer = Response("\ufeff" + table.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _cell(value: Any) -> Any:
    """A leading apostrophe is what spreadsheets themselves write before such a text."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return "'" + value
    return value


def decoded(raw: bytes) -> str:
    """The text of a file of a spreadsheet: UTF-8, or GB18030 as they write it in China. Raises
    FieldError."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FieldError("file", N_("The file is neither UTF-8 nor GB18030. Save it as CSV UTF-8."))


def table_of(text: str, most: int) -> list[list[str]]:
    """The rows of a table, its heading first, of at most so many. Raises FieldError."""
    dialect = "\t" if "\t" in text.partition("\n")[0] else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect, strict=True))
    except csv.Error:
        raise FieldError("file", N_("This is no CSV table. Save it as CSV UTF-8.")) from None
    if len(lines) > most + 1:
        raise FieldError("file", N_("More than %(n)s rows: divide the table into several."), n=most)
    return [[_plain(cell) for cell in line] for line in lines]


def _plain(text: str) -> str:
    """Without the apostrophe that `download` and spreadsheets put before what would be taken for a
    formula."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text
