"""Whose an extension is, and what its person may: as in the console."""

from dataclasses import dataclass

from central.calls import model as calls
from central.calls import rights
from central.console import model as users
from central.store import Row, Tx
from central.wards import model as wards


@dataclass(frozen=True)
class Member:
    """user, role and ward (None: bound to none) of the console's log-in; number: the extension."""

    user: str
    role: str
    ward: str | None
    number: str
    lang: str | None

    @property
    def via(self) -> str:
        """By what way, as histories have it."""
        return f"phone {self.number}"


def member(tx: Tx, number: str | None) -> Member | None:
    """Of the extension by which somebody has logged in. None: he has no log-in for the console, or
    one that has no wards."""
    row = tx.one(
        "SELECT users.* FROM extensions JOIN people ON people.id = extensions.person"
        " JOIN users ON users.name = people.user WHERE extensions.number = ? AND NOT disabled",
        (number,),
    )
    if row is None or row["role"] not in (*rights.MAY_ACCEPT, "admin"):
        return None
    return Member(row["name"], row["role"], row["ward"], str(number), row["lang"])


def open_calls(tx: Tx, who: Member) -> list[Row]:
    """What his board shows, what nobody has accepted first, then the most urgent."""
    rows = [row for row in calls.open_calls(tx) if rights.sees(tx, row, who.role, who.ward)]
    return sorted(rows, key=lambda row: row["state"] != calls.OPEN)


def own_wards(tx: Tx, who: Member) -> list[str]:
    """The wards whose notices he hears: his, or every one."""
    return [row["id"] for row in wards.wards(tx) if who.ward in (None, row["id"])]


def sees_ward(tx: Tx, who: Member, ward: str) -> bool:
    """As the console's `require_ward`."""
    row = wards.ward(tx, ward)
    return row is not None and who.ward in (None, ward, row["neighbour"])


def display(tx: Tx, name: str) -> str:
    """What a log-in is called."""
    row = users.user(tx, name)
    return name if row is None else str(row["display"])
