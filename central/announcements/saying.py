"""Saying an announcement when its moment has come, and noting which boxes spoke it."""

from typing import Any

from central import commands, timers
from central.announcements import model, rules
from central.announcements.rules import Daily
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from gateway.mqtt import kinds

DUE = "announcements.due"
LATE_LIMIT_MS = 10 * 60_000
# How long a box that is away may still come back and say it.
SAY_WITHIN_MS = LATE_LIMIT_MS
CHIMES = {kinds.ANNOUNCEMENT: "low", kinds.EMERGENCY: "high"}


def set_state(tx: Tx, announcement: int, state: str) -> None:
    tx.execute("UPDATE announcements SET state = ? WHERE id = ?", (state, announcement))
    tx.changed(HOSPITAL, "announcements")


def say(tx: Tx, row: Row, late_ms: int) -> None:
    """Ask every box of the wards, and note whom."""
    run = _note_run(tx, row, late_ms, model.SENT)
    asked = 0
    for ward in model.wards_of(row):
        lang = row["lang"] or wards.lang(tx, ward)
        body: dict[str, Any] = {
            "utterance": f"announcement-{run}",
            "class": row["class"],
            "chime": CHIMES[row["class"]],
            "words": {"lang": lang, "text": row["text"]},
        }
        beds = wards.beds(tx, ward)
        for node in wards.nodes(tx, ward):
            its_beds = [bed["bed"] for bed in beds if bed["node"] == node["id"]]
            full = body | ({"beds": its_beds} if its_beds else {})
            command = commands.send(tx, ward, node["id"], kinds.SPEAK, full, ttl_ms=SAY_WITHIN_MS)
            tx.insert("announcement_nodes", run=run, ward=ward, node=node["id"], command=command)
            asked += 1
    if not asked:
        _fail(tx, run, row)


def _note_run(tx: Tx, row: Row, late_ms: int, state: str) -> int:
    return tx.insert(
        "announcement_runs",
        announcement=row["id"],
        due_ms=row["at_ms"],
        at_ms=tx.now_ms,
        late_ms=late_ms,
        state=state,
    )


def _fail(tx: Tx, run: int, row: Row) -> None:
    tx.execute("UPDATE announcement_runs SET state = ? WHERE id = ?", (model.FAILED, run))
    if row["minute"] is None:
        set_state(tx, row["id"], model.FAILED)


def on_due(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    row = model.one(tx, int(ref))
    if row is None or row["state"] != model.SCHEDULED or row["at_ms"] != body["at_ms"]:
        return
    missed = late_ms > LATE_LIMIT_MS and row["class"] != kinds.EMERGENCY
    if row["minute"] is None:
        set_state(tx, row["id"], model.MISSED if missed else model.SENT)
    else:
        _arm_next(tx, row)
    if missed:
        _note_run(tx, row, late_ms, model.MISSED)
    else:
        say(tx, row, late_ms)
    tx.changed(HOSPITAL, "announcements")


def _arm_next(tx: Tx, row: Row) -> None:
    """The next time from now on: what an outage skipped is not made up for."""
    daily = Daily(row["minute"], tuple(model.days_of(row)), row["zone"])
    due_ms = rules.next_ms(daily, tx.now_ms)
    tx.execute("UPDATE announcements SET at_ms = ? WHERE id = ?", (due_ms, row["id"]))
    timers.arm(tx, due_ms, DUE, row["id"], {"at_ms": due_ms})


def on_answer(tx: Tx, command: Row, result: str, reason: str | None) -> None:
    """Note which box spoke. When all have answered and none spoke, it failed."""
    asked = model.by_command(tx, command["id"])
    if asked is None:
        return
    tx.execute(
        "UPDATE announcement_nodes SET result = ?, reason = ?, answered_ms = ? WHERE command = ?",
        (result, reason, tx.now_ms, command["id"]),
    )
    results = [each["result"] for each in model.asked(tx, asked["run"])]
    row = model.one(tx, asked["announcement"])
    if row is not None and None not in results and kinds.DONE not in results:
        _fail(tx, asked["run"], row)
    tx.changed(command["ward"], "announcements")
