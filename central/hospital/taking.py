"""A message of the hospital information system: stored, applied and answered in one
transaction; and tried again when what it waited for is there."""

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, tzinfo

from central import capabilities
from central.capabilities import HospitalRule
from central.hospital import flood, model, reasons
from central.hospital.told import HeldError, Reason, Told
from central.hospital.ways import MLLP, parse_again
from central.store import HOSPITAL, Tx, is_trouble
from gateway.his import ack
from gateway.his.adt import AdtEvent
from gateway.his.events import (
    AccountEvent,
    ChargeEvent,
    ExamEvent,
    HisEvent,
    InfusionOrderEvent,
    SettlementEvent,
)
from gateway.his.message import Parsed

log = logging.getLogger("wardline.his")

HIS = "his"
# What a message tells of, as the table says it.
ABOUT: dict[type[HisEvent], str] = {
    AdtEvent: "stay",
    ChargeEvent: "charge",
    AccountEvent: "account",
    InfusionOrderEvent: "infusion",
    ExamEvent: "exam",
    SettlementEvent: "settlement",
}
# The answer to a message that was stored under this number, in its sender's form.
Answering = Callable[[int], bytes | None]


def take_message(
    tx: Tx,
    peer: str,
    raw: bytes,
    parsed: Parsed,
    zone: tzinfo | None = None,
    *,
    way: str = MLLP,
    answering: Answering | None = None,
    content: bytes | None = None,
) -> bytes | None:
    """Store a message, let it happen, and return its answer (unframed; None when the sender
    wants none). A repeat changes nothing and is given the very same answer. `zone`: the
    hospital's, for the answer's stamp and for times that tell none; None: the system's.
    `answering`: makes the answer of a way that is not MLLP, once it is known what became of the
    message. `content`: what repeats have in common; None: the bytes but for MSH-7."""
    header = parsed.header
    sender = (header.sender if header else "") or peer
    control_id = header.control_id if header else ""
    digest = _digest(raw, parsed) if content is None else digest_of(content)
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
        way=way,
        sender=sender,
        control_id=control_id,
        digest=digest,
        received_ms=tx.now_ms,
        last_ms=tx.now_ms,
        type=header.kind if header else "",
        raw=raw if parsed.events else raw[: flood.REFUSED_BYTES],
        size=len(raw),
        encoding=parsed.encoding,
        state=model.WAITING,
        reason=json.dumps(notes),
    )
    if parsed.events:
        settle(tx, message, sender, parsed.events, zone)
    elif parsed.refusal is not None:
        refused = (parsed.refusal.text, dict(parsed.refusal.values))
        set_state(tx, message, model.REFUSED, [refused, *notes], HIS)
        flood.refused(tx, peer, message, zone)
    if answering is not None:
        answer = answering(message)
    else:
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
    return digest_of(content)


def digest_of(content: bytes) -> str:
    """As the table keeps it."""
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
    events: Sequence[HisEvent],
    zone: tzinfo | None,
    *,
    force: bool = False,
    by: str = HIS,
    again: bool = True,
) -> bool:
    """Apply the events of a stored message, all or none, or let it wait with the reason. True when
    applied. `again`: try then what waited for it."""
    first, place = events[0], place_of(events[0])
    about = ABOUT[type(first)]
    tx.execute(
        "UPDATE his_messages SET about = ?, patient = ?, visit = ?, location = ? WHERE id = ?",
        (about, first.patient_id, first.visit, place, message),
    )
    row = model.message(tx, message)
    notes = [each for each in model.reasons(row) if each[0] == reasons.SAME_ID] if row else []
    told = Told(f"his/{message}", sender, zone, force)
    try:
        with tx.savepoint():
            remarks = _apply(tx, events, told)
    except HeldError as error:
        set_state(tx, message, model.WAITING, [error.reason, *notes], None)
        return False
    except Exception as error:
        if is_trouble(error):
            raise  # the disk or the lock: nothing is stored, nothing is acknowledged
        log.exception("message %s could not be applied", message)
        mistake = (reasons.MISTAKE, {"detail": f"{type(error).__name__}: {error}"})
        set_state(tx, message, model.WAITING, [mistake, *notes], None)
        return False
    set_state(tx, message, model.DONE, [*remarks, *notes], by)
    if told.settled:
        for older in model.waiting_before(tx, message, about, first.patient_id, first.visit):
            set_state(tx, older, model.DONE, [(told.settled, {"id": message})], HIS)
    if told.freed and again:
        retry(tx, zone, held_for=told.freed)
    return True


def _apply(tx: Tx, events: Sequence[HisEvent], told: Told) -> list[Reason]:
    remarks: list[Reason] = []
    for event in events:
        rules = rules_of_all().get(type(event))
        if not rules:
            raise HeldError(reasons.UNUSED)
        for rule in rules:
            remarks += [each for each in rule(tx, event, told) if each not in remarks]
    return remarks


@functools.cache
def rules_of_all() -> dict[type[HisEvent], list[HospitalRule]]:
    """What the capabilities do with each kind of event."""
    return capabilities.rules().hospital


def place_of(event: HisEvent) -> str:
    """The location in the sender's words, "" where the event tells none."""
    if isinstance(event, AdtEvent):
        return event.location.code
    return event.location if isinstance(event, ExamEvent) else ""


def set_state(tx: Tx, message: int, state: str, why: list[Reason], by: str | None) -> None:
    tx.execute(
        "UPDATE his_messages SET state = ?, reason = ?, settled_ms = ?, settled_by = ?"
        " WHERE id = ?",
        (state, json.dumps(why, ensure_ascii=False), tx.now_ms if by else None, by, message),
    )
    tx.changed(HOSPITAL, HIS)


def retry(
    tx: Tx,
    zone: tzinfo | None = None,
    *,
    sender: str = "",
    code: str = "",
    held_for: Collection[str] = (),
) -> int:
    """Try the messages again that are held for one of the reasons `held_for`, or for the location
    `code` of `sender`, in the order they came, until none more can be applied. Returns how many
    were."""
    done = 0
    freed = set(held_for)
    while True:
        before = done
        for message in model.to_retry(tx, sender, code, freed):
            # One applied meanwhile may have settled this one too.
            row = model.message(tx, message)
            if row is None or row["state"] != model.WAITING or row["raw"] is None:
                continue
            events = parse_again(tx, row).events
            if events:
                done += settle(tx, message, row["sender"], events, zone, again=False)
        if done == before:
            return done
