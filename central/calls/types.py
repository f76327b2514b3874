"""The kinds of call, how urgent each is, and what goes with it."""

from dataclasses import dataclass

from central.console.marks import N_
from gateway.mqtt import kinds

HIGH, MEDIUM, LOW = "high", "medium", "low"
# Most urgent first: the order of every board.
RANK = {HIGH: 0, MEDIUM: 1, LOW: 2}

EMERGENCY = "emergency"
TOILET = "toilet"
NURSE = "nurse"
UNPLUGGED = "unplugged"
INFUSION = "infusion"
FAULT = "fault"
OUTAGE = "outage"
CUT_OFF = "cut_off"
# Of equipment: they belong to no bed, and end by recovery or by whoever mended it.
TECHNICAL = (CUT_OFF, OUTAGE, FAULT)


@dataclass(frozen=True)
class CallType:
    """A kind of call. `title` is the English screen text and its message id."""

    id: str
    priority: str
    title: str

    @property
    def emergency(self) -> bool:
        """Never muted, never slowed, never taken out of a policy."""
        return self.priority == HIGH

    @property
    def speech_class(self) -> str:
        if self.id in TECHNICAL:
            return kinds.TECHNICAL  # below what a patient waits for
        return kinds.EMERGENCY if self.emergency else kinds.CALLING


TYPES = {
    each.id: each
    for each in (
        CallType(EMERGENCY, HIGH, N_("Staff emergency")),
        CallType(TOILET, HIGH, N_("Toilet call")),
        CallType(NURSE, MEDIUM, N_("Nurse call")),
        CallType(UNPLUGGED, MEDIUM, N_("Handset unplugged")),
        CallType(INFUSION, MEDIUM, N_("Drip")),
        CallType(CUT_OFF, MEDIUM, N_("Ward is cut off")),
        CallType(OUTAGE, MEDIUM, N_("Beds cannot call")),
        CallType(FAULT, LOW, N_("Equipment fault")),
    )
}


class UnknownCallTypeError(ValueError):
    """There is no call type of this name."""

    error_id = "unknown-call-type"


def of(type: str) -> CallType:
    """The call type named `type`. Raises UnknownCallTypeError."""
    try:
        return TYPES[type]
    except KeyError:
        raise UnknownCallTypeError(type) from None
