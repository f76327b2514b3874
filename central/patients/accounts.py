"""What a patient has paid in, as the hospital's own system tells it (BAR^P01, P02).

The newest figure counts and is no sum, so messages may come late, twice and in any order. A figure
that a newer message leaves out stays. All in integer fen.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from central.fees.reasons import UNKNOWN_PATIENT
from central.hospital.told import Reason, Told
from central.patients import model
from central.store import HOSPITAL, Tx
from gateway.his.events import AccountEvent


@dataclass(frozen=True)
class Account:
    """Of one visit, all its open accounts together. None: never told."""

    balance_fen: int | None
    charged_fen: int | None
    deposit_fen: int | None


_NEWEST = (
    "(SELECT {0} FROM account_facts i WHERE i.patient = o.patient AND i.visit = o.visit"
    " AND i.sender = o.sender AND i.account = o.account AND {0} IS NOT NULL"
    " ORDER BY sent_ms DESC, control_id DESC LIMIT 1) AS {0}"
)
_FIGURES = ("balance_fen", "charged_fen", "paid_fen")
_ACCOUNTS = (
    f"SELECT {', '.join(_NEWEST.format(each) for each in (*_FIGURES, 'is_closed'))} FROM"
    " (SELECT DISTINCT patient, visit, sender, account FROM account_facts"
    " WHERE patient = ? AND visit = ?) o"
)


def account(tx: Tx, patient: str, visit: str) -> Account | None:
    """What stands on the accounts of a visit, or, where the hospital tells none for the visit, on
    those of the patient. None: none was told of, or all are closed."""
    for each in dict.fromkeys((visit, "")):
        rows = [row for row in tx.all(_ACCOUNTS, (patient, each)) if not row["is_closed"]]
        if rows:
            return Account(*(_sum([row[figure] for row in rows]) for figure in _FIGURES))
    return None


def newest_visit(tx: Tx, patient: str) -> str | None:
    """The visit of the newest account event; None: there was none."""
    return tx.value(
        "SELECT visit FROM account_facts WHERE patient = ?"
        " ORDER BY sent_ms DESC, control_id DESC LIMIT 1",
        (patient,),
    )


def deposit_fen(tx: Tx, patient: str, visit: str) -> int | None:
    """The deposit that was paid in; None: nobody told."""
    found = account(tx, patient, visit)
    return None if found is None else found.deposit_fen


def take(tx: Tx, event: AccountEvent, told: Told) -> list[Reason]:
    """Keep what an account holds, of a patient not known yet, too."""
    sent_ms = tx.now_ms if event.sent_at is None else _ms(event.sent_at, told.zone)
    tx.execute(
        "INSERT OR REPLACE INTO account_facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.sender, event.patient_id, event.visit, event.account, sent_ms, event.control_id,
            event.balance_fen, event.charged_fen, event.paid_fen, int(event.is_closed),
        ),
    )  # fmt: skip
    tx.changed(HOSPITAL, "accounts")
    if model.patient(tx, event.patient_id) is None:
        return [(UNKNOWN_PATIENT, {"patient": event.patient_id})]
    return []


def _ms(at: datetime, zone: tzinfo | None) -> int:
    """A naive time is in `zone`, by default that of this process."""
    if at.tzinfo is None and zone is not None:
        at = at.replace(tzinfo=zone)
    return int(at.timestamp() * 1000)


def _sum(figures: list[int | None]) -> int | None:
    told = [each for each in figures if each is not None]
    return sum(told) if told else None
