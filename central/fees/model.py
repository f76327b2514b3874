"""Charges and settlements as the hospital told them, and the catalogue and insurance rules as
people entered them. Money in fen, days as "2026-11-29" in the hospital's zone."""

import json
from collections.abc import Iterable
from datetime import date

from sqlite_utils import Database, Migrations

from central.fees.cover import Band, RuleSet, Used, UsedBy
from central.fees.scope import Item, Line
from central.store import Row, Tx

migrations = Migrations("fees")
migrate_after = ("admissions",)


@migrations()
def m001_fees(db: Database) -> None:
    db.executescript(
        """
        -- Each line of a bill as it was last told. original: the id of the charge that a credit
        -- takes back. alone: a person decided that a credit counts without it.
        CREATE TABLE fee_charges (
            sender TEXT NOT NULL, id TEXT NOT NULL, patient TEXT NOT NULL, visit TEXT NOT NULL,
            day TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL,
            quantity_milli INTEGER NOT NULL, amount_fen INTEGER NOT NULL, unit_fen INTEGER,
            original TEXT NOT NULL, alone INTEGER NOT NULL DEFAULT 0, insured_fen INTEGER,
            plan TEXT NOT NULL, department TEXT NOT NULL, sent_ms INTEGER NOT NULL,
            ref TEXT NOT NULL, PRIMARY KEY (sender, id)
        ) WITHOUT ROWID;
        CREATE INDEX fee_charges_patient ON fee_charges (patient, visit);
        CREATE INDEX fee_charges_original ON fee_charges (sender, original) WHERE original != '';

        -- What was not told is NULL. ended: the sender took it back.
        CREATE TABLE fee_settlements (
            sender TEXT NOT NULL, id TEXT NOT NULL, patient TEXT NOT NULL, visit TEXT NOT NULL,
            day TEXT NOT NULL, medfee_sumamt INTEGER NOT NULL, psn_part_amt INTEGER NOT NULL,
            fulamt_ownpay_amt INTEGER, overlmt_selfpay INTEGER, preselfpay_amt INTEGER,
            inscp_scp_amt INTEGER, act_pay_dedc INTEGER, hifp_pay INTEGER, psn_cash_pay INTEGER,
            ended INTEGER NOT NULL, sent_ms INTEGER NOT NULL, ref TEXT NOT NULL,
            PRIMARY KEY (sender, id)
        ) WITHOUT ROWID;
        CREATE INDEX fee_settlements_patient ON fee_settlements (patient);

        -- What the catalogue says of a code from a day on. version: counts changes of the row.
        CREATE TABLE fee_items (
            code TEXT NOT NULL, from_day TEXT NOT NULL, name TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('A', 'B', 'C')), limit_fen INTEGER,
            first_bp INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1, by TEXT NOT NULL,
            at_ms INTEGER NOT NULL, PRIMARY KEY (code, from_day)
        ) WITHOUT ROWID;
        -- bands: [[upto_fen or null, rate in basis points], ...]
        CREATE TABLE fee_rules (
            id INTEGER PRIMARY KEY, plan TEXT NOT NULL,
            care TEXT NOT NULL CHECK (care IN ('inpatient', 'outpatient')),
            from_day TEXT NOT NULL, name TEXT NOT NULL,
            per TEXT NOT NULL CHECK (per IN ('year', 'visit')), deductible_fen INTEGER NOT NULL,
            cap_fen INTEGER, bands TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1,
            by TEXT NOT NULL, at_ms INTEGER NOT NULL, UNIQUE (plan, care, from_day)
        );
        -- What a patient used up in other hospitals in a year.
        CREATE TABLE fee_elsewhere (
            patient TEXT NOT NULL, year INTEGER NOT NULL, plan TEXT NOT NULL, care TEXT NOT NULL,
            dedc_fen INTEGER NOT NULL, fund_fen INTEGER NOT NULL, by TEXT NOT NULL,
            at_ms INTEGER NOT NULL, PRIMARY KEY (patient, year, plan, care)
        ) WITHOUT ROWID;
        """
    )


