"""Which records are wanted, and what can be counted of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from central.store import Row, Tx

T = TypeVar("T")

# What a list can be sorted by; its columns.
SORTS = {
    "started": "started_ms", "caller": "caller", "called": "called", "direction": "direction",
    "result": "result", "duration": "duration_ms", "talk": "talk_ms", "cost": "cost_fen",
}  # fmt: skip
# Fine enough for every time zone there is.
QUARTER_MS = 15 * 60_000
TOP = 10


@dataclass(frozen=True)
class Wanted:
    """From and until in real ms; the rest "" for all. extension: it took any part."""

    since_ms: int
    until_ms: int
    extension: str = ""
    direction: str = ""
    rights: str = ""
    route: str = ""
    result: str = ""

    def where(self) -> tuple[str, dict[str, Any]]:
        parts = ["started_ms >= :since_ms", "started_ms < :until_ms"]
        for name in ("direction", "rights", "route", "result"):
            if getattr(self, name):
                parts.append(f"{name} = :{name}")
        if self.extension:
            parts.append(
                "(caller = :extension OR called = :extension OR id IN"
                " (SELECT record FROM call_legs WHERE number = :extension))"
            )
        return " AND ".join(parts), vars(self)


def rows(
    tx: Tx, wanted: Wanted, *, sort: str = "started", down: bool = True, limit: int, offset: int = 0
) -> list[Row]:
    where, params = wanted.where()
    order = f"{SORTS[sort]} {'DESC' if down else 'ASC'}, id {'DESC' if down else 'ASC'}"
    return tx.all(
        f"SELECT * FROM call_records WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :offset",
        {**params, "limit": limit, "offset": offset},
    )


def every(tx: Tx, wanted: Wanted) -> Iterator[Row]:
    """All of them, the oldest first."""
    where, params = wanted.where()
    yield from tx.execute(f"SELECT * FROM call_records WHERE {where} ORDER BY started_ms", params)


@dataclass(frozen=True)
class Sums:
    calls: int
    answered: int
    talk_ms: int
    cost_fen: int
    longest_ms: int


def sums(tx: Tx, wanted: Wanted) -> Sums:
    where, params = wanted.where()
    row = tx.one(
        "SELECT count(*), total(result = 'answered'), total(talk_ms), total(cost_fen),"
        f" ifnull(max(talk_ms), 0) FROM call_records WHERE {where}",
        params,
    )
    assert row is not None
    return Sums(*(int(each) for each in row))


def counted(tx: Tx, wanted: Wanted, name: str) -> list[tuple[str, int, int]]:
    """(value of a column, calls, ms of talk), the most frequent first."""
    assert name in ("direction", "rights", "route", "result")
    where, params = wanted.where()
    return [
        (row[0], row[1], row[2])
        for row in tx.all(
            f"SELECT {name}, count(*), sum(talk_ms) FROM call_records WHERE {where}"
            " GROUP BY 1 ORDER BY 2 DESC, 1",
            params,
        )
    ]


def top_extensions(tx: Tx, wanted: Wanted) -> list[tuple[str, int, int]]:
    """(extension, calls it took part in, ms it talked), the most frequent first."""
    where, params = wanted.where()
    return [
        (row[0], row[1], row[2])
        for row in tx.all(
            "SELECT number, count(DISTINCT record), sum(talk_ms) FROM call_legs WHERE trunk = ''"
            f" AND number != '' AND record IN (SELECT id FROM call_records WHERE {where})"
            " GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT :top",
            {**params, "top": TOP},
        )
    ]


def over_time(tx: Tx, wanted: Wanted, of: Callable[[int], T]) -> dict[T, tuple[int, int]]:
    """Calls and ms of talk by what `of` makes of the moment they began, such as its hour."""
    where, params = wanted.where()
    found: dict[T, tuple[int, int]] = {}
    for row in tx.all(
        f"SELECT started_ms / {QUARTER_MS}, count(*), sum(talk_ms) FROM call_records"
        f" WHERE {where} GROUP BY 1 ORDER BY 1",
        params,
    ):
        key = of(row[0] * QUARTER_MS)
        calls, talk_ms = found.get(key, (0, 0))
        found[key] = (calls + row[1], talk_ms + row[2])
    return found
