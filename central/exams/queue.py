"""The states of one examination and who comes after whom. Pure.

    ordered -> booked -> checked in -> called -> running -> done
                  |______________________^|
                        absent <----------'   (and back into the queue, some places later)

A cancelled one is over. Whoever is in the room may be started from any state before that: the
technician sees who lies there.
"""

from collections.abc import Iterable
from typing import NamedTuple

ORDERED, BOOKED, CHECKED_IN, CALLED, ABSENT, RUNNING, DONE, CANCELLED = (
    "ordered", "booked", "checked_in", "called", "absent", "running", "done", "cancelled",
)  # fmt: skip
# Who still waits for the call.
WAITING = (BOOKED, CHECKED_IN, ABSENT)
# Whoever has a place in the queue, or is in the room.
PRESENT = (*WAITING, CALLED, RUNNING)

CHECK_IN, CALL, MISS, START, FINISH, TAKE_BACK, CANCEL = (
    "check_in", "call", "miss", "start", "finish", "take_back", "cancel",
)  # fmt: skip

_BEFORE = (BOOKED, CHECKED_IN, CALLED, ABSENT)
_MOVES: dict[str, dict[str, str]] = {
    # Who is called and comes is there; the call goes on until the examination begins.
    CHECK_IN: {ORDERED: CHECKED_IN, BOOKED: CHECKED_IN, ABSENT: CHECKED_IN, CALLED: CALLED},
    CALL: dict.fromkeys(_BEFORE, CALLED),
    MISS: {CALLED: ABSENT},
    START: dict.fromkeys(_BEFORE, RUNNING),
    FINISH: {RUNNING: DONE},
    TAKE_BACK: {DONE: RUNNING, RUNNING: CALLED, CALLED: BOOKED},
    CANCEL: dict.fromkeys((ORDERED, *_BEFORE), CANCELLED),
}
DEEDS = tuple(_MOVES)


class NotNowError(Exception):
    """What somebody wants done with an examination does not fit its state."""

    error_id = "exam-not-now"

    def __init__(self, state: str, deed: str) -> None:
        super().__init__(f"{deed} of an examination that is {state}")
        self.state = state
        self.deed = deed


def after(state: str, deed: str, *, here: bool = False) -> str:
    """The state after `deed`. `here`: the patient has checked in. Raises NotNowError."""
    try:
        fresh = _MOVES[deed][state]
    except KeyError:
        raise NotNowError(state, deed) from None
    if deed == TAKE_BACK and fresh == BOOKED and here:
        return CHECKED_IN
    return fresh


class Turn(NamedTuple):
    """When somebody's turn is, to be compared: the time booked, then the number of the day. Whoever
    goes back gets a number between those of others."""

    at_ms: int
    no: float


def further_back(own: Turn, others: Iterable[Turn], places: int) -> Turn:
    """The turn of somebody who lets `places` of the `others` go before. With fewer behind: the
    last."""
    behind = sorted(turn for turn in others if turn > own)[: max(0, places) + 1]
    if places <= 0 or not behind:
        return own
    if len(behind) <= places:
        return Turn(behind[-1].at_ms, behind[-1].no + 1)
    before, following = behind[-2:]
    if before.at_ms == following.at_ms:
        return Turn(before.at_ms, (before.no + following.no) / 2)
    return Turn(before.at_ms, before.no + 1)
