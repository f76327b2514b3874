"""Patients and their stays."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx
from gateway.his.adt import AdtEvent

migrations = Migrations("admissions")
migrate_after = ("wards",)

# A stay that is going on.
OPEN = "discharged_ms IS NULL AND cancelled_ms IS NULL"


# Tables of messages began here; what is done with them is in `central.hospital`.
@migrations()
def m001_admissions(db: Database) -> None:
    db.executescript(
        """
        -- birth: "1961-06-15", as far as known. sex: "M", "F" or "".
        CREATE TABLE patients (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, sex TEXT NOT NULL, birth TEXT NOT NULL,
            updated_ms INTEGER NOT NULL
        );
        -- ward and bed NULL: not in a bed of ours. prior_*: where before the last transfer.
        -- sent_ms: the sender's own time of the newest message applied.
        CREATE TABLE stays (
            id INTEGER PRIMARY KEY, patient TEXT NOT NULL, visit TEXT NOT NULL, ward TEXT, bed TEXT,
            kind TEXT NOT NULL, admitted_ms INTEGER NOT NULL, discharged_ms INTEGER,
            cancelled_ms INTEGER, prior_ward TEXT, prior_bed TEXT, sent_ms INTEGER,
            UNIQUE (patient, visit)
        );
        CREATE UNIQUE INDEX stays_one_per_bed ON stays (ward, bed)
            WHERE discharged_ms IS NULL AND cancelled_ms IS NULL;

        -- Every message as it came. A repeat (same sender, control id and content) is counted
        -- and given the same answer. reason: a JSON list of [text, values].
        CREATE TABLE his_messages (
            id INTEGER PRIMARY KEY, peer TEXT NOT NULL, sender TEXT NOT NULL,
            control_id TEXT NOT NULL, digest TEXT NOT NULL, received_ms INTEGER NOT NULL,
            last_ms INTEGER NOT NULL, repeats INTEGER NOT NULL DEFAULT 0, type TEXT NOT NULL,
            patient TEXT, visit TEXT, location TEXT, raw BLOB, encoding TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('done', 'refused', 'waiting', 'set_aside')),
            reason TEXT NOT NULL DEFAULT '[]', answer BLOB, settled_ms INTEGER, settled_by TEXT,
            UNIQUE (sender, control_id, digest)
        );
        CREATE INDEX his_messages_state ON his_messages (state, id);
        CREATE INDEX his_messages_peer ON his_messages (peer);
        CREATE INDEX his_messages_visit ON his_messages (patient, visit) WHERE state = 'waiting';

        -- code: PV1-3 as "point^room^bed^facility". ward NULL: known, and none of our wards.
        CREATE TABLE his_locations (
            sender TEXT NOT NULL, code TEXT NOT NULL, ward TEXT, bed TEXT, by TEXT NOT NULL,
            at_ms INTEGER NOT NULL, PRIMARY KEY (sender, code)
        );
        -- The encoding an engineer set for a sender's address, for those that do not tell.
        CREATE TABLE his_peers (
            peer TEXT PRIMARY KEY, encoding TEXT NOT NULL, by TEXT NOT NULL, at_ms INTEGER NOT NULL
        );
        """
    )


@migrations()
def m002_refused_days(db: Database) -> None:
    db.executescript(
        """
        -- How long a message was as it came; of refused ones only the beginning may be kept.
        ALTER TABLE his_messages ADD COLUMN size INTEGER;
        -- Refused messages by peer and hospital day. first_kept: the id of the last one that
        -- stays for good; dropped: how many after it were let go, only counted; last_ms: when.
        CREATE TABLE his_refused_days (
            peer TEXT NOT NULL, day TEXT NOT NULL, messages INTEGER NOT NULL DEFAULT 0,
            first_kept INTEGER, dropped INTEGER NOT NULL DEFAULT 0, last_ms INTEGER NOT NULL,
            PRIMARY KEY (peer, day)
        );
        CREATE INDEX his_messages_refused ON his_messages (peer, id) WHERE state = 'refused';
        """
    )


_STAY = (
    "SELECT s.*, p.name, p.sex, p.birth FROM stays s LEFT JOIN patients p ON p.id = s.patient"
    " WHERE {}"
)


def patient_in(tx: Tx, ward: str, bed: str) -> Row | None:
    """The stay in a bed, with the patient's name, sex and birth; None when the bed is free."""
    return tx.one(_STAY.format(f"s.ward = ? AND s.bed = ? AND {OPEN}"), (ward, bed))


def stays(tx: Tx, ward: str) -> list[Row]:
    """Who lies in a ward now: bed, name, sex, birth, admitted_ms and the rest of the stay, in
    the order of the beds."""
    return tx.all(
        "SELECT s.*, p.name, p.sex, p.birth FROM stays s JOIN patients p ON p.id = s.patient"
        f" LEFT JOIN beds b ON b.ward = s.ward AND b.bed = s.bed WHERE s.ward = ? AND {OPEN}"
        " ORDER BY b.position",
        (ward,),
    )


def stay(tx: Tx, stay_id: int) -> Row | None:
    return tx.one(_STAY.format("s.id = ?"), (stay_id,))


def stay_of(tx: Tx, patient: str, visit: str) -> Row | None:
    """The stay of a visit, going on or over."""
    return tx.one(_STAY.format("s.patient = ? AND s.visit = ?"), (patient, visit))


def other_stay(tx: Tx, patient: str, visit: str) -> Row | None:
    """Another stay of the patient that has a bed of ours."""
    return tx.one(
        _STAY.format(f"s.patient = ? AND s.visit != ? AND s.ward IS NOT NULL AND {OPEN}"),
        (patient, visit),
    )


def put_patient(tx: Tx, event: AdtEvent) -> None:
    """Keep what a message tells of a patient; what it leaves empty stays as it was."""
    tx.execute(
        "INSERT INTO patients (id, name, sex, birth, updated_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = coalesce(nullif(excluded.name, ''), name),"
        " sex = coalesce(nullif(excluded.sex, ''), sex),"
        " birth = coalesce(nullif(excluded.birth, ''), birth), updated_ms = excluded.updated_ms",
        (event.patient_id, event.name, event.sex, event.birth, tx.now_ms),
    )
