"""Who lies where, as the hospital information system tells it."""

from central.admissions import reasons
from central.admissions.rules import apply
from central.capabilities import HospitalRule
from central.hospital.told import Reason, Told
from central.store import Tx
from gateway.his.adt import AdtEvent
from gateway.his.events import HisEvent

__all__ = ["HOSPITAL", "apply", "take"]


def take(tx: Tx, event: AdtEvent, told: Told) -> list[Reason]:
    """Let an admission, a move or a discharge happen. Returns remarks. Raises HeldError."""
    outcome = apply(
        tx, event, sender=told.sender, zone=told.zone, ref=told.ref, force=told.force
    )  # fmt: skip
    if outcome.settled:
        told.settles(reasons.SUPERSEDED)
    if outcome.freed:
        told.frees(reasons.BED_TAKEN)
    return outcome.notes


HOSPITAL: dict[type[HisEvent], HospitalRule] = {AdtEvent: take}
