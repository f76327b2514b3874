"""What telephones shall be told: a row for each time, open until somebody has decided."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("telephone")
migrate_after = ("directory",)


@migrations()
def m001_ringings(db: Database) -> None:
    db.executescript(
        """
        -- kind and ref: what it is about, in the words of the capability that asked. numbers: the
        -- extensions, a JSON list of groups. outcome: JSON, None when it was stopped.
        CREATE TABLE ringings (
            id INTEGER PRIMARY KEY, kind TEXT NOT NULL, ref TEXT NOT NULL, numbers TEXT NOT NULL,
            caller TEXT NOT NULL, asked_ms INTEGER NOT NULL, over_ms INTEGER, outcome TEXT
        );
        CREATE INDEX ringings_open ON ringings (id) WHERE over_ms IS NULL;
        CREATE INDEX ringings_about ON ringings (kind, ref, id);
        """
    )


@migrations()
def m002_lockouts(db: Database) -> None:
    db.executescript(
        """
        -- As the guard of the exchange tells, in real time (ms since 1970), not the hospital's.
        -- account: whom it gave wrong passwords for last; times: how often it was locked out.
        -- unlock_by: who lets it in again, until the guard has done so.
        CREATE TABLE lockouts (
            address TEXT PRIMARY KEY, account TEXT NOT NULL, times INTEGER NOT NULL,
            since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, unlock_by TEXT
        );
        """
    )


@dataclass(frozen=True)
class Telephone:
    """One that can be rung. number: the extension it rings for."""

    number: str
    device: str
    lang: str

    @property
    def endpoint(self) -> str:
        return f"PJSIP/{self.device}"


def add(tx: Tx, kind: str, ref: str, groups: Sequence[Sequence[str]], caller: str) -> int:
    return tx.insert(
        "ringings", kind=kind, ref=ref, numbers=json.dumps([list(each) for each in groups]),
        caller=caller, asked_ms=tx.now_ms,
    )  # fmt: skip


def unfinished(tx: Tx) -> list[Row]:
    """Every ringing that is not over, the oldest first."""
    return tx.all("SELECT * FROM ringings WHERE over_ms IS NULL ORDER BY id")


def latest(tx: Tx, kind: str, ref: str) -> Row | None:
    """The newest ringing about one matter."""
    return tx.one(
        "SELECT * FROM ringings WHERE kind = ? AND ref = ? ORDER BY id DESC LIMIT 1", (kind, ref)
    )


def groups(row: Row) -> list[list[str]]:
    """The extensions of a ringing, as they were asked for."""
    return json.loads(row["numbers"])


def finish(tx: Tx, id: int, outcome: Mapping[str, object]) -> bool:
    """Whether it was still open."""
    return bool(
        tx.execute(
            "UPDATE ringings SET over_ms = ?, outcome = ? WHERE id = ? AND over_ms IS NULL",
            (tx.now_ms, json.dumps(outcome), id),
        ).rowcount
    )


def end(tx: Tx, kind: str, ref: str) -> bool:
    """Whether anything rang, or was about to."""
    return bool(
        tx.execute(
            "UPDATE ringings SET over_ms = ? WHERE kind = ? AND ref = ? AND over_ms IS NULL",
            (tx.now_ms, kind, ref),
        ).rowcount
    )


def telephones(tx: Tx, numbers: Iterable[str]) -> list[Telephone]:
    """What rings for these extensions, in their order; a number without a telephone has none."""
    found = []
    for number in dict.fromkeys(numbers):
        found += [
            Telephone(number, row["device"], row["lang"])
            for row in tx.all(
                "SELECT device, lang FROM rung_phones JOIN phones USING (device)"
                " WHERE rung_phones.number = ? ORDER BY device",
                (number,),
            )
        ]
    return found
