"""Messages of the hospital information system: stored, applied, answered, in one transaction;
and what an engineer does with those that could not be applied."""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from central import timers
from central.admissions import model, reasons
from central.admissions.reasons import HeldError, Reason
from central.admissions.rules import Outcome, apply
from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from gateway.his import ack
from gateway.his.adt import AdtEvent
from gateway.his.encoding import CHOICES
from gateway.his.message import Parsed, parse

__all__ = [
    "TIMERS", "UnknownMessageError", "apply", "map_location", "recover", "replay", "set_aside",
    "set_encoding", "take_message", "unmap_location",
]  # fmt: skip

log = logging.getLogger("wardline.his")

# Raw messages hold more of a patient than a ward needs: they are kept short.
RAW_KEPT_MS = int(timedelta(days=30) / timedelta(milliseconds=1))
RAW_REFUSED_KEPT = 2_000
PURGE = "admissions.purge"
PURGE_EVERY_MS = int(timedelta(hours=6) / timedelta(milliseconds=1))
HIS = "his"


class UnknownMessageError(Exception):
    """There is no message of this number."""

    error_id = "his-message-unknown"


def take_message(
    tx: Tx, peer: str, raw: bytes, parsed: Parsed, zone: tzinfo | None = None
) -> bytes | None:
    """Store a message, let it happen, and return its answer (unframed; None when the sender
    wants none). A repeat changes nothing and is given the very same answer. `zone`: the
    hospital's, for the answer's stamp and for times that tell none; None: the system's."""
    header = parsed.header
    sender = (header.sender if header else "") or peer
    control_id = header.control_id if header else ""
    digest = _digest(raw, parsed)
    known = tx.one(
        "UPDATE his_messages SET repeats = repeats + 1, last_ms = ? WHERE sender = ?"
        " AND control_id = ? AND digest = ? RETURNING *",
        (tx.now_ms, sender, control_id, digest),
    )
    if known is not None:
        tx.changed(HOSPITAL, HIS)
        return known["answer"]
    notes = _notes_on_id(tx, sender, control_id)
    message = tx.insert(
        "his_messages",
        peer=peer,
        sender=sender,
        control_id=control_id,
        digest=digest,
        received_ms=tx.now_ms,
        last_ms=tx.now_ms,
        type=header.kind if header else "",
        raw=raw,
        encoding=parsed.encoding,
        state=model.WAITING,
    )
    if parsed.event is not None:
        _settle(tx, message, sender, parsed.event, zone, notes=notes)
    elif parsed.refusal is not None:
        refused = (parsed.refusal.text, dict(parsed.refusal.values))
        _set_state(tx, message, model.REFUSED, [refused, *notes], HIS)
    answer = ack.build(
        header,
        parsed.refusal,
        encoding=parsed.encoding,
        own_id=f"WL{message}",
        at=datetime.fromtimestamp(tx.now_ms / 1000, zone).astimezone(zone),
    )
    tx.execute("UPDATE his_messages SET answer = ? WHERE id = ?", (answer, message))
    return answer


def _digest(raw: bytes, parsed: Parsed) -> str:
    """Of the content without MSH-7, which some senders stamp anew on a repeat."""
    content = raw
    if parsed.text and parsed.header:
        first, _, rest = parsed.text.partition("\r")
        fields = first.split(parsed.header.separator)
        fields[6:7] = [""]
        content = (parsed.header.separator.join(fields) + "\r" + rest).encode()
    return hashlib.sha256(content).hexdigest()


def _notes_on_id(tx: Tx, sender: str, control_id: str) -> list[Reason]:
    if control_id and tx.value(
        "SELECT 1 FROM his_messages WHERE sender = ? AND control_id = ? AND state != 'refused'",
        (sender, control_id),
    ):
        return [(reasons.SAME_ID, {"id": control_id})]
    return []


