"""What a menu's look-ups name: plans of opening hours, places, and the like must be there."""

from collections.abc import Iterator, Mapping

from central.console.marks import N_
from central.flows.document import Document, Problem
from central.flows.offers import Offer
from central.store import Tx


def problems(tx: Tx, document: Document, offers: Mapping[str, Offer]) -> Iterator[Problem]:
    message = N_("Step %(step)s: %(name)s cannot be %(value)s. There are: %(known)s.")
    for step in document.steps.values():
        given = step.more.get("with", {})
        known = offers[step.what].known if step.verb == "look_up" else {}
        for name, names in known.items():
            value = str(given.get(name, ""))
            there = sorted(names(tx))
            if not value.startswith("$") and value not in there:
                told = {"name": name, "value": value, "known": ", ".join(there)}
                yield Problem(step.line, step.name, message, {"step": step.name} | told)


def saying(document: Document, offer: str, name: str, value: str) -> bool:
    """Whether the menu asks the offer with this value of the parameter `name`."""
    return any(
        step.verb == "look_up"
        and step.what == offer
        and str(step.more.get("with", {}).get(name, "")) == value
        for step in document.steps.values()
    )
