"""Which bed of a ward is proved next, and when. Sans-IO: facts and ages in, a turn out.

Each bed at least once a day, spread over the day and into its quiet hours. A bed that is nearly
overdue takes any moment in which nobody calls from it; a test press is never worth more haste.
"""

from collections.abc import Sequence
from typing import NamedTuple

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS

EVERY_MS = 20 * _HOUR_MS
# A ward's beds come to be spread by taking some of them early.
EARLY_MS = EVERY_MS // 2
# From here on the quiet of the whole ward is not waited for.
PRESSING_MS = 22 * _HOUR_MS
OVERDUE_MS = 26 * _HOUR_MS
# A bed that was never proved, after its box was first heard.
FIRST_AFTER_MS = 1 * _MINUTE_MS
# Between two test presses in a ward, whatever the reason.
GAP_MS = 20_000
# No call in the ward for so long, and it counts as quiet.
QUIET_MS = 2 * _MINUTE_MS
BUSY_AGAIN_MS = 5 * _MINUTE_MS
LOOK_AGAIN_MS = 1 * _MINUTE_MS
# After a failure: once more soon, to be sure of it, then every hour, to see when it is over.
RETRY_MS = 10 * _MINUTE_MS
RETRY_LATER_MS = 1 * _HOUR_MS


class Bed(NamedTuple):
    """`age_ms`: since the last proof, or since it is to be proved where `ever` is false.
    `tried_ago_ms`: since the last try, whatever came of it. `able`: its box is in contact and no
    known fault explains a failure. `calling`: a call is open there."""

    bed: str
    age_ms: int
    ever: bool
    failures: int
    tried_ago_ms: int | None
    able: bool
    calling: bool


class Turn(NamedTuple):
    """The bed to prove now (None: none), and when to look again at the latest."""

    bed: str | None
    again_ms: int


def choose(beds: Sequence[Bed], quiet: bool, last_ago_ms: int | None) -> Turn:
    """`quiet`: nobody in the ward calls or has called lately. `last_ago_ms`: since the last test
    press in the ward."""
    best: tuple[bool, int, str] | None = None
    again_ms = EVERY_MS
    pace_ms = EVERY_MS // max(1, len(beds))
    for each in beds:
        if not each.able:
            continue
        for pressing, wait_ms in _moments(each):
            gap_ms = GAP_MS if pressing else max(GAP_MS, pace_ms)
            if last_ago_ms is not None:
                wait_ms = max(wait_ms, gap_ms - last_ago_ms)
            if wait_ms > 0:
                again_ms = min(again_ms, wait_ms)
            elif each.calling or not (quiet or pressing):
                again_ms = min(again_ms, LOOK_AGAIN_MS)
            else:
                rank = (pressing, each.age_ms, each.bed)
                best = rank if best is None else max(best, rank)
    return Turn(None if best is None else best[2], GAP_MS if best is not None else again_ms)


def is_overdue(age_ms: int) -> bool:
    return age_ms > OVERDUE_MS


def _moments(bed: Bed) -> list[tuple[bool, int]]:
    """When the bed may be proved: (whether it presses by then, how long until then in ms)."""
    tried_ago_ms = bed.age_ms if bed.tried_ago_ms is None else bed.tried_ago_ms
    if bed.failures:
        retry_ms = RETRY_MS if bed.failures == 1 else RETRY_LATER_MS
        return [(True, retry_ms - tried_ago_ms)]
    put_off_ms = BUSY_AGAIN_MS - tried_ago_ms if bed.tried_ago_ms is not None else 0
    if not bed.ever:
        return [(True, max(FIRST_AFTER_MS - bed.age_ms, put_off_ms))]
    return [
        (False, max(EARLY_MS - bed.age_ms, put_off_ms)),
        (True, max(PRESSING_MS - bed.age_ms, put_off_ms)),
    ]