@migrations()
def m002_drafts(db: Database) -> None:
    db.executescript(
        """
        -- A catalogue that somebody uploaded and has not put yet.
        CREATE TABLE fee_drafts (
            id INTEGER PRIMARY KEY, text TEXT NOT NULL, from_day TEXT NOT NULL, by TEXT NOT NULL,
            at_ms INTEGER NOT NULL
        );
        """
    )


def charge(tx: Tx, sender: str, id: str) -> Row | None:
    return tx.one("SELECT * FROM fee_charges WHERE sender = ? AND id = ?", (sender, id))


def lines(tx: Tx, patient: str) -> list[Line]:
    """All that a patient was ever charged or given back. A credit belongs to the visit of its
    charge; one that names another patient's charge waits as if there were none."""
    rows = tx.all(
        "SELECT c.*, o.visit AS of_visit FROM fee_charges c LEFT JOIN fee_charges o"
        " ON o.sender = c.sender AND o.id = c.original AND o.patient = c.patient"
        " WHERE c.patient = ?",
        (patient,),
    )
    return [
        Line(
            (row["sender"], row["id"]), row["of_visit"] or row["visit"],
            date.fromisoformat(row["day"]), row["code"], row["amount_fen"],
            row["quantity_milli"], row["plan"], row["text"],
            (row["sender"], row["original"]) if row["original"] and not row["alone"] else None,
        )
        for row in rows
    ]  # fmt: skip


def visits(tx: Tx, patient: str) -> list[Row]:
    """(visit, first, last): those with charges or a settlement, the newest first."""
    return tx.all(
        "SELECT visit, min(day) AS first, max(day) AS last FROM (SELECT visit, day FROM"
        " fee_charges WHERE patient = :patient UNION ALL SELECT visit, day FROM fee_settlements"
        " WHERE patient = :patient AND NOT ended) GROUP BY visit ORDER BY last DESC, visit",
        {"patient": patient},
    )


def settlements(tx: Tx, patient: str) -> list[Row]:
    """Of each visit the newest that was not taken back."""
    rows = tx.all(
        "SELECT * FROM fee_settlements WHERE patient = ? AND NOT ended"
        " ORDER BY day, sent_ms, sender, id",
        (patient,),
    )
    return list({row["visit"]: row for row in rows}.values())


def inpatient_visits(tx: Tx, patient: str) -> set[str]:
    return {row["visit"] for row in tx.all("SELECT visit FROM stays WHERE patient = ?", (patient,))}


def used_elsewhere(tx: Tx, patient: str) -> UsedBy:
    rows = tx.all("SELECT * FROM fee_elsewhere WHERE patient = ?", (patient,))
    return {
        (row["year"], row["plan"], row["care"]): Used(row["dedc_fen"], row["fund_fen"])
        for row in rows
    }


# --- the catalogue ---


def item_of(row: Row) -> Item:
    return Item(row["code"], row["name"], row["kind"], row["limit_fen"], row["first_bp"])


def item_versions(tx: Tx, codes: Iterable[str]) -> dict[str, list[tuple[date, Item]]]:
    """What the catalogue says of each code, the newest first."""
    found: dict[str, list[tuple[date, Item]]] = {}
    rows = tx.all(
        "SELECT * FROM fee_items WHERE code IN (SELECT value FROM json_each(?))"
        " ORDER BY code, from_day DESC",
        (json.dumps(sorted(set(codes))),),
    )
    for row in rows:
        found.setdefault(row["code"], []).append(
            (date.fromisoformat(row["from_day"]), item_of(row))
        )
    return found


# --- insurance rules ---


def rule_set_of(row: Row) -> RuleSet:
    return RuleSet(
        row["plan"], row["care"], date.fromisoformat(row["from_day"]), row["name"],
        row["deductible_fen"], tuple(Band(*each) for each in json.loads(row["bands"])),
        row["cap_fen"], row["per"],
    )  # fmt: skip


