"""Announcements to wards: said now or when due, and known to have been heard.

A timed one is a timer row. One that comes more than ten minutes late, as after a long
outage, is marked missed instead of being spoken at a wrong hour; an emergency is always
spoken, with its lateness recorded.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from central import timers
from central.announcements import model, rules
from central.announcements.rules import Daily
from central.announcements.saying import DUE, on_answer, on_due, say, set_state
from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.store import HOSPITAL, Row, Tx
from central.wards import model as ward_model


def announce_now(tx: Tx, wards: Sequence[str], text: str, klass: str, by: str) -> int:
    """Say `text` in `wards` at once; klass "announcement" or "emergency". Returns its id.
    Raises FieldError: an unknown ward, one without a box, an empty or too long text."""
    text = _checked(tx, wards, text, klass)
    for ward in wards:
        if not ward_model.nodes(tx, ward):
            raise FieldError("wards", N_("Ward %(ward)s has no box that could say it."), ward=ward)
    announcement = _insert(tx, wards, text, klass, by, tx.now_ms, None, model.SENT)
    audit.append(
        tx, by, "announcement.now", f"announcement/{announcement}", detail=_detail(wards, text)
    )
    row = model.one(tx, announcement)
    assert row is not None
    say(tx, row, 0)
    return announcement


def schedule(
    tx: Tx,
    wards: Sequence[str],
    text: str,
    klass: str,
    by: str,
    *,
    at_ms: int | None = None,
    daily: Daily | None = None,
) -> int:
    """Say `text` in `wards` once at `at_ms` (hospital ms), or again and again by `daily`.
    Returns its id. Raises FieldError."""
    text = _checked(tx, wards, text, klass)
    due_ms = _due(tx, at_ms, daily)
    announcement = _insert(tx, wards, text, klass, by, due_ms, daily, model.SCHEDULED)
    timers.arm(tx, due_ms, DUE, announcement, {"at_ms": due_ms})
    audit.append(
        tx, by, "announcement.schedule", f"announcement/{announcement}", detail=_detail(wards, text)
    )
    return announcement


def edit(
    tx: Tx,
    announcement: int,
    wards: Sequence[str],
    text: str,
    klass: str,
    by: str,
    *,
    at_ms: int | None = None,
    daily: Daily | None = None,
) -> None:
    """Change what is still to come. Raises FieldError."""
    _scheduled(tx, announcement)
    text = _checked(tx, wards, text, klass)
    due_ms = _due(tx, at_ms, daily)
    tx.execute(
        "UPDATE announcements SET wards = ?, text = ?, lang = ?, class = ?, at_ms = ?, minute = ?,"
        " days = ?, zone = ? WHERE id = ?",
        (
            json.dumps(list(dict.fromkeys(wards))),
            text,
            rules.lang_of(text),
            klass,
            due_ms,
            *_daily_columns(daily).values(),
            announcement,
        ),
    )
    timers.cancel(tx, DUE, announcement)
    timers.arm(tx, due_ms, DUE, announcement, {"at_ms": due_ms})
    tx.changed(HOSPITAL, "announcements")
    audit.append(
        tx, by, "announcement.edit", f"announcement/{announcement}", detail=_detail(wards, text)
    )


def cancel(tx: Tx, announcement: int, by: str) -> None:
    """Do not say what is still to come. Raises FieldError."""
    _scheduled(tx, announcement)
    set_state(tx, announcement, model.CANCELLED)
    timers.cancel(tx, DUE, announcement)
    audit.append(tx, by, "announcement.cancel", f"announcement/{announcement}")


def set_volume(
    tx: Tx,
    ward: str,
    day_volume: int,
    bands: Sequence[dict[str, int]],
    emergency_floor: int,
    by: str,
) -> None:
    """How loud `ward` speaks by time of day, and at least for an emergency. Volumes 0..100.
    Raises FieldError."""
    _check_ward(tx, ward)
    fresh = rules.checked_volume(day_volume, bands, emergency_floor)
    before = ward_model.settings(tx, ward)
    tx.execute("UPDATE wards SET settings = ? WHERE id = ?", (json.dumps(before | fresh), ward))
    tx.changed(ward, "config")
    audit.append(tx, by, "ward.volume", f"ward/{ward}", detail=fresh)


# --- checks ---


def _checked(tx: Tx, wards: Sequence[str], text: str, klass: str) -> str:
    if not wards:
        raise FieldError("wards", N_("Choose at least one ward."))
    for ward in wards:
        _check_ward(tx, ward)
    rules.check_class(klass)
    return rules.checked_text(text)


def _check_ward(tx: Tx, ward: str) -> None:
    if ward_model.ward(tx, ward) is None:
        raise FieldError("wards", N_("There is no ward %(ward)s."), ward=ward)


def _due(tx: Tx, at_ms: int | None, daily: Daily | None) -> int:
    if daily is not None:
        rules.check_daily(daily)
        return rules.next_ms(daily, tx.now_ms)
    if at_ms is None:
        raise FieldError("at", N_("Say when: give a day and a time."))
    rules.check_time(at_ms, tx.now_ms)
    return at_ms


def _scheduled(tx: Tx, announcement: int) -> Row:
    row = model.one(tx, announcement)
    if row is None:
        raise FieldError("announcement", N_("There is no such announcement."))
    if row["state"] != model.SCHEDULED:
        raise FieldError(
            "announcement", N_("This announcement is over: it can no longer be changed.")
        )
    return row


# --- rows ---


def _insert(
    tx: Tx,
    wards: Sequence[str],
    text: str,
    klass: str,
    by: str,
    at_ms: int,
    daily: Daily | None,
    state: str,
) -> int:
    tx.changed(HOSPITAL, "announcements")
    values = {
        "wards": json.dumps(list(dict.fromkeys(wards))),
        "text": text,
        "lang": rules.lang_of(text),
        "class": klass,
        "created_by": by,
        "created_ms": tx.now_ms,
        "at_ms": at_ms,
        "state": state,
    }
    return tx.insert("announcements", **values, **_daily_columns(daily))


def _daily_columns(daily: Daily | None) -> dict[str, Any]:
    if daily is None:
        return {"minute": None, "days": None, "zone": None}
    days = json.dumps(sorted(set(daily.days)))
    return {"minute": daily.minute, "days": days, "zone": daily.zone}


def _detail(wards: Sequence[str], text: str) -> dict[str, object]:
    return {"wards": list(wards), "text": text}


TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {DUE: on_due}
ACKS = [on_answer]
