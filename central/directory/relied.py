"""What the escalation of calls and the numbers that Wardline answers rely on of the directory: it
is not taken away under them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from central.console.marks import N_
from central.directory import reach
from central.errors import FieldError
from central.escalation import model as policies
from central.escalation import phones, policy
from central.escalation.service import available
from central.store import Tx
from central.wards import model as wards

POLICY = N_(
    "The escalation policy of ward %(ward)s would ring where there is no phone any more. Change the"
    " policy first."
)
SERVICE = N_(
    "Nobody would answer service %(number)s while Wardline is away. Give it another extension"
    " first."
)
# An English message id, the ward or number of its words, and which step's target it is.
_Gap = tuple[str, str, str]


def wards_naming(tx: Tx, number: str) -> list[str]:
    """The wards whose policy of today names the extension."""
    return [
        row["id"]
        for row in wards.wards(tx)
        if any(number in target.get("numbers", ()) for target in _targets(tx, row["id"]))
    ]


@contextmanager
def kept(tx: Tx, field: str) -> Iterator[None]:
    """Whatever is done within leaves no step of a policy without a phone that had one before, and
    no service. Raises FieldError for `field`; the transaction is then to be given up."""
    before = _gaps(tx)
    yield
    for message, ref, _target in sorted(_gaps(tx) - before):
        key = "ward" if message == POLICY else "number"
        raise FieldError(field, message, **{key: ref})


def _gaps(tx: Tx) -> set[_Gap]:
    found = set()
    for row in wards.wards(tx):
        targets = _targets(tx, row["id"])
        can = available(tx, row["id"]) if targets else None
        for target in targets:
            if can is not None and can.missing(target):
                found.add((POLICY, row["id"], json.dumps(target)))
    instead: dict[str, list[str]] = {}
    for row in tx.all("SELECT service, number FROM service_fallbacks"):
        instead.setdefault(row["service"], []).append(row["number"])
    for service, numbers in instead.items():
        if not any(reach.telephones(tx, reach.found(tx, each)) for each in numbers):
            found.add((SERVICE, service, ""))
    return found


def _targets(tx: Tx, ward: str) -> list[policy.Target]:
    """Of the steps of a policy that somebody saved, those that ring telephones. The default policy
    goes by the telephones there are."""
    if not policies.newest(tx, ward):
        return []
    steps = [step for rule in policies.active(tx, ward)["rules"] for step in rule["steps"]]
    return [step["target"] for step in steps if step["target"]["kind"] == phones.PHONES]
