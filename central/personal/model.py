"""Speed dials and find-me of extensions, as rows and as the exchange is told them."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx
from gateway.telephone.personal import FindMe, Hours, SpeedDial, Target

migrations = Migrations("personal")
migrate_after = ("directory",)


@migrations()
def m001_speed_and_find(db: Database) -> None:
    db.executescript(
        """
        -- owner: the extension whose phones have it; NULL is every phone of the house.
        CREATE TABLE speed_dials (
            id INTEGER PRIMARY KEY, code TEXT NOT NULL, number TEXT NOT NULL,
            owner TEXT REFERENCES extensions (number) ON DELETE CASCADE
        );
        CREATE UNIQUE INDEX speed_dials_once ON speed_dials (ifnull(owner, ''), code);
        -- together: with the phones of the extension, instead of after them in turn.
        CREATE TABLE find_me (
            owner TEXT PRIMARY KEY REFERENCES extensions (number) ON DELETE CASCADE,
            together INTEGER NOT NULL
        );
        -- inside: an extension, else outside: a number of the world as the owner dials it.
        -- From begin_min until just before end_min, minutes after midnight, on days of the week
        -- ("01234": Monday to Friday).
        CREATE TABLE find_targets (
            owner TEXT NOT NULL REFERENCES find_me (owner) ON DELETE CASCADE,
            place INTEGER NOT NULL, inside TEXT REFERENCES extensions (number) ON DELETE CASCADE,
            outside TEXT, begin_min INTEGER NOT NULL, end_min INTEGER NOT NULL, days TEXT NOT NULL,
            ring_s INTEGER NOT NULL, PRIMARY KEY (owner, place),
            CHECK ((inside IS NULL) != (outside IS NULL))
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m002_desks(db: Database) -> None:
    db.executescript(
        """
        -- Whose person may log in at any phone. rights: what may be dialled there then. A seat ends
        -- at leave_min, minutes after midnight; NULL is never.
        CREATE TABLE desks (
            number TEXT PRIMARY KEY REFERENCES extensions (number) ON DELETE CASCADE,
            rights TEXT NOT NULL REFERENCES permission_classes (name), pin_hash TEXT NOT NULL,
            leave_min INTEGER
        );
        CREATE TABLE seats (
            device TEXT PRIMARY KEY REFERENCES phones (device) ON DELETE CASCADE,
            number TEXT NOT NULL UNIQUE REFERENCES desks (number) ON DELETE CASCADE,
            since_ms INTEGER NOT NULL
        );
        -- The phones that ring for an extension: its own, and where its person sits.
        CREATE VIEW rung_phones AS
            SELECT number, device FROM extension_phones UNION SELECT number, device FROM seats;
        """
    )


def desk(tx: Tx, number: str) -> Row | None:
    return tx.one("SELECT * FROM desks WHERE number = ?", (number,))


def seats(tx: Tx) -> list[Row]:
    """Who sits where, with the label of his extension and his permission class."""
    return tx.all(
        "SELECT seats.*, label, rights FROM seats JOIN desks USING (number)"
        " JOIN extensions USING (number) ORDER BY device"
    )


def sitting_at(tx: Tx, device: str) -> str | None:
    """The extension whose person has logged in at a phone."""
    found = tx.value("SELECT number FROM seats WHERE device = ?", (device,))
    return None if found is None else str(found)


def speed_dials(tx: Tx, owner: str | None = None) -> list[Row]:
    """Those of an extension, or of the house."""
    return tx.all("SELECT * FROM speed_dials WHERE owner IS ? ORDER BY code", (owner,))


def speed_dial(tx: Tx, ref: str) -> Row | None:
    """One by its id, as addresses have it."""
    known = ref.isascii() and ref.isdecimal() and len(ref) < 12
    return tx.one("SELECT * FROM speed_dials WHERE id = ?", (int(ref),)) if known else None


def rights(tx: Tx, number: str) -> str | None:
    """The permission class of an extension: that of its desk, else that of the phones that show
    it, if they agree."""
    own = desk(tx, number)
    if own is not None:
        return str(own["rights"])
    found = tx.all("SELECT DISTINCT rights FROM phones WHERE number = ?", (number,))
    return str(found[0]["rights"]) if len(found) == 1 else None


def speed(tx: Tx) -> tuple[SpeedDial, ...]:
    """Every speed dial, as the exchange is told it."""
    rows = tx.all("SELECT * FROM speed_dials ORDER BY ifnull(owner, ''), code")
    return tuple(SpeedDial(row["code"], row["number"], row["owner"] or "") for row in rows)


def find(tx: Tx) -> tuple[FindMe, ...]:
    """Every find-me, as the exchange is told it."""
    targets: dict[str, list[Target]] = {}
    for row in tx.all("SELECT * FROM find_targets ORDER BY owner, place"):
        targets.setdefault(row["owner"], []).append(_target(row))
    return tuple(
        FindMe(
            row["owner"],
            tuple(targets.get(row["owner"], ())),
            bool(row["together"]),
            rights(tx, row["owner"]) or "",
        )
        for row in tx.all("SELECT * FROM find_me ORDER BY owner")
    )


def find_of(tx: Tx, owner: str) -> FindMe | None:
    return next((each for each in find(tx) if each.owner == owner), None)


def _target(row: Row) -> Target:
    return Target(
        row["inside"] or row["outside"],
        Hours(row["begin_min"], row["end_min"], tuple(int(day) for day in row["days"])),
        row["ring_s"],
        outside=row["outside"] is not None,
    )
