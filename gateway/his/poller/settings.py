"""What is read out of which database, from central.json, checked when it is read.

    "polls": [{"name": "HIS", "url": "oracle+oracledb://reader:...@db/?service_name=his",
      "feeds": [
        {"kind": "stays", "table": "HIS.V_INPATIENT", "columns": {"patient_id": "PAT_NO", ...}},
        {"kind": "charges", "table": "HIS.V_FEE", "cursor": {"time": "UPDATED_AT", "id": "FEE_ID"},
         "columns": {"patient_id": "PAT_NO", "charges.id": "FEE_ID",
                     "charges.amount_fen": {"column": "AMOUNT", "unit": "yuan"}, ...}}]}]

A feed of stays without a cursor is the picture of who lies where now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.his.http.schemas import SCHEMAS, STAYS, Schema

EVERY_S = 10.0
TIMEOUT_S = 20.0
OVERLAP_S = 600.0
BEGIN_DAYS = 1.0
HOLD_SHARE = 0.5
UNITS = ("fen", "yuan")


class PollConfigError(ValueError):
    """ "polls" of central.json cannot be used; names the field and what belongs there."""

    error_id = "poll-config-wrong"


@dataclass(frozen=True)
class Column:
    """Where a field's value stands. `unit`: of money. `values`: what is written instead of what
    the database holds. `format`: of times kept as text, as strptime has it, "" for ISO."""

    column: str
    unit: str = "fen"
    values: Mapping[str, str] = field(default_factory=dict)
    format: str = ""


@dataclass(frozen=True)
class Place:
    """Where the next rows begin: columns of a time that never goes back and of a unique id.
    `format`: of the time where it is kept as text, "" where the database has a time."""

    time: str
    id: str
    format: str = ""


@dataclass(frozen=True)
class Feed:
    """One table or view. `columns` by field, such as "location.bed". `overlap_s`: so late a row
    may be committed after its own time and is still found."""

    name: str
    kind: str
    table: str
    columns: Mapping[str, Column]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None
    overlap_s: float = OVERLAP_S
    begin_days: float = BEGIN_DAYS
    hold_share: float = HOLD_SHARE

    @property
    def is_picture(self) -> bool:
        return self.place is None


@dataclass(frozen=True)
class Source:
    """One database. `name` is the sender of what is read."""

    name: str
    url: str
    feeds: tuple[Feed, ...]
    every_s: float = EVERY_S
    timeout_s: float = TIMEOUT_S
    options: Mapping[str, Any] = field(default_factory=dict)


def schema_of(kind: str, path: str) -> Schema | None:
    """The schema of a field such as "charges.amount_fen"; None: there is none."""
    schema: Schema | None = SCHEMAS[kind]
    for part in path.split("."):
        if schema is not None and schema.get("type") == "array":
            schema = schema["items"]
        schema = (schema or {}).get("properties", {}).get(part)
    return schema if schema and schema["type"] not in ("object", "array") else None


def from_config(config: Mapping[str, Any]) -> tuple[Source, ...]:
    """The sources of central.json. Raises PollConfigError."""
    polls = config.get("polls", [])
    if not isinstance(polls, list):
        raise PollConfigError("polls: must be a list of databases")
    sources = tuple(_source(each, f"polls[{n}]") for n, each in enumerate(polls))
    names = [each.name for each in sources]
    if len(set(names)) < len(names):
        raise PollConfigError("polls: two databases have the same name; give each its own")
    return sources


def _source(given: Any, at: str) -> Source:
    given = _group(given, at, ("name", "url", "feeds", "every_s", "timeout_s", "options"))
    feeds = given.get("feeds")
    if not isinstance(feeds, list) or not feeds:
        raise PollConfigError(f"{at}.feeds: must list at least one table")
    made = tuple(_feed(each, f"{at}.feeds[{n}]") for n, each in enumerate(feeds))
    if len({each.name for each in made}) < len(made):
        raise PollConfigError(f'{at}.feeds: give each its own "name"')
    return Source(
        _text(given, "name", at), _text(given, "url", at), made,
        _number(given, "every_s", at, EVERY_S), _number(given, "timeout_s", at, TIMEOUT_S),
        _group(given.get("options", {}), f"{at}.options"),
    )  # fmt: skip


def _feed(given: Any, at: str) -> Feed:
    given = _group(
        given, at,
        ("name", "kind", "table", "columns", "fixed", "cursor", "overlap_s", "begin_days",
         "hold_share"),
    )  # fmt: skip
    kind = _text(given, "kind", at)
    if kind not in SCHEMAS:
        raise PollConfigError(f"{at}.kind: must be one of {', '.join(SCHEMAS)}")
    columns = {
        path: _column(each, f"{at}.columns.{path}")
        for path, each in _group(given.get("columns"), f"{at}.columns").items()
    }
    fixed = _group(given.get("fixed", {}), f"{at}.fixed")
    for path in (*columns, *fixed):
        if schema_of(kind, path) is None:
            raise PollConfigError(f"{at}: {kind} has no field {path}; see the OpenAPI document")
    place = _place(given["cursor"], f"{at}.cursor") if "cursor" in given else None
    if place is None and kind != STAYS:
        raise PollConfigError(f"{at}.cursor: name the columns of time and id")
    needed = [each for each in SCHEMAS[kind]["required"] if place is not None or each != "what"]
    for name in needed:
        if not any(path.split(".")[0] == name for path in (*columns, *fixed)):
            raise PollConfigError(f"{at}.columns: {name} is missing, which {kind} needs")
    return Feed(
        given.get("name") or kind, kind, _text(given, "table", at), columns, fixed, place,
        _number(given, "overlap_s", at, OVERLAP_S), _number(given, "begin_days", at, BEGIN_DAYS),
        min(_number(given, "hold_share", at, HOLD_SHARE), 1.0),
    )  # fmt: skip


def _column(given: Any, at: str) -> Column:
    if isinstance(given, str) and given:
        return Column(given)
    given = _group(given, at, ("column", "unit", "values", "format"))
    unit = given.get("unit", "fen")
    if unit not in UNITS:
        raise PollConfigError(f"{at}.unit: must be fen or yuan")
    values = {str(k): str(v) for k, v in _group(given.get("values", {}), f"{at}.values").items()}
    return Column(_text(given, "column", at), unit, values, given.get("format", ""))


def _place(given: Any, at: str) -> Place:
    given = _group(given, at, ("time", "id", "format"))
    return Place(_text(given, "time", at), _text(given, "id", at), given.get("format", ""))


def _group(given: Any, at: str, known: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise PollConfigError(f"{at}: must be a group of settings")
    for name in given:
        if known and name not in known:
            raise PollConfigError(f"{at}.{name}: is not known; known are {', '.join(known)}")
    return given


def _text(given: dict[str, Any], name: str, at: str) -> str:
    text = given.get(name)
    if not isinstance(text, str) or not text.strip():
        raise PollConfigError(f"{at}.{name}: must be a text")
    return text


def _number(given: dict[str, Any], name: str, at: str, default: float) -> float:
    number = given.get(name, default)
    if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
        raise PollConfigError(f"{at}.{name}: must be a number greater than 0")
    return float(number)
