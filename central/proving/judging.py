"""What a proof means: failed twice or overdue, a bed is a fault, which becomes a technical call."""

from collections.abc import Sequence

from central.faults import service as faults
from central.proving import model, turns
from central.store import Row, Tx
from gateway.mqtt import kinds

# Codes of the faults raised here, of the device "bed <bed>" at its box.
FAILED = "proof-failed"
OVERDUE = "proof-overdue"
# Of the device "ward <ward>": its calls would be heard by nobody, whichever bed makes them.
UNHEARD = "call-unheard"
# One failure may be a restart or a damaged line; it is tried again soon.
FAILURES = 2


def age_ms(tx: Tx, bed: Row) -> int | None:
    """Since the last proof of a row of `model.beds`, or since there should be one; None: never."""
    began_ms = bed["good_real_ms"] if bed["good_real_ms"] is not None else bed["since_real_ms"]
    return None if began_ms is None else tx.clock.real_ms() - int(began_ms)


def is_overdue(tx: Tx, bed: Row) -> bool:
    waited_ms = age_ms(tx, bed)
    return waited_ms is not None and turns.is_overdue(waited_ms)


def proved(tx: Tx, ward: str, bed: str) -> None:
    """Bring the faults of a bed into line with its newest entry in the book."""
    for row in model.beds(tx, ward, bed):
        _proved(tx, row)


def pressed(tx: Tx, node: str, bed: str) -> None:
    """A patient's press came from a bed of this box; quick, for many may press at once."""
    known = tx.all(
        "SELECT code FROM faults WHERE node = ? AND device = ? AND cleared_ms IS NULL",
        (node, f"bed {bed}"),
    )
    for row in known:
        if row["code"] in (FAILED, OVERDUE):
            faults.clear_fault(tx, node, f"bed {bed}", row["code"])


def heard(tx: Tx, ward: str) -> None:
    """A call of this ward would be heard."""
    _clear(tx, ward, f"ward {ward}", UNHEARD)


def _proved(tx: Tx, row: Row) -> None:
    ward, bed = row["ward"], row["bed"]
    if row["failures"] == 0 and row["good_ms"] is not None:
        for code in (FAILED, OVERDUE):
            _clear(tx, ward, f"bed {bed}", code)
    elif row["last_result"] == model.FAILED and row["last_leg"] == model.POLICY:
        _raise(tx, ward, "central", f"ward {ward}", UNHEARD, row["last_reason"])
    elif row["last_result"] == model.FAILED and row["failures"] >= FAILURES and _is_news(row):
        _raise(tx, ward, row["node"], f"bed {bed}", FAILED, row["last_reason"])


def overdue(tx: Tx, ward: str, beds: Sequence[Row]) -> None:
    """Raise what was not proved for too long although nothing explains it."""
    for row in beds:
        device = f"bed {row['bed']}"
        late = is_overdue(tx, row) and not row["failures"] and _is_news(row)
        if late and not _open(tx, ward, device, OVERDUE):
            _raise(tx, ward, row["node"], device, OVERDUE, "")


def _is_news(bed: Row) -> bool:
    """Whether no fault explains it that people know of already."""
    return bed["node_state"] == kinds.READY and not bed["troubled"]


def _raise(tx: Tx, ward: str, node: str, device: str, code: str, detail: str | None) -> None:
    faults.raise_fault(tx, ward=ward, node=node, device=device, code=code, detail=detail or "")


def _clear(tx: Tx, ward: str, device: str, code: str) -> None:
    """Whichever box it was raised for: a bed may have got another since."""
    for row in _open(tx, ward, device, code):
        faults.clear_fault(tx, row["node"], device, code)


def _open(tx: Tx, ward: str, device: str, code: str) -> list[Row]:
    return tx.all(
        "SELECT node FROM faults WHERE ward = ? AND device = ? AND code = ? AND cleared_ms IS NULL",
        (ward, device, code),
    )