def _settle(
    tx: Tx,
    message: int,
    sender: str,
    event: AdtEvent,
    zone: tzinfo | None,
    *,
    notes: list[Reason] | None = None,
    force: bool = False,
    by: str = HIS,
    again: bool = True,
) -> bool:
    """Apply the event of a stored message, or let it wait with the reason. True when applied."""
    tx.execute(
        "UPDATE his_messages SET patient = ?, visit = ?, location = ? WHERE id = ?",
        (event.patient_id, event.visit, event.location.code, message),
    )
    notes = notes or []
    tx.execute("SAVEPOINT admission")
    outcome: Outcome | None = None
    held: Reason | None = None
    try:
        outcome = apply(tx, event, sender=sender, zone=zone, ref=f"his/{message}", force=force)
    except HeldError as error:
        held = error.reason
    except sqlite3.OperationalError:
        raise  # the disk or the lock: nothing is stored, nothing is acknowledged
    except Exception as error:
        tx.execute("ROLLBACK TO admission")
        log.exception("message %s could not be applied", message)
        held = (reasons.MISTAKE, {"detail": f"{type(error).__name__}: {error}"})
    tx.execute("RELEASE admission")
    if outcome is None:
        _set_state(tx, message, model.WAITING, [*([held] if held else []), *notes], None)
        return False
    _set_state(tx, message, model.DONE, [*outcome.notes, *notes], by)
    if outcome.settled:
        _supersede(tx, message, event)
    if outcome.freed and again:
        retry(tx, zone)
    return True


def _set_state(tx: Tx, message: int, state: str, why: list[Reason], by: str | None) -> None:
    tx.execute(
        "UPDATE his_messages SET state = ?, reason = ?, settled_ms = ?, settled_by = ?"
        " WHERE id = ?",
        (state, json.dumps(why, ensure_ascii=False), tx.now_ms if by else None, by, message),
    )
    tx.changed(HOSPITAL, HIS)


def _supersede(tx: Tx, message: int, event: AdtEvent) -> None:
    """Older messages of the visit that still wait no longer matter."""
    for row in tx.all(
        "SELECT id FROM his_messages WHERE state = 'waiting' AND patient = ? AND visit = ?"
        " AND id < ?",
        (event.patient_id, event.visit, message),
    ):
        _set_state(tx, row["id"], model.DONE, [(reasons.SUPERSEDED, {"id": message})], HIS)


def retry(tx: Tx, zone: tzinfo | None = None) -> int:
    """Try every waiting message again, in the order they came, until none more can be applied.
    Returns how many were."""
    done = 0
    while True:
        before = done
        for row in model.waiting(tx):
            # One applied meanwhile may have settled this one too.
            fresh = model.message(tx, row["id"])
            if fresh is None or fresh["state"] != model.WAITING or fresh["raw"] is None:
                continue
            event = _parse_again(tx, fresh).event
            if event is not None and _settle(
                tx, fresh["id"], fresh["sender"], event, zone, again=False
            ):
                done += 1
        if done == before:
            return done


def _parse_again(tx: Tx, row: Row) -> Parsed:
    return parse(row["raw"], model.encoding_of(tx, row["peer"]))


# --- what an engineer does ---


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
            raise FieldError("bed", N_("Ward %(ward)s has no bed %(bed)s."), ward=ward, bed=bed or "–")  # fmt: skip
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
    return retry(tx, zone)


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
    """How to read the messages of an address that do not tell; None: find out. Raises FieldError."""
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
    audit.append(tx, by, "his.replay", f"his/{message_id}", "forced" if force else "")
    parsed = _parse_again(tx, row)
    if parsed.event is None:
        why = [(parsed.refusal.text, dict(parsed.refusal.values))] if parsed.refusal else []
        _set_state(tx, message_id, model.REFUSED, why, HIS)
        return False
    header = parsed.header
    sender = (header.sender if header else "") or row["peer"]
    tx.execute(
        "UPDATE his_messages SET encoding = ?, type = ? WHERE id = ?",
        (parsed.encoding, header.kind if header else "", message_id),
    )
    return _settle(tx, message_id, sender, parsed.event, zone, force=force, by=by)


def set_aside(tx: Tx, message_id: int, by: str) -> None:
    """A person has seen to it otherwise: no longer a task. Raises UnknownMessageError, FieldError."""
    row = _must_exist(tx, message_id)
    if row["state"] == model.DONE:
        raise FieldError("message", N_("This message was applied already."))
    why = [*model.reasons(row), (reasons.SET_ASIDE, {"by": by})]
    _set_state(tx, message_id, model.SET_ASIDE, why, by)
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
    """At start: see that the purge is armed."""
    timers.cancel(tx, PURGE, "all")
    timers.arm(tx, tx.now_ms, PURGE, "all")


def _on_purge(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    purge(tx)
    timers.arm(tx, tx.now_ms + PURGE_EVERY_MS, PURGE, ref)


TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {PURGE: _on_purge}
