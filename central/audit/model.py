"""A tamper-evident log: who did what to which thing, when and why, reads included."""

import hashlib
import json

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("audit")
GENESIS = "0" * 64


@migrations()
def m001_audit(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
            ref TEXT NOT NULL, why TEXT NOT NULL, detail TEXT NOT NULL, seal TEXT NOT NULL
        );
        CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
        CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
        """
    )


def _seal(before: str, at_ms: int, who: str, what: str, ref: str, why: str, detail: str) -> str:
    exact = json.dumps([before, at_ms, who, what, ref, why, detail], ensure_ascii=False)
    return hashlib.sha256(exact.encode()).hexdigest()


def append(
    tx: Tx,
    who: str,
    what: str,
    ref: str = "",
    why: str = "",
    detail: dict[str, object] | None = None,
) -> None:
    """Add an entry. `who`: a log-in name or "system"; `what`: e.g. "call.accept";
    `ref`: the thing, e.g. "call/17" or "bed/3/5"."""
    before = tx.value("SELECT seal FROM audit ORDER BY id DESC LIMIT 1") or GENESIS
    text = json.dumps(detail or {}, ensure_ascii=False, sort_keys=True)
    seal = _seal(before, tx.now_ms, who, what, ref, why, text)
    entry = {"who": who, "what": what, "ref": ref, "why": why, "detail": text, "seal": seal}
    tx.insert("audit", at_ms=tx.now_ms, **entry)


def head(tx: Tx) -> tuple[int, str]:
    """Number and seal of the newest entry. Whoever can rewrite the database can reckon every seal
    anew or cut the end off: only a copy of this kept elsewhere shows that."""
    row = tx.one("SELECT id, seal FROM audit ORDER BY id DESC LIMIT 1")
    return (0, GENESIS) if row is None else (row["id"], row["seal"])


def first_broken(tx: Tx) -> Row | None:
    """The first entry whose seal does not fit those before it; None when all is whole."""
    before = GENESIS
    for row in tx.execute("SELECT * FROM audit ORDER BY id"):
        expected = _seal(
            before, row["at_ms"], row["who"], row["what"], row["ref"], row["why"], row["detail"]
        )
        if row["seal"] != expected:
            return row
        before = row["seal"]
    return None
