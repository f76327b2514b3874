"""What is known of patients beyond their stays: cards, accounts, contacts, consent."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("patients")
migrate_after = ("admissions",)

ACTIVE, LOST, REPLACED = "active", "lost", "replaced"


@migrations()
def m001_cards_and_accounts(db: Database) -> None:
    db.executescript(
        """
        -- pin_hash: argon2id of the PIN under the secret outside the database; NULL is no PIN yet.
        -- pin_mark: under which secret. A higher epoch ends every log-in with the card.
        CREATE TABLE cards (
            number TEXT PRIMARY KEY, patient TEXT NOT NULL REFERENCES patients (id), pin_hash TEXT,
            pin_mark TEXT,
            state TEXT NOT NULL CHECK (state IN ('active', 'lost', 'replaced')),
            epoch INTEGER NOT NULL DEFAULT 0, issued_ms INTEGER NOT NULL, issued_by TEXT NOT NULL,
            ended_ms INTEGER, ended_by TEXT
        );
        CREATE UNIQUE INDEX cards_one_each ON cards (patient) WHERE state = 'active';
        CREATE INDEX cards_patient ON cards (patient);
        -- Wrong PINs since the last right one, of cards that exist and of numbers that do not.
        -- subject: the number under the secret, for what was typed as one may be somebody's PIN.
        CREATE TABLE card_failures (
            subject TEXT PRIMARY KEY, is_card INTEGER NOT NULL, count INTEGER NOT NULL,
            last_real_ms INTEGER NOT NULL
        ) WITHOUT ROWID;

        -- Each account event that came; of each figure the newest counts. sent_ms: the sender's
        -- time, else when it came. visit '': not told.
        CREATE TABLE account_facts (
            sender TEXT NOT NULL, patient TEXT NOT NULL, visit TEXT NOT NULL, account TEXT NOT NULL,
            sent_ms INTEGER NOT NULL, control_id TEXT NOT NULL, balance_fen INTEGER,
            charged_fen INTEGER, paid_fen INTEGER, is_closed INTEGER NOT NULL,
            PRIMARY KEY (patient, visit, sender, account, sent_ms, control_id)
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m002_details(db: Database) -> None:
    db.executescript(
        """
        -- lang: in which the patient is spoken to and written to; NULL: not known.
        CREATE TABLE patient_details (
            patient TEXT PRIMARY KEY REFERENCES patients (id),
            lang TEXT CHECK (lang IN ('zh', 'en')), is_key_account INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE patient_contacts (
            patient TEXT NOT NULL REFERENCES patients (id), place INTEGER NOT NULL,
            relation TEXT NOT NULL CHECK (relation IN ('family', 'employer')), name TEXT NOT NULL,
            phone TEXT NOT NULL, PRIMARY KEY (patient, place)
        ) WITHOUT ROWID;
        -- Each answer that was given; the newest of a kind counts.
        CREATE TABLE consents (
            id INTEGER PRIMARY KEY, patient TEXT NOT NULL REFERENCES patients (id),
            kind TEXT NOT NULL, is_given INTEGER NOT NULL, at_ms INTEGER NOT NULL, by TEXT NOT NULL
        );
        CREATE INDEX consents_patient ON consents (patient, kind);
        """
    )


def card(tx: Tx, number: str) -> Row | None:
    return tx.one("SELECT * FROM cards WHERE number = ?", (number,))


def cards_of(tx: Tx, patient: str) -> list[Row]:
    """All cards that a patient has had, the newest first."""
    return tx.all(
        "SELECT * FROM cards WHERE patient = ? ORDER BY ended_ms IS NOT NULL, rowid DESC",
        (patient,),
    )


def active_card(tx: Tx, patient: str) -> Row | None:
    return tx.one("SELECT * FROM cards WHERE patient = ? AND state = 'active'", (patient,))


def patient(tx: Tx, id: str) -> Row | None:
    """id, name, sex ("M", "F" or ""), birth ("1961-06-15", as far as known)."""
    return tx.one("SELECT * FROM patients WHERE id = ?", (id,))


def failures(tx: Tx, subject: str) -> int:
    """Wrong PINs since the last right one."""
    return int(tx.value("SELECT count FROM card_failures WHERE subject = ?", (subject,)) or 0)


def count_failure(tx: Tx, subject: str, *, is_card: bool) -> None:
    tx.execute(
        "INSERT INTO card_failures VALUES (?, ?, 1, ?) ON CONFLICT (subject) DO UPDATE"
        " SET count = count + 1, is_card = excluded.is_card, last_real_ms = excluded.last_real_ms",
        (subject, int(is_card), tx.clock.real_ms()),
    )


def forget_failures(tx: Tx, subject: str) -> None:
    tx.execute("DELETE FROM card_failures WHERE subject = ?", (subject,))


def forget_no_cards(tx: Tx, before_real_ms: int) -> None:
    """Numbers that are no cards leave nothing behind for ever."""
    tx.execute(
        "DELETE FROM card_failures WHERE NOT is_card AND last_real_ms < ?", (before_real_ms,)
    )


def find(tx: Tx, words: str, limit: int) -> list[Row]:
    """Patients whose name holds the words, or whose number, card or bed ("3-5") they are: with
    their active card, and ward and bed where they lie now."""
    held = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return tx.all(
        "SELECT p.*, c.number AS card, s.ward, s.bed FROM patients p"
        " LEFT JOIN cards c ON c.patient = p.id AND c.state = 'active'"
        " LEFT JOIN stays s ON s.patient = p.id AND s.ward IS NOT NULL"
        " AND s.discharged_ms IS NULL AND s.cancelled_ms IS NULL"
        " WHERE p.name LIKE :held ESCAPE '\\' OR p.id = :words COLLATE NOCASE"
        " OR s.ward || '-' || s.bed = :words COLLATE NOCASE"
        " OR EXISTS (SELECT 1 FROM cards o WHERE o.patient = p.id AND o.number = :words)"
        " GROUP BY p.id ORDER BY p.name, p.id LIMIT :limit",
        {"held": held, "words": words, "limit": limit},
    )


def visit(tx: Tx, patient: str) -> Row | None:
    """The stay that goes on, else the last one."""
    return tx.one(
        "SELECT * FROM stays WHERE patient = ? AND cancelled_ms IS NULL"
        " ORDER BY discharged_ms IS NOT NULL, admitted_ms DESC, id DESC LIMIT 1",
        (patient,),
    )


def details(tx: Tx, patient: str) -> Row | None:
    return tx.one("SELECT * FROM patient_details WHERE patient = ?", (patient,))


def put_details(tx: Tx, patient: str, lang: str | None, is_key_account: bool) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO patient_details VALUES (?, ?, ?)",
        (patient, lang, int(is_key_account)),
    )


def contacts(tx: Tx, patient: str) -> list[Row]:
    """relation, name and phone, in the order in which they are called."""
    return tx.all("SELECT * FROM patient_contacts WHERE patient = ? ORDER BY place", (patient,))


def put_contacts(tx: Tx, patient: str, contacts: list[tuple[str, str, str]]) -> None:
    tx.execute("DELETE FROM patient_contacts WHERE patient = ?", (patient,))
    for place, (relation, name, phone) in enumerate(contacts):
        tx.insert(
            "patient_contacts", patient=patient, place=place, relation=relation, name=name,
            phone=phone,
        )  # fmt: skip


def consents(tx: Tx, patient: str) -> dict[str, Row]:
    """The newest answer of each kind: is_given, at_ms, by."""
    rows = tx.all("SELECT * FROM consents WHERE patient = ? ORDER BY id", (patient,))
    return {row["kind"]: row for row in rows}
