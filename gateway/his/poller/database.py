"""Reading the hospital's database through SQLAlchemy: only SELECT, in a transaction that may not
write and is rolled back. Everything here blocks; call it in a thread.

Import it where a database is read: SQLAlchemy is a third of the start of a process that has none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gateway.his.poller.rows import PAGE_ROWS, PollError, Row
from gateway.his.poller.settings import Feed, Place, Source

MOST_STAYS = 20_000
# What makes a connection of a kind of database unable to write.
_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}


def _waits(driver: str, timeout_s: float) -> dict[str, Any]:
    """How a driver is told how long to wait."""
    whole_s, ms = max(1, int(timeout_s)), int(timeout_s * 1000)
    waits: dict[str, dict[str, Any]] = {
        "pysqlite": {"timeout": timeout_s},
        "psycopg": {"connect_timeout": whole_s, "options": f"-c statement_timeout={ms}"},
        "psycopg2": {"connect_timeout": whole_s, "options": f"-c statement_timeout={ms}"},
        "oracledb": {"tcp_connect_timeout": timeout_s},
        "pymysql": {"connect_timeout": whole_s, "read_timeout": whole_s},
    }
    return waits.get(driver, {})


class Database:
    """Of one source. Opens a connection for each reading and closes it then."""

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            url = sa.make_url(source.url)
            arguments = _waits(url.get_dialect().driver, source.timeout_s)
            self._engine = sa.create_engine(
                url, poolclass=NullPool, hide_parameters=True,
                connect_args=arguments | dict(source.options),
            )  # fmt: skip
        except (ArgumentError, SQLAlchemyError, ImportError) as error:
            raise PollError(_why(error)) from error
        self.shown = url.render_as_string(hide_password=True)

    def picture(self, feed: Feed) -> list[Row]:
        """All rows of a feed, from one statement. Raises PollError."""
        statement = _select(feed).limit(MOST_STAYS + 1)
        with self._reading() as connection:
            rows = [Row(each) for each in _values(feed, connection.execute(statement))]
        if len(rows) > MOST_STAYS:
            raise PollError(f"{feed.table} has more than {MOST_STAYS} rows: is it the right view?")
        return rows

    def page(self, feed: Feed, begin: datetime, after: Row | None) -> list[Row]:
        """The next rows from `begin` on, or `after` the last one of the page before, in the order
        of time and id; fewer than PAGE_ROWS are the last. Raises PollError."""
        place = feed.place
        assert place is not None
        statement = page_of(feed, place, begin, after)
        with self._reading() as connection:
            found = list(_values(feed, connection.execute(statement)))
        return [Row(each, each[place.id], _read_time(each[place.time], place)) for each in found]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                if hasattr(driver, "call_timeout"):  # Oracle's, for each of its answers
                    driver.call_timeout = int(self.source.timeout_s * 1000)
                statement = _READ_ONLY.get(connection.dialect.name)
                if statement is not None:
                    connection.execute(sa.text(statement))
                yield connection
                connection.rollback()
        except PollError:
            raise
        except Exception as error:  # drivers have errors of their own
            raise PollError(_why(error)) from error


def page_of(feed: Feed, place: Place, begin: datetime, after: Row | None) -> "sa.Select[Any]":
    """The statement of a page."""
    time: sa.ColumnClause[Any] = sa.column(place.time)
    id: sa.ColumnClause[Any] = sa.column(place.id)
    if after is None or after.time is None:
        which: Any = time >= _bound(begin, place)
    else:
        at = _bound(after.time, place)
        which = sa.or_(time > at, sa.and_(time == at, id > after.id))
    return _select(feed).where(which).order_by(time, id).limit(PAGE_ROWS)


def _select(feed: Feed) -> "sa.Select[Any]":
    schema, _, name = feed.table.rpartition(".")
    table = sa.table(name, schema=schema or None)
    columns: list[sa.Label[Any]] = [
        sa.column(each).label(f"c{n}") for n, each in enumerate(_names(feed))
    ]
    return sa.select(*columns).select_from(table)


def _names(feed: Feed) -> list[str]:
    names = [each.column for each in feed.columns.values()]
    names += [feed.place.time, feed.place.id] if feed.place else []
    return list(dict.fromkeys(names))


def _values(feed: Feed, result: "sa.CursorResult[Any]") -> Iterator[Mapping[str, Any]]:
    names = _names(feed)
    for row in result:
        yield dict(zip(names, row, strict=True))


def _bound(time: datetime, place: Place) -> Any:
    return time.strftime(place.format) if place.format else time


def _read_time(value: Any, place: Place) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.strptime(str(value).strip(), place.format or "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        text = f"column {place.time} holds no time of the form {place.format or 'of a time'}"
        raise PollError(text) from error


def _why(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, ModuleNotFoundError):
        return f"the driver {cause.name} is not installed beside Wardline: install it with pip"
    text = " ".join(str(cause).split())[:200]
    return f"{type(cause).__name__}: {text}"
