"""What happened between two pictures of who lies where: admissions, transfers, discharges.

A picture that lost most of its rows at once is not believed: a view that is being rebuilt would
discharge the house. And who is missing once may only have been between two rows: only the second
picture without somebody discharges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.his.adt import ADMIT, DISCHARGE, TRANSFER, UPDATE

Body = dict[str, Any]
# One who goes is one who goes, however empty the house is then.
FEWEST_LOST = 2


@dataclass(frozen=True)
class Known:
    """A stay as the last picture that was believed had it. `missing`: pictures without it."""

    body: Body
    missing: int = 0


@dataclass
class Difference:
    """`bodies`: what to tell, in order. `known`: what is known from now on. `lost`: how many are
    missing; `held`: the picture is not believed, and the rest is empty or as it was."""

    known: dict[str, Known]
    bodies: list[Body] = field(default_factory=list)
    lost: int = 0
    held: bool = False


def key_of(body: Body) -> str:
    """What tells a stay from others: its visit, or the patient who has no number of it."""
    return str(body.get("visit") or body.get("patient_id") or "")


def compare(
    before: Mapping[str, Known],
    now: Mapping[str, Body],
    *,
    hold_share: float = 0.5,
    believe: bool = False,
) -> Difference:
    """`now`: bodies without "what", by `key_of`. `believe`: a person says that it is so."""
    lost = [key for key in before if key not in now]
    if not believe and len(lost) >= FEWEST_LOST and len(lost) > len(before) * hold_share:
        return Difference(dict(before), lost=len(lost), held=True)
    difference = Difference({}, lost=len(lost))
    gone, moved, come, changed = [], [], [], []
    for key in lost:
        stay = before[key]
        if stay.missing or believe:
            gone.append({"what": DISCHARGE, **stay.body})
        else:
            difference.known[key] = Known(stay.body, 1)
    for key, body in now.items():
        difference.known[key] = Known(body)
        if key not in before:
            come.append({"what": ADMIT, **body})
            continue
        old = before[key].body
        if _place(old) != _place(body) and body.get("location"):
            prior = {"prior_location": old["location"]} if old.get("location") else {}
            moved.append({"what": TRANSFER, **prior, **body})
        elif old != body:
            changed.append({"what": UPDATE, **body})
    # Beds are left before they are taken.
    difference.bodies = [*gone, *moved, *come, *changed]
    return difference


def _place(body: Body) -> Any:
    return body.get("location") or {}
