"""What spoken menus may do with what a caller said: leave it for the service desk."""

from collections.abc import Mapping

from central.flows.offers import Answer, Asking, Offer
from central.left_messages import service
from central.store import Tx


def keep(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """It is there for the service desk before the caller is told so."""
    service.leave(
        tx, values["recording"], number=asking.number or "", caller=asking.caller,
        patient=asking.patient or "", lang=asking.lang,
    )  # fmt: skip
    return Answer()


OFFERS = [
    Offer(
        "left_messages.keep",
        keep,
        "leaves for the service desk what a caller said in a record step",
        takes={"recording": 120},
        acts=True,
    ),
]
