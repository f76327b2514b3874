"""Speed dials and find-me targets go with the number they lead to."""

from central.directory import checks
from central.personal import model
from central.store import Row, Tx


def speed_dials(tx: Tx, number: str) -> list[Row]:
    """Those that dial `number`."""
    return tx.all("SELECT * FROM speed_dials WHERE number = ? ORDER BY code, id", (number,))


def found_there(tx: Tx, number: str) -> list[str]:
    """The extensions whose calls ring at `number`, too."""
    sql = "SELECT DISTINCT owner FROM find_targets WHERE inside = ? ORDER BY owner"
    return [row["owner"] for row in tx.all(sql, (number,))]


def leave(tx: Tx, number: str, *, by: str) -> None:
    """Nobody will be reached at `number`: what leads to it goes, each audited as if it had been
    taken out by itself."""
    for row in speed_dials(tx, number):
        tx.execute("DELETE FROM speed_dials WHERE id = ?", (row["id"],))
        ref = f"extension/{row['owner']}" if row["owner"] else "speed/house"
        checks.changed(tx, by, "speed.remove", ref, {"code": row["code"]})
    for owner in found_there(tx, number):
        tx.execute("DELETE FROM find_targets WHERE owner = ? AND inside = ?", (owner, number))
        left = model.find_of(tx, owner)
        numbers = [each.number for each in left.targets] if left is not None else []
        if not numbers:
            tx.execute("DELETE FROM find_me WHERE owner = ?", (owner,))
        checks.changed(tx, by, "find.put", f"extension/{owner}", {"numbers": numbers})
