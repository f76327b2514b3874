"""What is kept of messages that cannot be used, so that no peer fills the disk with them.

Of each refused message the beginning is kept, and of one peer and day the first ones and the
last ones; those between are counted. Messages that were taken are never touched.
"""

from datetime import datetime, tzinfo

from central.faults import model as fault_rows
from central.faults import service as faults
from central.hospital import model
from central.store import Row, Tx

REFUSED_BYTES = 64 * 1024
FIRST_KEPT = 500
LAST_KEPT = 500
# The notice ends when nothing had to be left out for so long.
CALM_MS = 6 * 3_600_000
DAYS_KEPT_MS = 30 * 24 * 3_600_000
CODE = "his-flood"
DEVICE_OF = "central"


def refused(tx: Tx, peer: str, message: int, zone: tzinfo | None) -> None:
    """`message` of `peer` was stored as refused just now: let an older one go where there are too
    many. `zone`: the hospital's, whose days are counted; None: the system's."""
    day = datetime.fromtimestamp(tx.now_ms / 1000, zone).date().isoformat()
    count = model.count_refused(tx, peer, day)
    if count == FIRST_KEPT:
        model.keep_first_refused(tx, peer, day, message)
    if count <= FIRST_KEPT + LAST_KEPT:
        return
    model.drop_refused(tx, peer, day)
    if count == FIRST_KEPT + LAST_KEPT + 1:
        faults.raise_fault(tx, ward=None, node=DEVICE_OF, device=peer, code=CODE)


def left_out(tx: Tx) -> list[Row]:
    """(peer, day, messages, dropped) of the days on which messages were only counted, the newest
    first."""
    return model.dropped_days(tx)


def calm(tx: Tx) -> None:
    """End the notices of peers that stopped, and forget the counts of long ago."""
    model.forget_refused_days(tx, tx.now_ms - DAYS_KEPT_MS)
    busy = {row["peer"] for row in left_out(tx) if row["last_ms"] > tx.now_ms - CALM_MS}
    for fault in fault_rows.open_faults(tx):
        if fault["code"] == CODE and fault["device"] not in busy:
            faults.clear_fault(tx, DEVICE_OF, fault["device"], CODE)
