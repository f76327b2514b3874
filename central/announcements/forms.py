"""What the pages' forms send, made into what the rules take."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from central.announcements import model
from central.announcements.rules import MAX_BANDS, Daily
from central.console.marks import N_
from central.errors import FieldError
from central.store import Row
from gateway.mqtt import kinds

NOW = "now"
ONCE = "once"
DAILY = "daily"
EVERY_DAY = tuple(range(7))
# What a ward has until somebody sets it.
DAY_VOLUME = 70
EMERGENCY_FLOOR = 70
_CLOCK = re.compile(r"([01]?\d|2[0-3])[::]([0-5]\d)")


@dataclass(frozen=True)
class When:
    """Neither: now."""

    at_ms: int | None = None
    daily: Daily | None = None


def minute_of(text: str, field: str) -> int:
    """14:05 as the minute of the day. Raises FieldError."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise FieldError(field, N_("Give the time of day as 14:05."))
    return int(found[1]) * 60 + int(found[2])


def clock_of(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def when(form: "MultiDict[str, str]", zone: str) -> When:
    """When the form says it is to be said. Raises FieldError."""
    chosen = form.get("when", "")
    if chosen == NOW:
        return When()
    if chosen not in (ONCE, DAILY):
        raise FieldError("when", N_("Say when: now, once or daily."))
    minute = minute_of(form.get("time", ""), "time")
    if chosen == DAILY:
        days = tuple(int(each) for each in form.getlist("days") if each in "0123456")
        return When(daily=Daily(minute, days, zone))
    try:
        day = date.fromisoformat(form.get("date", ""))
        moment = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
        return When(at_ms=int(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        raise FieldError("date", N_("Give the day as 2026-11-24.")) from None


def typed(form: "MultiDict[str, str]") -> dict[str, Any]:
    """What was typed, to be shown again."""
    return {
        "wards": form.getlist("wards"),
        "text": form.get("text", ""),
        "class": form.get("class", kinds.ANNOUNCEMENT),
        "when": form.get("when", NOW),
        "date": form.get("date", ""),
        "time": form.get("time", ""),
        "days": [int(each) for each in form.getlist("days") if each.isdecimal()],
    }


def fresh(wards: list[str], now: datetime) -> dict[str, Any]:
    """An empty form."""
    return {
        "wards": wards,
        "text": "",
        "class": kinds.ANNOUNCEMENT,
        "when": NOW,
        "date": now.date().isoformat(),
        "time": "",
        "days": list(EVERY_DAY),
    }


def of_row(row: Row, local: datetime) -> dict[str, Any]:
    """The form of an announcement still to come; `local`: when it is due."""
    return {
        "wards": model.wards_of(row),
        "text": row["text"],
        "class": row["class"],
        "when": ONCE if row["minute"] is None else DAILY,
        "date": local.date().isoformat(),
        "time": local.strftime("%H:%M"),
        "days": model.days_of(row) or list(EVERY_DAY),
    }


def volume_shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A ward's volume settings as the form's fields, with an empty line to add one."""
    lines = [
        {
            "from": clock_of(band["from_min"]),
            "to": clock_of(band["to_min"]),
            "volume": str(band["volume"]),
        }
        for band in settings.get("bands", ())
    ]
    return {
        "day_volume": str(settings.get("day_volume", DAY_VOLUME)),
        "emergency_floor": str(settings.get("emergency_floor", EMERGENCY_FLOOR)),
        "lines": _with_room(lines),
    }


def volume_typed(form: "MultiDict[str, str]") -> dict[str, Any]:
    """What was typed, to be shown again and to be read by `volume`."""
    lines = []
    for index in range(MAX_BANDS):
        line = {key: form.get(f"{key}_{index}", "").strip() for key in ("from", "to", "volume")}
        if any(line.values()):
            lines.append(line)
    return {
        "day_volume": form.get("day_volume", ""),
        "emergency_floor": form.get("emergency_floor", ""),
        "lines": _with_room(lines),
    }


def _with_room(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    empty = {"from": "", "to": "", "volume": ""}
    return [*lines, *(dict(empty) for _ in range(min(2, MAX_BANDS - len(lines))))]


def volume(shown: dict[str, Any]) -> tuple[int, list[dict[str, int]], int]:
    """(day volume, bands, emergency floor) of what was typed. Raises FieldError."""
    bands = []
    for index, line in enumerate(shown["lines"]):
        if not any(line.values()):
            continue
        field = f"band_{index}"
        bands.append(
            {
                "from_min": minute_of(line["from"], field),
                "to_min": minute_of(line["to"], field),
                "volume": _whole(line["volume"], field),
            }
        )
    day_volume = _whole(shown["day_volume"], "day_volume")
    return day_volume, bands, _whole(shown["emergency_floor"], "emergency_floor")


def _whole(text: str, field: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,4}\s*", text):
        raise FieldError(field, N_("Give a whole number."))
    return int(text)
