"""What a technician types, made into what is meant."""

import re
from datetime import datetime, tzinfo

from central.console.marks import N_
from central.errors import FieldError
from central.store import Tx

_BED = re.compile(r"([^\s-]{1,16})-(\S{1,16})")
_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:：]([0-5][0-9])")


def patient(tx: Tx, text: str) -> str:
    """A patient's number, or that of whoever lies in a bed typed as 3-5. Raises FieldError."""
    text = text.strip()
    bed = _BED.fullmatch(text)
    if bed is not None:
        found = tx.value(
            "SELECT patient FROM stays WHERE ward = ? AND bed = ? AND discharged_ms IS NULL"
            " AND cancelled_ms IS NULL",
            bed.groups(),
        )
        if found is not None:
            return str(found)
        if tx.value("SELECT 1 FROM beds WHERE ward = ? AND bed = ?", bed.groups()):
            raise FieldError("patient", N_("Nobody lies in bed %(bed)s, as far as is known."
                                           " Enter the patient's number."), bed=text)  # fmt: skip
    return text


def time_of_today(text: str, now_ms: int, zone: tzinfo | None) -> int | None:
    """14:05 of today in hospital ms; None for nothing typed. Raises FieldError."""
    if not text.strip():
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise FieldError("at", N_("Enter a time as 14:05, or nothing for now."))
    hour, minute = map(int, found.groups())
    today = datetime.fromtimestamp(now_ms / 1000, zone)
    at = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return int(at.timestamp() * 1000)
