"""Who may see and accept a call: the same for a board, a page and the telephone."""

from central.calls import model, types
from central.store import Row, Tx
from central.wards import model as wards

STAFF = ("nurse", "head_nurse", "duty_manager")
# Beside an admin. An engineer's are those of equipment.
MAY_ACCEPT = (*STAFF, "engineer")


def sees(tx: Tx, call: Row, role: str, ward: str | None) -> bool:
    """Whether somebody of this role, bound to `ward` or to none, sees the call: it is of his ward,
    of one that hands its calls over to it, or was sent to him."""
    if role == "engineer" and call["type"] not in types.TECHNICAL:
        return False
    if ward in (None, call["ward"]):
        return True
    if any(each["ward"] == ward or each["role"] == role for each in model.targets(tx, call["id"])):
        return True
    own = wards.ward(tx, call["ward"])
    return own is not None and own["neighbour"] == ward
