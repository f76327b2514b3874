"""Whether a call of a bed would be heard now: a rule fits, and somebody it tells is there."""

from central.calls import types
from central.escalation import model as policies
from central.escalation import service as escalation
from central.escalation.policy import Rule
from central.store import Tx
from central.wards import model as wards
from gateway.mqtt import kinds

# What the red button calls for.
TYPES = (types.NURSE, types.EMERGENCY)
NO_RULE = "no-rule"
NOBODY = "nobody"


def hole(tx: Tx, ward: str, bed: str) -> str | None:
    """Why a call of this bed would be heard by nobody now, as a code and the call type; or None."""
    for type in TYPES:
        rule = escalation.rule_now(tx, ward, bed, type)
        if rule is None:
            return f"{NO_RULE}: {type}"
        if not _heard(tx, ward, rule):
            return f"{NOBODY}: {type}"
    return None


def _heard(tx: Tx, ward: str, rule: Rule) -> bool:
    """Stations count where the rule knows any, connected ones here or next door; else the
    ward's loudspeakers; else people, of whom it is not known whether they look at a board."""
    steps = [step["target"] for step in rule["steps"]]
    asked = {target["kind"] for target in steps}
    if asked & {"station", "neighbour"}:
        row = wards.ward(tx, ward)
        beside = row["neighbour"] if row is not None and "neighbour" in asked else None
        own = "station" in asked and _alive(tx, ward, "station")
        return own or (beside is not None and _alive(tx, beside, "station"))
    if "ward_speaker" in asked:
        return _alive(tx, ward, "bedside")
    roles = [target["role"] for target in steps if "role" in target]
    return any(policies.people(tx, role, ward) for role in roles)


def _alive(tx: Tx, ward: str, role: str) -> bool:
    return any(
        each["role"] == role and each["state"] == kinds.READY for each in wards.nodes(tx, ward)
    )