def rule_sets(tx: Tx) -> list[RuleSet]:
    """All, the newest first."""
    return [rule_set_of(row) for row in tx.all("SELECT * FROM fee_rules ORDER BY from_day DESC")]


def items(tx: Tx, day: str, text: str, limit: int, offset: int = 0) -> list[Row]:
    """What the catalogue says on a day, with how many later versions there are. `text`: in code or
    name."""
    return tx.all(
        "SELECT i.*, (SELECT count(*) FROM fee_items l WHERE l.code = i.code AND l.from_day > ?)"
        " AS later FROM fee_items i WHERE i.from_day = coalesce((SELECT max(from_day) FROM"
        " fee_items WHERE code = i.code AND from_day <= ?), (SELECT min(from_day) FROM fee_items"
        " WHERE code = i.code)) AND (instr(lower(i.code), lower(?)) OR instr(lower(i.name),"
        " lower(?)) OR ? = '') ORDER BY i.code LIMIT ? OFFSET ?",
        (day, day, text, text, text, limit, offset),
    )


def versions(tx: Tx, code: str) -> list[Row]:
    """All of a code, the newest first."""
    return tx.all("SELECT * FROM fee_items WHERE code = ? ORDER BY from_day DESC", (code,))


def item(tx: Tx, code: str, from_day: str) -> Row | None:
    return tx.one("SELECT * FROM fee_items WHERE code = ? AND from_day = ?", (code, from_day))


def charges_of(tx: Tx, code: str, from_day: str) -> int:
    """How many lines of bills a version of an item rules, from its day to the next version."""
    return int(
        tx.value(
            "SELECT count(*) FROM fee_charges WHERE code = ? AND day >= ? AND day < coalesce("
            "(SELECT min(from_day) FROM fee_items WHERE code = ? AND from_day > ?), '9999')",
            (code, from_day, code, from_day),
        )
    )


def rule_rows(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM fee_rules ORDER BY plan, care, from_day DESC")


def rule_row(tx: Tx, id: int) -> Row | None:
    return tx.one("SELECT * FROM fee_rules WHERE id = ?", (id,))


def unlisted(tx: Tx, limit: int) -> list[Row]:
    """(code, text, lines, amount_fen): charged, and not in the catalogue at all."""
    return tx.all(
        "SELECT code, max(text) AS text, count(*) AS lines, sum(amount_fen) AS amount_fen"
        " FROM fee_charges WHERE code NOT IN (SELECT code FROM fee_items) GROUP BY code"
        " ORDER BY lines DESC, code LIMIT ?",
        (limit,),
    )


def in_ward(tx: Tx, ward: str) -> list[Row]:
    """(patient, visit, name, bed) of who lies in a ward now, in the order of the beds."""
    return tx.all(
        "SELECT s.patient, s.visit, s.bed, p.name FROM stays s LEFT JOIN patients p"
        " ON p.id = s.patient LEFT JOIN beds b ON b.ward = s.ward AND b.bed = s.bed"
        " WHERE s.ward = ? AND s.discharged_ms IS NULL AND s.cancelled_ms IS NULL"
        " ORDER BY b.position, s.bed",
        (ward,),
    )


def name_of(tx: Tx, patient: str) -> str:
    return tx.value("SELECT name FROM patients WHERE id = ?", (patient,)) or ""


def is_known(tx: Tx, patient: str) -> bool:
    return bool(tx.value("SELECT 1 FROM patients WHERE id = ?", (patient,)))


def ward_of(tx: Tx, patient: str) -> str | None:
    """Where a patient lies now, or lay last; None: in no ward of ours."""
    ward: str | None = tx.value(
        "SELECT ward FROM stays WHERE patient = ? AND cancelled_ms IS NULL"
        " ORDER BY discharged_ms IS NOT NULL, admitted_ms DESC LIMIT 1",
        (patient,),
    )
    return ward


def elsewhere(tx: Tx, patient: str) -> list[Row]:
    return tx.all(
        "SELECT * FROM fee_elsewhere WHERE patient = ? ORDER BY year DESC, plan, care", (patient,)
    )
