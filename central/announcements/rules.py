"""What an announcement may be, and when a daily one comes next. Pure: no rows, no clock."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from central.console.marks import N_
from central.errors import FieldError
from gateway.mqtt import kinds

MAX_CHARACTERS = 500
CLASSES = (kinds.ANNOUNCEMENT, kinds.EMERGENCY)
# Farther ahead nobody remembers why.
MAX_AHEAD_MS = 366 * 24 * 3600 * 1000
DAY_MINUTES = 24 * 60
MIN_EMERGENCY_VOLUME = 50
MAX_BANDS = 6

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]")


@dataclass(frozen=True)
class Daily:
    """Every day of `days` (0 is Monday) at `minute` of the day in the time zone `zone`."""

    minute: int
    days: tuple[int, ...]
    zone: str


def checked_text(text: str) -> str:
    """One line of 1 to MAX_CHARACTERS characters. Raises FieldError."""
    line = "".join(" " if unicodedata.category(each) == "Cc" else each for each in text)
    line = " ".join(line.split())
    if not any(each.isalnum() for each in line):
        raise FieldError("text", N_("Write what is to be said."))
    if len(line) > MAX_CHARACTERS:
        raise FieldError(
            "text",
            N_("At most %(most)s characters can be said at once; this has %(n)s."),
            most=MAX_CHARACTERS,
            n=len(line),
        )
    return line


def lang_of(text: str) -> str | None:
    """The language to read `text` in: "zh", "en", or None when it has neither's letters."""
    if _HAN.search(text):
        return "zh"
    return "en" if _LATIN.search(text) else None


def check_class(klass: str) -> None:
    if klass not in CLASSES:
        raise FieldError("class", N_("Choose either announcement or emergency."))


def check_time(at_ms: int, now_ms: int) -> None:
    if at_ms <= now_ms:
        raise FieldError("at", N_("This time is past. Choose a later one, or say it now."))
    if at_ms > now_ms + MAX_AHEAD_MS:
        raise FieldError("at", N_("This is more than a year ahead. Choose a nearer day."))


def check_daily(daily: Daily) -> None:
    if not 0 <= daily.minute < DAY_MINUTES:
        raise FieldError("minute", N_("Give the time of day as 14:05."))
    if not daily.days or any(not 0 <= each <= 6 for each in daily.days):
        raise FieldError("days", N_("Choose at least one day of the week."))


def next_ms(daily: Daily, after_ms: int) -> int:
    """The first moment of `daily` later than `after_ms`, ms since the epoch. A time that the
    clock's change skips comes at the same distance from midnight."""
    zone = ZoneInfo(daily.zone)
    day = datetime.fromtimestamp(after_ms / 1000, zone).date()
    at = time(daily.minute // 60, daily.minute % 60)
    for ahead in range(15):
        moment = datetime.combine(day + timedelta(days=ahead), at, zone)
        moment_ms = int(moment.timestamp() * 1000)
        if moment.weekday() in daily.days and moment_ms > after_ms:
            return moment_ms
    raise FieldError("days", N_("Choose at least one day of the week."))


def checked_volume(
    day_volume: int, bands: Sequence[dict[str, int]], emergency_floor: int
) -> dict[str, Any]:
    """The volume settings of a ward, as the config message has them. Raises FieldError.

    Volumes are 0..100; a band lasts from the minute `from_min` to the minute `to_min` of the
    day, over midnight when `to_min` is the smaller.
    """
    _check_volume("day_volume", day_volume, 0)
    _check_volume("emergency_floor", emergency_floor, MIN_EMERGENCY_VOLUME)
    if len(bands) > MAX_BANDS:
        raise FieldError("bands", N_("At most %(most)s times of day can differ."), most=MAX_BANDS)
    taken: set[int] = set()
    for index, band in enumerate(bands):
        field = f"band_{index}"
        _check_volume(field, band["volume"], 0)
        first, last = band["from_min"], band["to_min"]
        if not (0 <= first < DAY_MINUTES and 0 <= last < DAY_MINUTES):
            raise FieldError(field, N_("Give the time of day as 14:05."))
        if first == last:
            raise FieldError(field, N_("Begin and end are the same time."))
        minutes = {
            m % DAY_MINUTES for m in range(first, last + (DAY_MINUTES if last < first else 0))
        }
        if taken & minutes:
            raise FieldError(field, N_("This time of day overlaps another line."))
        taken |= minutes
    kept = [{key: band[key] for key in ("from_min", "to_min", "volume")} for band in bands]
    return {"day_volume": day_volume, "bands": kept, "emergency_floor": emergency_floor}


def _check_volume(field: str, volume: int, least: int) -> None:
    if not least <= volume <= 100:
        raise FieldError(field, N_("Give a number from %(least)s to 100."), least=least)
