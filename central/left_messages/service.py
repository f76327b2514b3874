"""A message is left, and somebody sees to it; who did stands in the audit. All in a transaction."""

import re

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.store import HOSPITAL, Row, Tx
from gateway.telephone.files.recording import MESSAGE

# What a nudge says has changed.
CHANGED = "left_messages"
_RECORDING = re.compile(MESSAGE + r"-[0-9]{1,9}-[A-Za-z0-9.-]{1,64}")
CALLER_CHARACTERS = 24


def leave(
    tx: Tx, recording: str, *, number: str = "", caller: str = "", patient: str = "", lang: str
) -> int:
    """Its id; that of the same recording when it was left before. recording: the name that the
    exchange gave it. Raises FieldError."""
    if not _RECORDING.fullmatch(recording):
        raise FieldError("recording", N_("This is no recording of what a caller said."))
    file = f"{recording}.wav"
    known = tx.value("SELECT id FROM left_messages WHERE file = ?", (file,))
    if known is not None:
        return int(known)
    id = tx.insert(
        "left_messages", file=file, number=number, caller=caller[:CALLER_CHARACTERS],
        patient=patient, lang=lang, came_ms=tx.clock.real_ms(),
    )  # fmt: skip
    who = "patient" if patient else f"extension {number}" if number else "caller"
    ref = f"patient/{patient}" if patient else ""
    audit.append(tx, who, "left_message.leave", ref, detail={"message": id})
    tx.changed(HOSPITAL, CHANGED)
    return id


def done(tx: Tx, message: Row, *, by: str) -> None:
    """Somebody has seen to it."""
    _mark(tx, message, "left_message.done", tx.clock.real_ms(), by)


def reopen(tx: Tx, message: Row, *, by: str) -> None:
    """It is to be seen to again."""
    _mark(tx, message, "left_message.reopen", None, by)


def _mark(tx: Tx, message: Row, what: str, done_ms: int | None, by: str) -> None:
    if (message["done_ms"] is None) == (done_ms is None):
        return  # somebody else did so a moment ago
    tx.execute(
        "UPDATE left_messages SET done_ms = ?, done_by = ? WHERE id = ?",
        (done_ms, by if done_ms is not None else None, message["id"]),
    )
    audit.append(tx, by, what, f"left_message/{message['id']}")
    tx.changed(HOSPITAL, CHANGED)
