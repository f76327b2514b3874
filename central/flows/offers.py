"""What capabilities offer to spoken menus, by name and with typed parameters; a menu reaches
nothing else.

A capability's `offers.py` lists its own in `OFFERS`; `offers` gathers them. A look-up reads; one
that `acts` writes. One that is `of_patient` is told the patient who has logged in in this call, and
one `of_staff` the member of the staff, by the engine and never by the document.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache
from typing import Any

from central import capabilities
from central.store import Tx

OK = "ok"


@dataclass(frozen=True)
class Asking:
    """Who asks. lang: "zh" or "en". patient: who has logged in, or None; staff: the extension of
    the one of the staff who has. number, device: of the telephone in the house that is called from,
    or None. zone: the hospital's. caller: the number that is shown, "" for none."""

    lang: str
    patient: str | None = None
    number: str | None = None
    device: str | None = None
    zone: tzinfo | None = None
    caller: str = ""
    staff: str | None = None


@dataclass(frozen=True)
class Answer:
    """outcome: OK or one of the offer's. values: those that it gives when OK, or tells."""

    outcome: str = OK
    values: Mapping[str, Any] = field(default_factory=dict)


Run = Callable[[Tx, Asking, Mapping[str, str]], Answer]


@dataclass(frozen=True)
class Offer:
    """name: such as "fees.account". takes: parameters and the most characters of each. gives:
    values and how each is read aloud (of `gateway.speech.say.READ_AS`; "" as it stands). others:
    outcomes beside OK, each with what it means, which a menu must answer; tells: as `gives`, of
    such an outcome. known: the names that a parameter may be, where it is one: a menu that says
    another one is refused when it is saved."""

    name: str
    run: Run
    about: str
    takes: Mapping[str, int] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    tells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    known: Mapping[str, Callable[[Tx], Collection[str]]] = field(default_factory=dict)
    of_patient: bool = False
    of_staff: bool = False
    acts: bool = False


@cache
def offers() -> Mapping[str, Offer]:
    """Those of all capabilities by name."""
    found: dict[str, Offer] = {}
    for module in capabilities.modules("offers"):
        for offer in getattr(module, "OFFERS", ()):
            if offer.name in found:
                raise ValueError(f"two capabilities offer {offer.name}")
            found[offer.name] = offer
    return found
