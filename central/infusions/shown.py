"""Drips in the words of the screen."""

import json
from typing import Any

from central.console.context import _, at_time, lasted
from central.console.marks import N_
from central.infusions import drip
from central.store import Row

# Less than this before the end the page draws the eye to a bottle.
SOON_MS = 10 * 60_000
STAGES = {
    drip.CHECK: N_("first look"),
    drip.NEAR_END: N_("nearly through"),
    drip.DUE: N_("time is up"),
    drip.DRESSING: N_("dressing change"),
}
HISTORY = {
    "started": N_("started"),
    "ordered": N_("started for an order"),
    "rate": N_("rate changed"),
    "paused": N_("paused"),
    "resumed": N_("runs again"),
    "rebaselined": N_("level set right"),
    "next_bottle": N_("next bottle hung"),
    "done": N_("done"),
    "stopped": N_("stopped"),
    "moved": N_("moved with the patient"),
    "prompted": N_("spoken at the bed"),
    "confirmed": N_("the patient pressed; a nurse was called"),
    "looked_at": N_("a nurse looked at it"),
    "unconfirmed": N_("nobody confirmed; a nurse was called"),
    "pause_reminded": N_("still paused; the station was reminded"),
    "not_spoken": N_("the bed did not speak; the station was told to look"),
}
# What the detail of a line of history means, in the order in which it is told.
DETAIL = {
    "volume_ml": N_("%(n)s mL"),
    "remaining_ml": N_("%(n)s mL left"),
    "order": N_("order %(n)s"),
    "factor": N_("%(n)s drops per mL"),
    "gtt_per_min": N_("%(n)s drops per minute"),
    "in_min": N_("in %(n)s min"),
    "every_min": N_("every %(n)s min"),
    "ward": N_("to ward %(n)s"),
    "bed": N_("bed %(n)s"),
    "why": "%(n)s",
}
STATES = {
    "running": N_("running"),
    "paused": N_("paused"),
    "done": N_("done"),
    "stopped": N_("stopped"),
}


def live(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """A row of `model.described` with the words that move, under "live"."""
    ends_ms = row["ends_ms"]
    warn, ends = "", _("paused")
    if row["ended_ms"] is not None:
        ends = at_time(row["ended_ms"])
    elif ends_ms is not None and ends_ms > now_ms:
        ends = _("%(time)s, in %(left)s", time=at_time(ends_ms), left=lasted(ends_ms - now_ms))
        warn = "soon" if ends_ms - now_ms <= SOON_MS else ""
    elif ends_ms is not None:
        ends = _("%(time)s, %(ago)s ago", time=at_time(ends_ms), ago=lasted(now_ms - ends_ms))
        warn = "over"
    if row["prompted"] is not None:
        warn = "over" if row["prompted"] in (drip.DUE, drip.DRESSING) else "soon"
    said = ""
    if row["prompted"] is not None:
        said = _(
            "“%(stage)s” spoken at %(time)s, not confirmed",
            stage=_(STAGES[row["prompted"]]),
            time=at_time(row["prompted_ms"]),
        )
    elif row["next_stage"] is not None:
        said = _(
            "“%(stage)s” at %(time)s",
            stage=_(STAGES[row["next_stage"]]),
            time=at_time(row["next_ms"]),
        )
    moving = {
        "remaining_ml": row["remaining_ml"],
        "ends": ends,
        "said": said,
        "warn": warn,
        "state": _(STATES[row["state"]]),
        "revision": row["revision"],
    }
    return row | {"live": moving}


def told(line: Row) -> dict[str, Any]:
    """A line of history in words."""
    detail = json.loads(line["detail"])
    parts = [
        _(words, n=detail[key])
        for key, words in DETAIL.items()
        if detail.get(key) not in (None, "")
    ]
    if line["stage"] in STAGES:
        parts.insert(0, _("“%(stage)s”", stage=_(STAGES[line["stage"]])))
    return {
        "at_ms": line["at_ms"],
        "what": _(HISTORY.get(line["what"], line["what"])),
        "detail": ", ".join(parts),
        "by": line["by"],
    }
