"""A message of the hospital information system: stored, applied and answered in one
transaction; and tried again when what it waited for is there."""

import hashlib
import json
import logging
from datetime import datetime, tzinfo

from central.admissions import flood, model, reasons
from central.admissions.moves import Outcome
from central.admissions.reasons import HeldError, Reason
from central.admissions.rules import apply
from central.store import HOSPITAL, Row, Tx, is_trouble
from gateway.his import ack
from gateway.his.adt import AdtEvent
from gateway.his.message import Parsed, parse

log = logging.getLogger("wardline.his")

HIS = "his"


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
        raw=raw if parsed.event is not None else raw[: flood.REFUSED_BYTES],
        size=len(raw),
        encoding=parsed.encoding,
        state=model.WAITING,
        reason=json.dumps(notes),
    )
    if parsed.event is not None:
        settle(tx, message, sender, parsed.event, zone)
    elif parsed.refusal is not None:
        refused = (parsed.refusal.text, dict(parsed.refusal.values))
        set_state(tx, message, model.REFUSED, [refused, *notes], HIS)
        flood.refused(tx, peer, message, zone)
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


def settle(
    tx: Tx,
    message: int,
    sender: str,
    event: AdtEvent,
    zone: tzinfo | None,
    *,
    force: bool = False,
    by: str = HIS,
    again: bool = True,
) -> bool:
    """Apply the event of a stored message, or let it wait with the reason. True when applied."""
    tx.execute(
        "UPDATE his_messages SET patient = ?, visit = ?, location = ? WHERE id = ?",
        (event.patient_id, event.visit, event.location.code, message),
    )
    row = model.message(tx, message)
    notes = [each for each in model.reasons(row) if each[0] == reasons.SAME_ID] if row else []
    tx.execute("SAVEPOINT admission")
    outcome: Outcome | None = None
    held: Reason | None = None
    try:
        outcome = apply(tx, event, sender=sender, zone=zone, ref=f"his/{message}", force=force)
    except HeldError as error:
        held = error.reason
    except Exception as error:
        if is_trouble(error):
            raise  # the disk or the lock: nothing is stored, nothing is acknowledged
        tx.execute("ROLLBACK TO admission")
        log.exception("message %s could not be applied", message)
        held = (reasons.MISTAKE, {"detail": f"{type(error).__name__}: {error}"})
    tx.execute("RELEASE admission")
    if outcome is None:
        set_state(tx, message, model.WAITING, [*([held] if held else []), *notes], None)
        return False
    set_state(tx, message, model.DONE, [*outcome.notes, *notes], by)
    if outcome.settled:
        _supersede(tx, message, event)
    if outcome.freed and again:
        retry(tx, zone)
    return True


def set_state(tx: Tx, message: int, state: str, why: list[Reason], by: str | None) -> None:
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
        set_state(tx, row["id"], model.DONE, [(reasons.SUPERSEDED, {"id": message})], HIS)


def retry(tx: Tx, zone: tzinfo | None = None, *, sender: str = "", code: str = "") -> int:
    """Try the messages again that wait for a bed, or for the location `code` of `sender`, in the
    order they came, until none more can be applied. Returns how many were."""
    done = 0
    while True:
        before = done
        for message in model.to_retry(tx, sender, code):
            # One applied meanwhile may have settled this one too.
            row = model.message(tx, message)
            if row is None or row["state"] != model.WAITING or row["raw"] is None:
                continue
            event = parse_again(tx, row).event
            if event is not None:
                done += settle(tx, message, row["sender"], event, zone, again=False)
        if done == before:
            return done


def parse_again(tx: Tx, row: Row) -> Parsed:
    return parse(row["raw"], model.encoding_of(tx, row["peer"]))
