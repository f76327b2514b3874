"""What spoken menus may ask of the directory: the number of a place, to be told."""

from collections.abc import Mapping

from central.directory import model
from central.directory.places import PLACES
from central.flows.offers import Answer, Asking, Offer
from central.store import Tx

NONE = "none"


def number(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """Of the place that is asked for."""
    found = model.places(tx).get(values["place"])
    return Answer(NONE) if found is None else Answer(values={"number": found})


OFFERS = [
    Offer(
        "directory.number",
        number,
        "the number of a place, such as emergency",
        takes={"place": 32},
        known={"place": lambda _tx: PLACES},
        gives={"number": "digits"},
        others={NONE: "the place has no number"},
    ),
]
