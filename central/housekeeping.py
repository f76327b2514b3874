"""What the shared tables need not remember for ever. Calls, infusions and the audit are kept."""

from central.store import Tx

EVERY_MS = 3_600_000
_DAY_MS = 24 * 3_600_000
# A node's repeats come within hours; logs of a network are kept at least six months
# (Cybersecurity Law of the PRC, article 21).
KEEP_MS = 200 * _DAY_MS
# How much one tidying may delete, so that no press waits for it.
AT_ONCE = 5_000


# Of broadcasts, each of which has a row for each telephone and box.
BROADCASTS_AT_ONCE = 5


def tidy(tx: Tx) -> int:
    """Delete what is older than KEEP_MS: fired timers, answered commands, events, ringings that
    are over, notices that nobody waits for any more, and broadcasts. Returns how many."""
    before_ms = tx.now_ms - KEEP_MS
    statements = (
        "DELETE FROM timers WHERE id IN"
        " (SELECT id FROM timers WHERE fired_ms < ? ORDER BY id LIMIT ?)",
        "DELETE FROM commands WHERE id IN (SELECT id FROM commands"
        " WHERE result IS NOT NULL AND created_ms < ? ORDER BY id LIMIT ?)",
        "DELETE FROM events WHERE (node, boot, seq) IN"
        " (SELECT node, boot, seq FROM events WHERE stored_ms < ? LIMIT ?)",
        "DELETE FROM ringings WHERE id IN"
        " (SELECT id FROM ringings WHERE over_ms < ? ORDER BY id LIMIT ?)",
        "DELETE FROM notices WHERE id IN (SELECT id FROM notices"
        " WHERE state NOT IN ('open', 'unheard') AND over_ms < ? ORDER BY id LIMIT ?)",
    )
    gone = sum(tx.execute(each, (before_ms, AT_ONCE)).rowcount for each in statements)
    return gone + _tidy_broadcasts(tx)


def _tidy_broadcasts(tx: Tx) -> int:
    """Their times are real, not hospital time."""
    rows = tx.all(
        "SELECT id FROM broadcasts WHERE ended_ms < ? ORDER BY id LIMIT ?",
        (tx.clock.real_ms() - KEEP_MS, BROADCASTS_AT_ONCE),
    )
    for row in rows:
        for table in ("broadcast_phones", "broadcast_boxes"):
            tx.execute(f"DELETE FROM {table} WHERE broadcast = ?", (row["id"],))
        tx.execute("DELETE FROM broadcasts WHERE id = ?", (row["id"],))
    return len(rows)
