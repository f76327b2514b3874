"""What the shared tables need not remember for ever. Calls, infusions and the audit are kept."""

from central.store import Tx

EVERY_MS = 3_600_000
_DAY_MS = 24 * 3_600_000
# A node's repeats come within hours; logs of a network are kept at least six months
# (Cybersecurity Law of the PRC, article 21).
KEEP_MS = 200 * _DAY_MS
# How much one tidying may delete, so that no press waits for it.
AT_ONCE = 5_000


def tidy(tx: Tx) -> int:
    """Delete fired timers, answered commands and events older than KEEP_MS. Returns how many."""
    before_ms = tx.now_ms - KEEP_MS
    statements = (
        "DELETE FROM timers WHERE id IN"
        " (SELECT id FROM timers WHERE fired_ms < ? ORDER BY id LIMIT ?)",
        "DELETE FROM commands WHERE id IN (SELECT id FROM commands"
        " WHERE result IS NOT NULL AND created_ms < ? ORDER BY id LIMIT ?)",
        "DELETE FROM events WHERE (node, boot, seq) IN"
        " (SELECT node, boot, seq FROM events WHERE stored_ms < ? LIMIT ?)",
    )
    return sum(tx.execute(each, (before_ms, AT_ONCE)).rowcount for each in statements)
