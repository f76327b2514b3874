"""What spoken menus may ask about fees: those of the patient who has logged in, and no other's."""

from collections.abc import Mapping

from central.audit import model as audit
from central.fees import service, taking
from central.flows.offers import Answer, Asking, Offer
from central.store import Tx

NONE = "none"
# What is left of the deposit, as a menu branches on it.
UNKNOWN, LEFT, SHORT = "unknown", "left", "short"


def account(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """The newest visit as it is known now."""
    patient = asking.patient or ""
    visit = service.newest_visit(tx, patient)
    if visit is None:
        return Answer(NONE)
    fees = service.summary(tx, patient, visit, taking.today(tx.now_ms, asking.zone))
    audit.append(tx, "patient", "fees.heard", f"patient/{patient}")
    left = fees.deposit_left_fen
    return Answer(
        values={
            "today": fees.today_fen,
            "total": fees.total_fen,
            "insured": fees.insured_fen,
            "own": fees.own_fen,
            "deposit": UNKNOWN if left is None else LEFT if left >= 0 else SHORT,
            "left": abs(left or 0),
            "certain": "no" if fees.is_estimate else "yes",
        }
    )


OFFERS = [
    Offer(
        "fees.account",
        account,
        "the fees of the newest visit; deposit: unknown, left or short; certain: yes or no",
        gives={
            "today": "money", "total": "money", "insured": "money", "own": "money",
            "deposit": "", "left": "money", "certain": "",
        },
        others={NONE: "nothing was charged"},
        of_patient=True,
        acts=True,
    ),
]  # fmt: skip
