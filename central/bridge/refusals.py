"""Events that central cannot take: kept with the reason, answered all the same, and told to a
person where they may have been calls. Unanswered, a box would say them again for ever."""

import json
import re
from typing import NamedTuple

from central.calls import types
from central.faults import model as fault_rows
from central.faults import service as faults
from central.store import Tx
from central.technical.judging import UNREAD_BED, UNREAD_BOX
from central.wards import model as wards
from gateway.mqtt import kinds, topics

# What an event says of itself, where the rest of it cannot be read.
_SAYS = {
    key: re.compile(rb'"%s"\s*:\s*"([^"\\\x00-\x1f]{1,200})"' % key.encode())
    for key in ("id", "type", "bed")
}


class Refused(NamedTuple):
    """An event by its id, with the bed where it can be told; `may_call`: it may be an alarm."""

    id: str
    bed: str | None
    may_call: bool


def read(topic: str, payload: bytes) -> Refused | None:
    """What can be told of a payload refused on `topic`. None when it is no event, or not one that
    waits in the outbox of the box whose topic it is."""
    try:
        _ward, node, kind = topics.parse(topic)
    except ValueError:
        return None
    said = _said(payload)
    id = said.get("id", "")
    numbers = id.removeprefix(node + ":").split(":")
    if kind != topics.EVENT or id == ":".join(numbers) or len(id) > 200:
        return None
    if len(numbers) != 2 or not all(each.isdecimal() for each in numbers):
        return None
    type = said.get("type")
    harmless = type in kinds.EVENT_TYPES and type not in kinds.ALARM_TYPES
    return Refused(id, said.get("bed"), not harmless)


def _said(payload: bytes) -> dict[str, str]:
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        found = {key: pattern.search(payload) for key, pattern in _SAYS.items()}
        return {key: each[1].decode(errors="replace") for key, each in found.items() if each}
    if not isinstance(message, dict):
        return {}
    return {key: message[key] for key in _SAYS if isinstance(message.get(key), str)}


def tell(tx: Tx, topic: str, refused: Refused, reason: str) -> None:
    """A call that could not be read is a fault that people hear of, and go to the bed for."""
    ward, node, _kind = topics.parse(topic)
    if not refused.may_call or wards.ward(tx, ward) is None:
        return
    known = refused.bed is not None and wards.bed(tx, ward, refused.bed) is not None
    device = f"bed {refused.bed}" if known else "box"
    code = UNREAD_BED if known else UNREAD_BOX
    last = fault_rows.find_open(tx, node, device, code)
    if last is not None and tx.value(
        "SELECT 1 FROM calls WHERE ward = ? AND bed IS NULL AND type = ? AND ended_ms >= ?",
        (ward, types.OUTAGE, last["raised_ms"]),
    ):
        # Whoever was told of the last one has ended its call: this is another.
        faults.clear_fault(tx, node, device, code)
    faults.raise_fault(tx, ward=ward, node=node, device=device, code=code, detail=reason[:300])
