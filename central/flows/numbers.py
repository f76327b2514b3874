"""The numbers of the house that a menu puts callers through to: they must be there."""

from collections.abc import Iterator

from central.console.marks import N_
from central.flows.document import Document, Problem, Step
from central.store import Tx

# What can be reached from a menu (`dialplan.MENUS`).
REACHED = ("extensions", "services", "rooms")


def problems(tx: Tx, document: Document) -> Iterator[Problem]:
    for step in document.steps.values():
        if step.place:
            continue  # its number may come and go; where it has none it is as if nobody answered
        if step.verb in ("transfer", "queue") and not _has(tx, step.what, REACHED):
            yield _problem(step, N_("Step %(step)s puts through to %(number)s, which nobody has."))
        elif step.verb == "conference" and not _has(tx, step.what, ("rooms",)):
            message = N_("Step %(step)s leads to room %(number)s, and there is no such room.")
            yield _problem(step, message)


def leading_to(document: Document, number: str) -> bool:
    return any(
        step.verb in ("transfer", "queue", "conference") and step.what == number
        for step in document.steps.values()
    )


def _has(tx: Tx, number: str, tables: tuple[str, ...]) -> bool:
    found = " UNION ".join(f"SELECT 1 FROM {table} WHERE number = :it" for table in tables)
    return tx.value(found, {"it": number}) is not None


def _problem(step: Step, message: str) -> Problem:
    return Problem(step.line, step.name, message, {"step": step.name, "number": step.what})
