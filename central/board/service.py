"""What a board shows, and the last message of the station said again."""

import json
from datetime import datetime, tzinfo
from typing import Any

from central import commands
from central.calls import model as calls
from central.faults import model as faults
from central.faults import shown
from central.store import Tx
from central.wards import model as wards
from central.words import seen
from gateway.mqtt import kinds


def board(tx: Tx, ward: str, role: str, lang: str, timezone: tzinfo) -> dict[str, Any]:
    """The whole board of a ward, ready for JSON, in the words of `lang`."""
    rows = calls.board(tx, ward, role)
    for row in rows:
        row["title"] = seen(lang, row["title"])
        if row["from_ward"]:
            row["from_ward"] = _ward_name(tx, row["ward"], lang)
        row["accepted_by"] = _display(tx, row["accepted_by"])
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


def _display(tx: Tx, name: str | None) -> str | None:
    """The name colleagues know, of a user or of a board screen."""
    if name is None:
        return None
    known = tx.value("SELECT display FROM users WHERE name = ?", (name,))
    if known is None and name.startswith("screen-"):
        known = tx.value("SELECT label FROM device_tokens WHERE id = ?", (name[7:],))
    return str(known or name)
