"""What the exchange counted of calls outside (`files/outward.py`), read out of its own database."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.telephone.files.outward import FAMILY, WHY

DATABASE = Path("var") / "astdb.sqlite3"
BUSY_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Counted:
    """Of one trunk or class, on `day` ("2026-11-28"), the last on which anybody called: calls
    placed, seconds from answer to hang-up, and calls refused by what there was no room for."""

    day: str
    placed: int = 0
    seconds: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def counted(folder: Path) -> dict[str, Counted]:
    """By name ("trunk-world", "from-local"), of the exchange in `folder`, running or not. Raises
    sqlite3.Error while there is none."""
    uri = f"file:{folder / DATABASE}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)) as database:
        rows = database.execute(
            "SELECT key, value FROM astdb WHERE key LIKE ?", (f"/{FAMILY}/%",)
        ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for key, value in rows:
        _, _, who, what = key.split("/", 3)
        found.setdefault(who, {})[what] = value
    return {
        who: Counted(
            told["day"],
            int(told.get("placed", 0)),
            int(told.get("seconds", 0)),
            {why: int(told.get(why, 0)) for why in WHY},
        )
        for who, told in found.items()
        if "day" in told
    }
