"""Faults and boxes in plain words: what is wrong, since when, and what to do."""

import json
import re
from typing import Any

from central.calls import model as calls
from central.calls import types
from central.console.context import _, at_time, read
from central.console.marks import N_
from central.faults import condition, exchange
from central.store import Row

# By code: what is wrong, and what to do. %(since)s is a time of day.
BED = {
    "silent": (
        N_("Bed %(bed)s does not answer since %(since)s"),
        N_("check its plug"),
    ),
    "garbled": (
        N_("Bed %(bed)s answers unreadably since %(since)s"),
        N_("check its cable and plug"),
    ),
    "address_clash": (
        N_("Two units answer as bed %(bed)s since %(since)s"),
        N_("unplug the one that was put in last"),
    ),
    "selftest": (
        N_("The unit of bed %(bed)s reports that it is broken since %(since)s"),
        N_("replace it"),
    ),
    "unread-call": (
        N_("A call of bed %(bed)s at %(since)s could not be read"),
        N_("go to the bed, then see the box's story and update or replace it"),
    ),
    "racing": (
        N_("The unit of bed %(bed)s counts more than anybody can press since %(since)s"),
        N_("go to the bed, then replace the unit: its calls are told only once in 10 s"),
    ),
    "stuck": (
        N_("The red button of bed %(bed)s is stuck since %(since)s, the bed cannot call"),
        N_("free the button, or give the patient another way to call"),
    ),
    "proof-failed": (
        N_("The test calls of bed %(bed)s do not arrive since %(since)s"),
        N_("look at the bed often, see under Inspection where they fail, and mend it"),
    ),
    "proof-overdue": (
        N_("Bed %(bed)s has not been proved for more than a day, noticed at %(since)s"),
        N_("prove it under Inspection"),
    ),
}
BOX = {
    "gone": (
        N_("The bedside line of box %(node)s is cut since %(since)s"),
        N_("check the plug of its bus adapter, and look at every bed of the ward meanwhile"),
    ),
    "lost": (
        N_("Box %(node)s is out of contact since %(since)s"),
        N_("check its power and network, and walk the ward meanwhile"),
    ),
    "malformed": (
        N_("Box %(node)s sends what cannot be understood since %(since)s"),
        N_("see the box's story, then update or replace it"),
    ),
    "unread-event": (
        N_("Something box %(node)s told at %(since)s could not be read, it may be a call"),
        N_("walk the ward, then see the box's story and update or replace it"),
    ),
    "refused": (
        N_("Box %(node)s refuses what it is told since %(since)s"),
        N_("see the box's story, then update or replace it"),
    ),
    "unknown-node": (
        N_("A box that nobody has set up calls itself %(node)s since %(since)s"),
        N_("set it up, or unplug it"),
    ),
    "gap": (
        N_("Events of box %(node)s never arrived, missed since %(since)s"),
        N_("ask in the ward what happened then, and check the box's disk"),
    ),
    "gap-dropped": (
        N_("Box %(node)s dropped events that were no calls, its outbox was full, since %(since)s"),
        N_("find out why it could not deliver for so long"),
    ),
    "call-unheard": (
        N_("A call of this ward would be heard by nobody since %(since)s"),
        N_("bring its nurse station back into contact, and walk the ward meanwhile"),
    ),
    "his-flood": (
        N_(
            "The hospital system at %(device)s sends messages without end that cannot be used,"
            " since %(since)s"
        ),
        N_("see Hospital system, and call whoever looks after it"),
    ),
    "alarms-away": (
        N_("The alarm manager %(device)s does not take nurse calls since %(since)s"),
        N_("see Interfaces why; the calls go their way in the wards, and it is told later"),
    ),
    "alarms-refused": (
        N_("The alarm manager %(device)s refused a nurse call at %(since)s"),
        N_("see Interfaces why, correct it there, and send it once more"),
    ),
    "poll-away": (
        N_("The hospital's database cannot be read (%(device)s) since %(since)s"),
        N_("see Interfaces why, and call whoever looks after it; nothing is lost meanwhile"),
    ),
    "poll-held": (
        N_("Most patients vanished at once from what %(device)s shows, since %(since)s"),
        N_("nobody was discharged: see Interfaces, and confirm it there if it is true"),
    ),
    "notice-unheard": (
        N_("Nobody has confirmed a notice to the ward, it was told until %(since)s"),
        N_("confirm it under Notices, and see whether the station's phone is well"),
    ),
    "rule-failed": (
        N_("The centre could not act on something of %(device)s since %(since)s"),
        N_("look at the ward now, and tell the software's support"),
    ),
}
# Of a box's own clock, loudspeaker and power.
BOX |= condition.FAULTS
# Troubles of a box's outbox; all of them leave its presses coming.
OUTBOX = {
    "disk-full": (
        N_("The disk of box %(node)s is full since %(since)s, it delivers from memory"),
        N_("make room on it, and leave the box on until then"),
    ),
    "read-only": (
        N_("Box %(node)s may not write to its disk since %(since)s, it delivers from memory"),
        N_("replace its memory card, and leave the box on until then"),
    ),
    "disk": (
        N_("The disk of box %(node)s fails since %(since)s, it delivers from memory"),
        N_("see the detail, replace its memory card, and leave the box on until then"),
    ),
    "newer": (
        N_("Box %(node)s found an outbox of a newer version at %(since)s and began a fresh one"),
        N_("update the box, and keep the old file for the software's support"),
    ),
    "foreign": (
        N_("Box %(node)s found another box's outbox at %(since)s and began a fresh one"),
        N_("check whether its memory card was swapped, then remove the old file"),
    ),
    "noise": (
        N_("The outbox of box %(node)s was unreadable noise at %(since)s, a fresh one was begun"),
        N_("ask in the ward about earlier calls, replace its memory card, keep the old file"),
    ),
    "damaged": (
        N_("The outbox of box %(node)s was damaged in part at %(since)s, the rest goes on"),
        N_("ask in the ward about earlier calls, replace its memory card, keep the old file"),
    ),
    "unreadable": (
        N_("The outbox of box %(node)s could not be read at %(since)s, a fresh one was begun"),
        N_("ask in the ward about earlier calls, and replace its memory card"),
    ),
    "full": (
        N_("The outbox of box %(node)s is full since %(since)s, it keeps calls and drops the rest"),
        N_("bring the box back into contact"),
    ),
}
# A call that climbed all steps of its policy, of a bed and of none.
NOBODY_AT_BED = (
    N_("Nobody answers bed %(bed)s since %(since)s"),
    N_("go to the bed now, then see who is on duty"),
)
NOBODY_AT_ALL = (
    N_("Nobody sees to “%(title)s” since %(since)s"),
    N_("go and look now, then see who is on duty"),
)
OTHER = (
    N_("Trouble “%(code)s” of %(device)s at box %(node)s since %(since)s"),
    N_("see the detail, and check the device"),
)
STATES = {
    "ready": N_("in contact"),
    "lost": N_("out of contact"),
    "stopped": N_("switched off"),
    "unknown": N_("never seen"),
}
ROLES = {"bedside": N_("bedside box"), "station": N_("nurse station")}


