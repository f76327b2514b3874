"""What goes with a number when it is removed, in words for whoever is asked to confirm it."""

from central.console.context import _
from central.console.marks import N_
from central.personal import leaving
from central.store import Tx

# What belongs to an extension: the table that keeps it, its column, and the words.
_OWN = (
    ("mailboxes", "number", N_("its mailbox")),
    ("desks", "number", N_("its log-in at phones")),
    ("speed_dials", "owner", N_("its speed dials")),
    ("find_me", "owner", N_("its find-me")),
    ("broadcast_rights", "extension", N_("its right to make announcements")),
)


def leading(tx: Tx, number: str) -> str:
    """What leads to `number` and goes with it; "" when nothing does."""
    said = ""
    codes = [row["code"] for row in leaving.speed_dials(tx, number)]
    if codes:
        said += _(" With it go the speed dials that dial it: %(codes)s.", codes=", ".join(codes))
    owners = leaving.found_there(tx, number)
    if owners:
        said += _(" Calls for these ring there no more: %(owners)s.", owners=", ".join(owners))
    return said


def belonging(tx: Tx, number: str) -> str:
    """What belongs to the extension and goes with it; "" when nothing does."""
    sql = "SELECT 1 FROM {} WHERE {} = ? LIMIT 1"
    own = [_(what) for table, of, what in _OWN if tx.all(sql.format(table, of), (number,))]
    return _(" With it go, too: %(what)s.", what=", ".join(own)) if own else ""
