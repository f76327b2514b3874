"""Wards, beds and nodes."""

import json
from typing import Any

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("wards")

# What changed when a box or bed was set up.
FLEET = "fleet"
# What changed when boxes have to be told their configuration anew.
CONFIG = "config"


@migrations()
def m001_wards(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE wards (
            id TEXT PRIMARY KEY, name_zh TEXT NOT NULL, name_en TEXT NOT NULL,
            lang TEXT NOT NULL DEFAULT 'zh' CHECK (lang IN ('zh', 'en')),
            neighbour TEXT REFERENCES wards (id), settings TEXT NOT NULL DEFAULT '{}'
        );
        -- role bedside: buttons, lamps and loudspeakers of beds; role station: the nurse station.
        CREATE TABLE nodes (
            id TEXT PRIMARY KEY, ward TEXT NOT NULL REFERENCES wards (id),
            role TEXT NOT NULL CHECK (role IN ('bedside', 'station')),
            state TEXT NOT NULL DEFAULT 'unknown', session INTEGER, firmware TEXT, hardware TEXT,
            born_ms INTEGER, seen_ms INTEGER, health TEXT NOT NULL DEFAULT '{}'
        );
        CREATE TABLE beds (
            ward TEXT NOT NULL REFERENCES wards (id), bed TEXT NOT NULL,
            node TEXT REFERENCES nodes (id), position INTEGER NOT NULL,
            care_level TEXT NOT NULL DEFAULT 'normal', state TEXT NOT NULL DEFAULT 'unknown',
            PRIMARY KEY (ward, bed)
        );
        """
    )


@migrations()
def m002_gaps(db: Database) -> None:
    db.executescript(
        """
        -- The highest event number heard of each start of a box.
        CREATE TABLE sequences (
            node TEXT NOT NULL, boot INTEGER NOT NULL, last_seq INTEGER NOT NULL,
            PRIMARY KEY (node, boot)
        ) WITHOUT ROWID;
        -- Stretches of numbers that were jumped over; over_ms: given up, kept for the count.
        CREATE TABLE gaps (
            node TEXT NOT NULL, boot INTEGER NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, noticed_ms INTEGER NOT NULL, over_ms INTEGER
        );
        CREATE INDEX gaps_node ON gaps (node, boot, first);
        -- What was taken in before numbers were watched is no gap.
        INSERT INTO sequences SELECT node, boot, max(seq) FROM events GROUP BY node, boot;
        """
    )


@migrations()
def m003_fleet_version(db: Database) -> None:
    # Rises with each change of which box and bed is where; a box's state is none.
    bump = "BEGIN UPDATE fleet_version SET number = number + 1; END;"
    db.executescript(
        f"""
        CREATE TABLE fleet_version (number INTEGER NOT NULL);
        INSERT INTO fleet_version VALUES (0);
        CREATE TRIGGER nodes_added AFTER INSERT ON nodes {bump}
        CREATE TRIGGER nodes_moved AFTER UPDATE OF id, ward ON nodes {bump}
        CREATE TRIGGER nodes_removed AFTER DELETE ON nodes {bump}
        CREATE TRIGGER beds_added AFTER INSERT ON beds {bump}
        CREATE TRIGGER beds_moved AFTER UPDATE OF ward, bed, node ON beds {bump}
        CREATE TRIGGER beds_removed AFTER DELETE ON beds {bump}
        """
    )


@migrations()
def m004_passed_starts(db: Database) -> None:
    # Starts that are over although one with a lower number (by_boot) came after them.
    db.execute(
        "CREATE TABLE passed_starts (node TEXT NOT NULL, boot INTEGER NOT NULL,"
        " by_boot INTEGER NOT NULL, PRIMARY KEY (node, boot)) WITHOUT ROWID"
    )


@migrations()
def m005_units(db: Database) -> None:
    # unit: the Modbus address, 1 to 247, of the bed's unit on its box's bus; NULL: no bus, or not
    # told.
    db.execute("ALTER TABLE beds ADD COLUMN unit INTEGER")


def add_ward(tx: Tx, ward: str, name_zh: str, name_en: str, lang: str = "zh") -> None:
    tx.insert("wards", id=ward, name_zh=name_zh, name_en=name_en, lang=lang)


def rename_ward(tx: Tx, ward: str, name_zh: str, name_en: str, lang: str) -> None:
    tx.execute(
        "UPDATE wards SET name_zh = ?, name_en = ?, lang = ? WHERE id = ?",
        (name_zh, name_en, lang, ward),
    )
    tx.changed(ward, CONFIG)


def set_neighbour(tx: Tx, ward: str, neighbour: str | None) -> None:
    tx.execute("UPDATE wards SET neighbour = ? WHERE id = ?", (neighbour, ward))


def add_node(tx: Tx, node: str, ward: str, role: str) -> None:
    tx.insert("nodes", id=node, ward=ward, role=role)
    tx.changed(ward, FLEET)


def add_bed(tx: Tx, ward: str, bed: str, node: str | None, unit: int | None = None) -> None:
    """unit: its address on the box's bus, 1 to 247."""
    position = tx.value("SELECT count(*) FROM beds WHERE ward = ?", (ward,))
    tx.insert("beds", ward=ward, bed=bed, node=node, position=position, unit=unit)
    tx.changed(ward, FLEET)
    tx.changed(ward, CONFIG)


def move_bed(tx: Tx, ward: str, bed: str, node: str | None, unit: int | None) -> None:
    """To another box or unit."""
    tx.execute(
        "UPDATE beds SET node = ?, unit = ? WHERE ward = ? AND bed = ?", (node, unit, ward, bed)
    )
    tx.changed(ward, FLEET)
    tx.changed(ward, CONFIG)


def ward(tx: Tx, ward: str) -> Row | None:
    return tx.one("SELECT * FROM wards WHERE id = ?", (ward,))


def wards(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM wards ORDER BY id")


def lang(tx: Tx, ward: str) -> str:
    """The language a ward is spoken to in: "zh" or "en"."""
    return tx.value("SELECT lang FROM wards WHERE id = ?", (ward,)) or "zh"


def beds(tx: Tx, ward: str) -> list[Row]:
    return tx.all("SELECT * FROM beds WHERE ward = ? ORDER BY position", (ward,))


def bed(tx: Tx, ward: str, bed: str) -> Row | None:
    return tx.one("SELECT * FROM beds WHERE ward = ? AND bed = ?", (ward, bed))


def nodes(tx: Tx, ward: str | None = None) -> list[Row]:
    """The nodes of a ward, or of all wards when `ward` is None."""
    return tx.all(
        "SELECT * FROM nodes WHERE :ward IS NULL OR ward = :ward ORDER BY ward, role, id",
        {"ward": ward},
    )


def node(tx: Tx, node: str) -> Row | None:
    return tx.one("SELECT * FROM nodes WHERE id = ?", (node,))


def stations(tx: Tx, ward: str) -> list[Row]:
    """The station nodes of a ward."""
    return tx.all("SELECT * FROM nodes WHERE ward = ? AND role = 'station' ORDER BY id", (ward,))


def settings(tx: Tx, ward: str) -> dict[str, Any]:
    """Volume bands and the like, as sent to the ward's nodes: keys of config.json."""
    return json.loads(tx.value("SELECT settings FROM wards WHERE id = ?", (ward,)) or "{}")


def strangers(tx: Tx) -> int:
    """How many boxes that nobody has set up have a fault line."""
    return int(
        tx.value("SELECT count(*) FROM faults WHERE code = 'unknown-node' AND cleared_ms IS NULL")
    )
