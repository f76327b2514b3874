"""What a box reported, in words: an event's kind and what it was about."""

import json
from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.faults.shown import plain
from central.store import Row
from gateway.mqtt import kinds

KINDS = {
    kinds.PRESS: N_("red button pressed"),
    kinds.HOLD: N_("red button held: staff emergency"),
    kinds.CORD: N_("cord pulled"),
    kinds.CORD_RESET: N_("cord put back"),
    kinds.PRESENCE: N_("somebody of the staff is at the bed"),
    kinds.PRESENCE_END: N_("the staff has left the bed"),
    kinds.UNPLUGGED: N_("handset pulled out"),
    kinds.PLUGGED: N_("handset plugged in"),
    kinds.PROMPTED: N_("a reminder was spoken"),
    kinds.UNCONFIRMED: N_("nobody answered the reminders"),
    kinds.TEST_PRESS: N_("proved that it can call"),
    kinds.FAULT: N_("fault"),
    kinds.RECOVERED: N_("works again"),
    kinds.UPDATE_FAILED: N_("gave up a new version"),
}
ABOUT = {
    "version": N_("version %(value)s"),
    "unit": N_("unit %(value)s"),
    "infusion": N_("drip %(value)s"),
    "took_ms": "%(value)s ms",
}
PLAIN = ("revision", "stage", "proof", "log")  # for the log alone
LONGEST = 200


def event(row: Row) -> dict[str, Any]:
    """An event row with "words" and "told"."""
    about = json.loads(row["about"])
    if row["type"] in (kinds.FAULT, kinds.RECOVERED) and "code" in about:
        device = f"bed {row['bed']}" if row["bed"] else str(about.get("device", "box"))
        fault = {"node": row["node"], "device": device, "code": about["code"],
                 "raised_ms": row["happened_ms"], "detail": ""}  # fmt: skip
        told = plain(fault)["what"]
    else:
        told = ", ".join(
            _(ABOUT[key], value=value) if key in ABOUT else f"{key} {value}"
            for key, value in about.items()
            if key not in PLAIN
        )
    return dict(row) | {"words": _(KINDS.get(row["type"], row["type"])), "told": told[:LONGEST]}
