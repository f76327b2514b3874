"""Tables for other programs, as CSV that is safe to open in any spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

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
