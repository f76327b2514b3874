"""The level of a bottle over time, as points for a picture: measured so far and expected."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from central.infusions.drip import Drip

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 28
HOUR_MS = 3_600_000
# At most this many hour marks, so that their words do not run into each other.
MAX_MARKS = 10


@dataclass(frozen=True)
class Mark:
    """A line of the grid at `at` px with its words."""

    at: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Everything the template draws, in px of a WIDTH × HEIGHT picture."""

    run: str  # points "x,y x,y" of what has run so far
    ahead: str  # points of what is expected; "" while paused
    now_x: float | None
    prompts: list[Mark]
    hours: list[Mark]
    levels: list[Mark]


def draw(
    drip: Drip,
    until_ms: int,
    timezone: tzinfo,
    prompts: list[tuple[str, int]],
    *,
    over: bool = False,
) -> Chart:
    """The chart up to `until_ms` (now, or the end of a bottle that is `over`) and beyond to the
    computed end. `prompts`: (words, hospital ms)."""
    began_ms = drip.segments[0].from_ms
    ends_ms = None if over else drip.ends_ms()
    last_ms = max(until_ms, ends_ms or 0, began_ms + 60_000)

    def x(ms: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (ms - began_ms) / (last_ms - began_ms), 1)

    def y(ml: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - ml / drip.volume_ml), 1)

    def point(ms: int, before: bool = False) -> str:
        # Before a correction the level stood where it had been computed.
        known = tuple(each for each in drip.segments if each.from_ms < ms) if before else ()
        level = Drip(drip.volume_ml, drip.factor, known or drip.segments).remaining_drops(ms)
        return f"{x(ms)},{y(float(level) / drip.factor)}"

    turns = [each.from_ms for each in drip.segments if each.from_ms <= until_ms]
    run = [text for ms in turns for text in (point(ms, before=True), point(ms))]
    run.append(point(until_ms))
    ahead = ""
    if ends_ms is not None and ends_ms > until_ms:
        ahead = f"{point(until_ms)} {point(ends_ms)}"
    return Chart(
        run=" ".join(run),
        ahead=ahead,
        now_x=None if over else x(until_ms),
        prompts=[Mark(x(ms), words) for words, ms in prompts if began_ms <= ms <= last_ms],
        hours=[Mark(x(ms), _clock(ms, timezone)) for ms in _hours(began_ms, last_ms)],
        levels=[Mark(y(ml), str(ml)) for ml in (0, drip.volume_ml // 2, drip.volume_ml)],
    )


def _clock(ms: int, timezone: tzinfo) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone).strftime("%H:%M")


def _hours(first_ms: int, last_ms: int) -> list[int]:
    """Round moments between two, at most MAX_MARKS of them."""
    step_ms = next(
        step
        for step in (HOUR_MS // 12, HOUR_MS // 4, HOUR_MS, 3 * HOUR_MS, 12 * HOUR_MS, last_ms)
        if (last_ms - first_ms) // step < MAX_MARKS
    )
    start_ms = -(-first_ms // step_ms) * step_ms
    return list(range(start_ms, last_ms + 1, step_ms))
