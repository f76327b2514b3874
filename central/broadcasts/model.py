"""Who may broadcast, each broadcast, and whom it reached."""

from dataclasses import dataclass

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("broadcasts")
migrate_after = ("directory",)

EXTENSION, CLASS = "extension", "class"
# What the two are called among the numbers that the application answers.
ORDINARY, URGENT = "broadcast", "broadcast_urgent"

RUNNING = "running"
ENDED = "ended"
REFUSED = "refused"  # the caller has no right to it
OCCUPIED = "occupied"  # somebody else was speaking
REPLACED = "replaced"  # an urgent one took its place
TOO_LONG = "too_long"
FAILED = "failed"
CUT = "cut"  # we were away: its end is not known

# What became of a telephone, beside the outcomes of gateway.telephone.
QUIET = "quiet"  # its ward's quiet hours
MULTICAST = "multicast"  # it listens to the group, and nobody hears whether


@migrations()
def m001_broadcasts(db: Database) -> None:
    db.executescript(
        """
        -- Of an extension, or of all phones of a permission class; gone with it, so that who is
        -- given the number later has no right by it. urgent: in an emergency, too.
        CREATE TABLE broadcast_rights (
            extension TEXT UNIQUE REFERENCES extensions (number) ON DELETE CASCADE,
            class TEXT UNIQUE REFERENCES permission_classes (name) ON DELETE CASCADE,
            urgent INTEGER NOT NULL, CHECK ((extension IS NULL) <> (class IS NULL))
        );
        -- group_address: where phones listen to multicast, NULL for none; network: the address to
        -- send from; from_phones: so many phones are not rung one by one.
        CREATE TABLE broadcast_group (
            id INTEGER PRIMARY KEY CHECK (id = 1), group_address TEXT, network TEXT,
            from_phones INTEGER NOT NULL
        );
        INSERT INTO broadcast_group VALUES (1, NULL, NULL, 200);

        -- Times are real, not hospital time. number, device: of the caller's phone.
        CREATE TABLE broadcasts (
            id INTEGER PRIMARY KEY, urgent INTEGER NOT NULL, number TEXT, device TEXT, person TEXT,
            channel TEXT NOT NULL, began_ms INTEGER NOT NULL, ended_ms INTEGER, state TEXT NOT NULL
        );
        CREATE INDEX broadcasts_running ON broadcasts (id) WHERE ended_ms IS NULL;
        CREATE TABLE broadcast_phones (
            broadcast INTEGER NOT NULL REFERENCES broadcasts (id), device TEXT NOT NULL,
            number TEXT NOT NULL, ward TEXT, outcome TEXT, PRIMARY KEY (broadcast, device)
        ) WITHOUT ROWID;
        -- result: as of a command, NULL until the box has answered.
        CREATE TABLE broadcast_boxes (
            broadcast INTEGER NOT NULL REFERENCES broadcasts (id), ward TEXT NOT NULL,
            node TEXT NOT NULL, result TEXT, reason TEXT, heard_ms INTEGER, lost_ms INTEGER,
            PRIMARY KEY (broadcast, node)
        ) WITHOUT ROWID;
        """
    )


@dataclass(frozen=True)
class Group:
    """The multicast setting. address: "239.1.2.3:5004"."""

    address: str | None
    network: str | None
    from_phones: int


def may(tx: Tx, number: str, device: str, urgent: bool) -> bool:
    """Whether the phone, by the extension it shows or by its class, may broadcast."""
    return (
        tx.value(
            "SELECT 1 FROM broadcast_rights WHERE urgent >= :urgent AND (extension = :number"
            " OR class = (SELECT rights FROM phones WHERE device = :device))",
            {"number": number, "device": device, "urgent": int(urgent)},
        )
        is not None
    )


def rights(tx: Tx) -> list[Row]:
    """Every right, with the label of its holder."""
    return tx.all(
        "SELECT r.urgent, iif(r.class IS NULL, 'extension', 'class') AS holder,"
        " coalesce(r.extension, r.class) AS name, coalesce(e.label, c.label) AS label"
        " FROM broadcast_rights r LEFT JOIN extensions e ON e.number = r.extension"
        " LEFT JOIN permission_classes c ON c.name = r.class ORDER BY 2 DESC, 3"
    )


def group(tx: Tx) -> Group:
    row = tx.one("SELECT * FROM broadcast_group")
    assert row is not None
    return Group(row["group_address"], row["network"], row["from_phones"])


def number(tx: Tx, urgent: bool) -> str:
    """Under which number it is dialled; "" under none."""
    purpose = URGENT if urgent else ORDINARY
    return tx.value("SELECT number FROM services WHERE purpose = ?", (purpose,)) or ""


def running(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM broadcasts WHERE ended_ms IS NULL ORDER BY id")


def one(tx: Tx, broadcast: int) -> Row | None:
    return tx.one("SELECT * FROM broadcasts WHERE id = ?", (broadcast,))


_REACHED = "('heard', 'heard_in_call', 'multicast')"


def newest(tx: Tx, limit: int = 200) -> list[Row]:
    """The newest first, each with how many phones and boxes there were and were reached."""
    phones, boxes = (
        "FROM broadcast_phones p WHERE p.broadcast = b.id",
        ("FROM broadcast_boxes x WHERE x.broadcast = b.id"),
    )
    return tx.all(
        f"SELECT b.*, (SELECT count(*) {phones}) AS phones,"
        f" (SELECT count(*) {phones} AND outcome IN {_REACHED}) AS phones_heard,"
        f" (SELECT count(*) {boxes}) AS boxes,"
        f" (SELECT count(*) {boxes} AND result = 'done') AS boxes_heard"
        " FROM broadcasts b ORDER BY b.id DESC LIMIT ?",
        (limit,),
    )


def phones(tx: Tx, broadcast: int) -> list[Row]:
    return tx.all(
        "SELECT p.*, e.label FROM broadcast_phones p LEFT JOIN extensions e USING (number)"
        " WHERE p.broadcast = ? ORDER BY p.number, p.device",
        (broadcast,),
    )


def boxes(tx: Tx, broadcast: int) -> list[Row]:
    return tx.all(
        "SELECT * FROM broadcast_boxes WHERE broadcast = ? ORDER BY ward, node", (broadcast,)
    )


def everybody(tx: Tx) -> list[Row]:
    """Every phone of the house with the ward whose nurse station it is, if it is one."""
    return tx.all(
        "SELECT device, number, ward FROM phones JOIN extensions USING (number) ORDER BY device"
    )
