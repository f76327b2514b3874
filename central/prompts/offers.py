"""What the menu `studio` may do: find what is to be said by a code, and keep it."""

from collections.abc import Mapping

from central.flows.offers import Answer, Asking, Offer
from central.flows.reading import Said
from central.prompts import model, service
from central.store import Tx

UNKNOWN = "unknown"


def find(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    code = model.code(tx, values["code"])
    if code is None:
        return Answer(UNKNOWN)
    return Answer(values={"words": Said(((code["lang"], code["words"]),))})


def keep(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    said_by = asking.staff or ""
    known = service.say(tx, values["code"], values["recording"], said_by)
    return Answer() if known else Answer(UNKNOWN)


_OTHERS = {UNKNOWN: "no such code, or its time is over"}
OFFERS = [
    Offer(
        "prompts.find",
        find,
        "the words of a menu that are to be said, by the code that the console shows",
        takes={"code": 12},
        gives={"words": ""},
        others=_OTHERS,
        of_staff=True,
    ),
    Offer(
        "prompts.keep",
        keep,
        "what was said is played instead of those words from now on",
        takes={"code": 12, "recording": 120},
        others=_OTHERS,
        of_staff=True,
        acts=True,
    ),
]
