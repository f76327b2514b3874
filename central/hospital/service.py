"""Messages of the hospital information system: what is done with them, and what an engineer
does with those that could not be applied."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from central import timers
from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.hospital import flood, model, reasons
from central.hospital.taking import HIS, retry, set_state, settle, take_message
from central.hospital.ways import parse_again
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from gateway.his.encoding import CHOICES

__all__ = [
    "TIMERS", "UnknownMessageError", "map_location", "purge", "recover", "replay", "retry",
    "set_aside", "set_encoding", "take_message", "unmap_location",
]  # fmt: skip

# Raw messages hold more of a patient than a ward needs: they are kept short.
RAW_KEPT_MS = 30 * 24 * 3_600_000
RAW_REFUSED_KEPT = 2_000
PURGE = "hospital.purge"
PURGE_EVERY_MS = 6 * 3_600_000


class UnknownMessageError(Exception):
    """There is no message of this number."""

    error_id = "his-message-unknown"


def map_location(
    tx: Tx,
    sender: str,
    code: str,
    ward: str | None,
    bed: str | None,
    by: str,
    zone: tzinfo | None = None,
) -> int:
    """Say that the sender's location `code` is this bed (ward None: none of ours), and apply the
    messages that waited for it. Returns how many were applied. Raises FieldError."""
    sender, code = sender.strip(), code.strip()
    if not sender:
        raise FieldError("sender", N_("Enter the sender, as the messages page shows it."))
    if not code:
        raise FieldError("code", N_("Enter the location code, as the messages page shows it."))
    if ward is not None:
        if wards.ward(tx, ward) is None:
            raise FieldError("ward", N_("There is no ward %(ward)s."), ward=ward)
        if bed is None or wards.bed(tx, ward, bed) is None:
            text = N_("Ward %(ward)s has no bed %(bed)s.")
            raise FieldError("bed", text, ward=ward, bed=bed or "–")
    tx.execute(
        "INSERT INTO his_locations (sender, code, ward, bed, by, at_ms) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (sender, code) DO UPDATE SET ward = excluded.ward, bed = excluded.bed,"
        " by = excluded.by, at_ms = excluded.at_ms",
        (sender, code, ward, bed if ward is not None else None, by, tx.now_ms),
    )
    audit.append(
        tx, by, "his.map", f"location/{sender}/{code}", detail={"ward": ward, "bed": bed}
    )  # fmt: skip
    tx.changed(HOSPITAL, HIS)
    return retry(tx, zone, sender=sender, code=code)


def unmap_location(tx: Tx, sender: str, code: str, by: str) -> bool:
    """Forget a mapping: the next message with it waits. Patients stay where they are."""
    gone = tx.execute(
        "DELETE FROM his_locations WHERE sender = ? AND code = ?", (sender, code)
    ).rowcount
    if gone:
        audit.append(tx, by, "his.unmap", f"location/{sender}/{code}")
        tx.changed(HOSPITAL, HIS)
    return bool(gone)


def set_encoding(tx: Tx, peer: str, encoding: str | None, by: str) -> None:
    """How to read the messages of an address that do not tell; None: find out.
    Raises FieldError."""
    peer = peer.strip()
    if not peer:
        raise FieldError("peer", N_("Enter the sender's address."))
    if encoding is not None and encoding not in CHOICES:
        raise FieldError("encoding", N_("Choose one of the encodings."))
    tx.execute("DELETE FROM his_peers WHERE peer = ?", (peer,))
    if encoding is not None:
        tx.insert("his_peers", peer=peer, encoding=encoding, by=by, at_ms=tx.now_ms)
    audit.append(tx, by, "his.encoding", f"peer/{peer}", detail={"encoding": encoding})
    tx.changed(HOSPITAL, HIS)


def replay(
    tx: Tx, message_id: int, by: str, *, force: bool = False, zone: tzinfo | None = None
) -> bool:
    """Apply a message that waits or was refused once more, with the settings of today. True when
    it was applied. `force`: it is right, and what is known is wrong. Raises UnknownMessageError,
    FieldError."""
    row = _must_exist(tx, message_id)
    if row["state"] == model.DONE:
        raise FieldError("message", N_("This message was applied already."))
    if row["raw"] is None:
        raise FieldError("message", reasons.PURGED)
    if row["size"] is not None and len(row["raw"]) < row["size"]:
        raise FieldError("message", reasons.CUT, kept=len(row["raw"]), size=row["size"])
    audit.append(tx, by, "his.replay", f"his/{message_id}", "forced" if force else "")
    parsed = parse_again(tx, row)
    if not parsed.events:
        why = [(parsed.refusal.text, dict(parsed.refusal.values))] if parsed.refusal else []
        set_state(tx, message_id, model.REFUSED, why, HIS)
        return False
    header = parsed.header
    sender = (header.sender if header else "") or row["peer"]
    tx.execute(
        "UPDATE his_messages SET encoding = ?, type = ? WHERE id = ?",
        (parsed.encoding, header.kind if header else "", message_id),
    )
    return settle(tx, message_id, sender, parsed.events, zone, force=force, by=by)


def set_aside(tx: Tx, message_id: int, by: str) -> None:
    """A person has seen to it otherwise: no longer a task.
    Raises UnknownMessageError, FieldError."""
    row = _must_exist(tx, message_id)
    if row["state"] == model.DONE:
        raise FieldError("message", N_("This message was applied already."))
    why = [*model.reasons(row), (reasons.SET_ASIDE, {"by": by})]
    set_state(tx, message_id, model.SET_ASIDE, why, by)
    audit.append(tx, by, "his.set_aside", f"his/{message_id}")


def _must_exist(tx: Tx, message_id: int) -> Row:
    row = model.message(tx, message_id)
    if row is None:
        raise UnknownMessageError(message_id)
    return row


# --- what time does ---


def purge(tx: Tx) -> int:
    """Forget the text of old messages that nobody waits for. Returns how many. What they were,
    and that a repeat is a repeat, stays known."""
    newest_kept = tx.value(
        "SELECT id FROM his_messages WHERE state = 'refused' ORDER BY id DESC LIMIT 1 OFFSET ?",
        (RAW_REFUSED_KEPT,),
    )
    return tx.execute(
        "UPDATE his_messages SET raw = NULL WHERE raw IS NOT NULL AND state != 'waiting'"
        " AND (received_ms < :old OR (state = 'refused' AND id <= :refused))",
        {"old": tx.now_ms - RAW_KEPT_MS, "refused": newest_kept or 0},
    ).rowcount


def recover(tx: Tx) -> None:
    """At start: see that the purge is armed, and try what nothing used in an older version."""
    timers.cancel(tx, PURGE, "all")
    timers.arm(tx, tx.now_ms, PURGE, "all")
    retry(tx, held_for={reasons.UNUSED})


def _on_purge(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    purge(tx)
    flood.calm(tx)
    timers.arm(tx, tx.now_ms + PURGE_EVERY_MS, PURGE, ref)


TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {PURGE: _on_purge}
