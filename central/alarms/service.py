"""Which messages the alarm managers are owed: made of the history of calls, after it is written,
so that no call waits for them."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from central import timers
from central.admissions import model as admissions
from central.alarms import model
from central.alarms.settings import Manager
from central.audit import model as audit
from central.calls import model as calls
from central.calls import types
from central.faults import service as faults
from central.store import HOSPITAL, Row, Tx
from gateway.his import alarm
from gateway.his.alarm import Alarm

DEVICE_OF = "central"
AWAY, REFUSED = "alarms-away", "alarms-refused"
READ_AT_ONCE = 200
FIRST_DELAY_MS = 2_000
LONGEST_DELAY_MS = 60_000
# So long a receiver may be away, as in a restart, before it is a fault.
AWAY_MS = 30_000
KEPT_MS = 30 * 24 * 3_600_000
PURGE = "alarms.purge"
PURGE_EVERY_MS = 6 * 3_600_000
PRIORITIES = {types.HIGH: alarm.HIGH, types.MEDIUM: alarm.MEDIUM, types.LOW: alarm.LOW}
# Of the history: what a receiver is told that goes on.
_GOES_ON = ("repeated", "accepted", "on_the_way", "came_back", "exhausted")


class UnknownMessageError(Exception):
    """There is no message of this number."""

    error_id = "alarm-message-unknown"


def catch_up(tx: Tx, manager: Manager, zone: tzinfo | None) -> int:
    """Make messages of what calls did since the last time. A new manager is told the calls that
    are open. Returns how many rows of the history were looked at."""
    told = model.told(tx, manager.name)
    if told is None:
        newest = tx.value("SELECT coalesce(max(id), 0) FROM call_history")
        for standing in calls.open_calls(tx):
            _owe(tx, manager, standing, alarm.START, standing["opened_ms"], zone)
        model.set_told(tx, manager.name, newest)
        return 0
    rows = tx.all(
        "SELECT * FROM call_history WHERE id > ? ORDER BY id LIMIT ?", (told, READ_AT_ONCE)
    )
    for row in rows:
        call = calls.one(tx, row["call"])
        if call is not None:
            _follow(tx, manager, call, row, zone)
    if rows:
        model.set_told(tx, manager.name, rows[-1]["id"])
    return len(rows)


def _follow(tx: Tx, manager: Manager, call: Row, row: Row, zone: tzinfo | None) -> None:
    before = model.of_call(tx, manager.name, call["id"])
    if any(each["phase"] == alarm.END or each["state"] == model.LAPSED for each in before):
        return
    if call["state"] == calls.ENDED:
        if any(each["tries"] for each in before):
            _owe(tx, manager, call, alarm.END, call["ended_ms"], zone)
            return
        # Never sent: a start now would ring somebody for what is over.
        tx.execute(
            "UPDATE alarm_messages SET state = 'lapsed', settled_ms = ? WHERE manager = ?"
            " AND call = ? AND state = 'waiting'",
            (tx.now_ms, manager.name, call["id"]),
        )
    elif not before:
        _owe(tx, manager, call, alarm.START, call["opened_ms"], zone)
    elif row["what"] in _GOES_ON:
        _owe(tx, manager, call, alarm.CONTINUE, row["at_ms"], zone)


def _owe(
    tx: Tx, manager: Manager, call: Row, phase: str, at_ms: int | None, zone: tzinfo | None
) -> None:
    def at(ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, zone).astimezone(zone)

    patient = None
    if manager.patients and call["bed"]:
        patient = admissions.patient_in(tx, call["ward"], call["bed"])
    made = Alarm(
        call=f"WL{call['id']}",
        phase=phase,
        kind=call["type"],
        text=types.of(call["type"]).title,
        priority=PRIORITIES[call["priority"]],
        ward=call["ward"],
        bed=call["bed"] or "",
        begun_at=at(call["opened_ms"]),
        at=at(tx.now_ms if at_ms is None else at_ms),
        accepted=call["state"] == calls.ACCEPTED,
        patient=patient["patient"] if patient is not None else "",
    )
    message = tx.insert(
        "alarm_messages", manager=manager.name, call=call["id"], phase=phase, raw=b"",
        encoding=manager.encoding, made_ms=tx.now_ms, due_ms=tx.now_ms,
    )  # fmt: skip
    raw = alarm.build(
        made, number(message), at(tx.now_ms), app=manager.app, facility=manager.facility,
        encoding=manager.encoding,
    )  # fmt: skip
    tx.execute("UPDATE alarm_messages SET raw = ? WHERE id = ?", (raw, message))


def number(message: int) -> str:
    """MSH-10 of a message, the same each time it is sent."""
    return f"WLA{message}"


def begin(tx: Tx, message: int) -> None:
    """It is being sent: from now on the receiver may know."""
    tx.execute("UPDATE alarm_messages SET tries = tries + 1 WHERE id = ?", (message,))


def answered(tx: Tx, row: Row, code: str, words: str) -> None:
    """The receiver answered: taken, refused for good, or to be tried again."""
    if code in alarm.TAKEN:
        _settle(tx, row, model.SENT, "")
    elif code in alarm.REFUSED:
        _settle(tx, row, model.REFUSED, f"{code} {words}".strip())
        faults.raise_fault(
            tx, ward=None, node=DEVICE_OF, device=row["manager"], code=REFUSED,
            detail=f"{code} {words}".strip(),
        )  # fmt: skip
    else:
        _again(tx, row, f"{code} {words}".strip())
    faults.clear_fault(tx, DEVICE_OF, row["manager"], AWAY)


def unreached(tx: Tx, row: Row, trouble: str, away_ms: int) -> None:
    """Nobody answered. `away_ms`: since how long."""
    _again(tx, row, trouble)
    if away_ms >= AWAY_MS:
        known = tx.value(
            "SELECT 1 FROM faults WHERE device = ? AND code = ? AND cleared_ms IS NULL",
            (row["manager"], AWAY),
        )
        if not known:
            faults.raise_fault(
                tx, ward=None, node=DEVICE_OF, device=row["manager"], code=AWAY, detail=trouble
            )


def resend(tx: Tx, message: int, by: str) -> None:
    """Try one that was refused once more. Raises UnknownMessageError."""
    row = model.message(tx, message)
    if row is None:
        raise UnknownMessageError(message)
    if row["state"] != model.REFUSED:
        return
    tx.execute(
        "UPDATE alarm_messages SET state = 'waiting', due_ms = ?, settled_ms = NULL WHERE id = ?",
        (tx.now_ms, message),
    )
    faults.clear_fault(tx, DEVICE_OF, row["manager"], REFUSED)
    audit.append(tx, by, "alarm.resend", f"call/{row['call']}")
    tx.changed(HOSPITAL, "alarms")


def _settle(tx: Tx, row: Row, state: str, trouble: str) -> None:
    tx.execute(
        "UPDATE alarm_messages SET state = ?, settled_ms = ?, trouble = ? WHERE id = ?",
        (state, tx.now_ms, trouble, row["id"]),
    )


def _again(tx: Tx, row: Row, trouble: str) -> None:
    delay_ms = min(FIRST_DELAY_MS << min(row["tries"], 10), LONGEST_DELAY_MS)
    tx.execute(
        "UPDATE alarm_messages SET due_ms = ?, trouble = ? WHERE id = ?",
        (tx.now_ms + delay_ms, trouble, row["id"]),
    )


def recover(tx: Tx) -> None:
    """At start: see that the purge is armed, and try at once what waits."""
    timers.cancel(tx, PURGE, "all")
    timers.arm(tx, tx.now_ms, PURGE, "all")
    tx.execute("UPDATE alarm_messages SET due_ms = ? WHERE state = 'waiting'", (tx.now_ms,))


def _on_purge(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    tx.execute(
        "DELETE FROM alarm_messages WHERE state != 'waiting' AND made_ms < ?",
        (tx.now_ms - KEPT_MS,),
    )
    timers.arm(tx, tx.now_ms + PURGE_EVERY_MS, PURGE, ref)


TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {PURGE: _on_purge}
