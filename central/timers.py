"""Timers as rows: armed in the transaction that needs them, fired by the bridge."""

import json
from typing import Any

from central.store import HOSPITAL, Row, Tx


def arm(tx: Tx, due_ms: int, kind: str, ref: str | int, body: dict[str, Any] | None = None) -> int:
    """Fire `kind` for `ref` at hospital time `due_ms`. The bridge hands it to the handler that
    a capability's service lists in `TIMERS[kind]`, as handler(tx, ref, body, late_ms)."""
    tx.changed(HOSPITAL, "timers")
    return tx.insert("timers", due_ms=due_ms, kind=kind, ref=str(ref), body=json.dumps(body or {}))


def cancel(tx: Tx, kind: str, ref: str | int) -> int:
    """Forget the pending timers of `kind` for `ref`. Returns how many there were."""
    return tx.execute(
        "DELETE FROM timers WHERE kind = ? AND ref = ? AND fired_ms IS NULL", (kind, str(ref))
    ).rowcount


def pending_ms(tx: Tx, kind: str, ref: str | int) -> int | None:
    """When the next timer of `kind` for `ref` is due, None when there is none."""
    return tx.value(
        "SELECT min(due_ms) FROM timers WHERE kind = ? AND ref = ? AND fired_ms IS NULL",
        (kind, str(ref)),
    )


def due(tx: Tx, limit: int = -1) -> list[Row]:
    """Timers whose moment has come, the oldest `limit` of them first."""
    return tx.all(
        "SELECT * FROM timers WHERE fired_ms IS NULL AND due_ms <= ? ORDER BY due_ms, id LIMIT ?",
        (tx.now_ms, limit),
    )


def next_due_ms(tx: Tx) -> int | None:
    return tx.value("SELECT min(due_ms) FROM timers WHERE fired_ms IS NULL")


def fired(tx: Tx, timer: Row) -> None:
    """Mark as done, with how late it is. Before its rule acts, which may cancel what is pending
    and arm anew: SQLite gives the number of a row deleted last to the next one."""
    tx.execute(
        "UPDATE timers SET fired_ms = ?, late_ms = ? WHERE id = ?",
        (tx.now_ms, max(0, tx.now_ms - timer["due_ms"]), timer["id"]),
    )


def failed(tx: Tx, timer: Row, failure: str) -> None:
    """Its rule failed: kept for the engineer."""
    tx.execute("UPDATE timers SET failure = ? WHERE id = ?", (failure, timer["id"]))
