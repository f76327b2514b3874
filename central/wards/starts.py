"""Before and after among what one box tells, by the number of its start (boot) and of the event.

Starts are numbered upwards (`ward_node/core/starts.py`). Where a box's disk and clock failed
together a later start may have a lower number all the same: it is known by its heartbeats, which
nothing keeps and which so are never old, and by the silence of the start with the higher number.
"""

from central.store import Tx

Start = tuple[int, int]  # (boot, seq)


def before(tx: Tx, node: str, one: Start, other: Start) -> bool:
    """Whether (boot, seq) `one` of a box was before `other`."""
    if one[0] == other[0]:
        return one[1] < other[1]
    low, high = sorted((one[0], other[0]))
    passed = tx.value(
        "SELECT 1 FROM passed_starts WHERE node = ? AND boot = ? AND by_boot <= ?",
        (node, high, low),
    )
    return bool(one[0] < other[0]) != bool(passed)


def is_over(tx: Tx, node: str, boot: int, session: int | None) -> bool:
    """Whether a start is over, `session` being the newest that is known."""
    return session is not None and boot != session and before(tx, node, (boot, 0), (session, 0))


def passed(tx: Tx, node: str, boot: int, by_boot: int) -> None:
    """The start `by_boot` lives, so `boot` is over, though its number is higher."""
    tx.execute("INSERT OR REPLACE INTO passed_starts VALUES (?, ?, ?)", (node, boot, by_boot))
