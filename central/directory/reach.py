"""Which extensions ring where somebody is: at a ward's nurse station, with whoever holds a role."""

from collections.abc import Sequence
from datetime import datetime

from central.store import Tx

DAY_MIN = 24 * 60
# Of the extensions, those for which a telephone rings, or that are found elsewhere by the hour.
# Each call asks this: the tables of the view rung_phones one by one, for the view is put together
# whole, which takes a millisecond at 1,000 phones.
_RINGS = (
    "(EXISTS (SELECT 1 FROM extension_phones p WHERE p.number = e.number)"
    " OR EXISTS (SELECT 1 FROM seats s WHERE s.number = e.number) OR EXISTS"
    " (SELECT 1 FROM find_targets t WHERE t.owner = e.number AND t.inside IS NOT NULL))"
)


def ringing(tx: Tx) -> dict[str, bool]:
    """Every extension, and whether a telephone rings for it."""
    rows = tx.all(f"SELECT number, {_RINGS} AS rings FROM extensions e ORDER BY number")
    return {row["number"]: bool(row["rings"]) for row in rows}


def of_ward(tx: Tx, ward: str) -> list[str]:
    """The extensions of a ward's nurse station that ring."""
    rows = tx.all(
        f"SELECT number FROM extensions e WHERE ward = ? AND {_RINGS} ORDER BY number", (ward,)
    )
    return [row["number"] for row in rows]


def of_role(tx: Tx, role: str, ward: str) -> list[str]:
    """The extensions that ring with those who answer for `role` in this ward: its own people, and
    those of the whole hospital."""
    rows = tx.all(
        "SELECT e.number FROM extensions e JOIN people ON people.id = e.person"
        " JOIN users ON users.name = people.user WHERE users.role = ? AND NOT users.disabled"
        f" AND (users.ward IS NULL OR users.ward = ?) AND {_RINGS} ORDER BY e.number",
        (role, ward),
    )
    return [row["number"] for row in rows]


def found(tx: Tx, number: str) -> list[str]:
    """The extension itself and those of the house at which its person is found just now, as far
    as they have a telephone; the extension alone where none has. The process runs in the
    hospital's time zone."""
    now = datetime.fromtimestamp(tx.now_ms / 1000)
    minute, day = now.hour * 60 + now.minute, str(now.weekday())
    numbers = [number]
    for each in numbers:
        rows = tx.all(
            "SELECT * FROM find_targets WHERE owner = ? AND inside IS NOT NULL ORDER BY place",
            (each,),
        )
        for row in rows:
            length = (row["end_min"] - row["begin_min"]) % DAY_MIN or DAY_MIN
            within = (minute - row["begin_min"]) % DAY_MIN < length
            if within and day in row["days"] and row["inside"] not in numbers:
                numbers.append(row["inside"])
    return [each for each in numbers if telephones(tx, [each])] or [number]


def outside(tx: Tx) -> list[str]:
    """The extensions that find-me looks for outside, too, at any hour. What is told of patients
    does not ring there (`found`)."""
    sql = "SELECT DISTINCT owner FROM find_targets WHERE outside IS NOT NULL ORDER BY owner"
    return [row["owner"] for row in tx.all(sql)]


def telephones(tx: Tx, numbers: Sequence[str]) -> int:
    """How many telephones ring for these extensions."""
    marks = ", ".join("?" * len(numbers))
    return int(
        tx.value(
            "SELECT count(*) FROM"
            f" (SELECT device FROM extension_phones WHERE number IN ({marks})"
            f" UNION SELECT device FROM seats WHERE number IN ({marks}))",
            (*numbers, *numbers),
        )
    )


def lang_of(tx: Tx, number: str) -> str | None:
    """The language that the person of an extension has chosen in the console."""
    found = tx.value(
        "SELECT users.lang FROM extensions JOIN people ON people.id = extensions.person"
        " JOIN users ON users.name = people.user WHERE extensions.number = ?",
        (number,),
    )
    return None if found is None else str(found)


def holder(tx: Tx, number: str) -> str:
    """Who answers at an extension: the log-in of its person, else the name, else its label."""
    row = tx.one(
        "SELECT e.label, people.name, people.user FROM extensions e"
        " LEFT JOIN people ON people.id = e.person WHERE e.number = ?",
        (number,),
    )
    return number if row is None else str(row["user"] or row["name"] or row["label"])
