"""Which boxes are asked next to take a version, and what stops it. Sans-IO: facts in, a turn out.

One box, the canary, goes first and must run the version for a while. Then the rest of its ward,
then ward after ward; in a ward one box after the other, so that its station and its beds are never
away together, and none while somebody calls there. A box that is out of contact holds up nobody
but the canary's place; it is asked when it is back.
"""

from collections.abc import Sequence
from typing import NamedTuple

from central.updates.model import ASKED, FAILED, KEPT, TRYING, WAITING

MINUTE_MS = 60_000
# A box that was to try a version tells within this time what came of it.
TRY_LIMIT_MS = 20 * MINUTE_MS
LOOK_AGAIN_MS = MINUTE_MS // 2
NO_WORD = "no-word"


class Box(NamedTuple):
    """for_ms: how long it has been in its state. here: in contact. quiet: nobody calls in its
    ward."""

    node: str
    ward: str
    stage: int
    state: str
    for_ms: int
    here: bool
    quiet: bool


class Turn(NamedTuple):
    """ask: the boxes to ask now. lost: one that was to try the version and never told what became
    of it. done: all have it. again_ms: when to look again at the latest, None: not by itself."""

    ask: tuple[str, ...]
    lost: str | None
    done: bool
    again_ms: int | None


def turn(boxes: Sequence[Box], soak_ms: int) -> Turn:
    """What is to be done now."""
    if all(each.state == KEPT for each in boxes):
        return Turn((), None, True, None)
    waits: list[int] = []
    for each in boxes:
        if each.state == TRYING:
            left_ms = TRY_LIMIT_MS - each.for_ms
            if left_ms <= 0:
                return Turn((), each.node, False, None)
            waits.append(left_ms)
    if any(each.state == FAILED for each in boxes):
        return Turn((), None, False, None)
    stage = _open_stage(boxes)
    canary = next((each for each in boxes if each.stage == 0), None)
    if stage > 0 and canary is not None and canary.for_ms < soak_ms:
        return Turn((), None, False, soak_ms - canary.for_ms)
    busy = {each.ward for each in boxes if each.state in (ASKED, TRYING)}
    ask: list[str] = []
    for each in boxes:
        if each.state != WAITING or each.stage > stage or each.ward in busy:
            continue
        if each.here and each.quiet:
            ask.append(each.node)
            busy.add(each.ward)
        else:
            waits.append(LOOK_AGAIN_MS)
    return Turn(tuple(ask), None, False, min(waits, default=None))


def _open_stage(boxes: Sequence[Box]) -> int:
    """The last stage whose boxes may be asked."""
    for stage in sorted({each.stage for each in boxes}):
        for each in boxes:
            left = each.state == WAITING and not each.here and stage > 0
            if each.stage == stage and each.state != KEPT and not left:
                return stage
    return max(each.stage for each in boxes)
