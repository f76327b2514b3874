"""Days of the hospital: a number and a queue belong to one."""

from datetime import date, datetime, timedelta, tzinfo


def day_of(ms: int, zone: tzinfo | None) -> str:
    """The day of a moment as "2026-11-29". `zone`: the hospital's; None: the system's."""
    return datetime.fromtimestamp(ms / 1000, zone).date().isoformat()


def end_ms(day: str, zone: tzinfo | None) -> int:
    """The midnight after a day, also where clocks are changed that night."""
    following = date.fromisoformat(day) + timedelta(days=1)
    return int(datetime(following.year, following.month, following.day, tzinfo=zone).timestamp()
               * 1000)  # fmt: skip


def earlier(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def to_ms(at: datetime | None, zone: tzinfo | None) -> int | None:
    """Hospital ms; a time without a zone is the hospital's local time."""
    if at is None:
        return None
    if at.tzinfo is None and zone is not None:
        at = at.replace(tzinfo=zone)
    try:
        return int(at.timestamp() * 1000)
    except (OverflowError, OSError, ValueError):
        return None


def offset_min(ms: int, zone: tzinfo | None) -> int:
    """How many minutes the hospital is ahead of UTC at that moment."""
    offset = datetime.fromtimestamp(ms / 1000, zone).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)
