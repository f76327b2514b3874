"""From a row of the hospital's database to the body of a message, as HTTP would bring it.

What cannot be converted is left as it is: the schema then refuses it, naming the field.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.his.http.schemas import TIME
from gateway.his.poller.settings import Column, Feed, schema_of

Body = dict[str, Any]


def body_of(feed: Feed, row: Mapping[str, Any]) -> Body:
    """`row`: values by the names of the database's columns."""
    body: Body = {}
    for path, fixed in feed.fixed.items():
        _put(feed.kind, body, path, fixed)
    for path, column in feed.columns.items():
        value = convert(row[column.column], column, schema_of(feed.kind, path) or {})
        if value is not None:
            _put(feed.kind, body, path, value)
    return body


def written(body: Body) -> bytes:
    """The body as JSON, the same for the same content."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")


def convert(value: Any, column: Column, schema: Mapping[str, Any]) -> Any:
    """A value of the database as JSON; None: leave the field out."""
    if isinstance(value, str):
        value = value.strip()  # CHAR columns are filled with blanks
    if value is None or value == "":
        return None
    if str(value) in column.values:
        return column.values[str(value)]
    if schema.get("pattern") == TIME:
        return _time(value, column.format)
    kind = schema.get("type")
    if kind == "boolean":
        return bool(value) if isinstance(value, int | Decimal) else value
    if kind in ("integer", "number"):
        return _number(value, column.unit)
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))  # numbers of patients, kept as NUMBER
    return str(value)


def _time(value: Any, format: str) -> Any:
    if isinstance(value, str) and format:
        try:
            value = datetime.strptime(value, format)
        except ValueError:
            return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"
    return str(value)[:19].replace(" ", "T", 1)


def _number(value: Any, unit: str) -> Any:
    try:
        number = Decimal(str(value))
        number = number * 100 if unit == "yuan" else number
        return int(number) if number == number.to_integral_value() else float(number)
    except (InvalidOperation, OverflowError, ValueError):
        return str(value)


def _put(kind: str, body: Body, path: str, value: Any) -> None:
    *outer, name = path.split(".")
    place: Any = body
    for part in outer:
        # What is a list in the message has one thing of a row.
        place = place.setdefault(part, [{}] if part == "charges" else {})
        place = place[0] if isinstance(place, list) else place
    place[name] = value
