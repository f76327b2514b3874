"""What a box measures of itself, and what central measures of it, in plain words."""

from typing import Any

from central.console.context import _, lasted
from central.console.marks import N_

# By code: what is wrong, and what to do, as in `shown.BOX`.
FAULTS = {
    "clock-slow": (
        N_("The clock of box %(node)s is slow since %(since)s"),
        N_("let it take the time from the network; when many boxes show this, check the centre's"),
    ),
    "clock-fast": (
        N_("The clock of box %(node)s is fast since %(since)s"),
        N_("let it take the time from the network; when many boxes show this, check the centre's"),
    ),
}
# Less than this is as right as can be measured over a network.
RIGHT_WITHIN_MS = 1_000


def lines(health: dict[str, Any]) -> list[str]:
    """One line each for what a box's last heartbeat told; none for what it cannot tell yet."""
    return [line for line in (_clock(health),) if line]


def _clock(health: dict[str, Any]) -> str | None:
    behind_ms = health.get("clock_behind_ms")
    if behind_ms is not None:
        off = lasted(abs(behind_ms))
        if abs(behind_ms) < RIGHT_WITHIN_MS:
            return _("clock right")
        return (
            _("clock %(time)s slow", time=off)
            if behind_ms > 0
            else (_("clock %(time)s fast", time=off))
        )
    return _("has no clock of its own") if health.get("has_clock") is False else None