def plain(fault: Row | dict[str, Any]) -> dict[str, Any]:
    """A fault row with "what", and "said": what and what to do, in the user's language."""
    device, code = fault["device"], fault["code"]
    what, remedy = BOX.get(code, OTHER)
    if fault["node"] == exchange.NODE:
        what, remedy = exchange.FAULTS.get(code, (what, remedy))
    if device == "outbox":
        what, remedy = OUTBOX.get(code, (what, remedy))
    if device.startswith("bed "):
        what, remedy = BED.get(code, (what, remedy))
    call = calls.one(read(), int(device[5:])) if re.fullmatch(r"call \d+", device) else None
    if call is not None:
        what, remedy = NOBODY_AT_BED if call["bed"] else NOBODY_AT_ALL
    said = _(
        what,
        bed=call["bed"] if call is not None else device.removeprefix("bed "),
        title=_(types.of(call["type"]).title) if call is not None else "",
        node=fault["node"],
        device=exchange.named(device) if fault["node"] == exchange.NODE else device,
        code=code,
        since=at_time(fault["raised_ms"]),
    )
    both = _("%(what)s: %(remedy)s.", what=said, remedy=_(remedy))
    return dict(fault) | {"what": said, "said": both, "detail": _(fault["detail"])}


def node(row: Row, now_ms: int, faults: int) -> dict[str, Any]:
    """A node row with its health told: state and role in words, the figures of its last
    heartbeat (None where it told none), and its open `faults`."""
    health = json.loads(row["health"])
    keys = ("outbox", "dropped", "quarantined", "last_reject", "poll_ms", "alone", "uptime_ms")
    figures = {key: health.get(key) for key in keys}
    silent = health.get("silent_beds") or []
    trouble = row["state"] != "ready" or faults or silent or figures["dropped"]
    return (
        dict(row)
        | figures
        | {
            "words": _(STATES.get(row["state"], row["state"])),
            "role_words": _(ROLES[row["role"]]),
            "silent_beds": silent,
            "condition": condition.lines(
                health, 0 if row["seen_ms"] is None else now_ms - row["seen_ms"]
            ),
            "seen_ago_ms": None if row["seen_ms"] is None else now_ms - row["seen_ms"],
            "faults": faults,
            "trouble": bool(trouble),
        }
    )
