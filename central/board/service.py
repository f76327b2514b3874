"""What a board shows, and the last message of the station said again."""

import json
from datetime import datetime, tzinfo
from typing import Any

from central import commands
from central.calls import model as calls
from central.console import model as people
from central.escalation import phones, steps
from central.faults import model as faults
from central.faults import shown
from central.store import Tx
from central.wards import model as wards
from central.words import seen
from gateway.mqtt import kinds


def board(tx: Tx, ward: str, role: str, lang: str, timezone: tzinfo) -> dict[str, Any]:
    """The whole board of a ward, ready for JSON, in the words of `lang`."""
    rows = calls.board(tx, ward, role)
    names = people.displays(tx)
    for row in rows:
        _passed_on(tx, row, lang)
        row["title"] = seen(lang, row["title"])
        if row["from_ward"]:
            row["from_ward"] = _ward_name(tx, row["ward"], lang)
        row["accepted_by"] = names.get(row["accepted_by"], row["accepted_by"])
    settings = wards.settings(tx, ward)
    now = datetime.fromtimestamp(tx.now_ms / 1000, timezone)
    offset = now.utcoffset()
    return {
        "ward": ward,
        "calls": rows,
        "faults": [
            {"id": row["id"], "words": shown.plain(row)["said"]}
            for row in faults.open_faults(tx, ward)
        ],
        "day_volume": settings.get("day_volume", 100),
        "emergency_floor": settings.get("emergency_floor", 70),
        "bands": settings.get("bands", []),
        "offset_min": 0 if offset is None else int(offset.total_seconds() // 60),
    }


def _passed_on(tx: Tx, row: dict[str, Any], lang: str) -> None:
    """Add who was told last, which phones ring or how it went there, and who is told next, of a
    call that nobody has accepted."""
    row["told"] = row["next"] = None
    row["phones"] = []
    call = calls.one(tx, row["id"])
    if call is None or call["state"] != calls.OPEN:
        return
    row["told"] = steps.told(tx, call, lang)
    row["phones"] = phones.state(tx, call, lang)
    upcoming = steps.next_step(tx, call, lang)
    row["next"] = None if upcoming is None else upcoming._asdict()


def repeat_last(tx: Tx, ward: str) -> bool:
    """Let the stations of `ward` say their last message once more. False when there is none."""
    last = tx.one(
        "SELECT c.body, c.id FROM commands c JOIN nodes n ON n.id = c.node AND n.role = 'station'"
        " WHERE c.ward = ? AND c.type = ? ORDER BY c.id DESC LIMIT 1",
        (ward, kinds.SPEAK),
    )
    if last is None:
        return False
    asked = {"utterance": f"again-{last['id']}", "repeat_every_ms": None, "press": None}
    body = json.loads(last["body"]) | asked
    for node in wards.stations(tx, ward):
        commands.send(tx, ward, node["id"], kinds.SPEAK, body)
    return True


def _ward_name(tx: Tx, ward: str, lang: str) -> str:
    row = wards.ward(tx, ward)
    return ward if row is None else str(row[f"name_{lang}"])
