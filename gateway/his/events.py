"""What happened in the hospital, whatever adapter told of it: MLLP, HTTP or a polled table.

Times are aware when the sender named a zone, else naive (then: the hospital's). Money is integer
fen. A text that was not given is "", a number None. `AdtEvent` is the one of these for stays.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.his.adt import AdtEvent


@dataclass(frozen=True)
class Charge:
    """One line of a bill (FT1). `id`: the sender's own, unique within `sender`. `quantity` in
    thousandths, so that half a pack stays exact. A credit has a negative amount and names in
    `original` the charge that it takes back, as far as the sender tells."""

    id: str
    code: str
    text: str
    quantity_milli: int
    amount_fen: int
    unit_fen: int | None
    service_at: datetime | None
    original: str
    insured_fen: int | None  # what the sender says that insurance pays (FT1-15)
    plan: str
    department: str


@dataclass(frozen=True)
class ChargeEvent:
    """Charges and credits of one patient (DFT^P03)."""

    control_id: str
    sender: str
    patient_id: str
    visit: str
    charges: tuple[Charge, ...]
    sent_at: datetime | None


@dataclass(frozen=True)
class AccountEvent:
    """What a patient's account holds (BAR^P01, P02): the newest one counts, not the sum.
    `paid_fen` is the deposit that was paid in. `is_closed`: the account was purged (P02)."""

    control_id: str
    sender: str
    patient_id: str
    visit: str
    account: str
    balance_fen: int | None
    charged_fen: int | None
    paid_fen: int | None
    is_closed: bool
    sent_at: datetime | None


NEW, CHANGE, CANCEL, STOP = "new", "change", "cancel", "stop"


@dataclass(frozen=True)
class InfusionOrderEvent:
    """An infusion that a doctor ordered, or that was given (RDE^O11, RGV^O15, RAS^O17).
    `rate_text` as it was written ("40 gtt/min", "100 mL/h"). `drop_factor` in drops per mL, when
    the sender told it (there is no standard field)."""

    control_id: str
    sender: str
    patient_id: str
    visit: str
    what: str  # NEW, CHANGE, CANCEL or STOP
    order: str  # the placer's number, else the filler's
    group: str  # orders that are given together, one bottle after the other
    code: str
    text: str
    volume_ml: int | None
    rate_text: str
    rate_ml_per_h: float | None
    rate_drops_per_min: float | None
    drop_factor: int | None
    starts_at: datetime | None
    sent_at: datetime | None


BOOKED, MOVED, CHANGED, CANCELLED, ABSENT, ORDERED = (
    "booked", "moved", "changed", "cancelled", "absent", "ordered",
)  # fmt: skip


@dataclass(frozen=True)
class ExamEvent:
    """An examination was ordered (ORM^O01, OMG^O19: no time yet) or booked, moved, changed,
    cancelled, or its patient did not come (SIU^S12 to S17, S26). `room`: the sender's code of
    where it takes place, "" when it does not tell."""

    control_id: str
    sender: str
    patient_id: str
    visit: str
    name: str  # the patient's
    what: str
    booking: str  # the filler's number, else the placer's
    order: str
    code: str
    text: str
    room: str
    starts_at: datetime | None
    duration_min: int | None
    location: str  # PV1-3 as AdtEvent's Location.code, of an inpatient
    sent_at: datetime | None


@dataclass(frozen=True)
class SettlementEvent:
    """The hospital's own settlement of a visit, of all until `settled_at`, in fen, under the names
    of the national insurance interface. Of a visit the newest counts. `settlement`: the sender's
    own id. What was not told is None; `is_cancelled` takes a settlement back."""

    control_id: str
    sender: str
    patient_id: str
    visit: str
    settlement: str
    medfee_sumamt: int  # all of it
    psn_part_amt: int  # of which the patient pays
    fulamt_ownpay_amt: int | None
    overlmt_selfpay: int | None
    preselfpay_amt: int | None
    inscp_scp_amt: int | None
    act_pay_dedc: int | None
    hifp_pay: int | None
    psn_cash_pay: int | None
    settled_at: datetime | None
    is_cancelled: bool
    sent_at: datetime | None


HisEvent = AdtEvent | ChargeEvent | AccountEvent | InfusionOrderEvent | ExamEvent | SettlementEvent
