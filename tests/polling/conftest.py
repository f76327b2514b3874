"""A hospital's database: SQLite, with tables as a Chinese hospital has them."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from central.polling.running import Polling, Threaded
from central.store import Store
from gateway.his.poller.settings import Source, from_config

ZONE = ZoneInfo("Asia/Shanghai")
STAYS = {
    "kind": "stays",
    "table": "V_INPATIENT",
    "columns": {
        "patient_id": "PAT_NO",
        "visit": "VISIT_NO",
        "name": "NAME",
        "sex": {"column": "SEX", "values": {"1": "M", "2": "F"}},
        "location.point": "WARD",
        "location.bed": "BED",
    },
}
CHARGES = {
    "kind": "charges",
    "table": "V_FEE",
    "columns": {
        "patient_id": "PAT_NO",
        "charges.id": "FEE_ID",
        "charges.text": "ITEM",
        "charges.amount_fen": {"column": "AMOUNT", "unit": "yuan"},
        "charges.quantity": "QTY",
        "charges.service_at": {"column": "DONE_AT", "format": "%Y%m%d%H%M%S"},
    },
    "cursor": {"time": "UPDATED", "id": "FEE_ID", "format": "%Y-%m-%d %H:%M:%S"},
    "overlap_s": 600,
}


class House:
    """The hospital's database, and one who reads it into ours."""

    def __init__(self, path: Path, store: Store, feed: dict[str, Any]) -> None:
        self.path = path
        self.store = store
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(
            "CREATE TABLE V_INPATIENT (PAT_NO INTEGER, VISIT_NO TEXT, NAME CHAR(20), SEX TEXT,"
            " WARD TEXT, BED TEXT);"
            "CREATE TABLE V_FEE (FEE_ID INTEGER, PAT_NO INTEGER, ITEM TEXT, AMOUNT NUMERIC,"
            " QTY NUMERIC, DONE_AT TEXT, UPDATED TEXT);"
        )
        self.source: Source = from_config(
            {"polls": [{"name": "VIEW", "url": f"sqlite:///{path}", "feeds": [feed]}]}
        )[0]

    def lie(self, *patients: tuple[int, str]) -> None:
        """These patients lie in these beds, and nobody else."""
        self.db.execute("DELETE FROM V_INPATIENT")
        self.db.executemany(
            "INSERT INTO V_INPATIENT VALUES (?, 'V' || ?, '王一   ', '2', '3', ?)",
            [(patient, patient, bed) for patient, bed in patients],
        )

    def charge(self, id: int, yuan: str, updated: str) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO V_FEE VALUES (?, 7, '血常规', ?, 1.5, '20261129100500', ?)",
            (id, yuan, updated),
        )

    def read(self, timeout_s: float = 20.0) -> bool:
        polling = Polling(self.store, [self.source], ZONE)
        feed = self.source.feeds[0]
        return asyncio.run(polling.read(self.source, feed, Threaded(timeout_s)))

    def messages(self) -> list[tuple[str, str]]:
        """(kind, state) of what is stored."""
        rows = self.store.read().all("SELECT * FROM his_messages ORDER BY id")
        return [(row["type"], row["state"]) for row in rows]

    def raws(self) -> list[str]:
        rows = self.store.read().all("SELECT raw FROM his_messages ORDER BY id")
        return [bytes(row["raw"]).decode() for row in rows]

    def faults(self) -> list[str]:
        rows = self.store.read().all("SELECT code FROM faults WHERE cleared_ms IS NULL")
        return [row["code"] for row in rows]


@pytest.fixture
def view(tmp_path: Path, store: Store) -> Iterator[House]:
    made = House(tmp_path / "his.db", store, STAYS)
    yield made
    made.db.close()


@pytest.fixture
def fees(tmp_path: Path, store: Store) -> Iterator[House]:
    made = House(tmp_path / "his.db", store, CHARGES)
    yield made
    made.db.close()
