"""A call is parked at a place that has a number, and taken up again at any phone."""

from gateway.telephone import text
from gateway.telephone.directory import Directory, Parking
from gateway.telephone.files import hold
from gateway.telephone.text import Section

CONTEXT = "parking"
# How long it rings at the phone that parked it and forgot it.
COME_BACK_RING_S = 60


def res_parking_conf(parking: Parking | None) -> str:
    """Nothing is parked where there are no places."""
    if parking is None:
        return text.file(Section("general"))
    return text.file(
        Section("general"),
        Section(
            "default",
            [
                ("context", CONTEXT),
                ("parkext", text.pattern(parking.number)),
                ("parkpos", f"{parking.places[0]}-{parking.places[-1]}"),
                ("parkingtime", str(parking.wait_s)),
                ("comebacktoorigin", "yes"),
                ("comebackdialtime", str(COME_BACK_RING_S)),
                ("parkedcalltransfers", "both"),
                ("parkedcallreparking", "both"),
                ("parkedmusicclass", hold.CLASS),
            ],
        ),
    )


def includes(directory: Directory) -> tuple[str, ...]:
    """The part of the dial plan that Asterisk makes of it, by itself: keys in a call lead to no
    other."""
    return (CONTEXT,) if directory.parking is not None else ()
