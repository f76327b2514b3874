"""People, phones, extensions, services and permission classes, and the exchange's view of them."""

from sqlite_utils import Database, Migrations

from central.personal import view as personal
from central.recordings import model as recordings
from central.store import Row, Tx
from gateway.telephone.directory import (
    Directory,
    Line,
    Parking,
    Phone,
    Rights,
    Room,
    Route,
    Service,
    Trunk,
)

migrations = Migrations("directory")
migrate_after = ("wards", "console")
INTERNAL = "internal"


@migrations()
def m001_directory(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE permission_classes (name TEXT PRIMARY KEY, label TEXT NOT NULL);
        INSERT INTO permission_classes VALUES ('internal', '内部');

        -- user: the log-in of the same person, if there is one.
        CREATE TABLE people (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, ward TEXT REFERENCES wards (id),
            user TEXT REFERENCES users (name)
        );
        -- ward: it is this ward's nurse station.
        CREATE TABLE extensions (
            number TEXT PRIMARY KEY, label TEXT NOT NULL, ring_s INTEGER NOT NULL,
            person INTEGER REFERENCES people (id), ward TEXT REFERENCES wards (id)
        );
        -- device: the hardware address, 12 hexadecimal digits. number: the one it shows when it
        -- calls. password: as the phone must be given it, so not hashed.
        CREATE TABLE phones (
            device TEXT PRIMARY KEY, password TEXT NOT NULL, label TEXT NOT NULL,
            number TEXT NOT NULL REFERENCES extensions (number),
            rights TEXT NOT NULL REFERENCES permission_classes (name),
            lang TEXT NOT NULL CHECK (lang IN ('zh', 'en')), lines INTEGER NOT NULL,
            added_ms INTEGER NOT NULL
        );
        -- The phones that ring for an extension, all at once.
        CREATE TABLE extension_phones (
            number TEXT NOT NULL REFERENCES extensions (number) ON DELETE CASCADE,
            device TEXT NOT NULL REFERENCES phones (device) ON DELETE CASCADE,
            PRIMARY KEY (number, device)
        ) WITHOUT ROWID;
        CREATE TABLE phone_groups (
            device TEXT NOT NULL REFERENCES phones (device) ON DELETE CASCADE, name TEXT NOT NULL,
            PRIMARY KEY (device, name)
        ) WITHOUT ROWID;
        -- Numbers that Wardline answers itself, and the extensions that ring when it is away.
        CREATE TABLE services (number TEXT PRIMARY KEY, purpose TEXT NOT NULL UNIQUE);
        CREATE TABLE service_fallbacks (
            service TEXT NOT NULL REFERENCES services (number) ON DELETE CASCADE,
            number TEXT NOT NULL REFERENCES extensions (number),
            PRIMARY KEY (service, number)
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m002_outside(db: Database) -> None:
    db.executescript(
        """
        -- Lines to the world. password: as it must be said, so not hashed.
        CREATE TABLE trunks (
            name TEXT PRIMARY KEY, host TEXT NOT NULL, user TEXT NOT NULL, password TEXT NOT NULL,
            most_calls INTEGER NOT NULL
        );
        -- The number under which the world knows us, and the one of the house that it rings.
        CREATE TABLE trunk_numbers (
            outside TEXT PRIMARY KEY, inside TEXT NOT NULL,
            trunk TEXT NOT NULL REFERENCES trunks (name) ON DELETE CASCADE
        );
        CREATE TABLE routes (
            name TEXT PRIMARY KEY, trunk TEXT NOT NULL REFERENCES trunks (name),
            strip INTEGER NOT NULL, limit_s INTEGER NOT NULL
        );
        CREATE TABLE route_patterns (
            route TEXT NOT NULL REFERENCES routes (name) ON DELETE CASCADE, pattern TEXT NOT NULL,
            PRIMARY KEY (route, pattern)
        ) WITHOUT ROWID;
        CREATE TABLE class_routes (
            class TEXT NOT NULL REFERENCES permission_classes (name) ON DELETE CASCADE,
            route TEXT NOT NULL REFERENCES routes (name), PRIMARY KEY (class, route)
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m003_encryption(db: Database) -> None:
    db.execute("ALTER TABLE phones ADD COLUMN encryption TEXT NOT NULL DEFAULT 'none'")


@migrations()
def m004_caps(db: Database) -> None:
    db.executescript(
        """
        -- Outward calls in one day; 0 is without end, and so it is for a class's calls at once.
        ALTER TABLE trunks ADD COLUMN day_calls INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE trunks ADD COLUMN day_minutes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE permission_classes ADD COLUMN most_calls INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE permission_classes ADD COLUMN day_calls INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE permission_classes ADD COLUMN day_minutes INTEGER NOT NULL DEFAULT 0;
        -- No cap holds such a call up.
        ALTER TABLE routes ADD COLUMN always INTEGER NOT NULL DEFAULT 0;
        """
    )


@migrations()
def m005_facilities(db: Database) -> None:
    db.executescript(
        """
        -- pin: hashed. mail: where to tell of a message, or ''. wrong: PINs tried in a row that
        -- were not it; until blocked_ms (since 1970) none is tried.
        CREATE TABLE mailboxes (
            number TEXT PRIMARY KEY REFERENCES extensions (number) ON DELETE CASCADE,
            pin TEXT NOT NULL, mail TEXT NOT NULL, wrong INTEGER NOT NULL DEFAULT 0,
            blocked_ms INTEGER NOT NULL DEFAULT 0
        );
        -- pin: as the exchange must be given it, so not hashed; '' is none.
        CREATE TABLE rooms (number TEXT PRIMARY KEY, label TEXT NOT NULL, pin TEXT NOT NULL);
        -- One row at most: where calls are parked, and the first and last of their places.
        CREATE TABLE parking (
            number TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
            wait_s INTEGER NOT NULL
        );
        """
    )


@migrations()
def m006_places(db: Database) -> None:
    # By names of `places`.
    db.execute("CREATE TABLE places (name TEXT PRIMARY KEY, number TEXT NOT NULL)")


def extensions(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM extensions ORDER BY number")


def extension(tx: Tx, number: str) -> Row | None:
    return tx.one("SELECT * FROM extensions WHERE number = ?", (number,))


def phones(tx: Tx) -> list[Row]:
    """Every phone, with the label of the extension it shows."""
    return tx.all(
        "SELECT phones.*, extensions.label AS caller FROM phones"
        " JOIN extensions USING (number) ORDER BY device"
    )


def phone(tx: Tx, device: str) -> Row | None:
    return tx.one("SELECT * FROM phones WHERE device = ?", (device,))


def people(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM people ORDER BY name, id")


def mailboxes(tx: Tx) -> list[Row]:
    """Every mailbox, with the label of its extension."""
    return tx.all(
        "SELECT mailboxes.*, label FROM mailboxes JOIN extensions USING (number) ORDER BY number"
    )


def mailboxes_of(tx: Tx, user: str) -> list[Row]:
    """Those of the extensions of the person who logs in as `user`."""
    return tx.all(
        "SELECT mailboxes.*, label FROM mailboxes JOIN extensions USING (number)"
        " JOIN people ON people.id = extensions.person WHERE people.user = ? ORDER BY number",
        (user,),
    )


def mailbox(tx: Tx, number: str) -> Row | None:
    return tx.one("SELECT * FROM mailboxes WHERE number = ?", (number,))


def rooms(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM rooms ORDER BY number")


def parking(tx: Tx) -> Row | None:
    return tx.one("SELECT * FROM parking")


def places(tx: Tx) -> dict[str, str]:
    """The number of each place that has one, by name."""
    return {row["name"]: row["number"] for row in tx.all("SELECT * FROM places ORDER BY name")}


def find_extensions(tx: Tx, words: str) -> list[Row]:
    """Numbers that begin with `words`, or whose name, or the name of whose person, holds them."""
    rows = tx.all(
        "SELECT extensions.*, people.name FROM extensions LEFT JOIN people"
        " ON people.id = person ORDER BY number"
    )
    wanted = words.casefold()
    return [
        row
        for row in rows
        if (wanted.isdecimal() and row["number"].startswith(wanted))
        or (not wanted.isdecimal() and wanted in f"{row['label']}\n{row['name']}".casefold())
    ]


def find_phones(tx: Tx, words: str) -> list[Row]:
    """Phones whose name holds `words`, or whose hardware address holds at least four digits."""
    wanted = words.casefold()
    digits = "".join(each for each in wanted if each not in ":-. ")
    return [
        row
        for row in phones(tx)
        if wanted in row["label"].casefold() or (len(digits) >= 4 and digits in row["device"])
    ]


def used(tx: Tx, number: str) -> bool:
    """Whether something has this number."""
    taken = " UNION ".join(
        f"SELECT 1 FROM {table} WHERE number = :it"
        for table in ("extensions", "services", "rooms", "parking")
    )
    place = "SELECT 1 FROM parking WHERE CAST(:it AS INTEGER) BETWEEN first AND last"
    return tx.value(f"{taken} UNION {place}", {"it": number}) is not None


def directory(tx: Tx) -> Directory:
    """All that the exchange must know. Raises DirectoryError, should rows contradict each other."""
    rings = _gathered(tx, "SELECT number, device FROM extension_phones")
    groups = _gathered(tx, "SELECT device, name FROM phone_groups")
    instead = _gathered(tx, "SELECT service, number FROM service_fallbacks")
    boxes = {row["number"] for row in mailboxes(tx)}
    may = _gathered(tx, "SELECT class, route FROM class_routes")
    house = Directory(
        rights=tuple(
            Rights(
                row["name"],
                may.get(row["name"], ()),
                row["most_calls"],
                row["day_calls"],
                row["day_minutes"],
            )
            for row in tx.all("SELECT * FROM permission_classes ORDER BY name")
        ),
        phones=tuple(
            Phone(
                device=row["device"],
                password=row["password"],
                rights=row["rights"],
                number=row["number"],
                name=row["caller"],
                lang=row["lang"],
                groups=groups.get(row["device"], ()),
                lines=row["lines"],
                encryption=row["encryption"],
            )
            for row in phones(tx)
        ),
        lines=tuple(
            Line(row["number"], rings.get(row["number"], ()), row["ring_s"], row["number"] in boxes)
            for row in extensions(tx)
        ),
        services=tuple(
            Service(row["number"], row["purpose"], instead.get(row["number"], ()))
            for row in tx.all("SELECT * FROM services ORDER BY number")
        ),
        trunks=_trunks(tx),
        routes=_routes(tx),
        rooms=tuple(Room(row["number"], row["pin"]) for row in rooms(tx)),
        parking=_parking(tx),
        recorded=recordings.wanted(tx),
        record_by_key=recordings.by_key(tx),
    )
    return personal.today(tx, house)


def _parking(tx: Tx) -> Parking | None:
    row = parking(tx)
    if row is None:
        return None
    places = tuple(str(each) for each in range(row["first"], row["last"] + 1))
    return Parking(row["number"], places, row["wait_s"])


def _trunks(tx: Tx) -> tuple[Trunk, ...]:
    known = tx.all("SELECT trunk, outside, inside FROM trunk_numbers ORDER BY outside")
    return tuple(
        Trunk(
            row["name"],
            row["host"],
            row["user"],
            row["password"],
            row["most_calls"],
            tuple((each["outside"], each["inside"]) for each in known if each[0] == row["name"]),
            row["day_calls"],
            row["day_minutes"],
        )
        for row in tx.all("SELECT * FROM trunks ORDER BY name")
    )


def _routes(tx: Tx) -> tuple[Route, ...]:
    patterns = _gathered(tx, "SELECT route, pattern FROM route_patterns")
    return tuple(
        Route(
            row["name"],
            row["trunk"],
            patterns.get(row["name"], ()),
            row["strip"],
            row["limit_s"],
            bool(row["always"]),
        )
        for row in tx.all("SELECT * FROM routes ORDER BY name")
    )


def _gathered(tx: Tx, sql: str) -> dict[str, tuple[str, ...]]:
    """The second column by the first, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in tx.all(f"{sql} ORDER BY 1, 2"):
        found[key] = (*found.get(key, ()), value)
    return found
