"""What the bed is asked to say about a drip: a schedule, sent anew with every change.

The node speaks by its own clock, so a reminder needs neither central nor the network at its
moment. Central only watches: it arms a timer for each moment; see `answers.not_spoken`.
"""

import json

from central import commands, timers
from central.infusions import drip, model
from central.infusions.drip import Prompt
from central.store import Row, Tx
from central.wards import model as wards
from central.words import spoken as words_for
from gateway.mqtt import kinds

UNCONFIRMED_AFTER_MS = 180_000
# A schedule stands until the next one; one for a box that is away is written anew at its birth.
SCHEDULE_TTL_MS = 24 * 3600 * 1000

NOT_SPOKEN = "infusions.prompt"
STILL_PAUSED = "infusions.paused"
# A paused drip says nothing at the bed: after so long the station is asked whether it is forgotten.
PAUSE_REMINDER_MS = 15 * 60_000


def plan(tx: Tx, infusion: int, *, anew: bool = False) -> None:
    """Work out what is still to be said, send it to the bed, and arm central's own watch.
    `anew`: nothing changed, only the bed or central may have forgotten."""
    row = model.get(tx, infusion)
    if row is None:
        return
    for what in ("infusions", "board"):
        tx.changed(row["ward"], what)
    moments = model.moments(tx, row)
    again = {prompt.stage for prompt in moments if drip.again(prompt, tx.now_ms)}
    spoken = [stage for stage in json.loads(row["spoken"]) if stage not in again]
    tx.execute("UPDATE infusions SET spoken = ? WHERE id = ?", (json.dumps(spoken), infusion))
    ahead = drip.still_to_speak(moments, spoken, tx.now_ms)
    timers.cancel(tx, NOT_SPOKEN, infusion)
    for prompt in ahead:
        body = {"revision": row["revision"], "stage": prompt.stage, "final": prompt.final}
        timers.arm(tx, max(prompt.at_ms, tx.now_ms), NOT_SPOKEN, infusion, body)
    if anew and row["prompted"] is not None and not ahead:
        return  # an empty schedule would silence a bed that is waiting for its answer
    _send(tx, row, ahead)


def clear(tx: Tx, row: Row) -> None:
    """Let the bed forget this drip."""
    timers.cancel(tx, NOT_SPOKEN, row["id"])
    _send(tx, row, [])


def watch_pause(tx: Tx, infusion: int, *, paused: bool, reminders: int = 0) -> None:
    """Remind of a pause that lasts, from now, after so many `reminders`; or no longer."""
    timers.cancel(tx, STILL_PAUSED, infusion)
    if paused:
        body = {"reminders": reminders}
        timers.arm(tx, tx.now_ms + PAUSE_REMINDER_MS, STILL_PAUSED, infusion, body)


def resend(tx: Tx, node: str) -> None:
    """Tell a newborn node all it must say, with times that count from now."""
    for row in model.at_node(tx, node):
        plan(tx, row["id"], anew=True)


def recover(tx: Tx) -> None:
    """Work out every drip anew, at start-up."""
    for row in model.active(tx):
        plan(tx, row["id"], anew=True)


def _send(tx: Tx, row: Row, prompts: list[Prompt]) -> None:
    bed = wards.bed(tx, row["ward"], row["bed"])
    if bed is None or bed["node"] is None:
        return  # a bed without a unit: central's watch sends the nurse
    model.supersede(tx, row["id"], bed["node"])
    lang = wards.lang(tx, row["ward"])
    body = {
        "infusion": str(row["id"]),
        "revision": row["revision"],
        "prompts": [
            {
                "stage": prompt.stage,
                "in_ms": prompt.at_ms - tx.now_ms,
                "words": {"lang": lang, "text": words_for(lang, words_id(row, prompt.stage))},
                "final": prompt.final,
            }
            for prompt in prompts
        ],
        "unconfirmed_after_ms": UNCONFIRMED_AFTER_MS,
        # The node takes off what the schedule waited on its way.
        "as_of_ms": tx.now_ms,
    }
    commands.send(
        tx, row["ward"], bed["node"], kinds.REMINDERS, body, bed=row["bed"], ttl_ms=SCHEDULE_TTL_MS
    )


def words_id(row: Row, stage: str) -> str:
    """Which words the bed says: the last bottle speaks of removal, one of several of the next."""
    if stage in (drip.NEAR_END, drip.DUE):
        if row["last_bottle"]:
            return f"infusions.{stage}_last"
        if row["of_bottles"] is not None:
            return f"infusions.{stage}_next"
    return f"infusions.{stage}"
